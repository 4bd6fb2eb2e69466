"""Checks that all that a PDF's page shows can be unpacked: its contents, its forms (XObjects) and stamps.

PDFium shows a page whose content it cannot unpack as if it ended there, or were
blank, and does not say so. It does not hand out what is packed either, but it
copies a page into a new file that is easy to read (see `objects`). What is not
there at all is left out of the copy; contents that are lost are looked for in the
file itself.
"""

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pypdfium2 import PdfDocument

from app.processors.document.filters import unpacked
from app.processors.document.objects import Objects, Reference, Stream, name_of

#: A copied page is kept up to this size; what lies beyond is not judged.
MOST_COPIED_BYTES = 16 * 1024 * 1024
#: The operator that draws an object of the resources, behind the name of that object.
DRAWN = re.compile(rb"/([^\s/<>\[\](){}%]+)\s+Do(?=\s|$)")
#: Annotations whose text is read from themselves. A pop-up shows the text of another annotation.
READ_OTHERWISE = (b"/Widget", b"/FreeText", b"/Popup")
INVISIBLE = 2
#: The contents that a page refers to, and the beginnings of what may only mention some.
CONTENTS_OR_OTHER = re.compile(
    rb"/Contents\s*(\d{1,10}\s+\d{1,10}\s+R|\[[\d\sR]*\])|[(%]|(?<!end)stream\r?\n"
)
IN_STRING = re.compile(rb"\\.|[()]", re.DOTALL)
LINE_END = re.compile(rb"[\r\n]")
REFERENCE = re.compile(rb"(\d{1,10})\s+(\d{1,10})\s+R")
DEFINED = re.compile(rb"(?<!\d)(\d{1,10})\s+(\d{1,10})\s+obj\b")
STREAM_END = b"endstream"
PACKED_OBJECTS = b"/ObjStm"


class _Beginning:
    """A file that keeps only what is written first."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, piece: bytes) -> None:
        self.content += memoryview(piece)[: MOST_COPIED_BYTES - len(self.content)]


def can_be_unpacked(pdf: PdfDocument, number: int) -> bool:
    """True if each stream of what the page shows can be unpacked to its end."""
    copied = _Beginning()
    copy = PdfDocument.new()
    try:
        copy.import_pages(pdf, [number])
        copy.save(copied)
    finally:
        copy.close()
    is_whole = len(copied.content) < MOST_COPIED_BYTES
    return _Page(Objects(bytes(copied.content)), is_whole).is_readable()


def count_lost_contents(source: Path) -> int:
    """Return how many pages refer to contents that are nowhere in the file.

    A file whose objects are packed within others does not show it: 0.
    """
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(PACKED_OBJECTS) >= 0:
            return 0
        wanted = [
            {(int(one[1]), int(one[2])) for one in REFERENCE.finditer(contents)}
            for contents in _contents(data)
        ]
        defined = {(int(one[1]), int(one[2])) for one in DEFINED.finditer(data)} if wanted else set()
    return sum(1 for references in wanted if references - defined)


def _contents(data: mmap.mmap) -> Iterator[bytes]:
    """Yield what pages refer to as their contents, but not what strings, comments and streams say."""
    place, last_stream_end = 0, data.rfind(STREAM_END)
    while found := CONTENTS_OR_OTHER.search(data, place):
        place = found.end()
        match found[0][:1]:
            case b"/":
                yield found[1]
            case b"(":
                place = _end_of_string(data, place)
            case b"%":
                ended = LINE_END.search(data, place)
                place = ended.end() if ended else len(data)
            # If no stream ends behind this place, the rest of the file is searched.
            case _ if place <= last_stream_end:
                place = data.find(STREAM_END, place)


def _end_of_string(data: mmap.mmap, place: int) -> int:
    """Return the place behind the string that begins there; parentheses nest (ISO 32000-1, 7.3.4.2)."""
    depth = 1
    for found in IN_STRING.finditer(data, place):
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return len(data)


class _Page:
    """The only page of a copy."""

    def __init__(self, objects: Objects, is_whole: bool) -> None:
        self._objects = objects
        #: False if the copy was cut off: what is missing is then not judged.
        self._is_whole = is_whole
        self._seen: set[int] = set()

    def is_readable(self) -> bool:
        catalog = self._dictionary(self._objects.at(1))
        kids = self._list(self._dictionary(catalog.get(b"Pages")).get(b"Kids"))
        if not kids:
            return True
        page = self._dictionary(kids[0])
        resources = self._dictionary(page.get(b"Resources"))
        return self._are_drawn(page.get(b"Contents"), resources) and all(
            map(self._is_shown, self._list(page.get(b"Annots")))
        )

    def _are_drawn(self, contents: Any, resources: dict[bytes, Any]) -> bool:
        """True if the streams and everything that they draw can be unpacked. A page may have no streams."""
        found = self._objects.follow(contents)
        if found is None:
            return contents is None or not self._is_whole
        if found == b"null":
            return True
        if isinstance(found, list):
            return all(self._are_drawn(one, resources) for one in found)
        if not isinstance(found, Stream):
            return False
        if found.packed is None:
            return not self._is_whole
        early = self._parameter(found, b"EarlyChange") != b"0"
        pieces = unpacked(self._filters(found), found.packed, early_change=early)
        drawn = self._dictionary(resources.get(b"XObject"))
        return pieces is not None and all(
            self._is_form_or_picture(drawn.get(name_of(one)), resources) for one in set(DRAWN.findall(pieces))
        )

    def _is_form_or_picture(self, drawn: Any, resources: dict[bytes, Any]) -> bool:
        if isinstance(drawn, Reference):
            if drawn.number in self._seen:
                return True
            self._seen.add(drawn.number)
        found = self._objects.follow(drawn)
        if not isinstance(found, Stream):
            return not self._is_whole
        if found.described.get(b"Subtype") != b"/Form":
            return True
        own = found.described.get(b"Resources")
        return self._are_drawn(found, resources if own is None else self._dictionary(own))

    def _is_shown(self, annotation: Any) -> bool:
        """True if the appearance of an annotation can be unpacked, or does not matter here."""
        described = self._dictionary(annotation)
        flags = described.get(b"F", b"0")
        is_hidden = isinstance(flags, bytes) and flags.isdigit() and int(flags) & INVISIBLE
        if is_hidden or described.get(b"Subtype") in READ_OTHERWISE or b"AP" not in described:
            return True
        normal = self._dictionary(described[b"AP"]).get(b"N")
        if isinstance(states := self._objects.follow(normal), dict):
            state = described.get(b"AS")
            if state is None or name_of(state) not in states:
                return False
            normal = states[name_of(state)]
        return self._is_form_or_picture(normal, {})

    def _filters(self, stream: Stream) -> list[bytes]:
        filters = self._objects.follow(stream.described.get(b"Filter"))
        return [name_of(one) for one in (filters if isinstance(filters, list) else [filters]) if one]

    def _parameter(self, stream: Stream, name: bytes) -> Any:
        """Return a parameter of any of the filters."""
        parameters = self._objects.follow(stream.described.get(b"DecodeParms"))
        several = parameters if isinstance(parameters, list) else [parameters]
        found = (self._dictionary(one).get(name) for one in several)
        return next((value for value in found if value is not None), None)

    def _dictionary(self, value: Any) -> dict[bytes, Any]:
        found = self._objects.follow(value)
        return found if isinstance(found, dict) else {}

    def _list(self, value: Any) -> list[Any]:
        found = self._objects.follow(value)
        return found if isinstance(found, list) else []

"""Whether the content of a PDF's page can be unpacked.

PDFium shows a page whose content it cannot unpack as if it ended there, or were
blank, and does not say so. It does not hand out what is packed either, but it
copies a page into a new file that is easy to read: objects are numbered, in
order, and none is packed within another.
"""

import re
import zlib
from base64 import a85decode
from collections.abc import Iterator

from pypdfium2 import PdfDocument

KIDS = re.compile(rb"/Kids\[ ?(\d+) 0 R")
CONTENTS = re.compile(rb"/Contents ?(\d+ 0 R|\[[^]]*\])")
REFERENCE = re.compile(rb"(\d+) 0 R")
FILTER = re.compile(rb"/Filter ?(/[^\s/<>[\]]+|\[[^]]*\])")
FILTER_NAME = re.compile(rb"/([^\s/<>[\]]+)")
LENGTH = re.compile(rb"/Length (\d+)")
STREAM, END = b"stream\r\n", b"endobj"
#: A copied page is kept up to this size; what lies beyond is not judged.
MOST_COPIED_BYTES = 16 * 1024 * 1024
PIECE_BYTES = 64 * 1024
#: Of a content stream; a page that unpacks to more is not judged.
MOST_PIECES = 1024
DEFLATE = (b"FlateDecode", b"Fl")
ASCII_85 = (b"ASCII85Decode", b"A85")
HEXADECIMAL = (b"ASCIIHexDecode", b"AHx")
#: Every sequence of bytes can be unpacked by these.
LENIENT = (b"LZWDecode", b"LZW", b"RunLengthDecode", b"RL", b"Crypt")


class _Beginning:
    """A file that keeps only what is written first."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, piece: bytes) -> None:
        self.content += memoryview(piece)[: MOST_COPIED_BYTES - len(self.content)]


def can_be_unpacked(pdf: PdfDocument, number: int) -> bool:
    """True if each stream of the page's content can be unpacked to its end."""
    copied = _Beginning()
    copy = PdfDocument.new()
    try:
        copy.import_pages(pdf, [number])
        copy.save(copied)
    finally:
        copy.close()
    return all(_unpacks(filters, packed) for filters, packed in _content_streams(bytes(copied.content)))


def _content_streams(copy: bytes) -> Iterator[tuple[list[bytes], bytes]]:
    """Return the filters and the packed bytes of each stream of the only page."""
    kids = KIDS.search(copy)
    contents = kids and CONTENTS.search(_object(copy, kids[1]))
    references = REFERENCE.findall(contents[1]) if contents else []
    while references:
        found = _object(copy, references.pop(0))
        if found.startswith(b"["):
            references[:0] = REFERENCE.findall(found)
            continue
        described, _, content = found.partition(STREAM)
        length, filters = LENGTH.search(described), FILTER.search(described)
        if length and len(content) >= int(length[1]):
            yield FILTER_NAME.findall(filters[1]) if filters else [], content[: int(length[1])]


def _object(copy: bytes, number: bytes) -> bytes:
    """Return an object as it is written, empty if it is missing or was cut off."""
    opening = b"\n" + number + b" 0 obj\r\n"
    at = copy.find(opening)
    if at < 0:
        return b""
    start = at + len(opening)
    stream, end = copy.find(STREAM, start), copy.find(END, start)
    if 0 <= stream < end and (length := LENGTH.search(copy, start, stream)):
        end = stream + len(STREAM) + int(length[1])
    return copy[start : max(start, end)]


def _unpacks(filters: list[bytes], packed: bytes) -> bool:
    for name in filters:
        if name in DEFLATE:
            return _inflates(packed)
        if name in LENIENT:
            return True
        if name not in ASCII_85 + HEXADECIMAL:
            return False
        try:
            packed = _ascii_85(packed) if name in ASCII_85 else _hexadecimal(packed)
        except ValueError:
            return False
    return True


def _inflates(packed: bytes) -> bool:
    """True if the data is whole; its checksum does not count, as readers do not look at it."""
    if not packed.strip():
        return True
    if int.from_bytes(packed[:2], "big") % 31 or packed[0] & 15 != zlib.DEFLATED:
        return False
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    rest = packed[2:]
    for _ in range(MOST_PIECES):
        try:
            piece = inflating.decompress(rest, PIECE_BYTES)
        except zlib.error:
            return False
        rest = inflating.unconsumed_tail
        if inflating.eof or not (rest or piece):
            return inflating.eof
    return True


def _ascii_85(packed: bytes) -> bytes:
    return a85decode(packed.strip().removeprefix(b"<~").partition(b"~")[0])


def _hexadecimal(packed: bytes) -> bytes:
    digits = b"".join(packed.partition(b">")[0].split())
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("latin-1"))

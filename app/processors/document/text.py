"""Text as it comes, and text as it is kept: UTF-8 without a byte order mark, counted.

A byte order mark decides; without one a text is UTF-16 when it plainly is that,
else UTF-8 or, when it cannot be, Windows-1252, or Latin-1 (which takes every
byte). Memory does not grow with the file.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.media_types import HEAD_BYTES, unmarked_utf_16

CHUNK_BYTES = 1024 * 1024
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
WITHOUT_MARK = ("utf-8", "cp1252", "latin-1")


class TextFile:
    """UTF-8 on disk, with the number of characters and words (runs of anything but white space)."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def clear(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self.characters = 0
        self._words = 0
        self._is_in_word = False

    def write(self, text: str) -> None:
        """Text may come in pieces, cut anywhere."""
        if not text:
            return
        self._file.write(text)
        self.characters += len(text)
        self._words += len(text.split()) - (self._is_in_word and not text[0].isspace())
        self._is_in_word = not text[-1].isspace()

    def end_page(self) -> None:
        """A form feed on a line of its own; it counts as nothing."""
        self._file.write("\n\f\n")
        self._is_in_word = False

    def counts(self) -> dict[str, int]:
        return {"characters": self.characters, "words": self._words}


def rewrite_text(source: Path, target: TextFile) -> None:
    """Raises InvalidPayload: nothing but a byte order mark, NUL characters, not what its mark says."""
    mark, encodings = _encodings(source)
    for encoding in encodings:
        target.clear()
        try:
            for text in _decoded(source, encoding, skip=len(mark)):
                _refuse_nul(text)
                target.write(text)
        except UnicodeDecodeError:
            continue
        break
    else:
        reason = ", as its byte order mark says" if mark else ""
        detail = f"The text is not valid {encodings[0].upper()}{reason}."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    if not target.characters:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file is empty.")


def _encodings(source: Path) -> tuple[bytes, tuple[str, ...]]:
    """The byte order mark, and the encodings to try in turn."""
    with source.open("rb") as file:
        start = file.read(HEAD_BYTES)
    for mark, encoding in MARKS.items():
        if start.startswith(mark):
            return mark, (encoding,)
    unmarked = unmarked_utf_16(start)
    return b"", (unmarked,) if unmarked else WITHOUT_MARK


def _decoded(source: Path, encoding: str, *, skip: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    with source.open("rb") as file:
        file.seek(skip)
        while chunk := file.read(CHUNK_BYTES):
            yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _refuse_nul(text: str) -> None:
    if "\0" in text:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The text holds a NUL character.")

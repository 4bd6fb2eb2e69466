"""Which encoding a text is in, and its characters. Data sets and documents decode text here.

A byte order mark names the encoding. A text without one is UTF-16 when every
second byte of it shows that; otherwise the first encoding in a list that can
read the whole text. A new encoding joins such a list.

Memory does not grow with the size of the file.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import InvalidPayload, ProblemCode

HEAD_BYTES = 64 * 1024
CHUNK_BYTES = 1024 * 1024
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
#: Tried in turn when a text is not Unicode. Windows-1252 leaves five bytes undefined; Latin-1 reads any byte.
SINGLE_BYTE_ENCODINGS = ("cp1252", "latin-1")
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
CONTROL_BYTE = re.compile(CONTROL_CHARACTER.pattern.encode())


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A file of text, and how to read it."""

    path: Path
    encoding: str
    mark: bytes = b""

    def pieces(self) -> Iterator[str]:
        """Yield the characters after the byte order mark; raise UnicodeDecodeError if they are not valid."""
        decoder = codecs.getincrementaldecoder(self.encoding)()
        with self.path.open("rb") as file:
            file.seek(len(self.mark))
            while chunk := file.read(CHUNK_BYTES):
                yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)


def recognise_text(path: Path, others: tuple[str, ...] = SINGLE_BYTE_ENCODINGS) -> EncodedText:
    """Return the text with its encoding, having read all of it once.

    `others` are the encodings to try when the text is not Unicode. Raises
    InvalidPayload if no encoding fits or the text holds a NUL character.
    """
    mark, encodings = possible_encodings(path, others)
    for encoding in encodings:
        text = EncodedText(path, encoding, mark)
        try:
            _refuse_nul(text)
        except UnicodeDecodeError:
            continue
        return text
    name = encodings[0].upper()
    origin = f"The byte order mark says {name}, but the text" if mark else "The text"
    raise InvalidPayload(ProblemCode.INVALID_CONTENT, f"{origin} is not valid {name}.")


def possible_encodings(path: Path, others: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    """Return the byte order mark, empty if there is none, and the encodings to try in turn."""
    head = read_head(path)
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return mark, (encoding,)
    unmarked = unmarked_utf_16(head)
    return b"", (unmarked,) if unmarked else ("utf-8", *others)


def is_empty(path: Path) -> bool:
    """True if the file holds nothing, or nothing but a byte order mark."""
    return read_head(path) in (b"", *MARKS)


def looks_like_text(head: bytes) -> bool:
    """True for UTF-8, UTF-16, and a single-byte encoding without control characters."""
    if not head:
        return False
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decodes(head, "utf-16") and b"\0\0" not in head[:4]
    if b"\0" in head:
        return unmarked_utf_16(head) is not None
    return _decodes(head, "utf-8") or not CONTROL_BYTE.search(head)


def unmarked_utf_16(head: bytes) -> str | None:
    """Return `utf-16-le` or `utf-16-be` if the bytes plainly are that without a byte order mark.

    A Latin letter, a digit, a blank or a sign takes two bytes, of which one is
    NUL: always the first one, or always the second. At least a quarter of the
    characters must be like that, and few NULs may stand in the other place.
    """
    nuls = {"utf-16-be": head[::2].count(0), "utf-16-le": head[1::2].count(0)}
    encoding = max(nuls, key=lambda name: nuls[name])
    most, least = max(nuls.values()), min(nuls.values())
    if most < len(head) / 8 or least > most / 4 or not _decodes(head, encoding):
        return None
    text = head.decode(encoding, errors="ignore")
    return None if CONTROL_CHARACTER.search(text) else encoding


def read_head(path: Path) -> bytes:
    """Return the first bytes, by which a file is judged."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _decodes(head: bytes, encoding: str) -> bool:
    """True if the bytes are valid, but for a character that the end of the head cuts off."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        decoder.decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_nul(text: EncodedText) -> None:
    line = 1
    for piece in text.pieces():
        before, found, _ = piece.partition("\0")
        line += before.count("\n")
        if found:
            raise InvalidPayload(ProblemCode.INVALID_CONTENT, f"Line {line} holds a NUL character.")

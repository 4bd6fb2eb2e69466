"""Finds the encoding of a text, and decodes it, for data sets and documents.

The first of these that applies decides:

1. the charset that the media type declares (RFC 2046, 4.1.2): the text is in it, or refused
2. a byte order mark: UTF-8, UTF-16 or UTF-32
3. UTF-16 or UTF-32 without a mark, ISO-2022-JP or -KR, if the bytes plainly show it
4. UTF-8; where few places are not valid and many more are, the damage becomes U+FFFD and is counted
5. a guess: East Asian, Cyrillic or Western
6. the text is refused, and the client is told to declare its charset

Memory does not grow with the size of the file.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import NoReturn

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.charsets import UNICODE, encodings_of
from app.processors.guesses import (
    C1_CONTROL,
    CONTROL_CHARACTER,
    HEAD_BYTES,
    decoded,
    guess_encoding,
    unmarked_utf_16,
    unmarked_utf_32,
)
from app.processors.western import ENCODING as WESTERN
from app.processors.western import LATIN_9

CHUNK_BYTES = 1024 * 1024
#: UTF-32 first: its mark begins with that of UTF-16.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
#: A text is UTF-8 with damage if this many characters beyond ASCII are valid for each place that is not.
#: Bytes of other encodings are UTF-8 by chance, but hardly so many of them.
MORE_THAN_DAMAGE = 4
#: A text is in a Western encoding if this many characters are not valid UTF-8 for each that is. In between
#: it is a mixture, which no encoding reads right.
FAR_MORE = 10
C1_OR_NEXT_LINE = re.compile(r"[\x80-\x9f]")
#: How ISO 2022 announces its characters of two bytes.
ANNOUNCED = {"iso2022_jp": re.compile(rb"\x1b\$[@B]"), "iso2022_kr": re.compile(rb"\x1b\$\)C")}
CONTROL_BYTE = re.compile(CONTROL_CHARACTER.pattern.encode())
REPLACEMENT = "\ufffd"
DAMAGE = re.compile(f"{REPLACEMENT}+")
REPLACEMENT_BYTES = REPLACEMENT.encode()
ASCII_BYTES = bytes(range(0x80))
HIGH_BYTES = bytes(range(0x80, 0x100))
ADVICE = "Declare the charset in the media type, as in text/csv; charset=windows-1251."


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A file of text, and how to read it."""

    path: Path
    #: The name of a codec of Python.
    encoding: str
    #: The length of the byte order marks that the file begins with.
    mark_bytes: int = 0
    #: True if neither the client nor a byte order mark says the encoding, and the text is not valid UTF-8.
    is_guessed: bool = False
    #: How many characters are not valid, and are read as U+FFFD.
    replaced: int = 0

    def pieces(self) -> Iterator[str]:
        """Yield the characters after the byte order marks; raise UnicodeDecodeError if they are not valid."""
        decoder = codecs.getincrementaldecoder(self.encoding)("replace" if self.replaced else "strict")
        for chunk in _chunks(self.path, self.mark_bytes):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)


def recognise_text(path: Path, charset: str | None = None, *, must_be_unicode: bool = False) -> EncodedText:
    """Return the text with its encoding, having read all of it.

    `charset` is the one that the client declared; a text without one can be
    required to be Unicode. Raises InvalidPayload if the text is not in the declared
    charset, if its encoding cannot be found out, or if it holds a NUL character.
    """
    head = read_head(path)
    if charset is not None:
        return _declared(path, head, charset)
    marked, mark_bytes = byte_order_mark(head)
    if marked is not None and marked != "utf-8":
        text = EncodedText(path, marked, mark_bytes)
        return text if _is_valid(text) else _refuse_contradiction("The byte order mark says", marked)
    if marked is None and (shown := _encoding_shown_by(path, head)):
        return shown
    text = EncodedText(path, "utf-8", mark_bytes)
    return text if _is_valid(text) else _not_quite_utf_8(text, must_be_unicode)


def byte_order_mark(head: bytes) -> tuple[str | None, int]:
    """Return the encoding that a byte order mark names, and the mark's length. Some files have it twice."""
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding, len(mark) * (2 if head.startswith(mark * 2) else 1)
    return None, 0


def is_empty(path: Path) -> bool:
    """True if the file holds nothing, or nothing but a byte order mark."""
    head = read_head(path)
    return len(head) == byte_order_mark(head)[1]


def looks_like_text(head: bytes) -> bool:
    """True for Unicode, and for bytes of another encoding without control characters."""
    if not head:
        return False
    marked, _ = byte_order_mark(head)
    if marked is not None and marked != "utf-8":
        text = decoded(head, marked)
        return text is not None and "\0" not in text[:2]
    if b"\0" in head:
        return (unmarked_utf_32(head) or unmarked_utf_16(head)) is not None
    return decoded(head, "utf-8") is not None or not CONTROL_BYTE.search(head)


def looks_like_text_with_nuls(head: bytes) -> bool:
    """True if the bytes hold NUL and no other control character."""
    others = head.replace(b"\0", b"")
    return 0 < len(others) < len(head) and not CONTROL_BYTE.search(others)


def read_head(path: Path) -> bytes:
    """Return the first bytes, by which a file is judged."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _declared(path: Path, head: bytes, charset: str) -> EncodedText:
    encodings = encodings_of(charset)
    if not encodings:
        _refuse("The charset that the media type declares is not known.")
    declared = encodings[0]
    shown, mark_bytes = byte_order_mark(head)
    if shown is None and declared.startswith("utf-16"):
        shown = unmarked_utf_16(head)
    if shown is not None:
        if not shown.startswith(declared):
            _refuse(f"The media type declares {charset.upper()}, but the text is {shown.upper()}.")
        encodings = (shown,)
    elif declared == "utf-16":
        _refuse(
            "The media type declares UTF-16. Declare UTF-16LE or UTF-16BE, or begin with a byte order mark."
        )
    elif declared == "utf-32":
        encodings = ("utf-32-be", "utf-32-le")
    texts = (EncodedText(path, encoding, mark_bytes) for encoding in encodings)
    found = next(
        (
            text
            for text in texts
            if _begins_like_text(text, head) and _is_valid(text, is_last=text.encoding == encodings[-1])
        ),
        None,
    )
    return found or _refuse_contradiction("The media type declares", charset)


def _encoding_shown_by(path: Path, head: bytes) -> EncodedText | None:
    """Return the text if its bytes plainly show an encoding that would otherwise pass for ASCII."""
    if b"\0" in head:
        encoding = unmarked_utf_32(head) or unmarked_utf_16(head)
        if encoding is None:
            _refuse_nul(line=1 + head.partition(b"\0")[0].count(b"\n"))
        text = EncodedText(path, encoding, is_guessed=True)
        return text if _is_valid(text) else _refuse(f"The text is not valid {encoding.upper()}.")
    announced = (encoding for encoding, escape in ANNOUNCED.items() if escape.search(head))
    texts = (EncodedText(path, encoding, is_guessed=True) for encoding in announced)
    return next((text for text in texts if _is_valid(text)), None)


def _not_quite_utf_8(text: EncodedText, must_be_unicode: bool) -> EncodedText:
    valid, invalid, places = _count_beyond_ascii(text)
    if valid >= MORE_THAN_DAMAGE * places and valid > invalid:
        return replace(text, is_guessed=not text.mark_bytes, replaced=invalid)
    if text.mark_bytes:
        _refuse_contradiction("The byte order mark says", text.encoding)
    if must_be_unicode:
        _refuse("The text is not valid UTF-8.")
    encoding = guess_encoding(_sample(text.path))
    # Bytes of East Asian and Cyrillic encodings are often valid by chance, but not most of them.
    if valid >= invalid or (encoding in (None, WESTERN, LATIN_9) and FAR_MORE * valid > invalid):
        _refuse(f"The text is not UTF-8 throughout, and its encoding cannot be told. {ADVICE}")
    if encoding is None:
        _refuse(f"The text is not Unicode, and its encoding cannot be told. {ADVICE}")
    guessed = EncodedText(text.path, encoding, is_guessed=True)
    return guessed if _is_valid(guessed) else _refuse(f"The text is not in one encoding throughout. {ADVICE}")


def _is_valid(text: EncodedText, *, is_last: bool = True) -> bool:
    """True if all of the text can be read; raise InvalidPayload if it holds a NUL character.

    Control characters beyond ASCII, as ISO 8859 has them, show that a text is in another encoding.
    NEXT LINE does so only if another one is left to try, since some systems end lines with it.
    """
    control = C1_CONTROL if is_last else C1_OR_NEXT_LINE
    may_hold_c1 = control.search(HIGH_BYTES.decode(text.encoding, errors="ignore")) is not None
    try:
        for piece in text.pieces():
            if "\0" in piece:
                _refuse_nul(_line_of_nul(text))
            if may_hold_c1 and control.search(piece):
                return False
    except UnicodeDecodeError:
        return False
    return True


def _line_of_nul(text: EncodedText) -> int:
    line = 1
    for piece in text.pieces():
        before, found, _ = piece.partition("\0")
        line += before.count("\n")
        if found:
            break
    return line


def _begins_like_text(text: EncodedText, head: bytes) -> bool:
    """True if the first characters hold no control characters; Unicode may hold them."""
    start = decoded(head, text.encoding)
    if start is None or text.encoding in UNICODE:
        return start is not None
    return not CONTROL_CHARACTER.search(start.replace("\0", ""))


def _count_beyond_ascii(text: EncodedText) -> tuple[int, int, int]:
    """Return how many characters beyond ASCII are valid UTF-8, how many U+FFFD the others become, and where.

    The last number counts places: damage of several bytes side by side is one.
    """
    beyond = invalid = places = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    end, last = b"", ""
    for chunk in chain(_chunks(text.path, text.mark_bytes), [b""]):
        piece = decoder.decode(chunk, final=not chunk)
        beyond += len(piece) - (len(chunk) - len(chunk.translate(None, ASCII_BYTES)))
        # U+FFFD that the text itself holds is valid. It may begin in the chunk before.
        read = end + chunk
        invalid += piece.count(REPLACEMENT) - read.count(REPLACEMENT_BYTES)
        end = read[-2:]
        places += len(DAMAGE.findall(last + piece)) - (last == REPLACEMENT)
        last = piece[-1:] or last
    return beyond - invalid, invalid, min(places, invalid)


def _sample(path: Path) -> bytes:
    """Return the first lines that are not ASCII."""
    sample = bytearray()
    with path.open("rb") as file:
        while len(sample) < HEAD_BYTES and (line := file.readline(HEAD_BYTES)):
            if not line.isascii():
                sample += line
    return bytes(sample[:HEAD_BYTES])


def _chunks(path: Path, start: int = 0) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _refuse_contradiction(origin: str, encoding: str) -> NoReturn:
    name = encoding.upper()
    _refuse(f"{origin} {name}, but the text is not valid {name}.")


def _refuse_nul(line: int) -> NoReturn:
    _refuse(f"Line {line} holds a NUL character.")


def _refuse(detail: str) -> NoReturn:
    raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)

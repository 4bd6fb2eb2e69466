"""What a file really is, read from its own bytes, and the check of it that every kind makes.

A file is known by a table of magic bytes, by a few looks at its structure where
magic bytes alone would guess, or as text. Its name and its declared type are not
trusted.

A file that is not recognised has the type None, not `application/octet-stream`:
None says that the type is unknown, `application/octet-stream` would claim one.
"""

import codecs
import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.texts import is_empty, looks_like_text, looks_like_text_with_nuls, read_head

GZIP = "application/gzip"
PARQUET = "application/vnd.apache.parquet"
PDF = "application/pdf"
PLAIN_TEXT = "text/plain"
HTML = "text/html"

SYNONYMS = {
    "application/x-gzip": GZIP,
    "application/x-pdf": PDF,
    "application/x-zip-compressed": "application/zip",
    "application/x-parquet": PARQUET,
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-ms-bmp": "image/bmp",
}
PDF_PREAMBLE_BYTES = 1024
PARQUET_SHORTEST_BYTES = 12
#: The sizes of the headers that may follow a bitmap's file header.
BITMAP_HEADER_BYTES = {12, 16, 40, 52, 56, 64, 108, 124}
HTML_START = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE | re.DOTALL)


def _starts_with(*prefixes: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(prefixes)


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is_avif(head: bytes) -> bool:
    box = head[: max(16, int.from_bytes(head[:4], "big"))]
    brands = {box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))}
    return head[4:8] == b"ftyp" and not brands.isdisjoint({b"avif", b"avis"})


def _is_bitmap(head: bytes) -> bool:
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BITMAP_HEADER_BYTES


SIGNATURES: dict[str, Callable[[bytes], bool]] = {
    "image/png": _starts_with(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": _starts_with(b"\xff\xd8\xff"),
    "image/gif": _starts_with(b"GIF87a", b"GIF89a"),
    "image/webp": _is_webp,
    "image/tiff": _starts_with(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "image/bmp": _is_bitmap,
    "image/avif": _is_avif,
    PDF: _starts_with(b"%PDF-"),
    GZIP: _starts_with(b"\x1f\x8b\x08"),
    "application/zip": _starts_with(b"PK\x03\x04", b"PK\x05\x06"),
    PARQUET: _starts_with(b"PAR1"),
}


def check_content(path: Path, declared: str, *, may_be_empty: bool = False) -> None:
    """Raise InvalidPayload if the file is empty or its bytes contradict the declared type.

    A type without a signature is believed.
    """
    if not may_be_empty:
        _refuse_empty(path)
    if contradicts(path, declared):
        _refuse_as(declared, detect_media_type(path))


def check_text(path: Path, declared: str, charset: str | None) -> None:
    """Raise InvalidPayload if the file is empty or not text, as it must be for a type such as CSV.

    Whether the text is in its declared charset, or holds NUL characters, is left to
    those who read it: they can say more.
    """
    _refuse_empty(path)
    detected = detect_media_type(path)
    is_for_its_reader = detected is None and (
        charset is not None or looks_like_text_with_nuls(read_head(path))
    )
    if detected != PLAIN_TEXT and not is_for_its_reader:
        _refuse_as(declared, detected)


def detect_media_type(path: Path) -> str | None:
    """Return the media type that the bytes show, or None if it is unknown.

    `text/plain` and `text/html` are judged by the first 64 KiB; an empty file
    has no type.
    """
    head = read_head(path)
    for media_type, matches in SIGNATURES.items():
        if matches(head) and (media_type != PARQUET or _ends_like_parquet(path)):
            return media_type
    if not looks_like_text(head):
        return None
    return HTML if HTML_START.match(head.removeprefix(codecs.BOM_UTF8)) else PLAIN_TEXT


def contradicts(path: Path, declared: str) -> bool:
    """True if `declared` has a signature that the file does not carry.

    A type without a signature is believed, and an empty file contradicts no
    type. A PDF may begin a little late, as PDF readers allow.
    """
    expected = SYNONYMS.get(declared, declared)
    head = read_head(path)
    if expected not in SIGNATURES or not head:
        return False
    if expected == PDF:
        return b"%PDF-" not in head[: PDF_PREAMBLE_BYTES + 5]
    return detect_media_type(path) != expected


def _refuse_empty(path: Path) -> None:
    if is_empty(path):
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file is empty.")


def _refuse_as(declared: str, detected: str | None) -> NoReturn:
    detail = f"Declared as {declared}, but the content is {detected or 'something else'}."
    raise InvalidPayload(ProblemCode.MEDIA_TYPE_MISMATCH, detail)


def _ends_like_parquet(path: Path) -> bool:
    if path.stat().st_size < PARQUET_SHORTEST_BYTES:
        return False
    with path.open("rb") as file:
        file.seek(-4, 2)
        return file.read() == b"PAR1"

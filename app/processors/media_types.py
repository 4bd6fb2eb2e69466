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

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.texts import is_empty, looks_like_text, read_head

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


def _is_avif(head: bytes) -> bool:
    box = head[: max(16, int.from_bytes(head[:4], "big"))]
    brands = {box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))}
    return head[4:8] == b"ftyp" and not brands.isdisjoint({b"avif", b"avis"})


SIGNATURES: dict[str, Callable[[bytes], bool]] = {
    "image/png": _starts_with(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": _starts_with(b"\xff\xd8\xff"),
    "image/gif": _starts_with(b"GIF87a", b"GIF89a"),
    "image/webp": lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP",
    "image/tiff": _starts_with(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "image/bmp": lambda head: (
        head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BITMAP_HEADER_BYTES
    ),
    "image/avif": _is_avif,
    PDF: _starts_with(b"%PDF-"),
    GZIP: _starts_with(b"\x1f\x8b\x08"),
    "application/zip": _starts_with(b"PK\x03\x04", b"PK\x05\x06"),
    PARQUET: _starts_with(b"PAR1"),
}


def check_content(path: Path, declared: str, *, is_text: bool = False, may_be_empty: bool = False) -> None:
    """Raise InvalidPayload if the file is empty or its bytes are not of the declared type.

    `is_text` is for a declared type that is plain text to look at, such as CSV:
    the bytes must be text. Otherwise a type without a signature is believed.
    """
    if not may_be_empty and is_empty(path):
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file is empty.")
    detected = detect_media_type(path)
    fits = detected == PLAIN_TEXT if is_text else not contradicts(path, declared)
    if not fits:
        detail = f"Declared as {declared}, but the content is {detected or 'something else'}."
        raise InvalidPayload(ProblemCode.MEDIA_TYPE_MISMATCH, detail)


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


def _ends_like_parquet(path: Path) -> bool:
    if path.stat().st_size < PARQUET_SHORTEST_BYTES:
        return False
    with path.open("rb") as file:
        file.seek(-4, 2)
        return file.read() == b"PAR1"

"""What a file really is, read from its own bytes.

One table of magic bytes, a few structural probes where magic bytes alone would
guess, and a text probe. Nothing here trusts a name or a declared type.

Not recognised is None, not `application/octet-stream`: the caller can tell
"unknown" from a claim.
"""

import codecs
import re
from collections.abc import Callable
from pathlib import Path

HEAD_BYTES = 64 * 1024
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
# The sizes of the headers that may follow a bitmap's file header.
BITMAP_HEADER_BYTES = {12, 16, 40, 52, 56, 64, 108, 124}
CONTROL_CHARACTERS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
CONTROL_CHARACTER = re.compile(CONTROL_CHARACTERS.pattern.decode())
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


def detect_media_type(path: Path) -> str | None:
    """The media type that the bytes show, or None when they show none we know.

    `text/plain` and `text/html` are judged by the first 64 KiB; an empty file
    has no type.
    """
    head = _head(path)
    for media_type, matches in SIGNATURES.items():
        if matches(head) and (media_type != PARQUET or _ends_like_parquet(path)):
            return media_type
    if not looks_like_text(head):
        return None
    return HTML if HTML_START.match(head.removeprefix(codecs.BOM_UTF8)) else PLAIN_TEXT


def contradicts(path: Path, declared: str) -> bool:
    """Whether `declared` has a signature that these bytes do not carry.

    A type without a signature here is believed, and an empty file contradicts
    nothing. A PDF may begin a little late, as readers allow.
    """
    expected = SYNONYMS.get(declared, declared)
    head = _head(path)
    if expected not in SIGNATURES or not head:
        return False
    if expected == PDF:
        return b"%PDF-" not in head[: PDF_PREAMBLE_BYTES + 5]
    return detect_media_type(path) != expected


def looks_like_text(head: bytes) -> bool:
    """UTF-8, UTF-16, or a single-byte encoding without control characters."""
    if not head:
        return False
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decodes(head, "utf-16") and b"\0\0" not in head[:4]
    if b"\0" in head:
        return unmarked_utf_16(head) is not None
    return _decodes(head, "utf-8") or not CONTROL_CHARACTERS.search(head)


def unmarked_utf_16(head: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` where text without a byte order mark plainly is that.

    Of Latin letters, digits, blanks and signs one half is NUL, always the same:
    a quarter of such characters is asked for, and few NULs in the other half.
    """
    nuls = {"utf-16-be": head[::2].count(0), "utf-16-le": head[1::2].count(0)}
    encoding = max(nuls, key=lambda name: nuls[name])
    most, least = max(nuls.values()), min(nuls.values())
    if most < len(head) / 8 or least > most / 4 or not _decodes(head, encoding):
        return None
    text = head.decode(encoding, errors="ignore")
    return None if CONTROL_CHARACTER.search(text) else encoding


def _decodes(head: bytes, encoding: str) -> bool:
    """Whether the bytes decode; a character cut off at the end of the head is no fault."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        decoder.decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    return True


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _ends_like_parquet(path: Path) -> bool:
    if path.stat().st_size < PARQUET_SHORTEST_BYTES:
        return False
    with path.open("rb") as file:
        file.seek(-4, 2)
        return file.read() == b"PAR1"

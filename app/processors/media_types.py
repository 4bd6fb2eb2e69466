"""What a file really is, read from its own bytes, and the check of it that every kind makes.

A file is known by a table of magic bytes, by a few looks at its structure where
magic bytes alone would guess, or as text. A second table names formats that no
kind takes, such as HEIC. Its name and its declared type are not
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
MOST_ICONS = 256
HTML_START = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE | re.DOTALL)


def _starts_with(*prefixes: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(prefixes)


def _has_brand(*names: bytes) -> Callable[[bytes], bool]:
    """Return a look at the brands of a file in ISO's base media format (ISO/IEC 14496-12, 4.3)."""

    def matches(head: bytes) -> bool:
        if head[4:8] != b"ftyp":
            return False
        box = head[: max(16, int.from_bytes(head[:4], "big"))]
        brands = {box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))}
        return not brands.isdisjoint(names)

    return matches


def _is_riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == form


def _is_canon_raw(head: bytes) -> bool:
    """True for a CR2, which begins like a TIFF, but whose pages hold small versions of the picture."""
    return head[:4] == b"II*\0" and head[8:10] == b"CR"


def _is_tiff(head: bytes) -> bool:
    return head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) and not _is_canon_raw(head)


def _is_icon(head: bytes) -> bool:
    """True for an icon: it begins with the number of its pictures, and each has a place behind their list."""
    count = int.from_bytes(head[4:6], "little")
    first = int.from_bytes(head[18:22], "little")
    return head[:4] == b"\0\0\1\0" and 0 < count < MOST_ICONS and first == 6 + 16 * count


def _is_bitmap(head: bytes) -> bool:
    return head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BITMAP_HEADER_BYTES


SIGNATURES: dict[str, Callable[[bytes], bool]] = {
    "image/png": _starts_with(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": _starts_with(b"\xff\xd8\xff"),
    "image/gif": _starts_with(b"GIF87a", b"GIF89a"),
    "image/webp": _is_riff(b"WEBP"),
    "image/tiff": _is_tiff,
    "image/bmp": _is_bitmap,
    "image/avif": _has_brand(b"avif", b"avis"),
    PDF: _starts_with(b"%PDF-"),
    GZIP: _starts_with(b"\x1f\x8b\x08"),
    "application/zip": _starts_with(b"PK\x03\x04", b"PK\x05\x06"),
    PARQUET: _starts_with(b"PAR1"),
}

#: Formats that no kind takes: a client is told what the file is. Nothing is refused for want of these.
OTHER_SIGNATURES: dict[str, Callable[[bytes], bool]] = {
    "image/x-canon-cr2": _is_canon_raw,
    "image/x-fuji-raf": _starts_with(b"FUJIFILMCCD-RAW"),
    "image/heic": _has_brand(b"heic", b"heix", b"heim", b"heis"),
    "image/heic-sequence": _has_brand(b"hevc", b"hevx", b"hevm", b"hevs"),
    "image/heif": _has_brand(b"mif1", b"msf1"),
    "image/x-canon-cr3": _has_brand(b"crx "),
    "image/jxl": _starts_with(b"\0\0\0\x0cJXL \r\n\x87\n"),
    "image/jp2": _starts_with(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
    "image/jxr": _starts_with(b"II\xbc\x01"),
    "image/vnd.adobe.photoshop": _starts_with(b"8BPS\0\1", b"8BPS\0\2"),
    "image/x-icon": _is_icon,
    "image/x-icns": _starts_with(b"icns\0"),
    "image/x-exr": _starts_with(b"v/1\x01"),
    "image/vnd.ms-dds": _starts_with(b"DDS \x7c\0\0\0"),
    "image/x-xcf": lambda head: head[:9] == b"gimp xcf " and head[13:14] == b"\0",
    "image/vnd.djvu": lambda head: head[:8] == b"AT&TFORM" and head[12:15] == b"DJV",
    "image/wmf": _starts_with(b"\xd7\xcd\xc6\x9a\0\0"),
    "application/dicom": lambda head: head[128:134] == b"DICM\2\0",
    "video/quicktime": _has_brand(b"qt  "),
    "video/mp4": _has_brand(b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V "),
    "video/webm": _starts_with(b"\x1a\x45\xdf\xa3"),
    "video/x-msvideo": _is_riff(b"AVI "),
    "audio/wav": _is_riff(b"WAVE"),
    "application/postscript": _starts_with(b"\xc5\xd0\xd3\xc6\x1e\0\0\0", b"\xc5\xd0\xd3\xc6\x20\0\0\0"),
    "application/x-ole-storage": _starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "application/x-7z-compressed": _starts_with(b"7z\xbc\xaf\x27\x1c"),
    "application/vnd.rar": _starts_with(b"Rar!\x1a\x07"),
    "application/x-bzip2": lambda head: head[:3] == b"BZh" and head[4:10] == b"1AY&SY",
    "application/x-xz": _starts_with(b"\xfd7zXZ\0"),
    "application/zstd": _starts_with(b"\x28\xb5\x2f\xfd"),
    "application/vnd.sqlite3": _starts_with(b"SQLite format 3\0"),
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
    for media_type, matches in (SIGNATURES | OTHER_SIGNATURES).items():
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

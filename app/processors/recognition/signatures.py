"""Formats that their first bytes show: our own table, which comes before any other.

The first part are the types that some kind takes. A file that is declared as one of them must carry its
signature. Nothing is refused for want of the others.
"""

from collections.abc import Callable

from app.domain.media_types import GZIP, HEIC, HEIF, PARQUET, PDF, ZIP
from app.processors.recognition.archives import ZIP_STARTS
from app.processors.recognition.media import has_brand

#: The sizes of the headers that may follow a bitmap's file header.
BITMAP_HEADER_BYTES = {12, 16, 40, 52, 56, 64, 108, 124}
MOST_ICONS = 256
MOST_FONT_TABLES = 256
PE_OFFSET_AT = 60

Look = Callable[[bytes], bool]


def _starts_with(*prefixes: bytes) -> Look:
    return lambda head: head.startswith(prefixes)


_is_heic_sequence = has_brand(b"hevc", b"hevx", b"hevm", b"hevs")


def _is_riff(form: bytes) -> Look:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == form


def _is_canon_raw(head: bytes) -> bool:
    """True for a CR2, which begins like a TIFF, but whose pages hold small versions of the picture."""
    return head[:4] == b"II*\0" and head[8:10] == b"CR"


def _is_icon(head: bytes) -> bool:
    """True for an icon: it begins with the number of its pictures, and each has a place behind their list."""
    count = int.from_bytes(head[4:6], "little")
    first = int.from_bytes(head[18:22], "little")
    return head[:4] == b"\0\0\1\0" and 0 < count < MOST_ICONS and first == 6 + 16 * count


def _is_jpeg_xl(head: bytes) -> bool:
    """True for JPEG XL in its container, or without one: two bytes, which might begin a text as well."""
    is_bare = head.startswith(b"\xff\n") and b"\0" in head
    return is_bare or head.startswith(b"\0\0\0\x0cJXL \r\n\x87\n")


def _is_font(*versions: bytes) -> Look:
    """Return a look at a font, whose header says twice how many tables it has (OpenType 1.9)."""

    def matches(head: bytes) -> bool:
        tables, searched = int.from_bytes(head[4:6], "big"), int.from_bytes(head[6:8], "big")
        is_sized = 0 < tables < MOST_FONT_TABLES and searched == 16 << (tables.bit_length() - 1)
        return head[:4] in versions and is_sized

    return matches


def _is_program(head: bytes) -> bool:
    """True for a program for Windows: the header of DOS says where the real one begins."""
    at = int.from_bytes(head[PE_OFFSET_AT : PE_OFFSET_AT + 4], "little")
    return head[:2] == b"MZ" and at > 0 and head[at : at + 4] == b"PE\0\0"


SIGNATURES: dict[str, Look] = {
    "image/png": _starts_with(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": _starts_with(b"\xff\xd8\xff"),
    "image/gif": _starts_with(b"GIF87a", b"GIF89a"),
    "image/webp": _is_riff(b"WEBP"),
    "image/tiff": lambda head: (
        head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) and not _is_canon_raw(head)
    ),
    "image/bmp": lambda head: (
        head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BITMAP_HEADER_BYTES
    ),
    "image/avif": has_brand(b"avif", b"avis"),
    HEIC: has_brand(b"heic", b"heix", b"heim", b"heis"),
    HEIF: lambda head: has_brand(b"mif1")(head) and not _is_heic_sequence(head),
    PDF: _starts_with(b"%PDF-"),
    GZIP: _starts_with(b"\x1f\x8b\x08"),
    ZIP: _starts_with(*ZIP_STARTS),
    PARQUET: _starts_with(b"PAR1"),
}

#: Formats that no kind takes: a client is told what the file is.
OTHER_SIGNATURES: dict[str, Look] = {
    "image/x-canon-cr2": _is_canon_raw,
    "image/x-fuji-raf": _starts_with(b"FUJIFILMCCD-RAW"),
    "image/heic-sequence": _is_heic_sequence,
    "image/heif-sequence": has_brand(b"msf1"),
    "image/x-canon-crw": lambda head: head[:4] == b"II\x1a\0" and head[6:14] == b"HEAPCCDR",
    "image/x-olympus-orf": _starts_with(b"IIRO", b"IIRS", b"MMOR"),
    "image/x-panasonic-rw2": _starts_with(b"IIU\0"),
    "image/x-minolta-mrw": _starts_with(b"\0MRM"),
    "image/x-sigma-x3f": _starts_with(b"FOVb"),
    "image/jxl": _is_jpeg_xl,
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
    "image/emf": lambda head: head[:4] == b"\1\0\0\0" and head[40:44] == b" EMF",
    "application/dicom": lambda head: head[128:134] == b"DICM\2\0",
    "video/x-msvideo": _is_riff(b"AVI "),
    "video/x-ms-asf": _starts_with(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c"),
    "video/x-flv": _starts_with(b"FLV\1"),
    "video/mpeg": _starts_with(b"\0\0\1\xba", b"\0\0\1\xb3"),
    "audio/wav": _is_riff(b"WAVE"),
    "audio/flac": _starts_with(b"fLaC\0\0\0\x22", b"fLaC\x80\0\0\x22"),
    "audio/midi": _starts_with(b"MThd\0\0\0\6"),
    "audio/aiff": lambda head: head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"),
    "audio/amr": _starts_with(b"#!AMR\n"),
    "font/woff": _starts_with(b"wOFF\0\1\0\0", b"wOFFOTTO", b"wOFFtrue"),
    "font/woff2": _starts_with(b"wOF2\0\1\0\0", b"wOF2OTTO", b"wOF2ttcf"),
    "font/ttf": _is_font(b"\0\1\0\0", b"true"),
    "font/otf": _is_font(b"OTTO"),
    "font/collection": _starts_with(b"ttcf\0\1\0\0", b"ttcf\0\2\0\0"),
    "model/gltf-binary": _starts_with(b"glTF\2\0\0\0"),
    "application/wasm": _starts_with(b"\0asm\1\0\0\0"),
    "application/postscript": _starts_with(b"\xc5\xd0\xd3\xc6\x1e\0\0\0", b"\xc5\xd0\xd3\xc6\x20\0\0\0"),
    "application/x-7z-compressed": _starts_with(b"7z\xbc\xaf\x27\x1c"),
    "application/vnd.rar": _starts_with(b"Rar!\x1a\x07"),
    "application/x-bzip2": lambda head: head[:3] == b"BZh" and head[4:10] == b"1AY&SY",
    "application/x-xz": _starts_with(b"\xfd7zXZ\0"),
    "application/zstd": _starts_with(b"\x28\xb5\x2f\xfd"),
    "application/x-lz4": _starts_with(b"\x04\x22\x4d\x18"),
    "application/vnd.ms-cab-compressed": _starts_with(b"MSCF\0\0\0\0"),
    "application/vnd.debian.binary-package": _starts_with(b"!<arch>\ndebian-binary"),
    "application/x-rpm": _starts_with(b"\xed\xab\xee\xdb"),
    "application/x-iso9660-image": lambda head: head[32769:32774] == b"CD001",
    "application/vnd.sqlite3": _starts_with(b"SQLite format 3\0"),
    "application/vnd.apache.arrow.file": _starts_with(b"ARROW1\0\0"),
    "application/x-hdf5": _starts_with(b"\x89HDF\r\n\x1a\n"),
    "application/vnd.microsoft.portable-executable": _is_program,
    "application/x-executable": _starts_with(b"\x7fELF\1", b"\x7fELF\2"),
}

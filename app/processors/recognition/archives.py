"""ZIP, tar and OLE: archives whose first entries say what kind of archive it is.

Only the first bytes of a file are looked at, so a huge directory of a ZIP costs nothing. Of what is
packed, one list of types is unpacked, up to a limit.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from app.domain.media_types import XLS, ZIP

LOCAL_HEADER = struct.Struct("<4s5H3I2H")
LOCAL = b"PK\x03\x04"
#: A ZIP begins with an entry, is empty, or is the first of several parts.
ZIP_STARTS = (LOCAL, b"PK\x05\x06", b"PK\x07\x08PK\x03\x04")
MOST_ENTRIES = 256
LONGEST_NAME = 512
MOST_UNPACKED_BYTES = 64 * 1024
SIZES_FOLLOW = 0x08
STORED, DEFLATED = 0, 8
OFFICE = "application/vnd.openxmlformats-officedocument."
WORD = f"{OFFICE}wordprocessingml.document"
SHEET = f"{OFFICE}spreadsheetml.sheet"
SLIDES = f"{OFFICE}presentationml.presentation"
JAR, APK = "application/java-archive", "application/vnd.android.package-archive"
EPUB = "application/epub+zip"
#: The types that an archive may claim in its first entry (OpenDocument 1.3, part 2, 3.3; EPUB 3.3, 4.2.3).
CLAIM = re.compile(
    rb"application/epub\+zip|application/vnd\.oasis\.opendocument\.[a-z-]{1,40}|image/openraster"
)
#: The part that an Office document begins with (ISO/IEC 29500-1, 15.2).
MAIN_PART = re.compile(
    rb'ContentType="(application/vnd\.(?:openxmlformats-officedocument|ms-(?:word|excel|powerpoint|visio))'
    rb'\.[A-Za-z.]{1,60})\.main\+xml"'
)
#: The types that the names of entries show, the surest first. A name that ends with a slash is a folder.
NAMES = {
    "AndroidManifest.xml": APK,
    "classes.dex": APK,
    "word/": WORD,
    "xl/": SHEET,
    "ppt/": SLIDES,
    "visio/": "application/vnd.ms-visio.drawing",
    "META-INF/container.xml": EPUB,
    "META-INF/MANIFEST.MF": JAR,
    "doc.kml": "application/vnd.google-earth.kmz",
    "3D/3dmodel.model": "model/3mf",
}
OLE_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE = "application/x-ole-storage"
#: The streams that tell Office's older documents apart.
OLE_STREAMS = {
    "WordDocument": "application/msword",
    "Workbook": XLS,
    "Book": XLS,
    "PowerPoint Document": "application/vnd.ms-powerpoint",
    "__properties_version1.0": "application/vnd.ms-outlook",
}
OLE_ENTRY_BYTES = 128
TAR_HEADER_BYTES = 512
TAR_CHECKSUM = slice(148, 156)


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    method: int
    #: The offset of its data, and the length of the data if its header states that.
    data: int
    size: int | None


def zip_archive(head: bytes) -> str | None:
    """Return which kind of ZIP it is, as far as its first entries show it."""
    if not head.startswith(ZIP_STARTS):
        return None
    entries = list(_entries(head))
    for entry in entries:
        if entry.name == "mimetype" and (claim := CLAIM.match(_content(head, entry))):
            return claim[0].decode()
        if entry.name == "[Content_Types].xml" and (main := MAIN_PART.search(_content(head, entry))):
            named = main[1].decode()
            return f"{named}.12" if named.endswith(".macroEnabled") else named
    for sign, named in NAMES.items():
        if any(entry.name.startswith(sign) if sign[-1] == "/" else entry.name == sign for entry in entries):
            return named
    return ZIP


def _entries(head: bytes) -> Iterator[Entry]:
    """Yield the entries whose headers are among the first bytes (APPNOTE 4.3.7)."""
    at = head.find(LOCAL)
    for _ in range(MOST_ENTRIES):
        if at < 0 or at + LOCAL_HEADER.size > len(head):
            return
        _, _, flags, method, _, _, _, packed, _, name_bytes, extra_bytes = LOCAL_HEADER.unpack_from(head, at)
        name_at = at + LOCAL_HEADER.size
        data = name_at + name_bytes + extra_bytes
        size = None if flags & SIZES_FOLLOW else packed
        if name_bytes <= LONGEST_NAME:
            yield Entry(head[name_at : name_at + name_bytes].decode("utf-8", "replace"), method, data, size)
        at = head.find(LOCAL, data + (size or 0))


def _content(head: bytes, entry: Entry) -> bytes:
    """Return the first bytes of an entry, unpacked; nothing if they cannot be."""
    packed = head[entry.data :] if entry.size is None else head[entry.data : entry.data + entry.size]
    if entry.method == STORED:
        return packed[:MOST_UNPACKED_BYTES]
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, MOST_UNPACKED_BYTES)
    except zlib.error:
        return b""


def tar(head: bytes) -> str | None:
    """Return tar's type if the first header has the checksum that it says (POSIX.1-2017, pax)."""
    header = head[:TAR_HEADER_BYTES]
    told = header[TAR_CHECKSUM].strip(b" \0")
    if len(header) < TAR_HEADER_BYTES or not re.fullmatch(rb"[0-7]{1,7}", told):
        return None
    blank = header[: TAR_CHECKSUM.start] + b" " * 8 + header[TAR_CHECKSUM.stop :]
    return "application/x-tar" if sum(blank) == int(told, 8) else None


def ole(head: bytes) -> str | None:
    """Return the type of one of Office's older documents, if its directory is among the first bytes."""
    if not head.startswith(OLE_START):
        return None
    sector_bytes = 1 << min(int.from_bytes(head[30:32], "little"), 12)
    at = (int.from_bytes(head[48:52], "little") + 1) * sector_bytes
    directory = head[at : at + max(sector_bytes, 4 * OLE_ENTRY_BYTES)]
    for start in range(0, len(directory), OLE_ENTRY_BYTES):
        name_bytes = min(int.from_bytes(directory[start + 64 : start + 66], "little"), 64)
        name = directory[start : start + max(name_bytes - 2, 0)].decode("utf-16-le", "replace")
        if name in OLE_STREAMS:
            return OLE_STREAMS[name]
    return OLE

"""Small files of the formats that people have, made here; each begins as its usual writers begin it."""

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import struct
import tarfile
import wave
import zipfile
from collections.abc import Mapping
from pathlib import Path

OFFICE = "application/vnd.openxmlformats-officedocument."
FTYP = b"\0\0\0\x1cftyp%b\0\0\0\0%bmiaf\0\0\0\0"
EBML = (
    b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\xf7\x81\1\x42\xf2\x81\4\x42\xf3\x81\x08\x42\x82%b\x42\x87\x81\4"
)
FRAME = b"\xff\xfb\x90\0" + bytes(413)
ADTS = b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)
CONTENT_TYPES = '<?xml version="1.0"?><Types><Override PartName="/a" ContentType="{}.main+xml"/></Types>'
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>'


def zipped(entries: Mapping[str, str | bytes], *, stored: tuple[str, ...] = ()) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name in stored else None)
    return file.getvalue()


def streamed(entries: Mapping[str, str | bytes]) -> bytes:
    """Return a ZIP whose headers leave out how long the entries are, as a program writes it into a pipe."""

    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.written += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return pipe.written


def office(name: str, part: str) -> bytes:
    return zipped({"[Content_Types].xml": CONTENT_TYPES.format(name), part: "<a/>"})


def claimed(media_type: str) -> bytes:
    return zipped({"mimetype": media_type, "content.xml": "<a/>"}, stored=("mimetype",))


def taped() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("notes.txt")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    return file.getvalue()


def sound() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, 8000, 0, "NONE", ""))
        written.writeframes(bytes(32))
    return file.getvalue()


def ogg(packet: bytes) -> bytes:
    return b"OggS\0\2" + bytes(20) + b"\1" + bytes([len(packet)]) + packet


def font(version: bytes) -> bytes:
    return version + struct.pack(">4H", 10, 128, 3, 32) + bytes(160)


def ole(stream: str) -> bytes:
    """Return an OLE file whose directory is its second sector."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHH", 62, 3, 0xFFFE, 9)
    header = (header + bytes(16) + struct.pack("<L", 0)).ljust(512, b"\0")
    entries = b"".join(
        name.encode("utf-16-le").ljust(64, b"\0") + struct.pack("<H", 2 * len(name) + 2) + bytes(62)
        for name in ("Root Entry", "\5SummaryInformation", stream)
    )
    return header + entries.ljust(512, b"\0")


def database(folder: Path) -> bytes:
    path = folder / "made.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE a (b)")
    connection.close()
    return path.read_bytes()


FILES: dict[str, tuple[bytes, ...]] = {
    "video/mp4": (FTYP % (b"isom", b"mp41"), FTYP % (b"mp42", b"isom"), FTYP % (b"xxxx", b"avc1")),
    "video/quicktime": (
        FTYP % (b"qt  ", b"qt  "),
        b"\0\0\0\x08wide\0\0\1\0mdat" + bytes(8),
        b"\0\0\2\0moov\0\0\0\x6cmvhd",
    ),
    "audio/mp4": (FTYP % (b"M4A ", b"isom"), FTYP % (b"M4B ", b"mp42")),
    "video/3gpp": (FTYP % (b"3gp5", b"isom"),),
    "video/webm": (EBML % b"\x84webm",),
    "video/x-matroska": (EBML % b"\x88matroska",),
    "video/x-msvideo": (b"RIFF\x24\0\0\0AVI LIST",),
    "video/mp2t": ((b"G\x40\0\x10" + bytes(184)) * 5,),
    "video/mpeg": (b"\0\0\1\xba\x44\0\4\0\4\1",),
    "audio/mpeg": (b"ID3\4\0\0\0\0\0\x0a" + bytes(10), FRAME * 3),
    "audio/aac": (ADTS * 3,),
    "audio/wav": (sound(),),
    "audio/flac": (b"fLaC\0\0\0\x22\x10\0\x10\0" + bytes(30),),
    "audio/ogg": (ogg(b"\x01vorbis\0\0\0\0"), ogg(b"OpusHead\1\2"), ogg(b"\x7fFLAC\1\0")),
    "video/ogg": (ogg(b"\x80theora\3\2\1"),),
    "application/ogg": (ogg(b"unknown codec"),),
    "audio/midi": (b"MThd\0\0\0\6\0\1\0\1\0\x60",),
    "audio/aiff": (b"FORM\0\0\0\x2eAIFFCOMM",),
    f"{OFFICE}wordprocessingml.document": (
        office(f"{OFFICE}wordprocessingml.document", "word/document.xml"),
        zipped({"docProps/app.xml": "<a/>", "word/document.xml": "<a/>"}),
        streamed({"_rels/.rels": "<a/>" * 99, "word/document.xml": "<a/>"}),
    ),
    f"{OFFICE}spreadsheetml.sheet": (
        office(f"{OFFICE}spreadsheetml.sheet", "xl/workbook.xml"),
        zipped({"docProps/app.xml": "<a/>", "xl/workbook.xml": "<a/>", "[Content_Types].xml": "<a/>"}),
    ),
    f"{OFFICE}presentationml.presentation": (
        office(f"{OFFICE}presentationml.presentation", "ppt/presentation.xml"),
        streamed({"ppt/presentation.xml": "<a/>"}),
    ),
    f"{OFFICE}spreadsheetml.template": (office(f"{OFFICE}spreadsheetml.template", "xl/workbook.xml"),),
    "application/vnd.ms-excel.sheet.macroEnabled.12": (
        office("application/vnd.ms-excel.sheet.macroEnabled", "xl/workbook.xml"),
    ),
    "application/vnd.oasis.opendocument.text": (claimed("application/vnd.oasis.opendocument.text"),),
    "application/vnd.oasis.opendocument.spreadsheet": (
        claimed("application/vnd.oasis.opendocument.spreadsheet"),
    ),
    "application/epub+zip": (
        claimed("application/epub+zip"),
        zipped({"META-INF/container.xml": "<container/>"}),
    ),
    "application/java-archive": (zipped({"META-INF/": "", "META-INF/MANIFEST.MF": "Manifest-Version: 1.0"}),),
    "application/vnd.android.package-archive": (
        zipped({"META-INF/MANIFEST.MF": "Manifest-Version: 1.0", "AndroidManifest.xml": b"\3\0\x08\0"}),
        zipped({"classes.dex": b"dex\n035\0"}),
    ),
    "application/zip": (
        zipped({"notes.txt": "hello"}),
        zipped({}),
        zipped({"words/list.txt": "hello", "mimetype.txt": "application/epub+zip"}),
        claimed("text/html"),
        b"PK\x03\x04",
    ),
    "application/msword": (ole("WordDocument"),),
    "application/vnd.ms-excel": (ole("Workbook"),),
    "application/vnd.ms-powerpoint": (ole("PowerPoint Document"),),
    "application/x-ole-storage": (ole("EncryptedPackage"), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "application/x-7z-compressed": (b"7z\xbc\xaf\x27\x1c\0\4",),
    "application/vnd.rar": (b"Rar!\x1a\x07\1\0", b"Rar!\x1a\x07\0"),
    "application/gzip": (gzip.compress(b"a,b\n"),),
    "application/x-xz": (lzma.compress(b"a,b\n"),),
    "application/x-bzip2": (bz2.compress(b"a,b\n"),),
    "application/zstd": (b"\x28\xb5\x2f\xfd\x04\x58",),
    "application/x-tar": (taped(),),
    "application/pdf": (b"%PDF-1.7\n%\xe2\xe3",),
    "text/rtf": (b"{\\rtf1\\ansi hello}",),
    "application/json": (
        b'{"a": 1}',
        b"\xef\xbb\xbf [1, 2.5, null]\n",
        json.dumps([{"name": "größer", "n": n} for n in range(5000)], ensure_ascii=False).encode(),
        b'{\n  "a": {"b": [1]}\n}\n',
    ),
    "application/x-ndjson": (b'{"a": 1}\n{"a": 2}\n', b'{"a": 1}\r\n\r\n{"a"' + b" " * 99_999),
    "image/svg+xml": (
        DRAWING,
        b'<?xml version="1.0"?>\n<!-- made by hand -->\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "a"'
        b' [\n<!ENTITY a "x">\n]>\n' + DRAWING,
        b'<?xml version="1.0"?><svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>',
    ),
    "text/html": (
        b"<!DOCTYPE html><title>x</title>",
        b"\xef\xbb\xbf\n<!-- a --> <!-- b -->\n<HTML lang=en>",
        b'<!doctype HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">\n<html>',
    ),
    "application/xhtml+xml": (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',),
    "application/xml": (b'<?xml version="1.0"?>\n<order><item/></order>', b"<?xml version='1.0'?>"),
    "application/rss+xml": (b'<?xml version="1.0"?><rss version="2.0"/>',),
    "text/calendar": (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n",),
    "text/vcard": (b"BEGIN:VCARD\r\nVERSION:4.0\r\n",),
    "font/woff": (b"wOFF\0\1\0\0" + bytes(36),),
    "font/woff2": (b"wOF2\0\1\0\0" + bytes(36),),
    "font/ttf": (font(b"\0\1\0\0"), font(b"true")),
    "font/otf": (font(b"OTTO"),),
    "application/wasm": (b"\0asm\1\0\0\0",),
    "application/vnd.apache.arrow.file": (b"ARROW1\0\0\xff\xff\xff\xff",),
    "application/x-hdf5": (b"\x89HDF\r\n\x1a\n\0\0",),
    "application/vnd.microsoft.portable-executable": (
        b"MZ".ljust(60, b"\0") + struct.pack("<L", 64) + b"PE\0\0",
    ),
    "application/x-executable": (b"\x7fELF\2\1\1\0",),
    # puremagic's table recognises these.
    "audio/x-ape": (b"MAC \x96\x0f\0\0\x34\0\0\0",),
    "application/x-blender": (b"BLENDER-v300\0\0REND\1",),
    "audio/x-caf": (b"caff\0\1\0\0desc",),
}
CASES = [(media_type, number) for media_type, contents in FILES.items() for number, _ in enumerate(contents)]

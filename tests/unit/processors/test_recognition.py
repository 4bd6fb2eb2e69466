import codecs
import struct
from pathlib import Path

import pytest

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.recognition import check_content, contradicts, recognise

from .conftest import parquet_bytes

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
FTYP = b"\0\0\0\x1cftyp%b\0\0\0\0%bmiaf\0\0\0\0"
BITMAP = b"BM" + struct.pack("<IHHII", 70, 0, 0, 54, 40)
SAMPLES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "image/gif": b"GIF89a\x01\0\x01\0",
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 ",
    "image/tiff": b"II*\0\x08\0\0\0",
    "image/bmp": BITMAP,
    "image/avif": b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf",
    "image/heic": FTYP % (b"heic", b"mif1"),
    "image/heif": FTYP % (b"mif1", b"xxxx"),
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3",
    "application/gzip": b"\x1f\x8b\x08\0\0\0\0\0",
    "application/zip": b"PK\x03\x04\x14\0",
    "text/html": b"\xef\xbb\xbf\n<!DOCTYPE html><title>x</title>",
}

#: Formats that no kind takes.
OTHERS = {
    "image/heic-sequence": FTYP % (b"hevc", b"msf1"),
    "image/heif-sequence": FTYP % (b"msf1", b"xxxx"),
    "image/x-canon-cr2": b"II*\0\x10\0\0\0CR\2\0",
    "image/x-canon-cr3": FTYP % (b"crx ", b"isom"),
    "image/x-canon-crw": b"II\x1a\0\0\0HEAPCCDR",
    "image/x-olympus-orf": b"IIRO\x08\0\0\0",
    "image/x-panasonic-rw2": b"IIU\0\x18\0\0\0",
    "image/x-minolta-mrw": b"\0MRM\0\0\0\1",
    "image/x-sigma-x3f": b"FOVb\0\0\2\0",
    "image/jxl": b"\0\0\0\x0cJXL \r\n\x87\n",
    "image/jp2": b"\0\0\0\x0cjP  \r\n\x87\n",
    "image/jxr": b"II\xbc\1\x08\0\0\0",
    "image/vnd.adobe.photoshop": b"8BPS\0\1" + bytes(6),
    "image/x-icon": b"\0\0\1\0\1\0" + bytes(12) + struct.pack("<L", 22),
    "image/x-icns": b"icns\0\0\1\0",
    "image/x-exr": b"v/1\1\2\0\0\0",
    "image/vnd.ms-dds": b"DDS |\0\0\0",
    "image/x-xcf": b"gimp xcf file\0",
    "image/vnd.djvu": b"AT&TFORM\0\0\0\1DJVU",
    "image/wmf": b"\xd7\xcd\xc6\x9a\0\0",
    "application/dicom": bytes(128) + b"DICM\2\0\0\0",
    "video/mp4": FTYP % (b"isom", b"mp41"),
    "video/quicktime": FTYP % (b"qt  ", b"qt  "),
    "video/webm": b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm",
    "video/x-msvideo": b"RIFF\0\0\0\0AVI ",
    "audio/wav": b"RIFF\0\0\0\0WAVE",
    "application/postscript": b"\xc5\xd0\xd3\xc6\x1e\0\0\0",
    "application/x-ole-storage": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "application/x-7z-compressed": b"7z\xbc\xaf\x27\x1c",
    "application/vnd.rar": b"Rar!\x1a\x07\1\0",
    "application/x-bzip2": b"BZh91AY&SY",
    "application/x-xz": b"\xfd7zXZ\0",
    "application/zstd": b"\x28\xb5\x2f\xfd\0",
    "application/vnd.sqlite3": b"SQLite format 3\0",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize("media_type", [*SAMPLES, *OTHERS])
def test_a_file_is_known_by_its_first_bytes(file: Path, media_type: str) -> None:
    file.write_bytes((SAMPLES | OTHERS)[media_type])

    assert recognise(file) == media_type


def test_a_parquet_file_is_known_by_both_ends(file: Path) -> None:
    file.write_bytes(parquet_bytes(file.parent, "SELECT 1 AS a"))
    assert recognise(file) == "application/vnd.apache.parquet"

    file.write_bytes(file.read_bytes()[:-1])
    assert recognise(file) != "application/vnd.apache.parquet"


@pytest.mark.parametrize(
    "text",
    [
        b"plain",
        "größer €".encode(),
        codecs.BOM_UTF8 + b"a",
        codecs.BOM_UTF16_LE + "größer".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "größer".encode("utf-16-be"),
        "größer €".encode("utf-16-le"),
        "größer €".encode("utf-16-be"),
        "Цена, €\n1 200\n".encode("utf-16-le"),
        "rīts Ābele\n".encode("utf-16-le"),
        ("a" * 40_000 + "€").encode("utf-16-be"),
        "größer €".encode("cp1252"),
        b"BMI,height\n22,180\n",
        b"a" * 65_535 + "é".encode() + b"b" * 100,
    ],
)
def test_text_is_text_in_every_usual_encoding(file: Path, text: bytes) -> None:
    file.write_bytes(text)

    assert recognise(file) == "text/plain"


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"a\0b",
        b"\xff\x01\x02\xfe",
        bytes(range(256)),
        b"a,b\n1,2\n\0003,4\n5,66\n",
        b"name\0\0\0\0city\0\0\0\0",
        b"a\0b\0\1\0c\0",
        b"a\0b\0c\0\x00\xd8d\0",
        bytes(64),
        struct.pack("<8H", 1, 2, 3, 200, 65, 66, 67, 68),
    ],
)
def test_what_is_not_known_has_no_type(file: Path, other: bytes) -> None:
    file.write_bytes(other)

    assert recognise(file) is None


def test_a_declared_type_with_a_signature_must_carry_it(file: Path) -> None:
    file.write_bytes(PNG)

    assert not contradicts(file, "image/png")
    assert contradicts(file, "image/jpeg")
    assert contradicts(file, "application/vnd.apache.parquet")


@pytest.mark.parametrize("media_type", OTHERS)
def test_what_no_kind_takes_is_named_in_the_refusal(file: Path, media_type: str) -> None:
    file.write_bytes(OTHERS[media_type])
    with pytest.raises(InvalidPayload) as refused:
        check_content(file, "image/jpeg")

    assert refused.value.code == ProblemCode.MEDIA_TYPE_MISMATCH
    assert refused.value.detail == f"Declared as image/jpeg, but the content is {media_type}."


@pytest.mark.parametrize("media_type", OTHERS)
def test_a_type_that_no_kind_takes_is_refused_for_content_of_another(file: Path, media_type: str) -> None:
    file.write_bytes(PNG)

    assert contradicts(file, media_type)


@pytest.mark.parametrize("media_type", OTHERS)
def test_it_is_believed_where_the_content_cannot_be_told(file: Path, media_type: str) -> None:
    file.write_bytes(bytes(range(256)))

    assert not contradicts(file, media_type)


def test_every_heic_is_a_heif_and_not_the_other_way_round(file: Path) -> None:
    file.write_bytes(SAMPLES["image/heic"])
    assert not contradicts(file, "image/heif")

    file.write_bytes(SAMPLES["image/heif"])
    assert contradicts(file, "image/heic")


def test_an_avif_may_carry_the_brands_of_its_relatives(file: Path) -> None:
    file.write_bytes(FTYP % (b"mif1", b"avif") + b"heic")

    assert recognise(file) == "image/avif"


@pytest.mark.parametrize(
    "text", [b"gimp xcf files are", b"AT&TFORM letters, a", b"8BPS is Photoshop", b"BZh9 is a name"]
)
def test_a_text_that_begins_like_another_format_is_a_text(file: Path, text: bytes) -> None:
    file.write_bytes(text)

    assert recognise(file) == "text/plain"


def test_a_declared_type_without_a_signature_is_believed(file: Path) -> None:
    file.write_bytes(PNG)

    assert not contradicts(file, "application/octet-stream")
    assert not contradicts(file, "text/plain")


def test_an_empty_file_contradicts_nothing(file: Path) -> None:
    file.touch()

    assert not contradicts(file, "image/png")


def test_a_synonym_means_the_same(file: Path) -> None:
    file.write_bytes(SAMPLES["image/jpeg"])

    assert not contradicts(file, "image/jpg")


def test_a_declared_pdf_may_begin_a_little_late(file: Path) -> None:
    file.write_bytes(b"\n" * 100 + b"%PDF-1.4\n")

    assert not contradicts(file, "application/pdf")


@pytest.mark.parametrize("start", [b"IIRO\x08\0\0\0", b"IIRS\x08\0\0\0", b"MMOR\0\0\0\x08"])
def test_olympus_begins_its_files_in_three_ways(file: Path, start: bytes) -> None:
    file.write_bytes(start + bytes(64))

    assert recognise(file) == "image/x-olympus-orf"


def test_jpeg_xl_without_a_container_is_told_from_a_text(file: Path) -> None:
    file.write_bytes(b"\xff\n\xfa\x1f\x41\x88\0\x03" + bytes(64))
    assert recognise(file) == "image/jxl"

    file.write_bytes("ÿ\nname\n".encode("cp1252"))
    assert recognise(file) != "image/jxl"

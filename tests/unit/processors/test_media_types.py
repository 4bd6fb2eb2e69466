import codecs
import struct
from pathlib import Path

import pytest

from app.processors.media_types import contradicts, detect_media_type

from .conftest import parquet_bytes

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
BITMAP = b"BM" + struct.pack("<IHHII", 70, 0, 0, 54, 40)
SAMPLES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "image/gif": b"GIF89a\x01\0\x01\0",
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 ",
    "image/tiff": b"II*\0\x08\0\0\0",
    "image/bmp": BITMAP,
    "image/avif": b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1miaf",
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3",
    "application/gzip": b"\x1f\x8b\x08\0\0\0\0\0",
    "application/zip": b"PK\x03\x04\x14\0",
    "text/html": b"\xef\xbb\xbf\n<!DOCTYPE html><title>x</title>",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize("media_type", SAMPLES)
def test_a_file_is_known_by_its_first_bytes(file: Path, media_type: str) -> None:
    file.write_bytes(SAMPLES[media_type])

    assert detect_media_type(file) == media_type


def test_a_parquet_file_is_known_by_both_ends(file: Path) -> None:
    file.write_bytes(parquet_bytes(file.parent, "SELECT 1 AS a"))
    assert detect_media_type(file) == "application/vnd.apache.parquet"

    file.write_bytes(file.read_bytes()[:-1])
    assert detect_media_type(file) != "application/vnd.apache.parquet"


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

    assert detect_media_type(file) == "text/plain"


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

    assert detect_media_type(file) is None


def test_a_declared_type_with_a_signature_must_carry_it(file: Path) -> None:
    file.write_bytes(PNG)

    assert not contradicts(file, "image/png")
    assert contradicts(file, "image/jpeg")
    assert contradicts(file, "application/vnd.apache.parquet")


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

"""The encoding in a profile: as the client declared it, shown by the text, or guessed."""

import codecs
import gzip
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import InvalidPayload, ProblemCode

from .conftest import ProcessDataset, parquet_bytes

CITIES = "город,n\nМосква,1\nЕкатеринбург,2\n"
MOSCOW = {"columns": ["город", "n"], "rows": [["Москва", 1], ["Екатеринбург", 2]]}
NDJSON = "application/x-ndjson"


def said(profile: dict[str, Any]) -> tuple[str, bool, int]:
    return profile["encoding"], profile["encoding_guessed"], profile["replaced_characters"]


@pytest.mark.parametrize(
    ("payload", "media_type", "expected"),
    [
        (CITIES.encode(), "text/csv", ("utf-8", False, 0)),
        (CITIES.encode("utf-16"), "text/csv", ("utf-16-le", False, 0)),
        (CITIES.encode("utf-32"), "text/csv", ("utf-32-le", False, 0)),
        (CITIES.encode("utf-16-be"), "text/csv", ("utf-16-be", True, 0)),
        (CITIES.encode("utf-16-be"), "text/csv; charset=utf-16be", ("utf-16-be", False, 0)),
        (CITIES.encode("cp1251"), "text/csv", ("cp1251", True, 0)),
        (CITIES.encode("cp1251"), "text/csv; charset=windows-1251", ("cp1251", False, 0)),
        (gzip.compress(CITIES.encode("koi8-r"), mtime=0), 'text/csv; charset="KOI8-R"', ("koi8-r", False, 0)),
        (codecs.BOM_UTF8 * 2 + CITIES.encode(), "text/csv; charset=utf-8", ("utf-8", False, 0)),
        (CITIES.replace(",", "\t").encode("cp866"), "text/tab-separated-values", ("cp866", True, 0)),
    ],
)
def test_the_table_is_the_same_in_every_encoding(
    process: ProcessDataset, payload: bytes, media_type: str, expected: tuple[str, bool, int]
) -> None:
    result = process(payload, media_type)

    assert {"columns": result.preview["columns"], "rows": result.preview["rows"]} == MOSCOW
    assert said(result.profile) == expected


def test_one_bad_byte_is_one_replacement_and_changes_no_other_cell(process: ProcessDataset) -> None:
    result = process(b"name,n\n" + "José,1\n".encode() * 50 + b"Jos\xe9,2\n")

    assert result.cells("name") == [*["José"] * 50, "Jos\ufffd"]
    assert said(result.profile) == ("utf-8", True, 1)


def test_ndjson_says_it_too(process: ProcessDataset) -> None:
    text = '{"город": "Москва"}\n'

    assert said(process(text, NDJSON).profile) == ("utf-8", False, 0)
    assert said(process(text.encode("utf-16-le"), NDJSON).profile) == ("utf-16-le", True, 0)


def test_ndjson_is_unicode_unless_it_declares_another_charset(process: ProcessDataset) -> None:
    payload = '{"город": "Москва"}\n'.encode("cp1251")

    with pytest.raises(InvalidPayload, match=r"^The text is not valid UTF-8\.$"):
        process(payload, NDJSON)
    assert process(payload, f"{NDJSON}; charset=windows-1251").cells("город") == ["Москва"]


@pytest.mark.parametrize(
    ("payload", "line"),
    [
        (b"a,b\n1,x\n2,z\n" + bytes(600), 4),
        (b"id\0name\n12\0Anna\n34\0Otto\n" * 4, 1),
        (b"a,b\n1,\0x\n", 2),
        ("name\nMüller\0\n".encode("cp1252"), 2),
    ],
    ids=["padded", "NUL as delimiter", "one", "not UTF-8"],
)
def test_a_nul_character_is_named_with_its_line(process: ProcessDataset, payload: bytes, line: int) -> None:
    with pytest.raises(InvalidPayload) as refused:
        process(payload)

    assert (refused.value.code, refused.value.detail) == (
        ProblemCode.INVALID_CONTENT,
        f"Line {line} holds a NUL character.",
    )


def test_parquet_has_no_encoding(process: ProcessDataset, tmp_path: Path) -> None:
    payload = parquet_bytes(tmp_path, "SELECT 1 AS a")

    profile = process(payload, "application/vnd.apache.parquet").profile

    assert all(profile[name] is None for name in ("encoding", "encoding_guessed", "replaced_characters"))

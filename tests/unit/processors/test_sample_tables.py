"""CSV as others test with it: csv-spectrum, and the tables of csvkit, agate and frictionless.

`make real-files` runs these: they need the files that `make samples` fetches.
"""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.system.real_files import SAMPLES, RealFile, files_of

from .conftest import ProcessDataset, Result

pytestmark = pytest.mark.real_files

#: All but location_coordinates, whose JSON has another phone number than its CSV.
SPECTRUM = (
    "comma_in_quotes",
    "empty",
    "empty_crlf",
    "escaped_quotes",
    "json",
    "newlines",
    "newlines_crlf",
    "quotes_and_newlines",
    "simple",
    "simple_crlf",
    "utf8",
)


def spectrum(name: str, suffix: str) -> Path:
    return SAMPLES / "csv-spectrum" / f"{suffix}s__{name}.{suffix}".replace("jsons__", "json__")


def rows_as_text(result: Result) -> list[dict[str, str]]:
    columns, rows = result.preview["columns"], result.preview["rows"]
    cells = (["" if cell is None else str(cell) for cell in row] for row in rows)
    return [dict(zip(columns, row, strict=True)) for row in cells]


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum_is_read_as_it_says(process: ProcessDataset, name: str) -> None:
    result = process(spectrum(name, "csv").read_bytes())

    assert rows_as_text(result) == json.loads(spectrum(name, "json").read_bytes())


def test_the_coordinates_of_csv_spectrum_are_read_as_they_are(process: ProcessDataset) -> None:
    payload = spectrum("location_coordinates", "csv").read_bytes()

    assert rows_as_text(process(payload)) == list(csv.DictReader(io.StringIO(payload.decode())))


@pytest.mark.parametrize("package", ["agate", "csvkit", "frictionless"])
def test_no_row_of_a_sample_is_lost(process: ProcessDataset, package: str) -> None:
    for file in files_of(package):
        if file.media_type in ("text/csv", "text/tab-separated-values") and file.expected == "ready":
            assert_nothing_is_lost(process, file)


def assert_nothing_is_lost(process: ProcessDataset, file: RealFile) -> None:
    result = process(file.path.read_bytes(), file.media_type)
    rows = rows_of(file.path.read_bytes(), result.profile)
    data = rows[result.profile["header"] :]

    assert result.report.summary["rows"] == len(data), file.path
    assert result.report.summary["columns"] >= max(width(row) for row in rows), file.path
    stored = duckdb.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM '{result.data}'").fetchall()
    for place, column in enumerate(result.profile["columns"]):
        cells = [row[place] if place < len(row) else "" for row in data]
        kept = [row[place] for row in stored]
        assert [cell is None for cell in kept] == [not cell for cell in cells], file.path
        if column["type"] == "text":
            assert [cell or "" for cell in kept] == cells, file.path


def width(row: list[str]) -> int:
    """Return the width of a row without the empty cells at its end."""
    return max((place for place, cell in enumerate(row, 1) if cell), default=0)


def rows_of(payload: bytes, profile: dict[str, Any]) -> list[list[str]]:
    """Read the rows by Python's csv, with what the profile says of the file."""
    unpacked = gzip.decompress(payload) if profile["compression"] else payload
    text = unpacked.decode(profile["encoding"]).removeprefix("\ufeff")
    lines = io.StringIO(text, newline="")
    for _ in profile["lines_above"]:
        lines.readline()
    return [
        row for row in csv.reader(lines, delimiter=profile["delimiter"], quotechar=profile["quote"]) if row
    ]

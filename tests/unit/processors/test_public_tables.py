"""Every table that an installed package brings: no row lost, no cell changed, and the profile is right.

Nothing is fetched: the files are those of `vega-datasets`, numpy and whatever else is installed.
"""

import csv
import io
import statistics
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from importlib.metadata import distribution, distributions
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .conftest import ProcessDataset

MEDIA_TYPES = {".csv": "text/csv", ".tsv": "text/tab-separated-values"}
INSTALLED = {
    str(file): Path(str(package.locate_file(file)))
    for package in distributions()
    for file in package.files or ()
    if file.suffix in MEDIA_TYPES
}
PUBLIC = {
    file.stem: Path(str(file.locate()))
    for file in distribution("vega-datasets").files or ()
    if file.suffix == ".csv"
}
DAYS = ("%Y-%m-%d", "%Y/%m/%d")
MOMENTS = ("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S")
#: A relative difference: the order of summation changes the last digits of sums of floats.
EXACT = 1e-12
#: A relative difference: above 20,000 rows `distinct` is a HyperLogLog estimate.
CLOSE_DISTINCT = 0.1
#: Above 20,000 rows a quartile is a t-digest's: the share of rows below it is within this of a quarter.
CLOSE_RANK = 0.02


def rows_of(text: str, delimiter: str = ",") -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


def table_of(path: Path) -> dict[str, list[str]]:
    names, *rows = rows_of(path.read_text(encoding="utf-8"))
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def test_there_are_tables_to_look_at() -> None:
    assert len(INSTALLED) >= 38
    assert len(PUBLIC) == 8


@pytest.mark.parametrize("name", sorted(INSTALLED))
def test_no_row_of_an_installed_table_is_lost(process: ProcessDataset, name: str) -> None:
    payload = INSTALLED[name].read_bytes()
    result = process(payload, MEDIA_TYPES[INSTALLED[name].suffix])

    profile = result.profile
    rows = rows_of(payload.decode(profile["encoding"]), profile["delimiter"])
    width = max(map(len, rows))
    assert result.report.summary["rows"] == len(rows) - profile["header"]
    assert result.report.summary["columns"] == width
    stored = duckdb.read_parquet(str(result.data)).fetchall()
    for place, column in enumerate(profile["columns"]):
        cells = [row[place] if place < len(row) else "" for row in rows[profile["header"] :]]
        assert [row[place] for row in stored] == [valued(cell, column["type"]) for cell in cells]


def valued(cell: str, kind: str) -> Any:
    """Return the value of a cell in a column of that type; integers may be hexadecimal."""
    if not cell:
        return None
    match kind:
        case "integer":
            return int(cell, 0)
        case "number":
            return float(cell)
        case "date":
            return moment_of(cell, DAYS).date()
        case "timestamp":
            return moment_of(cell, MOMENTS).replace(tzinfo=None)
        case _:
            return cell


def moment_of(cell: str, formats: Sequence[str]) -> datetime:
    for known in formats:
        try:
            return datetime.strptime(cell, known).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(cell)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_the_profile_of_a_public_table_is_what_python_computes(process: ProcessDataset, name: str) -> None:
    result, table = process(PUBLIC[name].read_bytes()), table_of(PUBLIC[name])

    assert [column["name"] for column in result.profile["columns"]] == list(table)
    for column, cells in zip(result.profile["columns"], table.values(), strict=True):
        given = [cell for cell in cells if cell]
        kind, values = typed(given)
        assert column["type"] == kind
        assert column["nulls"] == len(cells) - len(given)
        assert column["distinct"] == len(set(values))
        assert (column["min"], column["max"]) == (written(min(values)), written(max(values)))
        assert_text_is_described(column, given, kind)
        assert_numbers_are_described(column, values, kind)


def test_the_estimates_for_a_large_table_are_close(process: ProcessDataset) -> None:
    head, *lines = PUBLIC["seattle-weather"].read_text().splitlines(keepends=True)
    table = table_of(PUBLIC["seattle-weather"])
    times = 20

    result = process(head + "".join(lines) * times)

    assert result.report.summary["rows"] == len(lines) * times > 20_000
    for column in result.profile["columns"]:
        kind, values = typed(table[column["name"]])
        assert (column["type"], column["nulls"]) == (kind, 0)
        assert (column["min"], column["max"]) == (written(min(values)), written(max(values)))
        assert column["distinct"] == pytest.approx(len(set(values)), rel=CLOSE_DISTINCT)
        if kind == "text":
            assert {one["value"]: one["count"] for one in column["top"]} == {
                value: count * times for value, count in Counter(values).items()
            }
            continue
        for share, found in zip((0.25, 0.5, 0.75), column["quartiles"], strict=True):
            assert_ranks(sorted(values), date.fromisoformat(found) if kind == "date" else found, share)
        if kind == "number":
            assert column["mean"] == pytest.approx(statistics.fmean(values), rel=EXACT)
            assert column["std"] == pytest.approx(statistics.stdev(values * times), rel=EXACT)


def assert_ranks(ordered: Sequence[Any], value: Any, share: float) -> None:
    below, up_to = (bisect(ordered, value) / len(ordered) for bisect in (bisect_left, bisect_right))
    assert below - CLOSE_RANK <= share <= up_to + CLOSE_RANK


def assert_text_is_described(column: dict[str, Any], given: list[str], kind: str) -> None:
    if kind != "text":
        assert column["top"] is column["formula_like"] is None
        return
    ranked = sorted(Counter(given).items(), key=lambda item: (-item[1], item[0]))
    assert column["top"] == [{"value": value, "count": count} for value, count in ranked[:10]]
    assert column["formula_like"] == sum(cell[0] in "=+-@" for cell in given)


def assert_numbers_are_described(column: dict[str, Any], values: list[Any], kind: str) -> None:
    if kind == "text":
        assert column["mean"] is column["std"] is column["quartiles"] is column["histogram"] is None
        return
    numbers = [seconds(value) for value in values]
    quartiles = statistics.quantiles(numbers, n=4, method="inclusive")
    if kind in ("integer", "number"):
        assert column["mean"] == pytest.approx(statistics.fmean(numbers), rel=EXACT)
        assert column["std"] == pytest.approx(statistics.stdev(numbers), rel=EXACT)
        assert column["quartiles"] == pytest.approx(quartiles, rel=EXACT)
    else:
        assert column["mean"] is column["std"] is None
        moments = [datetime.fromtimestamp(number, UTC).replace(tzinfo=None) for number in quartiles]
        whole = [
            moment.date() if kind == "date" and moment.time() == time.min else moment for moment in moments
        ]
        assert column["quartiles"] == [written(value) for value in whole]
    assert_bins(column["histogram"], numbers)


def assert_bins(histogram: dict[str, Any], numbers: list[float]) -> None:
    """A value on an edge, but for the last digits of a float, may be on either side of it."""
    edges = [seconds(datetime.fromisoformat(at)) if isinstance(at, str) else at for at in histogram["edges"]]
    assert (edges[0], edges[-1]) == (min(numbers), max(numbers))
    assert len(edges) == 21
    assert sum(histogram["counts"]) == len(numbers)
    hair = (edges[-1] - edges[0]) * 1e-9
    for (low, high), count in zip(pairwise(edges), histogram["counts"], strict=True):
        fewest = sum(low + hair <= number < high - hair for number in numbers)
        most = sum(low - hair <= number < high + hair for number in numbers)
        assert fewest <= count <= most


def typed(cells: list[str]) -> tuple[str, list[Any]]:
    """The narrowest type that holds every cell, and the values."""
    readers: dict[str, Callable[[str], Any]] = {
        "integer": int,
        "number": float,
        "date": lambda cell: moment_of(cell, DAYS).date(),
        "timestamp": lambda cell: moment_of(cell, MOMENTS).replace(tzinfo=None),
    }
    for kind, read in readers.items():
        try:
            return kind, [read(cell) for cell in cells]
        except ValueError:
            continue
    return "text", cells


def seconds(value: Any) -> float:
    """A number, or the seconds since 1970."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    return float(value)


def written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value

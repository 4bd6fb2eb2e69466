"""What a reader wants to know of each column, measured on the Parquet file.

One object per column, in the table's order; a key that does not apply to the
type is null:

* `name`, `type` (see `values`), `nulls`, `distinct`
* `min`, `max`     not of booleans, json and binary
* `mean`, `std`    of numbers; `std` is the sample's
* `quartiles`      of numbers and dates: lower quartile, median, upper quartile
* `top`            of text and booleans: the 10 most frequent, `[{"value", "count"}]`
* `histogram`      of numbers and dates: 20 bins of equal width, `{"edges", "counts"}`,
                   each with its lower edge, the last with both; one bin when all
                   values are equal. Edges of dates are timestamps
* `non_finite`     of numbers and dates: NaN and infinities, left out of all the above
* `formula_like`   of text: cells that a spreadsheet may run, starting with = + - or @

Above 20,000 rows `quartiles` are approximate, and so is `distinct` but for
booleans and text with up to 20,000 values. Text is compared and shown by its
first 256 characters.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from app.processors.dataset.counts import Counted, count_distinct, count_likely, count_values
from app.processors.dataset.engine import Column, described_table
from app.processors.dataset.statistics import (
    EXACT_ROWS,
    LONGEST_VALUE_CHARACTERS,
    Statistics,
    numeric,
    statistics_of,
)
from app.processors.dataset.values import json_value, readable, type_name

TOP = 10
BINS = 20
EXACT_TOP_DISTINCT = 20_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def profile_columns(connection: DuckDBPyConnection, table: Path, rows: int) -> list[dict[str, Any]]:
    """Describe every column of a Parquet file of so many rows."""
    columns, source = described_table(connection, table)
    statistics = statistics_of(connection, source, columns, rows)
    tops = _tops(connection, source, columns, statistics, rows)
    histograms = _histograms(connection, source, columns, statistics, rows)
    distinct = _exact_distinct(connection, source, columns, rows)
    return [
        {
            "name": column.name,
            "type": type_name(column.type),
            "nulls": rows - known.filled,
            "distinct": _distinct(known, tops.get(place), distinct.get(place)),
            **_plain(column, known),
            "top": _top_json(column, tops.get(place)),
            "histogram": histograms.get(place),
        }
        for place, (column, known) in enumerate(zip(columns, statistics, strict=True))
    ]


def _plain(column: Column, known: Statistics) -> dict[str, Any]:
    is_number = type_name(column.type) in ("integer", "number")
    has_numbers = numeric(column, "") is not None
    return {
        "min": json_value(known.minimum, characters=LONGEST_VALUE_CHARACTERS),
        "max": json_value(known.maximum, characters=LONGEST_VALUE_CHARACTERS),
        "mean": _finite(known.mean) if is_number else None,
        "std": _finite(known.std) if is_number else None,
        "quartiles": _points(column, known.quartiles) if known.quartiles else None,
        "non_finite": known.filled - known.finite if has_numbers else None,
        "formula_like": known.formula_like,
    }


def _distinct(known: Statistics, top: Counted | None, exact: int | None) -> int:
    if exact is not None:
        return exact
    if top and top.distinct:
        return top.distinct
    return min(known.distinct, known.filled)


def _exact_distinct(
    connection: DuckDBPyConnection, source: str, columns: Sequence[Column], rows: int
) -> dict[int, int]:
    if rows > EXACT_ROWS:
        return {}
    values = {place: _as_text(column, place) for place, column in enumerate(columns)}
    return count_distinct(connection, source, values)


def _tops(
    connection: DuckDBPyConnection,
    source: str,
    columns: Sequence[Column],
    statistics: Sequence[Statistics],
    rows: int,
) -> dict[int, Counted]:
    """Exact counts always; the choice of values is exact up to 20,000 different ones."""
    ranked = [place for place, column in enumerate(columns) if type_name(column.type) in ("text", "boolean")]
    few = [place for place in ranked if statistics[place].distinct <= EXACT_TOP_DISTINCT]
    long = {place for place in ranked if (statistics[place].longest or 0) > LONGEST_VALUE_CHARACTERS}
    values = {place: _as_text(columns[place], place) for place in ranked}
    values |= {place: f"left({values[place]}, {LONGEST_VALUE_CHARACTERS + 1})" for place in long}
    tops = count_values(connection, source, {place: values[place] for place in few}, rows=rows, most=TOP)
    tops |= {place: Counted(tops[place].values, distinct=0) for place in long.intersection(few)}
    for place in set(ranked) - set(few):
        tops[place] = Counted(count_likely(connection, source, values[place], most=TOP), distinct=0)
    return tops


def _top_json(column: Column, top: Counted | None) -> list[dict[str, Any]] | None:
    if top is None:
        return None
    is_boolean = type_name(column.type) == "boolean"
    return [
        {
            "value": value == "true"
            if is_boolean
            else json_value(value, characters=LONGEST_VALUE_CHARACTERS),
            "count": count,
        }
        for value, count in top.values
    ]


def _histograms(
    connection: DuckDBPyConnection,
    source: str,
    columns: Sequence[Column],
    statistics: Sequence[Statistics],
    rows: int,
) -> dict[int, dict[str, Any]]:
    bins = {
        place: _bin(number, known.low, known.high)
        for place, (column, known) in enumerate(zip(columns, statistics, strict=True))
        if (number := numeric(column, f"c{place}")) and known.low is not None and known.high is not None
    }
    counted = count_values(connection, source, bins, rows=rows, most=BINS)
    return {place: _histogram(columns[place], statistics[place], found) for place, found in counted.items()}


def _bin(number: str, low: float, high: float) -> str:
    """SQL for the number of the bin; divided before subtracted, since high - low may overflow."""
    width = f"CAST({high / BINS - low / BINS!r} AS DOUBLE)"
    place = f"floor({number} / {width} - CAST({low!r} AS DOUBLE) / {width})" if high > low else "0"
    bin_number = f"CAST(greatest(0, least({BINS - 1}, {place})) AS UTINYINT)"
    return f"CASE WHEN {number} IS NOT NULL THEN {bin_number} END"


def _histogram(column: Column, known: Statistics, counted: Counted) -> dict[str, Any]:
    low, high = known.low or 0.0, known.high or 0.0
    bins = BINS if high > low else 1
    edges = [low + (high / bins - low / bins) * step for step in range(bins)] + [high]
    counts = dict(counted.values)
    as_timestamps = Column(column.name, column.type.replace("DATE", "TIMESTAMP"))
    return {"edges": _points(as_timestamps, edges), "counts": [counts.get(place, 0) for place in range(bins)]}


def _points(column: Column, numbers: Sequence[float]) -> list[float | str | None]:
    """Numbers in the terms of their column: dates and timestamps for seconds since 1970."""
    if type_name(column.type) not in ("date", "timestamp"):
        return [_finite(number) for number in numbers]
    zone = "Z" if "WITH TIME ZONE" in column.type else ""
    return [_moment(number, column.type == "DATE", zone) for number in numbers]


def _moment(seconds: float, whole_day: bool, zone: str) -> str | None:
    """ISO 8601, or None for a year that Python's calendar lacks."""
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return moment.date().isoformat() if whole_day else moment.replace(tzinfo=None).isoformat() + zone


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _as_text(column: Column, place: int) -> str:
    return f"CAST({readable(column, f'c{place}')} AS VARCHAR)"

"""What a reader wants to know of each column, measured on the Parquet file.

One object per column, in the table's order; a key that does not apply to the
type is null:

* `name`, `type` (see `values`), `nulls`, `distinct`
* `distinct_exact`   false where `distinct` is an estimate, some percent off
* `min`, `max`     not of booleans, json and binary
* `mean`, `std`    of numbers; `std` is the sample's
* `quartiles`      of numbers and dates: lower quartile, median, upper quartile
* `quartiles_exact`  false where they are estimates; null where there are none
* `top`            of text and booleans: the 10 most frequent, `[{"value", "count"}]`
* `histogram`      of numbers and dates: 20 bins of equal width, `{"edges", "counts"}`,
                   each with its lower edge, the last with both; one bin when all
                   values are equal. Edges of dates are timestamps
* `non_finite`     of numbers and dates: NaN and infinities, left out of all the above
* `formula_like`   of text: cells that a spreadsheet may run, starting with = + - or @

`quartiles` are exact up to 4,000,000 rows. `distinct` is exact up to 20,000 rows,
and above them for columns with up to about 500,000 different values. Text is
shown by its first 256 characters and an ellipsis.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from app.processors.dataset.columns import Column
from app.processors.dataset.counts import (
    Counted,
    count_distinct,
    count_distinct_apart,
    count_likely,
    count_values,
)
from app.processors.dataset.engine import described_table
from app.processors.dataset.statistics import (
    EXACT_ROWS,
    LONGEST_VALUE_CHARACTERS,
    Statistics,
    numeric,
    quartiles_are_exact,
    statistics_of,
)
from app.processors.dataset.values import comparable, has_zone, json_value, readable

TOP = 10
BINS = 20
EXACT_TOP_DISTINCT = 20_000
EXACT_DISTINCT = 500_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CYCLE_YEARS = 400
#: The Gregorian calendar repeats itself after so many seconds.
CYCLE_SECONDS = 146_097 * 86_400


def profile_columns(connection: DuckDBPyConnection, table: Path, rows: int) -> list[dict[str, Any]]:
    """Describe every column of a Parquet file of so many rows."""
    columns, source = described_table(connection, table)
    statistics = statistics_of(connection, source, columns, rows)
    tops = _tops(connection, source, columns, statistics, rows)
    histograms = _histograms(connection, source, columns, statistics, rows)
    distinct = _exact_distinct(connection, source, columns, statistics, tops, rows)
    return [
        {
            "name": column.name,
            "type": column.kind,
            "nulls": rows - known.filled,
            "distinct": distinct.get(place, min(known.distinct, known.filled)),
            "distinct_exact": place in distinct,
            **_plain(column, known),
            "quartiles_exact": quartiles_are_exact(rows) if known.quartiles else None,
            "top": _top_json(column, tops.get(place)),
            "histogram": histograms.get(place),
        }
        for place, (column, known) in enumerate(zip(columns, statistics, strict=True))
    ]


def _plain(column: Column, known: Statistics) -> dict[str, Any]:
    is_number = column.kind in ("integer", "number")
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


def _exact_distinct(
    connection: DuckDBPyConnection,
    source: str,
    columns: Sequence[Column],
    statistics: Sequence[Statistics],
    tops: dict[int, Counted],
    rows: int,
) -> dict[int, int]:
    """Return how many different values each column has, where to count takes little more than to estimate."""
    if rows <= EXACT_ROWS:
        values = {place: _as_comparable(column, place) for place, column in enumerate(columns)}
        return count_distinct(connection, source, values)
    counted = {place: top.distinct for place, top in tops.items() if top.distinct}
    few = {
        place: _as_comparable(column, place) if column.kind == "json" else f"c{place}"
        for place, column in enumerate(columns)
        if place not in counted and statistics[place].distinct <= EXACT_DISTINCT
    }
    estimates = {place: statistics[place].distinct for place in few}
    return counted | count_distinct_apart(connection, source, few, estimates=estimates)


def _tops(
    connection: DuckDBPyConnection,
    source: str,
    columns: Sequence[Column],
    statistics: Sequence[Statistics],
    rows: int,
) -> dict[int, Counted]:
    """Return exact counts. The choice of values is exact up to 20,000 different ones."""
    ranked = [place for place, column in enumerate(columns) if column.kind in ("text", "boolean")]
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
    is_boolean = column.kind == "boolean"
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
    """Return SQL for the number of the bin; divided before subtracted, since high - low may overflow."""
    width = f"CAST({high / BINS - low / BINS!r} AS DOUBLE)"
    place = f"floor({number} / {width} - CAST({low!r} AS DOUBLE) / {width})" if high > low else "0"
    bin_number = f"CAST(greatest(0, least({BINS - 1}, {place})) AS UTINYINT)"
    return f"CASE WHEN {number} IS NOT NULL THEN {bin_number} END"


def _histogram(column: Column, known: Statistics, counted: Counted) -> dict[str, Any]:
    low, high = known.low or 0.0, known.high or 0.0
    bins = BINS if high > low else 1
    edges = [low + (high / bins - low / bins) * step for step in range(bins)] + [high]
    counts = dict(counted.values)
    as_timestamps = Column.of(column.name, column.type.replace("DATE", "TIMESTAMP"))
    return {"edges": _points(as_timestamps, edges), "counts": [counts.get(place, 0) for place in range(bins)]}


def _points(column: Column, numbers: Sequence[float]) -> list[float | str | None]:
    """Return numbers in the terms of their column: dates and timestamps for seconds since 1970."""
    if column.kind not in ("date", "timestamp"):
        return [_finite(number) for number in numbers]
    zone = "Z" if has_zone(column.type) else ""
    return [_moment(number, column.type == "DATE", zone) for number in numbers]


def _moment(seconds: float, whole_day: bool, zone: str) -> str:
    """Return seconds since 1970 in ISO 8601, for years that Python's calendar lacks as well."""
    cycles, rest = divmod(seconds, CYCLE_SECONDS)
    moment = (EPOCH + timedelta(seconds=rest)).replace(tzinfo=None)
    year = moment.year + int(cycles) * CYCLE_YEARS
    text = moment.date().isoformat() if whole_day else moment.isoformat() + zone
    return f"{year:0{5 if year < 0 else 4}d}{text[4:]}"


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _as_text(column: Column, place: int) -> str:
    return f"CAST({readable(column, f'c{place}')} AS VARCHAR)"


def _as_comparable(column: Column, place: int) -> str:
    return comparable(column, f"c{place}")

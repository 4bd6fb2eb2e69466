"""The profile of each column, measured on the Parquet file or on the proved values of which it was written.

One object per column, in the table's order; a key that does not apply to the
type is null:

* `name`, `type` (see `values`), `nulls`, `distinct`
* `distinct_exact`   false where `distinct` is an estimate, some percent off
* `min`, `max`     not of booleans, json and binary
* `mean`, `std`    of numbers; `std` is the sample's
* `quartiles`      of numbers and dates: lower quartile, median, upper quartile. One that lies
                   between two days is a timestamp
* `quartiles_exact`  false where they are estimates; null where there are none
* `top`            of text and booleans: the 10 most frequent, `[{"value", "count"}]`
* `histogram`      of numbers and dates: 20 bins of equal width, `{"edges", "counts"}`,
                   each with its lower edge, the last with both; one bin when all
                   values are equal. Edges of dates are timestamps
* `non_finite`     of numbers and dates: NaN and infinities, left out of all the above
* `formula_like`   of text: cells that a spreadsheet may run. They start with = @ tab or CR, or with
                   + or - before anything but a number, a phone number or nothing

`quartiles` are exact up to 4,000,000 rows. `distinct` is exact up to 20,000 rows,
and above them for columns with up to about 500,000 different values. Text is
shown by its first 256 characters and an ellipsis.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from duckdb import DuckDBPyConnection

from app.processors.dataset.columns import Column
from app.processors.dataset.part import Part
from app.processors.dataset.profile.counts import (
    Counted,
    count_distinct_apart,
    count_likely,
    count_values,
    count_values_apart,
    grouped_apart,
)
from app.processors.dataset.profile.histograms import BINS, counts_of_bins
from app.processors.dataset.profile.precise import with_precision
from app.processors.dataset.profile.statistics import (
    LONGEST_VALUE_CHARACTERS,
    RANKED,
    Statistics,
    distinct_is_exact,
    numeric,
    quartiles_are_exact,
    statistics_of,
)
from app.processors.dataset.values import comparable, has_zone, json_decimal, json_value, readable

TOP = 10
EXACT_TOP_DISTINCT = 20_000
EXACT_DISTINCT = 500_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
CYCLE_YEARS = 400
#: The Gregorian calendar repeats itself after CYCLE_SECONDS.
DAY_SECONDS = 86_400
CYCLE_SECONDS = 146_097 * DAY_SECONDS
#: A quarter of the way between two decimals of 38 digits has two more.
LONGEST_DECIMAL_DIGITS = 40


def profile_columns(connection: DuckDBPyConnection, part: Part, rows: int) -> list[dict[str, Any]]:
    """Describe the columns of a part of a table that has `rows` rows."""
    statistics = statistics_of(connection, part, rows)
    statistics = with_precision(connection, part, statistics, rows)
    tops = _tops(connection, part, statistics, rows)
    counts = counts_of_bins(connection, part, statistics, rows)
    distinct = _exact_distinct(connection, part, statistics, tops, rows)
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
            "histogram": _histogram(column, known, counts[place]) if place in counts else None,
        }
        for place, (column, known) in enumerate(zip(part.columns, statistics, strict=True))
    ]


def _plain(column: Column, known: Statistics) -> dict[str, Any]:
    is_number = column.kind in ("integer", "number")
    has_numbers = numeric(column, "") is not None
    return {
        "min": json_value(column, known.minimum, characters=LONGEST_VALUE_CHARACTERS),
        "max": json_value(column, known.maximum, characters=LONGEST_VALUE_CHARACTERS),
        "mean": _finite(known.mean) if is_number else None,
        "std": _finite(known.std) if is_number else None,
        "quartiles": _points(column, known.quartiles) if known.quartiles else None,
        "non_finite": known.filled - known.finite if has_numbers else None,
        "formula_like": known.formula_like,
    }


def _exact_distinct(
    connection: DuckDBPyConnection,
    part: Part,
    statistics: Sequence[Statistics],
    tops: dict[int, Counted],
    rows: int,
) -> dict[int, int]:
    """Return how many different values each column has, where to count takes little more than to estimate."""
    if distinct_is_exact(rows):
        exact = {place: known.distinct for place, known in enumerate(statistics)}
        return exact | {place: top.distinct for place, top in tops.items()}
    counted = {place: top.distinct for place, top in tops.items() if top.distinct}
    few = {
        place: comparable(column, part.cells[place]) if column.kind == "json" else part.cells[place]
        for place, column in enumerate(part.columns)
        if place not in counted and statistics[place].distinct <= EXACT_DISTINCT
    }
    estimates = {place: statistics[place].distinct for place in few}
    return counted | count_distinct_apart(connection, part.source, few, estimates=estimates)


def _tops(
    connection: DuckDBPyConnection,
    part: Part,
    statistics: Sequence[Statistics],
    rows: int,
) -> dict[int, Counted]:
    """Return exact counts. The choice of values is exact up to 20,000 different ones."""
    ranked = [place for place, column in enumerate(part.columns) if column.kind in RANKED]
    few = [place for place in ranked if statistics[place].distinct <= EXACT_TOP_DISTINCT]
    long = {place for place in ranked if (statistics[place].longest or 0) > LONGEST_VALUE_CHARACTERS}

    def text(places: Sequence[int], cell: str) -> str:
        value = _as_text(part.columns[places[0]], cell)
        return value if long.isdisjoint(places) else _beginning_and_hash(value)

    tops: dict[int, Counted] = {}
    if few and grouped_apart(rows, len(few)):
        texts = {place: text([place], part.cells[place]) for place in few}
        tops = count_values_apart(connection, part.source, texts, most=TOP)
    else:
        for places, values in part.together(few, text):
            tops |= count_values(connection, part.source, places, values, most=TOP)
    for place in set(ranked) - set(few):
        likely = count_likely(connection, part.source, text([place], part.cells[place]), most=TOP)
        tops[place] = Counted(likely, distinct=0)
    return tops


def _top_json(column: Column, top: Counted | None) -> list[dict[str, Any]] | None:
    if top is None:
        return None
    is_boolean = column.kind == "boolean"
    return [
        {
            "value": value == "true"
            if is_boolean
            else json_value(column, value, characters=LONGEST_VALUE_CHARACTERS),
            "count": count,
        }
        for value, count in top.values
    ]


def _histogram(column: Column, known: Statistics, counts: Mapping[int, int]) -> dict[str, Any]:
    low, high = known.low or 0.0, known.high or 0.0
    bins = BINS if high > low else 1
    edges = [low + (high / bins - low / bins) * step for step in range(bins)] + [high]
    as_timestamps = Column.of(column.name, column.type.replace("DATE", "TIMESTAMP"))
    return {"edges": _points(as_timestamps, edges), "counts": [counts.get(place, 0) for place in range(bins)]}


def _points(column: Column, numbers: Sequence[float | Fraction]) -> list[Any]:
    """Return numbers in the terms of their column: dates and timestamps for seconds since 1970."""
    if column.kind in ("date", "timestamp"):
        zone = "Z" if has_zone(column.type) else ""
        return [_moment(number, column.type == "DATE", zone) for number in numbers]
    # To ask if a number is a fraction takes longer: that is an abstract class.
    return [_finite(number) if isinstance(number, float) else _number(number) for number in numbers]


def _number(number: Fraction) -> Any:
    with localcontext(prec=LONGEST_DECIMAL_DIGITS):
        exact = Decimal(number.numerator) / Decimal(number.denominator)
    return json_decimal(exact)


def _moment(seconds: float | Fraction, is_day: bool, zone: str) -> str:
    """Return seconds since 1970 in ISO 8601, for years that Python's calendar lacks as well.

    A fraction is told to a quarter of a nanosecond, a float to the microsecond. A moment
    of a column of days has a time only if it is not a whole day.
    """
    digits = 6 if isinstance(seconds, float) else 11
    numerator, denominator = seconds.as_integer_ratio()
    units, rest = divmod(numerator * 10**digits, denominator)
    units += 2 * rest > denominator or (2 * rest == denominator and units % 2)
    whole, part = divmod(units, 10**digits)
    cycles, rest = divmod(whole, CYCLE_SECONDS)
    moment = EPOCH + timedelta(seconds=rest)
    text = moment.date().isoformat() if is_day and not rest % DAY_SECONDS else moment.isoformat()
    if cycles:
        year = moment.year + cycles * CYCLE_YEARS
        text = f"{year:0{5 if year < 0 else 4}d}{text[4:]}"
    if part:
        decimals = f"{part * 10 ** (11 - digits):011d}".removesuffix("00")
        decimals = decimals.removesuffix("000") if len(decimals) == 9 else decimals
        text = f"{text}.{decimals}"
    return text if is_day else text + zone


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _as_text(column: Column, cell: str) -> str:
    value = readable(column, cell)
    return value if column.kind == "text" else f"CAST({value} AS VARCHAR)"


def _beginning_and_hash(text: str) -> str:
    """Return SQL for a shorter text that differs where the text does; what is shown of both is the same."""
    beginning = f"left({text}, {LONGEST_VALUE_CHARACTERS + 1})"
    is_long = f"length({text}) > {LONGEST_VALUE_CHARACTERS}"
    return f"CASE WHEN {is_long} THEN {beginning} || sha256({text}) ELSE {text} END"

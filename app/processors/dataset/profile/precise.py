"""Figures that doubles of one pass are too coarse for, computed anew from the values' distances.

Quartiles of timestamps, decimals and integers beyond 2^53 are interpolated between
their two neighbours, both exact. Mean and deviation are those of the distances from
the smallest value where the values are large beside their deviation, or so far from 1
that no double holds their squares.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from duckdb import DuckDBPyConnection

from app.processors.dataset.columns import Column
from app.processors.dataset.engine import literal
from app.processors.dataset.part import Part
from app.processors.dataset.profile.statistics import Statistics, columns_at_once, quartiles_are_exact
from app.processors.dataset.values import in_utc

LARGEST_EXACT_INTEGER = 2**53
LAST_MOMENT = 2**63 - 1
#: The ratio of the largest value to the deviation. Above it, too few digits of the deviation are right.
LARGEST_RATIO = 10_000
MICROSECONDS, NANOSECONDS = 10**6, 10**9
#: Values whose distance is too large for a double are divided by this.
SMALLER = 4.0

#: The columns, and what is known of them, by their places.
Known = Mapping[int, tuple[Column, Statistics]]


def with_precision(
    connection: DuckDBPyConnection,
    part: Part,
    statistics: Sequence[Statistics],
    rows: int,
) -> list[Statistics]:
    """Return the statistics, with the figures that were too coarse replaced."""
    known = dict(enumerate(zip(part.columns, statistics, strict=True)))
    coarse = {place: one for place, one in known.items() if _has_coarse_quartiles(*one, rows)}
    spread = {place: one for place, one in known.items() if _has_coarse_deviation(*one)}
    precise = list(statistics)
    for place, quartiles in _quartiles(connection, part, coarse, rows):
        precise[place] = precise[place]._replace(quartiles=quartiles)
    for place, mean, std in _spreads(connection, part, spread, rows):
        precise[place] = precise[place]._replace(mean=mean, std=std)
    return precise


def _has_coarse_quartiles(column: Column, known: Statistics, rows: int) -> bool:
    if not known.quartiles or not quartiles_are_exact(rows):
        return False
    is_long = column.kind == "integer" and _largest(known) > LARGEST_EXACT_INTEGER
    return is_long or column.kind == "timestamp" or column.type.startswith("DECIMAL")


def _has_coarse_deviation(column: Column, known: Statistics) -> bool:
    if column.kind not in ("integer", "number") or known.finite < 2 or known.minimum == known.maximum:
        return False
    figures = (known.mean, known.std)
    is_known = all(figure is not None and math.isfinite(figure) for figure in figures)
    return not is_known or (known.std or 0) * LARGEST_RATIO < _largest(known)


def _largest(known: Statistics) -> float:
    return max(abs(known.low or 0), abs(known.high or 0))


def _quartiles(
    connection: DuckDBPyConnection, part: Part, known: Known, rows: int
) -> Iterator[tuple[int, list[Fraction]]]:
    """Yield the quartiles of each column by its place; those of timestamps in seconds since 1970."""
    positions = {place: _positions(one.finite) for place, (_, one) in known.items()}
    queries = {}
    for place, (column, one) in known.items():
        at = [
            (index + Fraction(1, 2)) / one.finite
            for low, high, _ in positions[place]
            for index in (low, high)
        ]
        queries[place] = (
            f"quantile_disc({_whole(column, part.cells[place])}, {[float(share) for share in at]})"
        )
    for place, found in _aggregated(connection, part.source, queries, rows):
        unit = _unit(known[place][0])
        values = [Fraction(value) / unit for value in found]
        yield (
            place,
            [
                low + (high - low) * part
                for low, high, (_, _, part) in zip(values[::2], values[1::2], positions[place], strict=True)
            ],
        )


def _positions(values: int) -> list[tuple[int, int, Fraction]]:
    """Return for each quartile its neighbours in the order of the values, and its part of the way between."""
    places = [Fraction((values - 1) * quarter, 4) for quarter in (1, 2, 3)]
    return [(math.floor(place), math.ceil(place), place - math.floor(place)) for place in places]


def _unit(column: Column) -> int:
    if column.kind != "timestamp":
        return 1
    return NANOSECONDS if column.type.endswith("_NS") else MICROSECONDS


def _whole(column: Column, cell: str) -> str:
    """Return SQL for the value as a number that is exact."""
    if column.kind != "timestamp":
        return cell
    moment = in_utc(column.type, cell)
    count = "epoch_ns" if column.type.endswith("_NS") else "epoch_us"
    ends = f"CASE {moment} WHEN 'infinity' THEN {LAST_MOMENT} WHEN '-infinity' THEN {-LAST_MOMENT} END"
    return f"CASE WHEN isfinite({moment}) THEN {count}({moment}) ELSE {ends} END"


def _spreads(
    connection: DuckDBPyConnection, part: Part, known: Known, rows: int
) -> Iterator[tuple[int, float | None, float | None]]:
    """Yield the mean and the deviation of each column by its place."""
    queries = {}
    for place, (column, one) in known.items():
        share = _share(column, one, part.cells[place])
        queries[place] = f"[avg({share}), stddev_samp({share})]"
    for place, (mean, std) in _aggregated(connection, part.source, queries, rows):
        one = known[place][1]
        width = Fraction(one.maximum) - Fraction(one.minimum)
        yield place, _double(Fraction(one.minimum) + Fraction(mean) * width), _double(Fraction(std) * width)


def _share(column: Column, known: Statistics, sql: str) -> str:
    """Return SQL for the place of the value between the smallest (0) and the largest (1)."""
    smallest, largest = known.minimum, known.maximum
    if isinstance(smallest, int | Decimal) and (smallest < 0) == (largest < 0):
        distance = f"{sql} - CAST({literal(str(smallest))} AS {column.type})"
        return f"CAST({distance} AS DOUBLE) / CAST({float(largest - smallest)!r} AS DOUBLE)"
    low, high = float(smallest), float(largest)
    part = 1.0 if math.isfinite(high - low) else SMALLER
    number = f"CAST({sql} AS DOUBLE)"
    width = f"CAST({high / part - low / part!r} AS DOUBLE)"
    share = f"({number} / {part} - CAST({low / part!r} AS DOUBLE)) / {width}"
    return share if isinstance(smallest, int | Decimal) else f"CASE WHEN isfinite({sql}) THEN {share} END"


def _aggregated(
    connection: DuckDBPyConnection, source: str, queries: Mapping[int, str], rows: int
) -> Iterator[tuple[int, Any]]:
    """Yield what each aggregate found, by its column's place, for a few columns per query."""
    places = list(queries)
    at_once = columns_at_once(rows)
    for start in range(0, len(places), at_once):
        some = places[start : start + at_once]
        query = f"SELECT {', '.join(queries[place] for place in some)} FROM {source}"
        yield from zip(some, connection.execute(query).fetchone() or (), strict=True)


def _double(number: Fraction) -> float | None:
    try:
        return float(number)
    except OverflowError:
        return None

"""The plain statistics of every column, many columns per query.

Here: which aggregate says what of which type. NaN and the infinities are counted
apart and take no part in anything else.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from duckdb import DuckDBPyConnection

from app.processors.dataset.columns import Column
from app.processors.dataset.values import comparable, edge, in_utc, readable

# DuckDB plans many aggregates in quadratic time.
COLUMNS_AT_ONCE = 25
EXACT_ROWS = 20_000
#: Exact quartiles hold all numbers of the columns in one query, eight bytes each.
EXACT_QUARTILE_NUMBERS = 4_000_000
LONGEST_VALUE_CHARACTERS = 256
NULL = "NULL"
FORMULA_STARTS = tuple(map(ord, "=+-@"))


class Statistics(NamedTuple):
    """`filled` cells are not null; `finite` ones took part in `low` to `quartiles`.

    Those five are numbers: of dates, seconds since 1970.
    """

    filled: int
    distinct: int
    minimum: Any
    maximum: Any
    low: float | None
    high: float | None
    mean: float | None
    std: float | None
    quartiles: list[float] | None
    finite: int
    formula_like: int | None
    #: In bytes of UTF-8; of text only.
    longest: int | None


def statistics_of(
    connection: DuckDBPyConnection, source: str, columns: Sequence[Column], rows: int
) -> list[Statistics]:
    """Return the statistics of each column; `distinct` is an estimate, see also `quartiles_are_exact`."""
    width = len(Statistics._fields)
    found: list[Statistics] = []
    at_once = COLUMNS_AT_ONCE
    if quartiles_are_exact(rows):
        at_once = min(COLUMNS_AT_ONCE, EXACT_QUARTILE_NUMBERS // max(rows, 1))
    for start in range(0, len(columns), at_once):
        some = enumerate(columns[start : start + at_once], start)
        aggregates = [sql for place, column in some for sql in _aggregates(column, f"c{place}", rows)]
        values = connection.execute(f"SELECT {', '.join(aggregates)} FROM {source}").fetchone() or ()
        found += [Statistics(*values[at : at + width]) for at in range(0, len(values), width)]
    return found


def quartiles_are_exact(rows: int) -> bool:
    """True if quartiles of this many rows are not estimates."""
    return rows <= EXACT_QUARTILE_NUMBERS


def numeric(column: Column, sql: str) -> str | None:
    """Return SQL for the value as a finite number, or None for a type that has no such value."""
    match column.kind:
        case "integer":
            return f"CAST({sql} AS DOUBLE)"
        case "number" if column.type.startswith("DECIMAL"):
            return f"CAST({sql} AS DOUBLE)"
        case "number":
            return f"CASE WHEN isfinite({sql}) THEN CAST({sql} AS DOUBLE) END"
        case "date" | "timestamp":
            moment = in_utc(column.type, sql)
            seconds = edge(column.type).seconds
            at_the_edge = f"CASE {moment} WHEN 'infinity' THEN {seconds} WHEN '-infinity' THEN {-seconds} END"
            return f"CASE WHEN isfinite({moment}) THEN epoch({moment}) ELSE {at_the_edge} END"
        case _:
            return None


def _aggregates(column: Column, sql: str, rows: int) -> list[str]:
    """Return one SQL expression for each field of Statistics, in their order."""
    is_json = column.kind == "json"
    distinct = comparable(column, sql) if is_json else sql  # to make texts of values takes time
    counts = [f"count({sql})", f"approx_count_distinct({distinct})"]
    extremes = [_extreme(function, column, sql) for function in ("min", "max")]
    return counts + extremes + _of_numbers(column, sql, rows) + _of_texts(column, sql)


def _of_numbers(column: Column, sql: str, rows: int) -> list[str]:
    number = numeric(column, sql)
    if number is None:
        return [NULL] * 5 + ["0"]
    quantile = "quantile_cont" if quartiles_are_exact(rows) else "approx_quantile"
    return [
        # The number of the extreme, which DuckDB has already, is the extreme of the numbers.
        *(numeric(column, _finite_extreme(function, column, sql)) or NULL for function in ("min", "max")),
        f"avg({number})",
        f"stddev_samp({number})",
        f"{quantile}({number}, [0.25, 0.5, 0.75])",
        f"count({number})",
    ]


def _of_texts(column: Column, sql: str) -> list[str]:
    if column.kind != "text":
        return [NULL, NULL]
    text = readable(column, sql)
    return [f"count(*) FILTER (ascii({text}) IN {FORMULA_STARTS})", f"max(strlen({text}))"]


def _extreme(function: str, column: Column, sql: str) -> str:
    match column.kind:
        case "json" | "binary" | "boolean":
            return NULL
        case "text":
            return f"left({function}({readable(column, sql)}), {LONGEST_VALUE_CHARACTERS + 1})"
        case _:
            return readable(column, _finite_extreme(function, column, sql))


def _finite_extreme(function: str, column: Column, sql: str) -> str:
    match column.kind:
        case "number" if not column.type.startswith("DECIMAL"):
            return f"{function}({sql}) FILTER (isfinite({sql}))"
        case _:
            return f"{function}({sql})"

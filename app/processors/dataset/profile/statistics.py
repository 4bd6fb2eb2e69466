"""The plain statistics of every column, many columns per query.

Here: which aggregate says what of which type. NaN and the infinities are counted
apart and take no part in anything else.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from duckdb import DuckDBPyConnection

from app.processors.dataset.columns import Column
from app.processors.dataset.part import ALIKE_AT_ONCE, FEWEST_ALIKE, Part
from app.processors.dataset.profile.counts import as_pairs, count_distinct, grouped_apart
from app.processors.dataset.values import comparable, edge, in_utc, readable

# DuckDB plans many aggregates in quadratic time.
COLUMNS_AT_ONCE = 25
EXACT_ROWS = 20_000
#: Exact quartiles hold all numbers of the columns in one query, eight bytes each.
EXACT_QUARTILE_NUMBERS = 4_000_000
LONGEST_VALUE_CHARACTERS = 256
#: Integers that doubles round; their sum is exact in 128 bits.
LONG_INTEGERS = ("BIGINT", "UBIGINT")
NULL = "NULL"
#: The kinds of which the most frequent values are told; to find them, the different values are counted.
RANKED = ("text", "boolean")
#: Types whose values are equal where their texts are.
PLAIN = re.compile(
    r"U?(?:TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|DECIMAL\(.*|BOOLEAN|DATE|TIMESTAMP.*|VARCHAR|BLOB"
)
#: Characters that begin a formula wherever a spreadsheet opens a table (OWASP, "CSV Injection").
FORMULA_STARTS = tuple(map(ord, "=@\t\r"))
#: These begin numbers and phone numbers, too.
SIGNS = tuple(map(ord, "+-"))
BLANKS = r"[\s\p{Z}]*"
NUMBER = rf"\p{{Sc}}?{BLANKS}[.,]?[0-9][0-9.,'’\s\p{{Z}}]*([eE][+-]?[0-9]+)?{BLANKS}[\p{{Sc}}%]?"
PHONE_NUMBER = r"\+[0-9]{1,3}([ ().-]*[0-9]{2,})+"
#: A lone sign, an amount of money, a percentage and a phone number refer to nothing, and call nothing.
NO_FORMULA = f"[+-]{BLANKS}({NUMBER})?{BLANKS}|{PHONE_NUMBER}"


class Statistics(NamedTuple):
    """`filled` cells are not null; `finite` ones took part in `low` to `quartiles`.

    Those five are numbers; dates are seconds since 1970. `precise` replaces those that are too coarse.
    Where `distinct` is exact, it is 0 for the kinds in RANKED, whose values `count_values` counts.
    """

    filled: int
    distinct: int
    minimum: Any
    maximum: Any
    low: float | None
    high: float | None
    mean: float | None
    std: float | None
    quartiles: Sequence[float | Fraction] | None
    finite: int
    formula_like: int | None
    #: The length of the longest text in bytes of UTF-8; None for other types.
    longest: int | None


#: The aggregates of a column that has no cells.
EMPTY = Statistics(0, 0, None, None, None, None, None, None, None, 0, None, None)


def statistics_of(connection: DuckDBPyConnection, part: Part, rows: int) -> list[Statistics]:
    """Return the statistics of each column; see also `distinct_is_exact` and `quartiles_are_exact`."""
    groups = [] if grouped_apart(rows, len(part.columns)) else _groups(part, rows)
    found: dict[int, Statistics] = {}
    for places, cells in groups:
        found |= _as_pairs(connection, part, places, cells, rows)
    few = [place for place in range(len(part.columns)) if place not in found]
    found |= _apart(connection, part, few, rows)
    if distinct_is_exact(rows):
        # To plan many DISTINCT in one query takes long.
        texts = {
            place: comparable(part.columns[place], part.cells[place])
            for place in few
            if part.columns[place].kind not in RANKED
        }
        for place, distinct in count_distinct(connection, part.source, texts).items():
            found[place] = found[place]._replace(distinct=distinct)
    return [found[place] for place in range(len(part.columns))]


def _groups(part: Part, rows: int) -> list[tuple[list[int], str]]:
    """Return columns that one query may take, with SQL for a list of their cells."""
    at_once = min(ALIKE_AT_ONCE, EXACT_QUARTILE_NUMBERS // max(rows, 1) or 1)
    groups = part.alike(range(len(part.columns)), at_once)
    return [(places, cells) for places, cells in groups if len(places) >= FEWEST_ALIKE]


def _apart(
    connection: DuckDBPyConnection, part: Part, places: Sequence[int], rows: int
) -> dict[int, Statistics]:
    """Return the statistics of some columns, from expressions for each."""
    width = len(Statistics._fields)
    found: dict[int, Statistics] = {}
    at_once = columns_at_once(rows)
    for start in range(0, len(places), at_once):
        some = places[start : start + at_once]
        aggregates = [
            sql for place in some for sql in _aggregates(part.columns[place], part.cells[place], rows)
        ]
        values = connection.execute(f"SELECT {', '.join(aggregates)} FROM {part.source}").fetchone() or ()
        each = (Statistics(*values[at : at + width]) for at in range(0, len(values), width))
        found |= zip(some, each, strict=True)
    return found


def _as_pairs(
    connection: DuckDBPyConnection, part: Part, places: Sequence[int], cells: str, rows: int
) -> dict[int, Statistics]:
    """Return the statistics of columns of one type, from expressions that DuckDB plans once for all."""
    column = part.columns[places[0]]
    aggregates = ", ".join(_aggregates(column, "value", rows, are_alike=True))
    found = dict.fromkeys(places, EMPTY._replace(formula_like=0 if column.kind == "text" else None))
    query = f"SELECT place, {aggregates} FROM ({as_pairs(part.source, places, cells)}) GROUP BY place"
    for place, *values in connection.execute(query).fetchall():
        found[place] = Statistics(*values)
    return found


def columns_at_once(rows: int) -> int:
    """Return how many columns one query may take; exact quartiles hold all their numbers."""
    if not quartiles_are_exact(rows):
        return COLUMNS_AT_ONCE
    return min(COLUMNS_AT_ONCE, EXACT_QUARTILE_NUMBERS // max(rows, 1))


def distinct_is_exact(rows: int) -> bool:
    """True if the number of different values of this many rows is not an estimate."""
    return rows <= EXACT_ROWS


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


def _aggregates(column: Column, sql: str, rows: int, *, are_alike: bool = False) -> list[str]:
    """Return one SQL expression for each field of Statistics, in their order.

    `are_alike` says that the query is planned once for many columns of this type.
    """
    counts = [f"count({sql})", _distinct(column, sql, rows, are_alike=are_alike)]
    extremes = [_extreme(function, column, sql) for function in ("min", "max")]
    return counts + extremes + _of_numbers(column, sql, rows) + _of_texts(column, sql)


def _distinct(column: Column, sql: str, rows: int, *, are_alike: bool) -> str:
    """Return SQL for the number of different values, or for 0 where they are counted in another query."""
    # To make texts of values takes time.
    if not distinct_is_exact(rows):
        return f"approx_count_distinct({comparable(column, sql) if column.kind == 'json' else sql})"
    if column.kind in RANKED or not are_alike:
        return "0"
    if column.type in ("FLOAT", "DOUBLE"):
        # 0 and -0 are one number, and NaN has no sign.
        return f"count(DISTINCT CASE WHEN isnan({sql}) THEN CAST('nan' AS {column.type}) ELSE {sql} + 0 END)"
    is_plain = PLAIN.fullmatch(column.type)
    return f"count(DISTINCT {sql if is_plain else comparable(column, sql)})"


def _of_numbers(column: Column, sql: str, rows: int) -> list[str]:
    number = numeric(column, sql)
    if number is None:
        return [NULL] * 5 + ["0"]
    quantile = "quantile_cont" if quartiles_are_exact(rows) else "approx_quantile"
    # Nobody asks for the mean of dates.
    is_date = column.kind in ("date", "timestamp")
    summed = f"CAST({sql} AS HUGEINT)" if column.type in LONG_INTEGERS else number
    return [
        # The number of the extreme, which DuckDB has already, is the extreme of the numbers.
        *(numeric(column, _finite_extreme(function, column, sql)) or NULL for function in ("min", "max")),
        *([NULL, NULL] if is_date else [f"avg({summed})", f"stddev_samp({number})"]),
        f"{quantile}({number}, [0.25, 0.5, 0.75])",
        f"count({number if column.type in ('FLOAT', 'DOUBLE') else sql})",
    ]


def _of_texts(column: Column, sql: str) -> list[str]:
    if column.kind != "text":
        return [NULL, NULL]
    text = readable(column, sql)
    pattern = NO_FORMULA.replace("'", "''")
    is_formula = (
        f"CASE WHEN ascii({text}) IN {SIGNS} THEN NOT regexp_full_match({text}, '{pattern}') "
        f"ELSE ascii({text}) IN {FORMULA_STARTS} END"
    )
    return [f"count(*) FILTER ({is_formula})", f"max(strlen({text}))"]


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

"""Counting the values of many columns in one query.

One aggregate per column exhausts DuckDB's memory on wide tables; here the cells
are turned into (column, value) pairs and grouped once, which also spills to disk.
Where rows are many and columns few, it is faster to group each column apart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from duckdb import DuckDBPyConnection

COLUMNS_AT_ONCE = 200
FEWEST_ROWS_APART = 20_000
MOST_COLUMNS_APART = 200
CANDIDATES = 50
DISTINCT_AT_ONCE = 500_000

#: SQL for columns of one type, by their positions.
Expressions = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Counted:
    """The most frequent values, most frequent first, and how many different ones there are."""

    values: tuple[tuple[Any, int], ...]
    distinct: int


def count_values(
    connection: DuckDBPyConnection, source: str, places: Sequence[int], values: str, *, most: int
) -> dict[int, Counted]:
    """Return exact counts of each column's `most` most frequent values. Nulls are not values.

    `values` is SQL for a list of the columns' cells.
    """
    groups = _grouped(as_pairs(source, places, values))
    return dict.fromkeys(places, Counted((), 0)) | _most_frequent(connection, groups, most)


def count_values_apart(
    connection: DuckDBPyConnection, source: str, expressions: Expressions, *, most: int
) -> dict[int, Counted]:
    """Return the same from a query that groups each column by itself. The file is bound for each.

    Nulls are not left out, because DuckDB would compute each value twice: for
    the condition, and for the group.
    """
    groups = " UNION ALL ".join(
        f"SELECT {place} AS place, {value} AS value, count(*) AS times FROM {source} GROUP BY ALL"
        for place, value in expressions.items()
    )
    return dict.fromkeys(expressions, Counted((), 0)) | _most_frequent(connection, groups, most)


def _most_frequent(connection: DuckDBPyConnection, groups: str, most: int) -> dict[int, Counted]:
    """Return the most frequent values; `groups` is SQL for the rows `place, value, times`."""
    counted: dict[int, Counted] = {}
    query = f"""
        SELECT place, value, times, count(value) OVER (PARTITION BY place)
        FROM ({groups})
        QUALIFY value IS NOT NULL
            AND row_number() OVER (PARTITION BY place ORDER BY value IS NULL, times DESC, value) <= {most}
        ORDER BY place, times DESC, value
    """
    for place, value, times, distinct in connection.execute(query).fetchall():
        values = counted[place].values if place in counted else ()
        counted[place] = Counted((*values, (value, times)), distinct)
    return counted


def count_distinct_apart(
    connection: DuckDBPyConnection, source: str, expressions: Expressions, *, estimates: Mapping[int, int]
) -> dict[int, int]:
    """Return how many different values each column has, for columns of any type.

    A query holds the different values of its columns, so `estimates` of them bound
    how many columns it takes.
    """
    counted: dict[int, int] = {}
    for some in _light_chunks(expressions, estimates):
        counts = ", ".join(f"count(DISTINCT {value})" for value in some.values())
        found = connection.execute(f"SELECT {counts} FROM {source}").fetchone() or ()
        counted |= dict(zip(some, found, strict=True))
    return counted


def count_distinct(connection: DuckDBPyConnection, source: str, expressions: Expressions) -> dict[int, int]:
    """Return how many different values each column has, exactly."""
    counted = dict.fromkeys(expressions, 0)
    for some in _chunks(expressions):
        groups = _grouped(as_pairs(source, some, f"[{', '.join(some.values())}]"))
        query = f"SELECT place, count(*) FROM ({groups}) GROUP BY place"
        counted |= dict(connection.execute(query).fetchall())
    return counted


def count_likely(
    connection: DuckDBPyConnection, source: str, expression: str, *, most: int
) -> tuple[tuple[Any, int], ...]:
    """Return the likely most frequent values of a column with very many, with their exact counts."""
    likely = f"SELECT unnest(approx_top_k({expression}, {CANDIDATES})) FROM {source}"
    query = f"""
        SELECT {expression} AS value, count(*) AS times FROM {source}
        WHERE value IN ({likely}) GROUP BY value ORDER BY times DESC, value LIMIT {most}
    """
    return tuple(connection.execute(query).fetchall())


def grouped_apart(rows: int, columns: int) -> bool:
    """True if it is faster to look at each column apart than at pairs of column and value."""
    return rows >= FEWEST_ROWS_APART and columns <= MOST_COLUMNS_APART


def as_pairs(source: str, places: Iterable[int], values: str) -> str:
    """Return SQL for the rows `place, value`: one for each cell. `values` is SQL for a list."""
    numbers = ", ".join(map(str, places))
    return f"SELECT unnest([{numbers}]) AS place, unnest({values}) AS value FROM {source}"


def _grouped(pairs: str) -> str:
    """Return SQL for the rows `place, value, times`."""
    return (
        f"SELECT place, value, count(*) AS times FROM ({pairs}) WHERE value IS NOT NULL GROUP BY place, value"
    )


def _chunks(expressions: Expressions) -> Iterator[dict[int, str]]:
    remaining = iter(expressions.items())
    while some := dict(islice(remaining, COLUMNS_AT_ONCE)):
        yield some


def _light_chunks(expressions: Expressions, estimates: Mapping[int, int]) -> Iterator[dict[int, str]]:
    """Yield columns that have no more than DISTINCT_AT_ONCE values together, or one that has more alone."""
    some: dict[int, str] = {}
    for place, value in expressions.items():
        if some and sum(estimates[other] for other in (*some, place)) > DISTINCT_AT_ONCE:
            yield some
            some = {}
        some[place] = value
    if some:
        yield some

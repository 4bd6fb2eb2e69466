"""The columns of every table: how many there may be, their types, and their names."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from app.domain.errors import InvalidPayload, ProblemCode

MOST_COLUMNS = 5_000
INTEGER = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|DECIMAL\(\d+,0\)")
NUMBER = re.compile(r"FLOAT|DOUBLE|DECIMAL\(.*")
NESTED = re.compile(r"(?:STRUCT|MAP|UNION)\(.*|.*\[\d*\]|JSON|VARIANT", re.DOTALL)
STARTS = {"DATE": "date", "TIMESTAMP": "timestamp", "TIME": "time", "BOOLEAN": "boolean", "BLOB": "binary"}


class Column(NamedTuple):
    """A column of a table in DuckDB."""

    name: str
    #: DuckDB's name of the type.
    type: str
    #: The profile's name of the type, see `values`.
    kind: str

    @classmethod
    def of(cls, name: str, duckdb_type: str) -> Self:
        return cls(name, duckdb_type, _kind_of(duckdb_type))


def _kind_of(duckdb_type: str) -> str:
    if NESTED.fullmatch(duckdb_type):
        return "json"
    if INTEGER.fullmatch(duckdb_type):
        return "integer"
    if NUMBER.fullmatch(duckdb_type):
        return "number"
    return next((name for start, name in STARTS.items() if duckdb_type.startswith(start)), "text")


def alike(columns: Sequence[Column], places: Iterable[int]) -> list[list[int]]:
    """Return these places of columns in groups, one for each type."""
    groups: dict[str, list[int]] = {}
    for place in places:
        groups.setdefault(columns[place].type, []).append(place)
    return list(groups.values())


def refuse_too_wide(columns: int) -> None:
    if columns > MOST_COLUMNS:
        detail = f"The data has {columns} columns; {MOST_COLUMNS} are allowed."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)


def unique_names(cells: Sequence[str], columns: int) -> list[str]:
    """Return one name per column: empty ones become `column_<n>`, repeated ones get `_2`, `_3`.

    Names that differ only in case count as repeated, as they do for most readers
    of Parquet.
    """
    names: list[str] = []
    taken: set[str] = set()
    for position in range(columns):
        wanted = cells[position] if position < len(cells) else ""
        name = _not_taken(wanted or f"column_{position + 1}", taken)
        taken.add(name.casefold())
        names.append(name)
    return names


def _not_taken(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name

"""The first rows of a table, as JSON.

`{"columns": [name, …], "rows": [[cell, …], …], "cut": [[row, column], …]}`: at most
100 rows; values as in `values`. Longer texts are cut at 500 characters and end in
an ellipsis; in very wide tables they are cut at fewer, so that the whole stays
near ten million characters. `cut` names them by row and column, both from 0.
"""

from collections.abc import Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from app.processors.dataset.columns import Column
from app.processors.dataset.part import Part
from app.processors.dataset.values import json_value, readable, valid_json

ROWS = 100
CELL_CHARACTERS = 500
SHORTEST_CELL_CHARACTERS = 50
CHARACTERS = 10_000_000


def longest_cell(columns: int) -> int:
    """Return how many characters of a cell are shown in a table of this many columns."""
    return max(SHORTEST_CELL_CHARACTERS, min(CELL_CHARACTERS, CHARACTERS // (ROWS * columns)))


def first_rows(connection: DuckDBPyConnection, part: Part, longest: int) -> list[list[Any]]:
    """Return the first cells of the part's columns, whose texts may be cut behind `longest` characters."""
    groups = list(part.alike(range(len(part.columns)), most=len(part.columns)))
    lists = ", ".join(_shown(part.columns[places[0]], cells, longest) for places, cells in groups)
    found = connection.execute(f"SELECT {lists} FROM {part.source} LIMIT {ROWS}").fetchall()
    rows: list[list[Any]] = [[None] * len(part.columns) for _ in found]
    for row, lists_ in zip(rows, found, strict=True):
        for (places, _), values in zip(groups, lists_, strict=True):
            for place, value in zip(places, values, strict=True):
                row[place] = value
    return rows


def preview(columns: Sequence[Column], rows: Sequence[Sequence[Any]], longest: int) -> dict[str, Any]:
    """Return the first rows of a table."""
    return {
        "columns": [column.name for column in columns],
        "rows": [
            [_cell_value(column, value, longest) for column, value in zip(columns, row, strict=True)]
            for row in rows
        ],
        "cut": [
            [number, place]
            for number, row in enumerate(rows)
            for place, value in enumerate(row)
            if isinstance(value, str) and len(value) > longest
        ],
    }


def _shown(column: Column, cells: str, longest: int) -> str:
    """Return SQL for the cells of columns of one type, which DuckDB plans faster than each apart."""
    value = readable(column, "cell")
    return cells if value == "cell" else f"list_transform({cells}, lambda cell: left({value}, {longest + 1}))"


def _cell_value(column: Column, value: Any, longest: int) -> Any:
    shown = json_value(column, value, characters=longest)
    return valid_json(shown) if column.kind == "json" and shown is not None else shown

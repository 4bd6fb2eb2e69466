"""The first rows of a table, as JSON.

`{"columns": [name, …], "rows": [[cell, …], …], "cut": [[row, column], …]}`: at most
100 rows; values as in `values`. Longer texts are cut at 500 characters and end in
an ellipsis; in very wide tables they are cut at fewer, so that the whole stays
near ten million characters. `cut` names them by row and column, both from 0.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from duckdb import DuckDBPyConnection

from app.processors.dataset.columns import Column
from app.processors.dataset.part import Part
from app.processors.dataset.values import json_values, readable, valid_json

ROWS = 100
CELL_CHARACTERS = 500
SHORTEST_CELL_CHARACTERS = 50
CHARACTERS = 10_000_000


def longest_cell(columns: int) -> int:
    """Return how many characters of a cell are shown in a table of this many columns."""
    return max(SHORTEST_CELL_CHARACTERS, min(CELL_CHARACTERS, CHARACTERS // (ROWS * columns)))


class Shown(NamedTuple):
    """The first cells of a column as JSON has them, and the rows in which a text is cut."""

    name: str
    cells: Sequence[Any]
    cut: Sequence[int]


def first_cells(connection: DuckDBPyConnection, part: Part, longest: int) -> list[Shown]:
    """Return the first cells of the part's columns, with texts cut behind `longest` characters."""
    groups = list(part.alike(range(len(part.columns)), most=len(part.columns)))
    lists = ", ".join(_shown(part.columns[places[0]], cells, longest) for places, cells in groups)
    rows = connection.execute(f"SELECT {lists} FROM {part.source} LIMIT {ROWS}").fetchall()
    found: dict[int, Sequence[Any]] = dict.fromkeys(range(len(part.columns)), ())
    for number, (places, _) in enumerate(groups):
        found |= zip(places, zip(*(row[number] for row in rows), strict=True), strict=bool(rows))
    return [_as_json(column, found[place], longest) for place, column in enumerate(part.columns)]


def preview(columns: Sequence[Shown]) -> dict[str, Any]:
    """Return the first rows of a table."""
    return {
        "columns": [column.name for column in columns],
        "rows": list(zip(*(column.cells for column in columns), strict=True)),
        "cut": sorted([row, place] for place, column in enumerate(columns) for row in column.cut),
    }


def _shown(column: Column, cells: str, longest: int) -> str:
    """Return SQL for the cells of columns of one type, which DuckDB plans faster than each apart."""
    value = readable(column, "cell")
    return cells if value == "cell" else f"list_transform({cells}, lambda cell: left({value}, {longest + 1}))"


def _as_json(column: Column, values: Sequence[Any], longest: int) -> Shown:
    cells = json_values(column, values, characters=longest)
    cut = [
        row
        for row, value in enumerate(values if cells is not values else ())
        if isinstance(value, str) and len(value) > longest
    ]
    if column.kind == "json":
        cells = [cell if cell is None else valid_json(cell) for cell in cells]
    return Shown(column.name, cells, cut)

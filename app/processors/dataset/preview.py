"""The first rows of a table, as JSON.

`{"columns": [name, …], "rows": [[cell, …], …], "cut": [[row, column], …]}`: at most
100 rows; values as in `values`. Longer texts are cut at 500 characters and end in
an ellipsis; in very wide tables they are cut at fewer, so that the whole stays
near ten million characters. `cut` names them by row and column, both from 0.
"""

from collections.abc import Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from app.processors.dataset.columns import Column, Part, alike
from app.processors.dataset.values import json_value, readable, valid_json

ROWS = 100
CELL_CHARACTERS = 500
SHORTEST_CELL_CHARACTERS = 50
CHARACTERS = 10_000_000


def preview(connection: DuckDBPyConnection, parts: Sequence[Part]) -> dict[str, Any]:
    """Return the first rows of a table."""
    columns = [column for some, _ in parts for column in some]
    longest = max(SHORTEST_CELL_CHARACTERS, min(CELL_CHARACTERS, CHARACTERS // (ROWS * len(columns))))
    in_parts = [_rows(connection, source, some, longest) for some, source in parts]
    rows = [[value for row in rows for value in row] for rows in zip(*in_parts, strict=True)]
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


def _rows(
    connection: DuckDBPyConnection, source: str, columns: Sequence[Column], longest: int
) -> list[list[Any]]:
    """Return the first rows."""
    groups = alike(columns, range(len(columns)))
    lists = ", ".join(_list_of(columns[places[0]], places, longest) for places in groups)
    found = connection.execute(f"SELECT {lists} FROM {source} LIMIT {ROWS}").fetchall()
    rows: list[list[Any]] = [[None] * len(columns) for _ in found]
    for row, cells in zip(rows, found, strict=True):
        for places, values in zip(groups, cells, strict=True):
            for place, value in zip(places, values, strict=True):
                row[place] = value
    return rows


def _list_of(column: Column, places: Sequence[int], longest: int) -> str:
    """Return SQL for the cells of columns of one type, which DuckDB plans faster than each apart."""
    cells = ", ".join(f"c{place}" for place in places)
    value = readable(column, "cell")
    shown = value if value == "cell" else f"left({value}, {longest + 1})"
    return f"list_transform([{cells}], lambda cell: {shown})"


def _cell_value(column: Column, value: Any, longest: int) -> Any:
    shown = json_value(column, value, characters=longest)
    return valid_json(shown) if column.kind == "json" and shown is not None else shown

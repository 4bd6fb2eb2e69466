"""The first rows of a table, as JSON.

`{"columns": [name, …], "rows": [[cell, …], …]}`: at most 100 rows; values as in
`values`; longer texts are cut at 500 characters, at fewer in very wide
tables, so that the whole stays near ten million characters.
"""

from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from app.processors.dataset.engine import Column, described_table
from app.processors.dataset.values import json_value, readable

ROWS = 100
CELL_CHARACTERS = 500
SHORTEST_CELL_CHARACTERS = 50
CHARACTERS = 10_000_000


def preview(connection: DuckDBPyConnection, table: Path) -> dict[str, Any]:
    columns, source = described_table(connection, table)
    longest = max(SHORTEST_CELL_CHARACTERS, min(CELL_CHARACTERS, CHARACTERS // (ROWS * len(columns))))
    cells = ", ".join(_cell(column, f"c{position}", longest) for position, column in enumerate(columns))
    rows = connection.execute(f"SELECT {cells} FROM {source} LIMIT {ROWS}").fetchall()
    return {
        "columns": [column.name for column in columns],
        "rows": [[json_value(value, characters=longest) for value in row] for row in rows],
    }


def _cell(column: Column, sql: str, longest: int) -> str:
    value = readable(column, sql)
    return value if value == sql else f"left({value}, {longest + 1})"

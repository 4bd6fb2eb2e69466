"""The columns that were written together, and SQL for their cells.

DuckDB plans a query column by column. Where columns are many and rows few, the cells of
columns of one type are put into lists in a table in memory first, which every question
about them reads; only to make the lists is planned column by column.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from duckdb import DuckDBPyConnection

from app.processors.dataset.columns import Column, alike
from app.processors.dataset.engine import described_table

#: Columns of one type are planned once for all, if there are at least this many.
FEWEST_ALIKE = 5
ALIKE_AT_ONCE = 200
FEWEST_COLUMNS_IN_LISTS = 50
#: The lists are in memory, so that rows must be few.
MOST_ROWS_IN_LISTS = 4_096


@dataclass(frozen=True, slots=True)
class Part:
    columns: Sequence[Column]
    #: SQL for the rows, in which the columns are called c0, c1, …, but for those that are in lists.
    source: str
    #: The names of the lists, by the places of their columns.
    lists: Mapping[tuple[int, ...], str] = field(default_factory=dict)
    #: The part of which the lists were made.
    made_of: "Part | None" = None

    @classmethod
    def of(cls, connection: DuckDBPyConnection, path: Path) -> "Part":
        """Return the columns of a Parquet file."""
        return cls(*described_table(connection, path))

    def in_lists(self, connection: DuckDBPyConnection, rows: int) -> "Part":
        """Return the same cells in lists, if that saves time, until this is asked for another part."""
        if len(self.columns) < FEWEST_COLUMNS_IN_LISTS or rows > MOST_ROWS_IN_LISTS:
            return self
        groups = [
            tuple(places[start : start + ALIKE_AT_ONCE])
            for places in alike(self.columns, range(len(self.columns)))
            for start in range(0, len(places), ALIKE_AT_ONCE)
        ]
        lists = {group: f"l{number}" for number, group in enumerate(groups)}
        cells = ", ".join(f"{self.list_of(group)} AS {name}" for group, name in lists.items())
        connection.execute(f"CREATE OR REPLACE TEMP TABLE part AS SELECT {cells} FROM {self.source}")
        return Part(self.columns, "part", lists, made_of=self)

    @property
    def stored(self) -> "Part":
        """The cells as the file has them, group by group: from lists, a sum may differ in its last digit."""
        return self.made_of or self

    def cell(self, place: int) -> str:
        """Return SQL for the cell of a column."""
        for group, name in self.lists.items():
            if place in group:
                return f"{name}[{group.index(place) + 1}]"
        return f"c{place}"

    def list_of(self, places: Sequence[int]) -> str:
        """Return SQL for a list of the cells of columns that have one type."""
        return self.lists.get(tuple(places)) or f"[{', '.join(map(self.cell, places))}]"

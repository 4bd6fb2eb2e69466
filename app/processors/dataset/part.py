"""Columns that are described together, and SQL for their cells.

DuckDB plans a query column by column. Where columns are many and rows few, the cells of
columns of one type are put into lists in a table in memory first, which every question
about them reads; only to make the lists is planned column by column.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from duckdb import DuckDBPyConnection

from app.processors.dataset.columns import Column, alike
from app.processors.dataset.engine import described_table, literal

#: Columns of one type are planned once for all, if there are at least this many.
FEWEST_ALIKE = 5
ALIKE_AT_ONCE = 200
FEWEST_COLUMNS_IN_LISTS = 50
#: The lists are in memory, so that their cells must be few.
MOST_ROWS_IN_LISTS, MOST_CELLS_IN_LISTS = 4_096, 2**20

#: Return SQL for a value made of a cell, for columns of one type.
Value = Callable[[Sequence[int], str], str]


@dataclass(frozen=True, slots=True)
class Part:
    columns: Sequence[Column]
    #: SQL for the rows, in which the columns are called c0, c1, …, but for those that are in lists.
    source: str
    #: The places of the columns in each list, by SQL for the list. All columns of a list have one type.
    lists: Mapping[str, Sequence[int]] = field(default_factory=dict)
    #: SQL for the cell of each column.
    cells: Sequence[str] = ()

    @classmethod
    def of(cls, connection: DuckDBPyConnection, path: Path) -> Self:
        """Return the columns of a Parquet file."""
        columns, source = described_table(connection, path)
        return cls(columns, source, cells=[f"c{place}" for place in range(len(columns))])

    @classmethod
    def listed(cls, columns: Sequence[Column], source: str, lists: Mapping[str, Sequence[int]]) -> Self:
        """Return columns whose cells are in lists."""
        cells = {
            place: f"{name}[{at}]" for name, places in lists.items() for at, place in enumerate(places, 1)
        }
        return cls(columns, source, lists, [cells[place] for place in range(len(columns))])

    def alike(self, places: Iterable[int], most: int = ALIKE_AT_ONCE) -> Iterator[tuple[list[int], str]]:
        """Yield these places in groups of columns of one type, with SQL for a list of their cells.

        `most` bounds the columns of a group, but for those in lists, which are few cells already.
        """
        wanted = set(places)
        if not self.lists:
            for group in alike(self.columns, sorted(wanted)):
                for start in range(0, len(group), most):
                    some = group[start : start + most]
                    yield some, f"[{', '.join(self.cells[place] for place in some)}]"
        for name, listed in self.lists.items():
            some = [place for place in listed if place in wanted]
            if len(some) == len(listed):
                yield some, name
            elif some:
                at = ", ".join(str(at) for at, place in enumerate(listed, 1) if place in wanted)
                yield some, f"list_select({name}, [{at}])"

    def together(self, places: Iterable[int], value: Value) -> Iterator[tuple[list[int], str]]:
        """Yield these places in groups of columns, with SQL for a list of values made of their cells."""
        some: list[int] = []
        lists: list[str] = []
        for group, cells in self.alike(places):
            if some and len(some) + len(group) > ALIKE_AT_ONCE and not self.lists:
                yield some, " || ".join(lists)
                some, lists = [], []
            some = some + group
            shown = value(group, "cell")
            lists.append(cells if shown == "cell" else f"list_transform({cells}, lambda cell: {shown})")
        if some:
            yield some, " || ".join(lists)


def described(connection: DuckDBPyConnection, paths: Sequence[Path], rows: int) -> Iterator[Part]:
    """Yield the columns of these Parquet files, each with this many rows; files of few cells are one part.

    The lists of a part are there until the next one is asked for.
    """
    parts = [Part.of(connection, path) for path in paths]
    columns = sum(len(part.columns) for part in parts)
    if columns < FEWEST_COLUMNS_IN_LISTS or rows > MOST_ROWS_IN_LISTS or _are_shared(connection, paths):
        yield from parts
        return
    most = MOST_CELLS_IN_LISTS // max(rows, 1)
    while parts:
        some = [parts.pop(0)]
        while parts and sum(len(part.columns) for part in (*some, parts[0])) <= most:
            some.append(parts.pop(0))
        yield _in_lists(connection, some)


def _are_shared(connection: DuckDBPyConnection, paths: Sequence[Path]) -> bool:
    """True if threads share the rows of a file. From lists, a sum may then differ in its last digit."""
    files = ", ".join(map(literal, paths))
    query = f"SELECT max(num_row_groups) FROM parquet_file_metadata([{files}])"
    return connection.execute(query).fetchone() not in ((0,), (1,))


def _in_lists(connection: DuckDBPyConnection, parts: Sequence[Part]) -> Part:
    """Put the cells of the parts into one table, in a list for each type."""
    names: dict[str, str] = {}
    pieces: dict[str, list[str]] = {}
    places: dict[str, list[int]] = {}
    columns: list[Column] = []
    for number, part in enumerate(parts):
        made = []
        for some in alike(part.columns, range(len(part.columns))):
            name = names.setdefault(part.columns[some[0]].type, f"l{len(names)}")
            made.append(f"[{', '.join(part.cells[place] for place in some)}] AS {name}")
            pieces.setdefault(name, []).append(f"part_{number}.{name}")
            places.setdefault(name, []).extend(len(columns) + place for place in some)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE part_{number} AS SELECT {', '.join(made)} FROM {part.source}"
        )
        columns += part.columns
    if len(parts) == 1:
        return Part.listed(columns, "part_0", places)
    whole = ", ".join(f"{' || '.join(some)} AS {name}" for name, some in pieces.items())
    joined = " POSITIONAL JOIN ".join(f"part_{number}" for number in range(len(parts)))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE part AS SELECT {whole} FROM {joined}")
    return Part.listed(columns, "part", places)

"""A text, how to read it, and the SQL by which DuckDB reads it strictly."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.processors.dataset.columns import MOST_COLUMNS
from app.processors.dataset.csv.rows import LONGEST_ROW_BYTES, Dialect
from app.processors.dataset.engine import literal

#: Delimiters between which a comma may be a decimal mark.
OTHER_DELIMITERS = (";", "\t", "|")
# DuckDB's default buffers have 32 MB, and it holds several. They are no faster than small ones, and memory
# grows with the file. Small buffers hold few rows of a wide table, and then take more memory in the end.
SMALL_BUFFERS = "buffer_size = 4000000"
MOST_COLUMNS_OF_SMALL_BUFFERS = 100
#: In a rectangle quotes are doubled and around every cell.
LONGEST_QUOTED_ROW_BYTES = 2 * LONGEST_ROW_BYTES + 4 * MOST_COLUMNS
LARGE_BUFFERS = f"buffer_size = {2 * LONGEST_QUOTED_ROW_BYTES}, max_line_size = {LONGEST_QUOTED_ROW_BYTES}"


@dataclass(frozen=True, slots=True)
class Table:
    """A text and how to read it; `sample` holds its first rows, the header too."""

    path: Path
    dialect: Dialect
    header: bool
    line_end: str
    sample: Sequence[Sequence[str]]
    #: The first column holds names of rows, and has no name itself.
    has_row_names: bool = False
    #: Every cell is quoted.
    is_rectangle: bool = False

    @property
    def is_rectangular(self) -> bool:
        """True if the first rows are equally long."""
        return len({len(row) for row in self.sample}) == 1

    @property
    def decimal_commas(self) -> bool:
        is_separated = any(len(row) > 1 for row in self.sample)
        return is_separated and self.dialect.delimiter in OTHER_DELIMITERS

    @property
    def names(self) -> list[str]:
        """The cells of the header."""
        if not self.header:
            return []
        first = list(self.sample[0])
        return ["", *first[: len(self.sample[-1]) - 1]] if self.has_row_names else first

    @property
    def rows_sql(self) -> str:
        """SQL for the rows as text in the columns t0, t1, …, with nothing left to DuckDB's judgement."""
        width = len(self.sample[0]) if self.sample else 0
        return self._read_sql(self.dialect, [f"t{place}" for place in range(width)])

    def lists_sql(self, mark: str) -> str:
        """Return SQL for the rows as lists `texts`. No cell may be quoted, and none hold the mark.

        It fails if the rows are not equally long.
        """
        cells = f"string_split(line, {literal(self.dialect.delimiter)})"
        texts = f"list_transform({cells}, lambda cell: nullif(cell, ''))"
        checked = f"CASE WHEN len({cells}) = {len(self.sample[0])} THEN {texts} ELSE error('uneven rows') END"
        return f"(SELECT {checked} AS texts FROM {self._read_sql(Dialect(mark, '', ''), ['line'])})"

    def _read_sql(self, dialect: Dialect, names: Sequence[str]) -> str:
        """Return SQL for the text as DuckDB reads it in these columns.

        `strict_mode`, on unless it is named, must not be named: next to `new_line` it
        loses every row. A `new_line` that is wrong does too; the count finds that out.
        """
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
        line_end = self.line_end.replace("\r", r"\r").replace("\n", r"\n")
        options = [
            "auto_detect = false, ignore_errors = false, null_padding = false",
            f"skip = 0, comment = '', nullstr = '', header = {self.header}",
            f"delim = {literal(dialect.delimiter)}",
            f"quote = {literal(dialect.quote)}",
            f"escape = {literal(dialect.escape)}",
            f"new_line = {literal(line_end)}",
            f"columns = {{{columns}}}",
        ]
        if self.is_rectangle:
            options.append(LARGE_BUFFERS)
        else:
            options.append(f"max_line_size = {LONGEST_ROW_BYTES}")
        if not self.is_rectangle and len(names) <= MOST_COLUMNS_OF_SMALL_BUFFERS:
            options.append(SMALL_BUFFERS)
        return f"read_csv({literal(self.path)}, {', '.join(options)})"

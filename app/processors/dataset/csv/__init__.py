"""CSV and TSV into Parquet, without ever losing a row or changing a value in silence.

Dialect, header and the forms of the columns are found out from the first rows.
DuckDB then reads every cell strictly as text, and `proof` makes values of it. The
rows are counted by another reader. Where DuckDB refuses the text or counts
otherwise, Python's csv rewrites it into a rectangle first.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.columns import MOST_COLUMNS, refuse_too_wide, unique_names
from app.processors.dataset.csv.layout import (
    DELIMITERS,
    guess_dialect,
    has_header,
    is_total,
    lines_above,
)
from app.processors.dataset.csv.rectangle import shape_of, write_rectangular
from app.processors.dataset.csv.rows import (
    COMMA,
    Dialect,
    count_rows,
    first_line_end,
    first_rows,
    line_of_row,
)
from app.processors.dataset.engine import described_table, literal
from app.processors.dataset.forms import possible_forms
from app.processors.dataset.forms.form import TEXT
from app.processors.dataset.proof import ReadColumn, TextColumn, write_proved
from app.processors.dataset.text import LONGEST_FIRST_LINE_BYTES
from app.processors.dataset.values import shortened

SAMPLE_ROWS = 2_000
# DuckDB's own buffers, of which it holds several, have 32 MB: no faster, and memory grows with the file.
# Of wide tables they hold few rows, and there small ones take more memory in the end.
SMALL_BUFFERS = "buffer_size = 4000000, max_line_size = 2000000"
MOST_COLUMNS_OF_SMALL_BUFFERS = 100
#: Excel's line that names the delimiter.
DELIMITER_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
#: DOS ended its text files with it.
END_OF_FILE = b"\x1a"
LONGEST_LINE_ABOVE = 500
LAST_ROWS = 3
CHUNK_CHARACTERS = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvRead:
    """How the text was understood. `rows` are data rows, without the header."""

    rows: int
    columns: Sequence[ReadColumn]
    #: The names in the file, where they had to be changed.
    original_names: Sequence[str | None]
    dialect: Dialect
    header: bool
    ragged_rows: int = 0
    blank_lines: int = 0
    lines_above: Sequence[str] = ()
    total_rows: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A text and how to read it; `sample` holds its first rows, the header too."""

    path: Path
    dialect: Dialect
    header: bool
    line_end: str
    sample: Sequence[Sequence[str]]

    @property
    def is_rectangular(self) -> bool:
        """True if the first rows are equally long."""
        return len({len(row) for row in self.sample}) == 1

    @property
    def decimal_commas(self) -> bool:
        return self.dialect.delimiter != ","


def csv_to_parquet(
    connection: DuckDBPyConnection,
    text: Path,
    target: Path,
    scratch: Path,
    *,
    dialect: Dialect | None = None,
    header: bool | None = None,
) -> CsvRead:
    """Read UTF-8 text into `target`. What is not given is found out.

    Raises InvalidPayload: too many columns, a quote never closed, no rows.
    Raises duckdb.Error when not even the rectangle can be read.
    """
    _refuse_wide_start(text)
    if dialect is None and (delimiter := _named_delimiter(text)):
        dialect, text = Dialect(delimiter), _rest_of(text, 1, scratch / "below-delimiter")
    if _has_end_mark(text):
        text = _rest_of(text, 0, scratch / "without-end-mark")
    dialect = dialect or guess_dialect(text)
    above: list[str] = []
    sample = first_rows(text, dialect, SAMPLE_ROWS)
    if header is None and (skipped := lines_above(sample)):
        line, sample = line_of_row(text, dialect, skipped), sample[skipped:]
        above = _first_lines(text, line)
        text = _rest_of(text, line, scratch / "below-title")
    if header is None:
        header = has_header(sample, decimal_commas=dialect.delimiter != ",")
    table = Table(text, dialect, header, first_line_end(text, dialect), sample)
    read = _read_as_it_is(connection, table, target) or _rewritten(connection, table, target, scratch)
    return replace(read, lines_above=above, total_rows=_total_rows(connection, target, read))


def _read_as_it_is(connection: DuckDBPyConnection, table: Table, target: Path) -> CsvRead | None:
    """Return None where DuckDB refuses the text, or reads it otherwise than Python does."""
    if not table.is_rectangular:
        return None
    try:
        read = _write(connection, table, target)
    except duckdb.Error:
        return None
    count = count_rows(table.path, table.dialect, table.line_end)
    if count.has_blanks_at_quotes or read.rows + table.header != count.rows:
        return None
    return replace(read, blank_lines=count.blank_lines)


def _rewritten(connection: DuckDBPyConnection, table: Table, target: Path, scratch: Path) -> CsvRead:
    shape = shape_of(table.path, table.dialect)
    rectangle = scratch / "rectangle.csv"
    write_rectangular(table.path, table.dialect, shape.columns, rectangle)
    sample = first_rows(rectangle, COMMA, SAMPLE_ROWS)
    read = _write(
        connection, replace(table, path=rectangle, dialect=COMMA, line_end="\n", sample=sample), target
    )
    if read.rows + table.header != shape.rows:
        detail = f"Only {read.rows} of {shape.rows} rows can be read."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    return replace(read, dialect=table.dialect, ragged_rows=shape.ragged, blank_lines=shape.blank_lines)


def _write(connection: DuckDBPyConnection, table: Table, target: Path) -> CsvRead:
    header, data = (table.sample[0], table.sample[1:]) if table.header else ([], table.sample)
    width = len(table.sample[0]) if table.sample else 0
    names = unique_names(header, width)
    columns = [
        TextColumn(
            name=name,
            cells=[row[place] for row in data if row[place]],
            find_forms=partial(possible_forms, decimal_commas=table.decimal_commas),
        )
        for place, name in enumerate(names)
    ]
    rows, read = write_proved(connection, _strictly(table, width), columns, target)
    originals = [
        cell if table.header and cell != name else None
        for cell, name in zip_longest(header, names, fillvalue="")
    ]
    return CsvRead(
        rows=rows, columns=read, original_names=originals, dialect=table.dialect, header=table.header
    )


def _strictly(table: Table, width: int) -> str:
    """Return SQL for the rows as text in the columns t0, t1, …, with nothing left to DuckDB's judgement.

    `strict_mode`, on unless it is named, must not be named: next to `new_line` it
    loses every row. A `new_line` that is wrong does too; the count finds that out.
    """
    columns = ", ".join(f"'t{place}': 'VARCHAR'" for place in range(width))
    line_end = table.line_end.replace("\r", r"\r").replace("\n", r"\n")
    options = [
        "auto_detect = false, ignore_errors = false, null_padding = false",
        f"skip = 0, comment = '', nullstr = '', header = {table.header}",
        f"delim = {literal(table.dialect.delimiter)}",
        f"quote = {literal(table.dialect.quote)}",
        f"escape = {literal(table.dialect.escape)}",
        f"new_line = {literal(line_end)}",
        f"columns = {{{columns}}}",
    ]
    if width <= MOST_COLUMNS_OF_SMALL_BUFFERS:
        options.append(SMALL_BUFFERS)
    return f"read_csv({literal(table.path)}, {', '.join(options)})"


def _total_rows(connection: DuckDBPyConnection, target: Path, read: CsvRead) -> list[int]:
    """Return the numbers of the last rows that begin with a word such as Total."""
    if read.columns[0].form is not TEXT:
        return []
    _, source = described_table(connection, target)
    start = max(0, read.rows - LAST_ROWS)
    cells = connection.execute(f"SELECT c0 FROM {source} LIMIT {LAST_ROWS} OFFSET {start}").fetchall()
    return [number for number, (cell,) in enumerate(cells, start + 1) if is_total(cell)]


def _named_delimiter(text: Path) -> str | None:
    with text.open(encoding="utf-8", newline="") as file:
        named = DELIMITER_LINE.fullmatch(file.readline(LONGEST_LINE_ABOVE))
    return named[1] if named else None


def _has_end_mark(text: Path) -> bool:
    with text.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == END_OF_FILE


def _first_lines(text: Path, lines: int) -> list[str]:
    with text.open(encoding="utf-8") as file:
        return [shortened(line.rstrip("\n"), LONGEST_LINE_ABOVE) for line in islice(file, lines)]


def _rest_of(text: Path, line: int, target: Path) -> Path:
    """Copy the text from a line on, counted from 0, without a mark of its end; return the copy."""
    with text.open(encoding="utf-8", newline="") as file, target.open("wb") as copy:
        for _ in range(line):
            file.readline()
        while piece := file.read(CHUNK_CHARACTERS):
            copy.write(piece.encode())
        ends_with_mark = copy.tell() > 0
    if ends_with_mark and _has_end_mark(target):
        os.truncate(target, target.stat().st_size - len(END_OF_FILE))
    return target


def _refuse_wide_start(text: Path) -> None:
    """Raise InvalidPayload if the first line has very many columns, before they are read into memory."""
    with text.open("rb") as file:
        line = file.readline(LONGEST_FIRST_LINE_BYTES)
    for delimiter in DELIMITERS:
        if line.count(delimiter.encode()) >= MOST_COLUMNS:
            refuse_too_wide(len(first_rows(text, Dialect(delimiter), 1)[0]))

"""CSV and TSV into Parquet, without ever losing a row or changing a value in silence.

Dialect, header and the forms of the columns are found out from the first rows.
DuckDB then reads every cell strictly as text, and `proof` makes values of it. The
rows are counted by another reader. Where DuckDB refuses the text or counts
otherwise, Python's csv rewrites it into a rectangle first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat, zip_longest
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.cells import ReadColumn, TextColumn, Texts
from app.processors.dataset.columns import MOST_COLUMNS, refuse_too_wide, unique_names
from app.processors.dataset.csv.around import (
    delimiter_line,
    end_mark,
    first_lines,
    refuse_other_formats,
    rest_of,
    without_end,
)
from app.processors.dataset.csv.dialect import DELIMITERS, guess_dialect, mark_not_held, other_dialect
from app.processors.dataset.csv.layout import has_header, has_row_names, is_total, lines_above
from app.processors.dataset.csv.rectangle import shape_of, write_lists, write_rectangular
from app.processors.dataset.csv.returns import keeps_returns
from app.processors.dataset.csv.rows import (
    COMMA,
    Dialect,
    count_rows,
    first_line_end,
    first_rows,
    held,
    is_stray_quote,
    line_of_row,
    rows_by_line_ends,
)
from app.processors.dataset.csv.table import Table
from app.processors.dataset.engine import described_table
from app.processors.dataset.forms import possible_forms
from app.processors.dataset.forms.form import TEXT
from app.processors.dataset.parquet.parts import COLUMNS_AT_ONCE, groups_of, parts_of
from app.processors.dataset.part import MOST_CELLS_IN_LISTS, MOST_ROWS_IN_LISTS, Part
from app.processors.dataset.proof import write_proved, write_proved_lists

SAMPLE_ROWS = 2_000
LONGEST_FIRST_LINE_BYTES = 2 * 1024 * 1024
LAST_ROWS = 3


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
    #: The cells, where they are in lists in memory.
    parts: Sequence[Part] = ()


def csv_to_parquet(
    connection: DuckDBPyConnection,
    text: Path,
    target: Path,
    scratch: Path,
    *,
    dialect: Dialect | None = None,
    header: bool | None = None,
) -> CsvRead:
    """Read UTF-8 text into `target`. Arguments that are not given are found out.

    Raises InvalidPayload: too many columns, a quote never closed, no rows.
    Raises duckdb.Error when not even the rectangle can be read.
    """
    refuse_other_formats(text)
    _refuse_large_start(text)
    line = delimiter_line(text)
    if dialect and line and line.delimiter != dialect.delimiter:
        line = None
    named = line.delimiter if line else None
    if line:
        text = rest_of(text, Dialect(named or COMMA.delimiter), 1, scratch / "below-delimiter")
    end = end_mark(text)
    if end is not None:
        text = without_end(text, end, scratch / "without-end-mark")
    given = dialect or (Dialect(named) if named else None)
    dialect = given or guess_dialect(text)
    if keeps_returns(text, dialect):
        dialect = replace(given, keeps_returns=True) if given else guess_dialect(text, keeps_returns=True)
    try:
        read = _read(connection, text, target, scratch, dialect=dialect, header=header)
    except InvalidPayload as refusal:
        if not is_stray_quote(refusal):
            raise
        marks = [named] if named else DELIMITERS
        other = other_dialect(text, marks, keeps_returns=dialect.keeps_returns)
        if other is None:
            raise
        read = _read(connection, text, target, scratch, dialect=other, header=header)
    return replace(read, lines_above=[*line.kept, *read.lines_above]) if line else read


def _read(
    connection: DuckDBPyConnection,
    text: Path,
    target: Path,
    scratch: Path,
    *,
    dialect: Dialect,
    header: bool | None,
) -> CsvRead:
    above: list[str] = []
    sample = first_rows(text, dialect, SAMPLE_ROWS)
    if header is not False and (skipped := lines_above(sample)):
        line, sample = line_of_row(text, dialect, skipped), sample[skipped:]
        above = first_lines(text, dialect, line)
        text = rest_of(text, dialect, line, scratch / "below-title")
    table = Table(text, dialect, bool(header), first_line_end(text, dialect), sample)
    named_rows = has_row_names(sample)
    rows = [["", *sample[0]], *sample[1:]] if named_rows else sample
    if header is None:
        table = replace(table, header=has_header(rows, decimal_commas=table.decimal_commas))
    table = replace(table, has_row_names=table.header and named_rows)
    read = _read_as_it_is(connection, table, target, scratch)
    read = read or _rewritten(connection, table, target, scratch)
    return replace(read, lines_above=above, total_rows=_total_rows(connection, target, read))


def _read_as_it_is(
    connection: DuckDBPyConnection, table: Table, target: Path, scratch: Path
) -> CsvRead | None:
    """Return None where DuckDB refuses the text, or reads it otherwise than Python does."""
    if not table.is_rectangular or table.dialect.keeps_returns:
        return None
    lists = _lists(table, scratch)
    try:
        read = _write(connection, table, target, lists, decimal_commas=table.decimal_commas)
    except duckdb.Error:
        return None
    count = count_rows(table.path, table.dialect, table.line_end)
    if count.has_blanks_at_quotes or read.rows + table.header != count.rows:
        return None
    return replace(read, blank_lines=count.blank_lines)


def _lists(table: Table, scratch: Path) -> list[Texts]:
    """Return the cells of a wide table of few rows in lists, and none for any other table.

    DuckDB goes over the whole text, and binds all of its columns, for each group of columns. A list of
    them it binds once. It can split plain lines itself; other rows are written anew.
    """
    width, last = len(table.sample[0]), table.sample[-1]
    likely_rows = table.path.stat().st_size / (sum(map(len, last)) + width)
    if len(groups_of(width)) == 1 or likely_rows > 2 * MOST_ROWS_IN_LISTS:
        return []
    rows = rows_by_line_ends(table.path, table.dialect, table.line_end)
    most_rows = rows or int(2 * likely_rows) + 1
    if most_rows > MOST_ROWS_IN_LISTS:
        return []
    at_once = MOST_CELLS_IN_LISTS // most_rows // COLUMNS_AT_ONCE * COLUMNS_AT_ONCE
    groups = [range(width)[start : start + at_once] for start in range(0, width, at_once)]
    mark = mark_not_held(table.path)
    if rows and mark and not held(table.path, [table.dialect.quote]):
        return [Texts(table.lists_sql(mark), places, listed_from=0) for places in groups]
    texts = {scratch / f"lists-{places.start}.ndjson": places for places in groups}
    longest = write_lists(table.path, table.dialect, texts, most_rows, header=table.header)
    return [Texts.in_list(path, places, longest) for path, places in texts.items()] if longest else []


def _rewritten(connection: DuckDBPyConnection, table: Table, target: Path, scratch: Path) -> CsvRead:
    shape = shape_of(table.path, table.dialect)
    is_short = table.header and 0 < len(table.sample[0]) < shape.columns
    rectangle = scratch / "rectangle.csv"
    write_rectangular(table.path, table.dialect, shape.columns, rectangle)
    sample = first_rows(rectangle, COMMA, SAMPLE_ROWS)
    rewritten = replace(table, path=rectangle, dialect=COMMA, line_end="\n", sample=sample, is_rectangle=True)
    read = _write(connection, rewritten, target, [], decimal_commas=table.decimal_commas)
    if read.rows + table.header != shape.rows:
        detail = f"Only {read.rows} of {shape.rows} rows can be read."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    return replace(
        read,
        dialect=table.dialect,
        ragged_rows=shape.ragged - is_short,
        blank_lines=shape.blank_lines,
    )


def _write(
    connection: DuckDBPyConnection,
    table: Table,
    target: Path,
    lists: Sequence[Texts],
    *,
    decimal_commas: bool,
) -> CsvRead:
    """Write the table, whose cells may be in lists."""
    header, data = table.names, table.sample[table.header :]
    width = len(table.sample[0]) if table.sample else 0
    names = unique_names(header, width)
    find_forms = partial(possible_forms, decimal_commas=decimal_commas)
    columns = [
        TextColumn(name=name, cells=list(filter(None, cells)), find_forms=find_forms)
        for name, cells in zip(names, zip(*data, strict=True) if data else repeat(()), strict=False)
    ]
    if lists:
        rows, read, parts = write_proved_lists(connection, lists, columns, target)
    else:
        rows, read = write_proved(connection, table.rows_sql, columns, target)
        parts = []
    originals = [
        cell if table.header and cell != name else None
        for cell, name in zip_longest(header, names, fillvalue="")
    ]
    return CsvRead(
        rows=rows,
        columns=read,
        original_names=originals,
        dialect=table.dialect,
        header=table.header,
        parts=parts,
    )


def _total_rows(connection: DuckDBPyConnection, target: Path, read: CsvRead) -> list[int]:
    """Return the numbers of the last rows that begin with a word such as Total."""
    if read.columns[0].form is not TEXT:
        return []
    _, source = described_table(connection, parts_of(target)[0])
    start = max(0, read.rows - LAST_ROWS)
    cells = connection.execute(f"SELECT c0 FROM {source} LIMIT {LAST_ROWS} OFFSET {start}").fetchall()
    return [number for number, (cell,) in enumerate(cells, start + 1) if is_total(cell)]


def _refuse_large_start(text: Path) -> None:
    """Raise InvalidPayload if the first line is endless or has very many columns, before it is in memory."""
    with text.open("rb") as file:
        line = file.readline(LONGEST_FIRST_LINE_BYTES)
    if len(line) == LONGEST_FIRST_LINE_BYTES and b"\n" not in line and b"\r" not in line:
        detail = "The first line is longer than 2 MiB."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)
    for delimiter in DELIMITERS:
        if line.count(delimiter.encode()) >= MOST_COLUMNS:
            refuse_too_wide(len(first_rows(text, Dialect(delimiter), 1)[0]))

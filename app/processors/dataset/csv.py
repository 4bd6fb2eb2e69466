"""CSV and TSV into Parquet, without ever losing a row in silence.

A ladder; the first rung that holds is taken:

1. DuckDB's sniffer on a sample, then a strict read;
2. the same with every row sniffed, for types that change late in the file;
3. Python's csv rewrites the text into a rectangle, DuckDB reads that strictly;
4. the same with every column as text.

A rung holds when DuckDB accepts every row and Python's csv counts as many.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.engine import described_table, literal, write_parquet
from app.processors.dataset.rectangle import (
    COMMA,
    DELIMITERS,
    MOST_COLUMNS,
    Dialect,
    agrees,
    count_rows,
    first_row,
    guess_delimiter,
    refuse_too_wide,
    shape_of,
    unique_names,
    write_rectangular,
)
from app.processors.dataset.text import LONGEST_FIRST_LINE_BYTES

SNIFFED_ROWS = 20_480
EVERY_ROW = -1
# DuckDB's own buffers, of which it holds several, have 32 MB: no faster, and memory grows with the file.
# Of wide tables they hold few rows, and there small ones take more memory in the end.
SMALL_BUFFERS = "buffer_size = 4000000, max_line_size = 2000000"
MOST_COLUMNS_OF_SMALL_BUFFERS = 100
# Parquet has no integer of 128 bits: DuckDB would write it as a rounded double.
WIDE_INTEGERS = {"HUGEINT": "DECIMAL(38,0)", "UHUGEINT": "DECIMAL(38,0)"}
NOTHING = "(empty)"
# DuckDB names line ends by their escapes: a backslash and a letter.
LINE_FEED = r"\n"
RECTANGLE = f""", delim = ',', quote = '"', escape = '"', new_line = '{LINE_FEED}'"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvRead:
    """How the text was understood. `rows` are data rows, without the header."""

    rows: int
    dialect: Dialect
    header: bool
    date_format: str | None = None
    timestamp_format: str | None = None
    ragged_rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """What DuckDB's sniffer said; `types` are DuckDB's, one per column."""

    dialect: Dialect
    header: bool
    types: tuple[str, ...]
    line_end: str
    skipped: int = 0
    date_format: str | None = None
    timestamp_format: str | None = None

    def as_text(self, places: Collection[int]) -> "Sniffed":
        """Some columns as text."""
        types = ("VARCHAR" if place in places else kind for place, kind in enumerate(self.types))
        return replace(self, types=tuple(types))


def csv_to_parquet(
    connection: DuckDBPyConnection, text: Path, target: Path, scratch: Path, given: Dialect | None
) -> CsvRead:
    """Read UTF-8 text into `target`. Without a given dialect the dialect is found out.

    Raises InvalidPayload: too many columns, a quote never closed, no rows.
    Raises duckdb.Error when not even the last rung holds.
    """
    _refuse_wide_start(text)
    dialect = given
    options = f", delim = {literal(given.delimiter)}" if given else ""
    for sample in (SNIFFED_ROWS, EVERY_ROW):
        try:
            sniffed = _sniff(connection, text, sample, options)
            if not _plausible(text, sniffed):
                break
            dialect = _trusted(text, sniffed.dialect)
            if dialect != sniffed.dialect:
                break
            rows = _copy(connection, text, target, sniffed)
        except duckdb.ConversionException:
            continue
        except duckdb.Error:
            break
        if agrees(text, dialect, rows + sniffed.header):
            return _understood(rows, sniffed)
        break
    return _rewritten(connection, text, target, scratch, dialect or Dialect(guess_delimiter(text)))


def _rewritten(
    connection: DuckDBPyConnection, text: Path, target: Path, scratch: Path, dialect: Dialect
) -> CsvRead:
    shape = shape_of(text, dialect)
    rectangle = scratch / "rectangle.csv"
    write_rectangular(text, dialect, shape.columns, rectangle)
    typed = _sniff_rectangle(connection, rectangle, shape.columns)
    rows = _copy_typed_or_as_text(connection, rectangle, target, typed)
    if rows + typed.header != shape.rows:
        detail = f"Only {rows} of {shape.rows} rows can be read."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    return replace(_understood(rows, typed), dialect=dialect, ragged_rows=shape.ragged)


def _copy_typed_or_as_text(
    connection: DuckDBPyConnection, rectangle: Path, target: Path, typed: Sniffed
) -> int:
    try:
        return _copy(connection, rectangle, target, typed)
    except duckdb.Error:
        return _copy(connection, rectangle, target, typed.as_text(range(len(typed.types))))


def _sniff_rectangle(connection: DuckDBPyConnection, rectangle: Path, columns: int) -> Sniffed:
    """What the sniffer says of the rewritten text; all text under a header when it says nonsense."""
    plain = Sniffed(dialect=COMMA, header=True, types=("VARCHAR",) * columns, line_end=LINE_FEED)
    try:
        sniffed = _sniff(connection, rectangle, EVERY_ROW, RECTANGLE)
    except duckdb.Error:
        return plain
    if sniffed.skipped or len(sniffed.types) != columns:
        return plain
    return replace(sniffed, dialect=COMMA, line_end=LINE_FEED)


def _sniff(connection: DuckDBPyConnection, text: Path, sample: int, options: str) -> Sniffed:
    cursor = connection.execute(f"FROM sniff_csv({literal(text)}, sample_size = {sample} {options})")
    names = [column[0] for column in cursor.description or ()]
    found = dict(zip(names, cursor.fetchone() or (), strict=True))
    return Sniffed(
        dialect=_dialect(found),
        header=found["HasHeader"],
        types=tuple(WIDE_INTEGERS.get(column["type"], column["type"]) for column in found["Columns"]),
        skipped=found["SkipRows"],
        line_end=found["NewLineDelimiter"],
        date_format=found["DateFormat"],
        timestamp_format=found["TimestampFormat"],
    )


def _dialect(found: dict[str, Any]) -> Dialect:
    """Quotes are always on: a sample without one says nothing about the rest of the file."""
    quote = '"' if found["Quote"] == NOTHING else found["Quote"]
    escape = quote if found["Escape"] == NOTHING else found["Escape"]
    return Dialect(found["Delimiter"], quote, escape)


def _trusted(text: Path, dialect: Dialect) -> Dialect:
    """The usual quotes instead, where others would join lines that the usual ones keep apart."""
    usual = Dialect(dialect.delimiter)
    if dialect == usual or count_rows(text, usual) in (None, count_rows(text, dialect)):
        return dialect
    return usual


def _plausible(text: Path, sniffed: Sniffed) -> bool:
    """Whether the sniffer took the file from its first line on, and split that line itself."""
    if sniffed.skipped or len(first_row(text, sniffed.dialect)) != len(sniffed.types):
        return False
    with text.open(encoding="utf-8") as file:
        line = file.readline(LONGEST_FIRST_LINE_BYTES)
    if not line.strip():
        return False
    # A single column may also be what the sniffer makes of a remark above the table.
    return len(sniffed.types) > 1 or not any(sign in line for sign in ("#", *DELIMITERS))


def _copy(connection: DuckDBPyConnection, text: Path, target: Path, sniffed: Sniffed) -> int:
    cells = first_row(text, sniffed.dialect) if sniffed.header else []
    names = unique_names(cells, len(sniffed.types))
    rows = write_parquet(connection, f"FROM {_strictly(text, sniffed, names)}", target, len(names))
    if words := _words_read_as_dates(connection, text, target, sniffed):
        table = _strictly(text, sniffed.as_text(words), names)
        rows = write_parquet(connection, f"FROM {table}", target, len(names))
    return rows


def _words_read_as_dates(
    connection: DuckDBPyConnection, text: Path, target: Path, sniffed: Sniffed
) -> frozenset[int]:
    """The columns of dates that hold words.

    Where it reads dates by a format, DuckDB takes `infinity` and `epoch` for the first day of 1900.
    """
    _, written = described_table(connection, target)
    dates = {place for place, kind in enumerate(sniffed.types) if kind in ("DATE", "TIMESTAMP")}
    suspects = _columns_where(connection, written, dates, "CAST({} AS DATE) = '1900-01-01'")
    names = [f"c{place}" for place in range(len(sniffed.types))]
    cells = _strictly(text, sniffed.as_text(suspects), names)
    return _columns_where(connection, cells, suspects, "regexp_matches({}, 'infinity|epoch', 'i')")


def _columns_where(
    connection: DuckDBPyConnection, table: str, places: Collection[int], condition: str
) -> frozenset[int]:
    """Those of the columns c0, c1, … in which the condition holds for any row."""
    if not places:
        return frozenset()
    conditions = (f"bool_or({condition.format(f'c{place}')})" for place in places)
    found = connection.execute(f"SELECT {', '.join(conditions)} FROM {table}").fetchone() or ()
    return frozenset(place for place, holds in zip(places, found, strict=True) if holds)


def _strictly(text: Path, sniffed: Sniffed, names: Sequence[str]) -> str:
    return f"read_csv({literal(text)}, {', '.join(_strict_options(sniffed, names))})"


def _strict_options(sniffed: Sniffed, names: Sequence[str]) -> Iterator[str]:
    """Nothing is left to DuckDB's judgement.

    `strict_mode`, on unless it is named, must not be named: next to `new_line` it
    loses every row. A `new_line` that is wrong does too; the count finds that out.
    """
    columns = ", ".join(
        f"{literal(name)}: {literal(kind)}" for name, kind in zip(names, sniffed.types, strict=True)
    )
    yield "auto_detect = false, ignore_errors = false, null_padding = false"
    yield f"skip = 0, comment = '', nullstr = '', header = {sniffed.header}"
    if len(names) <= MOST_COLUMNS_OF_SMALL_BUFFERS:
        yield SMALL_BUFFERS
    yield f"delim = {literal(sniffed.dialect.delimiter)}"
    yield f"quote = {literal(sniffed.dialect.quote)}"
    yield f"escape = {literal(sniffed.dialect.escape)}"
    yield f"new_line = {literal(sniffed.line_end)}"
    yield f"columns = {{{columns}}}"
    if sniffed.date_format:
        yield f"dateformat = {literal(sniffed.date_format)}"
    if sniffed.timestamp_format:
        yield f"timestampformat = {literal(sniffed.timestamp_format)}"


def _understood(rows: int, sniffed: Sniffed) -> CsvRead:
    return CsvRead(
        rows=rows,
        dialect=sniffed.dialect,
        header=sniffed.header,
        date_format=sniffed.date_format,
        timestamp_format=sniffed.timestamp_format,
    )


def _refuse_wide_start(text: Path) -> None:
    """DuckDB's sniffer runs out of memory on very many columns: look before it does."""
    with text.open("rb") as file:
        line = file.readline(LONGEST_FIRST_LINE_BYTES)
    for delimiter in DELIMITERS:
        if line.count(delimiter.encode()) >= MOST_COLUMNS:
            refuse_too_wide(len(first_row(text, Dialect(delimiter))))

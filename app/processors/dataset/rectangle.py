"""CSV by Python's own reader: the patient one, which decides what a row is.

It counts rows to check DuckDB, and rewrites what DuckDB refuses (ragged rows,
stray quotes, mixed line ends) into rectangular text. A blank line is no row.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from app.domain.errors import InvalidPayload, ProblemCode

MOST_COLUMNS = 2_000
LONGEST_CELL_CHARACTERS = 2_000_000
DELIMITERS = (",", ";", "\t", "|")
SAMPLE_ROWS = 1_000
CHUNK_BYTES = 1024 * 1024
# No text that comes here holds a NUL, so no file can forge the last line.
END = "\0end"
BLANK_LINE = re.compile(rb"\n[\n\r]")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One character each; `escape` equal to `quote` means that quotes are doubled."""

    delimiter: str
    quote: str = '"'
    escape: str = '"'

    def for_python(self) -> dict[str, Any]:
        doubled = self.escape == self.quote
        escape = None if doubled else self.escape
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quote,
            "doublequote": doubled,
            "escapechar": escape,
        }


COMMA = Dialect(",")
TAB = Dialect("\t")


@dataclass(frozen=True, slots=True)
class Shape:
    """`rows` counts the header too; `ragged` are the rows shorter than the widest."""

    rows: int
    columns: int
    ragged: int


def rows_of(path: Path, dialect: Dialect) -> Iterator[list[str]]:
    """Every row that is not blank. Raises InvalidPayload with the line where reading went wrong."""
    csv.field_size_limit(LONGEST_CELL_CHARACTERS)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(chain(file, [END]), **dialect.for_python())
        line = 0
        try:
            for row in reader:
                if row:
                    if row[-1][-len(END) :] == END:
                        return _refuse_open_quote(row, line + 1)
                    yield row
                line = reader.line_num
        except csv.Error as error:
            detail = f"The row that begins on line {line + 1} cannot be read: {error}."
            raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail) from None


def first_row(path: Path, dialect: Dialect) -> list[str]:
    return next(rows_of(path, dialect), [])


def agrees(path: Path, dialect: Dialect, rows: int) -> bool:
    """Whether the text holds exactly `rows` rows, header included."""
    return _count_line_ends(path, dialect) == rows or count_rows(path, dialect) == rows


def count_rows(path: Path, dialect: Dialect) -> int | None:
    """Rows with the header, or None where this dialect cannot read the text to its end."""
    try:
        return sum(1 for _ in rows_of(path, dialect))
    except InvalidPayload:
        return None


def shape_of(path: Path, dialect: Dialect) -> Shape:
    widths: dict[int, int] = {}
    for row in rows_of(path, dialect):
        widths[len(row)] = widths.get(len(row), 0) + 1
    rows, columns = sum(widths.values()), max(widths, default=0)
    refuse_too_wide(columns)
    if not rows:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file holds no rows.")
    return Shape(rows, columns, ragged=rows - widths.get(columns, 0))


def write_rectangular(path: Path, dialect: Dialect, columns: int, target: Path) -> None:
    """Rewrite as comma-separated UTF-8 in which every row has `columns` cells.

    Every cell is quoted: some Pythons leave one with a carriage return bare.
    """
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows(row + [""] * (columns - len(row)) for row in rows_of(path, dialect))


def refuse_too_wide(columns: int) -> None:
    if columns > MOST_COLUMNS:
        detail = f"The data has {columns} columns; {MOST_COLUMNS} are allowed."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)


def guess_delimiter(path: Path) -> str:
    """The delimiter that splits most of the first rows alike; a comma when none does."""
    return max(DELIMITERS, key=lambda delimiter: _consistency(path, delimiter))


def unique_names(cells: Sequence[str], columns: int) -> list[str]:
    """One name per column: empty ones become `column_<n>`, repeated ones get `_2`, `_3`.

    Names that differ only in case count as repeated, as they do for most readers
    of Parquet.
    """
    names: list[str] = []
    taken: set[str] = set()
    for position in range(columns):
        wanted = cells[position] if position < len(cells) else ""
        name = _not_taken(wanted or f"column_{position + 1}", taken)
        taken.add(name.casefold())
        names.append(name)
    return names


def _not_taken(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


def _refuse_open_quote(row: list[str], line: int) -> None:
    if row != [END]:
        detail = f"The quote opened in the row that begins on line {line} is never closed."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)


def _consistency(path: Path, delimiter: str) -> float:
    try:
        widths = [len(row) for row in islice(rows_of(path, Dialect(delimiter)), SAMPLE_ROWS)]
    except InvalidPayload:
        return 0.0
    return max((widths.count(width) / len(widths) for width in set(widths) if width > 1), default=0.0)


def _count_line_ends(path: Path, dialect: Dialect) -> int | None:
    """Line ends outside quotes: the number of rows, if the text is as regular as most.

    None where that may be wrong: blank lines, lone carriage returns, escapes
    other than doubled quotes.
    """
    if dialect.escape != dialect.quote:
        return None
    quote = dialect.quote.encode()
    ends, inside, last = 0, False, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if BLANK_LINE.search(last + chunk):
                return None
            parts = chunk.split(quote)
            ends += b"".join(parts[inside::2]).count(b"\n")
            inside ^= len(parts) % 2 == 0
            last = chunk[-1:]
    return ends + (last != b"\n")

"""The rows of a CSV by Python's own reader: the patient one, which decides what a row is.

It reads the first rows, from which dialect and header are found out, and counts
rows to check DuckDB. A line without any character is not a row.
"""

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, TextIO

from app.domain.errors import InvalidPayload, ProblemCode

LONGEST_ROW_BYTES = 2_000_000
LONGEST_CELL_CHARACTERS = LONGEST_ROW_BYTES
#: No character of UTF-8 takes more bytes.
MOST_BYTES_OF_A_CHARACTER = 4
CHUNK_BYTES = 1024 * 1024
LARGEST_SAMPLE_CHARACTERS = 4_000_000
BLANK_LINE = re.compile(rb"\n[\n\r]")
#: csv's words for a quote that is never closed, and for text behind one that is.
OPEN_QUOTE = "unexpected end of data"
TEXT_BEHIND_QUOTE = "expected after"
LONG_CELL = "field larger than field limit"
#: The detail for text that RFC 4180 does not allow. The quote before it may be an ordinary character.
STRAY_QUOTE = "text stands behind a closing quote"
BARE_RETURN = re.compile("\r(?!\n)")
#: Stands for a carriage return that ends no row, while csv reads. UTF-8 has no such character.
KEPT_RETURN = "\udc0d"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One character each; `escape` equal to `quote` means that quotes are doubled.

    An empty quote means that a quote is a character like any other.
    """

    delimiter: str
    quote: str = '"'
    escape: str = '"'
    #: A carriage return that stands alone is part of its cell; else it ends the row.
    keeps_returns: bool = False

    def for_python(self) -> dict[str, Any]:
        """Return the arguments for csv.reader.

        With doubled quotes it refuses text behind a closing quote. With another escape it
        takes that for a part of the cell: `fits` refuses it.
        """
        if not self.quote:
            return {"delimiter": self.delimiter, "quoting": csv.QUOTE_NONE, "strict": True}
        doubled = self.escape == self.quote
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quote,
            "doublequote": doubled,
            "escapechar": None if doubled else self.escape,
            "strict": True,
        }


COMMA = Dialect(",")
#: TSV knows no quotes (IANA, text/tab-separated-values).
TAB = Dialect("\t", quote="", escape="")


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a text has, header included, and how many lines without any character."""

    rows: int
    blank_lines: int
    #: Blanks may stand between a quote and the end of its cell. By RFC 4180 they are
    #: part of the cell; DuckDB leaves them out, and the quotes too.
    has_blanks_at_quotes: bool


def rows_of(path: Path, dialect: Dialect) -> Iterator[list[str]]:
    """Yield every row that is not blank. Raise InvalidPayload with the line where reading went wrong."""
    return (row for row in rows_and_blank_lines(path, dialect) if row)


def first_rows(path: Path, dialect: Dialect, most: int) -> list[list[str]]:
    """Return the first rows, fewer where they are very long."""
    rows: list[list[str]] = []
    characters = 0
    for row in islice(rows_of(path, dialect), most):
        rows.append(row)
        characters += sum(map(len, row))
        if characters > LARGEST_SAMPLE_CHARACTERS:
            break
    return rows


def rows_with_lines(path: Path, dialect: Dialect) -> Iterator[tuple[list[str], list[str]]]:
    """Yield every row, blank ones too, with the lines that it takes. Raise InvalidPayload like rows_of."""
    csv.field_size_limit(LONGEST_CELL_CHARACTERS)
    taken: list[str] = []

    def remembered(lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    with opened(path, dialect) as file:
        reader = csv.reader(remembered(_for_csv(file, dialect)), **dialect.for_python())
        line = 0
        try:
            for row in reader:
                yield _as_written(row, dialect), taken
                taken = []
                line = reader.line_num
        except csv.Error as error:
            raise _refusal(error, line + 1) from None


def has_quotes(row: list[str], lines: list[str]) -> bool:
    """True if csv took quotes for such: the cells and what separates them are shorter than the lines."""
    return len(row) - 1 + sum(map(len, row)) < len("".join(lines).rstrip("\r\n"))


def first_line_end(path: Path, dialect: Dialect) -> str:
    r"""Return what ends the first row: `\n`, `\r\n` or `\r`."""
    last = next((lines[-1] for row, lines in rows_with_lines(path, dialect) if row), "")
    return last[len(last.rstrip("\r\n")) :][-2:] or "\n"


def line_of_row(path: Path, dialect: Dialect, number: int) -> int:
    """Return how many lines stand before a row, which is counted from 0."""
    line = seen = 0
    for row, lines in rows_with_lines(path, dialect):
        if row and seen == number:
            break
        line, seen = line + len(lines), seen + bool(row)
    return line


def rows_by_line_ends(path: Path, dialect: Dialect, line_end: str) -> int | None:
    """Return the number of rows, header included; None where only reading tells, as of blank lines."""
    return _scan(path, dialect, line_end)[0]


def held(path: Path, marks: Sequence[str], most_bytes: float = math.inf) -> set[str]:
    """Return those of the marks that the text holds, in its first bytes at least; an empty one never is."""
    found, read = set[str](), 0
    with path.open("rb") as file:
        while read < most_bytes and (chunk := file.read(CHUNK_BYTES)):
            found |= {mark for mark in marks if mark and mark.encode() in chunk}
            read += len(chunk)
    return found


def opened(path: Path, dialect: Dialect) -> TextIO:
    """Open the text so that its lines end where rows may end."""
    return path.open(encoding="utf-8", newline="\n" if dialect.keeps_returns else "")


def count_rows(path: Path, dialect: Dialect, line_end: str) -> Count:
    """Count by line ends if they tell, else by reading. Raise InvalidPayload if the text cannot be read."""
    ends, has_blanks_at_quotes = _scan(path, dialect, line_end)
    if ends is not None:
        return Count(ends, 0, has_blanks_at_quotes)
    rows = blank_lines = 0
    for row in rows_and_blank_lines(path, dialect):
        if row:
            rows += 1
        else:
            blank_lines += 1
    return Count(rows, blank_lines, has_blanks_at_quotes)


def rows_and_blank_lines(path: Path, dialect: Dialect) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_CELL_CHARACTERS)
    with opened(path, dialect) as file:
        reader = csv.reader(_for_csv(file, dialect), **dialect.for_python())
        line = 0
        try:
            for row in reader:
                yield _as_written(row, dialect)
                line = reader.line_num
        except csv.Error as error:
            raise _refusal(error, line + 1) from None


def is_stray_quote(refusal: InvalidPayload) -> bool:
    """True if the text was refused because of text behind a closing quote."""
    return STRAY_QUOTE in refusal.detail


def refuse_long_row(line: int) -> NoReturn:
    detail = f"The row that begins on line {line} is longer than {LONGEST_ROW_BYTES:,} bytes."
    raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)


def _for_csv(lines: Iterable[str], dialect: Dialect) -> Iterable[str]:
    if not dialect.keeps_returns:
        return lines
    return (BARE_RETURN.sub(KEPT_RETURN, line) for line in lines)


def _as_written(row: list[str], dialect: Dialect) -> list[str]:
    return [cell.replace(KEPT_RETURN, "\r") for cell in row] if dialect.keeps_returns else row


def _refusal(error: csv.Error, line: int) -> InvalidPayload:
    if str(error) == OPEN_QUOTE:
        detail = f"The quote opened in the row that begins on line {line} is never closed."
        return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    if TEXT_BEHIND_QUOTE in str(error):
        detail = f"In the row that begins on line {line}, {STRAY_QUOTE}."
        return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    if LONG_CELL in str(error):
        refuse_long_row(line)
    detail = f"The row that begins on line {line} cannot be read: {error}."
    return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)


def _scan(path: Path, dialect: Dialect, line_end: str) -> tuple[int | None, bool]:
    """Return the number of line ends outside quotes, and whether blanks touch a quote from outside.

    The number is that of the rows if the text is as regular as most. It is None where
    that may be wrong: blank lines, line ends of several kinds, escapes other than
    doubled quotes.
    """
    is_regular = dialect.escape == dialect.quote and line_end != "\r"
    has_blanks_at_quotes = False
    quote, blanks = dialect.quote.encode(), {b" ", b"\t"} - {dialect.delimiter.encode()}
    ends, inside, last = 0, False, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES) + file.readline(LONGEST_CELL_CHARACTERS):
            parts = chunk.split(quote) if quote else [chunk]
            behind, before = parts[1 if inside else 2 :: 2], parts[inside:-1:2]
            has_blanks_at_quotes = (
                has_blanks_at_quotes
                or any(part[:1] in blanks for part in behind)
                or any(part[-1:] in blanks for part in before)
            )
            outside = quote.join(parts[inside::2])
            feeds = outside.count(b"\n")
            is_regular &= outside.count(b"\r") == (feeds if line_end == "\r\n" else 0)
            is_regular &= not BLANK_LINE.search(last + chunk)
            ends += feeds
            inside ^= len(parts) % 2 == 0
            last = chunk[-1:]
    return ends + (last != b"\n") if is_regular else None, has_blanks_at_quotes

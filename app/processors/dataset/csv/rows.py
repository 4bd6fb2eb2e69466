"""The rows of a CSV by Python's own reader: the patient one, which decides what a row is.

It reads the first rows, from which dialect and header are found out, and counts
rows to check DuckDB. A line without any character is no row.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from app.domain.errors import InvalidPayload, ProblemCode

LONGEST_CELL_CHARACTERS = 2_000_000
CHUNK_BYTES = 1024 * 1024
LARGEST_SAMPLE_CHARACTERS = 4_000_000
BLANK_LINE = re.compile(rb"\n[\n\r]")
ESCAPES = re.compile(r"\\.?", re.DOTALL)
#: Within a cell: next to other text, and not behind a backslash.
DOUBLED_QUOTE = re.compile(r'[^,;|\t\r\n"\\]""[^,;|\t\r\n"]')
#: csv's words for a quote that is never closed, and for text behind one that is.
OPEN_QUOTE = "unexpected end of data"
TEXT_BEHIND_QUOTE = "expected after"
#: What RFC 4180 does not allow, and what may be no quote at all.
STRAY_QUOTE = "text stands behind a closing quote"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One character each; `escape` equal to `quote` means that quotes are doubled.

    An empty quote means that a quote is a character like any other.
    """

    delimiter: str
    quote: str = '"'
    escape: str = '"'

    def for_python(self) -> dict[str, Any]:
        """Return the arguments for csv.reader, with which it refuses text behind a closing quote."""
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


def first_line_end(path: Path, dialect: Dialect) -> str:
    r"""Return what ends the first row: `\n`, `\r\n` or `\r`."""
    csv.field_size_limit(LONGEST_CELL_CHARACTERS)
    last = ""
    with path.open(encoding="utf-8", newline="") as file:

        def remembered() -> Iterator[str]:
            nonlocal last
            for line in file:
                last = line
                yield line

        if next((row for row in csv.reader(remembered(), **dialect.for_python()) if row), None) is None:
            return "\n"
    return last[len(last.rstrip("\r\n")) :][-2:] or "\n"


def line_of_row(path: Path, dialect: Dialect, number: int) -> int:
    """Return how many lines stand before a row, which is counted from 0."""
    csv.field_size_limit(LONGEST_CELL_CHARACTERS)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, **dialect.for_python())
        line = seen = 0
        for row in reader:
            if row and seen == number:
                break
            line, seen = reader.line_num, seen + bool(row)
        return line


def escapes_quotes(path: Path) -> bool:
    """True if backslashes escape quotes in the text, and nothing but quotes and backslashes."""
    found = False
    with path.open(encoding="utf-8", newline="") as file:
        for line in file:
            escaped = {pair[1:] for pair in ESCAPES.findall(line)}
            if not escaped <= {'"', "\\"} or DOUBLED_QUOTE.search(line):
                return False
            found |= '"' in escaped
    return found


def joins_lines(path: Path, dialect: Dialect) -> bool:
    """True if some row takes more than one line, or the text cannot be read."""
    try:
        rows = sum(1 for _ in rows_of(path, dialect))
    except InvalidPayload:
        return True
    with path.open(encoding="utf-8") as lines:
        return rows != sum(1 for line in lines if line.rstrip("\n"))


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
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, **dialect.for_python())
        line = 0
        try:
            for row in reader:
                yield row
                line = reader.line_num
        except csv.Error as error:
            raise _refusal(error, line + 1) from None


def _refusal(error: csv.Error, line: int) -> InvalidPayload:
    if str(error) == OPEN_QUOTE:
        detail = f"The quote opened in the row that begins on line {line} is never closed."
        return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    if TEXT_BEHIND_QUOTE in str(error):
        detail = f"In the row that begins on line {line}, {STRAY_QUOTE}."
        return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
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

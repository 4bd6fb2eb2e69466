"""Quotes other than those of RFC 4180, and whether a whole text fits them.

To believe in them wrongly tears cells or joins rows in silence. So all rows must be
equally long, and each kind has a proof of its own.
"""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from app.domain.errors import InvalidPayload
from app.processors.dataset.csv.layout import MOST_LINES_ABOVE
from app.processors.dataset.csv.rows import Dialect, has_quotes, rows_with_lines

ESCAPES = re.compile(r"\\.?", re.DOTALL)
#: Two quotes within a cell: next to other text, and not behind a backslash.
DOUBLED_QUOTE = re.compile(r'[^,;|\t\r\n"\\]""[^,;|\t\r\n"]')
#: Quotes that RFC 4180 understands around a cell between two delimiters.
QUOTED_CELL = r'(?:^|{0})"(?:[^"]|"")*"(?:{0}|[\r\n]*$)'
#: A row in which quotes close only before a delimiter or the end. Where they are not doubled, csv.reader
#: takes what stands behind them for a part of the cell.
BACKSLASH_ROW = r'(?:(?:"(?:[^"\\]++|\\.)*+"|(?!")(?:[^{0}\\]++|\\.)*+)(?:{0}|$))*'
#: A row that RFC 4180 allows. csv.reader also takes quotes within a cell that has none around it.
STANDARD_ROW = r'(?:(?:"(?:[^"]++|"")*+"|[^{0}"]*+)(?:{0}|$))*'


def fits(path: Path, dialect: Dialect, delimiters: Sequence[str]) -> bool:
    """True if all rows are equally long, but for a title, and nothing speaks against these quotes.

    RFC 4180, which speaks against backslashes, may separate cells by any of the delimiters.
    """
    speaks_against = _objection(dialect)
    title = table = width = 0
    has_any = not dialect.quote
    try:
        for row, lines in rows_with_lines(path, dialect):
            if speaks_against(row, lines):
                return False
            if not table and len(row) == 1:
                title += 1
            elif row:
                table, width = table + 1, width or len(row)
                has_any = has_any or has_quotes(row, lines)
                if len(row) != width:
                    return False
    except InvalidPayload:
        return False
    if not has_any or title > MOST_LINES_ABOVE:
        return False
    if dialect.escape != "\\":
        return True
    standards = (replace(dialect, delimiter=mark, escape=dialect.quote) for mark in delimiters)
    return _escapes_quotes(path) and not any(_is_standard(path, standard) for standard in standards)


def _objection(dialect: Dialect) -> Callable[[list[str], list[str]], bool]:
    """Return a function that is true for a row and its lines if its quotes cannot be those of the dialect."""
    if dialect.escape == "\\":
        whole = _row_pattern(BACKSLASH_ROW, dialect)
        return lambda row, lines: not _matches(whole, lines) or _may_be_joined(row, lines, dialect)
    quoted = re.compile(QUOTED_CELL.format(re.escape(dialect.delimiter)))
    return lambda row, lines: len(lines) > 1 or quoted.search(lines[0]) is not None


def _may_be_joined(row: Sequence[str], lines: Sequence[str], dialect: Dialect) -> bool:
    """True if RFC 4180 reads the lines of a row as several rows, of which one is as long as the table's.

    Then a backslash may be the last character of a cell. It is not where RFC 4180 only cuts
    a cell at its line breaks: `"5\\"` above `heavy"`.
    """
    if len(lines) < 2:
        return False
    standard = replace(dialect, escape=dialect.quote)
    try:
        widths = [len(found) for found in csv.reader(lines, **standard.for_python())]
    except csv.Error:
        return False
    return len(row) in widths and sum(widths) >= len(row) + len(widths)


def _is_standard(path: Path, dialect: Dialect) -> bool:
    """True if the text is as RFC 4180 asks with this delimiter, but for the length of its rows."""
    whole = _row_pattern(STANDARD_ROW, dialect)
    try:
        return all(_matches(whole, lines) for _, lines in rows_with_lines(path, dialect))
    except InvalidPayload:
        return False


def _row_pattern(pattern: str, dialect: Dialect) -> re.Pattern[str]:
    return re.compile(pattern.format(re.escape(dialect.delimiter)), re.DOTALL)


def _matches(whole: re.Pattern[str], lines: Sequence[str]) -> bool:
    """True if the pattern describes the row; it describes each that holds no quote."""
    text = "".join(lines).rstrip("\r\n")
    return '"' not in text or whole.fullmatch(text) is not None


def _escapes_quotes(path: Path) -> bool:
    """True if backslashes escape quotes in the text, and nothing but quotes and backslashes."""
    found = False
    with path.open(encoding="utf-8", newline="") as file:
        for line in file:
            escaped = {pair[1:] for pair in ESCAPES.findall(line)}
            if not escaped <= {'"', "\\"} or DOUBLED_QUOTE.search(line):
                return False
            found |= '"' in escaped
    return found

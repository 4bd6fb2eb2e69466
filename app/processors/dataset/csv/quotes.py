"""Quotes other than those of RFC 4180, and whether a whole text fits them.

To believe in them wrongly tears cells or joins rows in silence. So all rows must be
equally long, and each kind has a proof of its own.
"""

import re
from collections.abc import Callable
from pathlib import Path

from app.domain.errors import InvalidPayload
from app.processors.dataset.csv.layout import MOST_LINES_ABOVE
from app.processors.dataset.csv.rows import Dialect, has_quotes, rows_with_lines

ESCAPES = re.compile(r"\\.?", re.DOTALL)
#: Two quotes within a cell: next to other text, and not behind a backslash.
DOUBLED_QUOTE = re.compile(r'[^,;|\t\r\n"\\]""[^,;|\t\r\n"]')
#: Quotes that RFC 4180 understands around a cell between two delimiters.
QUOTED_CELL = r'(?:^|{0})"(?:[^"]|"")*"(?:{0}|[\r\n]*$)'


def fits(path: Path, dialect: Dialect) -> bool:
    """True if all rows are equally long, but for a title, and nothing speaks against these quotes."""
    speaks_against = _objection(dialect)
    title = table = width = 0
    has_any = not dialect.quote
    try:
        for row, lines in rows_with_lines(path, dialect):
            if speaks_against(lines):
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
    return has_any and title <= MOST_LINES_ABOVE and (dialect.escape != "\\" or _escapes_quotes(path))


def _objection(dialect: Dialect) -> Callable[[list[str]], bool]:
    """Return a function that is true for the lines of a row whose quotes cannot be those of the dialect."""
    if dialect.escape == "\\":
        return lambda lines: False
    quoted = re.compile(QUOTED_CELL.format(re.escape(dialect.delimiter)))
    return lambda lines: len(lines) > 1 or quoted.search(lines[0]) is not None


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

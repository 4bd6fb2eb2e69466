"""Finds and removes the text around a table: a line that names the delimiter, titles, the end mark of DOS.

A text that is plainly of another format is refused as not a table.
"""

import re
import shutil
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.csv.rows import Dialect, opened
from app.processors.dataset.engine import superseded
from app.processors.dataset.values import shortened

#: Excel's line that names the delimiter.
DELIMITER_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
#: The same line after a program has read it as a row and filled that up. Its delimiter may be another.
FILLED_LINE = re.compile(r'"?sep=.?"?([,;\t|])\1*[\r\n]*', re.IGNORECASE)
#: DOS ended its text files with a byte 26: on a line of its own, or as the last byte. Before a line end
#: it is a part of the cell.
END_MARK = re.compile(rb"(?:\A|(?<=[\r\n]))\x1a[\x1a\r\n]*\Z|\x1a+\Z")
#: Repeated end marks fill a file only up to its last block, so no more than this many are looked at.
MOST_END_BYTES = 4096
LONGEST_LINE_ABOVE = 500
CHUNK_CHARACTERS = 1024 * 1024
#: How an object, an array of objects, an XML document and a drawing begin.
OTHER_FORMATS = {
    "application/json": re.compile(rb'\s*(?:\[\s*)?\{\s*(?:"[^"\r\n]*"\s*:|\}\s*[\]\r\n])'),
    "application/xml": re.compile(rb"\s*<\?xml\s"),
    "image/svg+xml": re.compile(rb"\s*<svg[\s>]"),
}
START_BYTES = 4096


@dataclass(frozen=True, slots=True)
class DelimiterLine:
    """A first line that names the delimiter, unless the text was written anew with another."""

    delimiter: str | None
    #: The line itself, where it is not sure that its delimiter still holds.
    kept: tuple[str, ...] = ()


def refuse_other_formats(text: Path) -> None:
    """Raise InvalidPayload if the text is JSON, XML or SVG."""
    with text.open("rb") as file:
        start = file.read(START_BYTES)
    for media_type, pattern in OTHER_FORMATS.items():
        if pattern.match(start):
            detail = f"Declared as a table, but the content is {media_type}."
            raise InvalidPayload(ProblemCode.MEDIA_TYPE_MISMATCH, detail)


def delimiter_line(text: Path) -> DelimiterLine | None:
    """Return what the first line says of the delimiter; None if it is an ordinary one."""
    with text.open(encoding="utf-8", newline="") as file:
        first = file.readline(LONGEST_LINE_ABOVE)
    if named := DELIMITER_LINE.fullmatch(first):
        return DelimiterLine(named[1])
    return DelimiterLine(None, (first.rstrip("\r\n"),)) if FILLED_LINE.fullmatch(first) else None


def end_mark(text: Path) -> int | None:
    """Return where the end mark of DOS and what fills the file behind it begin; None if it has none."""
    with text.open("rb") as file:
        start = max(0, text.stat().st_size - MOST_END_BYTES)
        file.seek(start)
        tail = file.read()
    mark = END_MARK.search(tail)
    return start + mark.start() if mark else None


def first_lines(text: Path, dialect: Dialect, lines: int) -> list[str]:
    with opened(text, dialect) as file:
        return [shortened(line.rstrip("\r\n"), LONGEST_LINE_ABOVE) for line in islice(file, lines)]


def rest_of(text: Path, dialect: Dialect, line: int, target: Path) -> Path:
    """Copy the text from a line on, counted from 0; return the copy."""
    with opened(text, dialect) as file, target.open("wb") as copy:
        for _ in range(line):
            file.readline()
        while piece := file.read(CHUNK_CHARACTERS):
            copy.write(piece.encode())
    superseded(text, target.parent)
    return target


def without_end(text: Path, end: int, target: Path) -> Path:
    """Copy the text up to a byte; return the copy."""
    with text.open("rb") as file, target.open("wb") as copy:
        shutil.copyfileobj(file, copy)
        # The sandbox refuses to truncate a file by its path, so it is truncated by its descriptor.
        copy.truncate(end)
    superseded(text, target.parent)
    return target

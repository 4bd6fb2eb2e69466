"""Text that DuckDB refuses (ragged rows, mixed line ends) or reads slowly (many columns), written anew."""

import csv
import json
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.columns import refuse_too_wide
from app.processors.dataset.csv.rows import (
    LONGEST_ROW_BYTES,
    MOST_BYTES_OF_A_CHARACTER,
    Dialect,
    refuse_long_row,
    rows_and_blank_lines,
    rows_of,
    rows_with_lines,
)

TO_JSON = json.JSONEncoder(ensure_ascii=False).encode
#: A cell that begins with blanks and a quote that is not closed in it. RFC 4180 knows no quotes behind
#: blanks: what they were to hold together is torn at the delimiter.
TORN_CELL = re.compile(r'[ \t]+"(?:[^"]|"")*')


@dataclass(frozen=True, slots=True)
class Shape:
    """`rows` counts the header too; `ragged` are the rows shorter than the widest."""

    rows: int
    columns: int
    ragged: int
    blank_lines: int


def shape_of(path: Path, dialect: Dialect) -> Shape:
    """Read all rows. Raise InvalidPayload if there are none, or if one is too long or torn."""
    widths: dict[int, int] = {}
    for number, row in enumerate(rows_and_blank_lines(path, dialect)):
        widths[len(row)] = widths.get(len(row), 0) + 1
        text = "".join(row)
        if MOST_BYTES_OF_A_CHARACTER * len(text) > LONGEST_ROW_BYTES and _is_long(row):
            refuse_long_row(_line_of(path, dialect, number))
        if '"' in text and dialect.quote == '"' and any(map(TORN_CELL.fullmatch, row)):
            line = _line_of(path, dialect, number)
            detail = f"In the row that begins on line {line}, blanks stand before a quote."
            raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    blank_lines = widths.pop(0, 0)
    rows, columns = sum(widths.values()), max(widths, default=0)
    refuse_too_wide(columns)
    if not rows:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file holds no rows.")
    return Shape(rows, columns, ragged=rows - widths.get(columns, 0), blank_lines=blank_lines)


def write_rectangular(path: Path, dialect: Dialect, columns: int, target: Path) -> None:
    """Rewrite as comma-separated UTF-8 in which every row has `columns` cells."""
    with _opened(target) as file:
        rows = rows_of(path, dialect)
        _writer(file).writerows(row + [""] * (columns - len(row)) for row in rows)


def write_lists(
    path: Path, dialect: Dialect, targets: Mapping[Path, range], most_rows: int, *, header: bool
) -> int:
    """Rewrite each group of columns as a text with a JSON array for each row, but the header.

    Return the bytes of the longest line, or 0 if the rows are not equally long, one is too long, or
    they are more than `most_rows`.
    """
    width, longest = max(places.stop for places in targets.values()), 1
    with ExitStack() as files:
        groups = [
            (files.enter_context(target.open("wb")), slice(places.start, places.stop))
            for target, places in targets.items()
        ]
        try:
            for number, row in enumerate(rows_of(path, dialect)):
                is_long = MOST_BYTES_OF_A_CHARACTER * sum(map(len, row)) > LONGEST_ROW_BYTES
                if len(row) != width or is_long or number == most_rows:
                    return 0
                cells = [cell or None for cell in row]
                for file, places in groups if number or not header else ():
                    longest = max(longest, file.write(TO_JSON(cells[places]).encode() + b"\n"))
        except InvalidPayload:
            return 0
    return longest


def _opened(target: Path) -> TextIO:
    return target.open("w", encoding="utf-8", newline="")


def _writer(file: TextIO) -> Any:
    """Return a writer that quotes every cell: some Pythons leave one with a carriage return bare."""
    return csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")


def _is_long(row: list[str]) -> bool:
    return len(row) - 1 + sum(len(cell.encode()) for cell in row) > LONGEST_ROW_BYTES


def _line_of(path: Path, dialect: Dialect, number: int) -> int:
    """Return the line on which a row begins; blank rows count, from 0."""
    return 1 + sum(len(lines) for _, lines in islice(rows_with_lines(path, dialect), number))

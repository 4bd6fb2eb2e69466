"""Text that DuckDB refuses (ragged rows, mixed line ends), written anew as a rectangle."""

import csv
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.columns import refuse_too_wide
from app.processors.dataset.csv.rows import Dialect, rows_and_blank_lines, rows_of


@dataclass(frozen=True, slots=True)
class Shape:
    """`rows` counts the header too; `ragged` are the rows shorter than the widest."""

    rows: int
    columns: int
    ragged: int
    blank_lines: int


def shape_of(path: Path, dialect: Dialect) -> Shape:
    widths: dict[int, int] = {}
    for row in rows_and_blank_lines(path, dialect):
        widths[len(row)] = widths.get(len(row), 0) + 1
    blank_lines = widths.pop(0, 0)
    rows, columns = sum(widths.values()), max(widths, default=0)
    refuse_too_wide(columns)
    if not rows:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file holds no rows.")
    return Shape(rows, columns, ragged=rows - widths.get(columns, 0), blank_lines=blank_lines)


def write_rectangular(path: Path, dialect: Dialect, columns: int, target: Path) -> None:
    """Rewrite as comma-separated UTF-8 in which every row has `columns` cells.

    Every cell is quoted: some Pythons leave one with a carriage return bare.
    """
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        rows = rows_of(path, dialect)
        writer.writerows(row + [""] * (columns - len(row)) for row in rows)

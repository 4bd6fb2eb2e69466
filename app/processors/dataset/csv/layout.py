"""What the first rows of a CSV say of the whole: its dialect, its header, and the lines above it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

from app.domain.errors import InvalidPayload
from app.processors.dataset.csv.rows import STRAY_QUOTE, Dialect, escapes_quotes, first_rows, joins_lines
from app.processors.dataset.forms import possible_forms

DELIMITERS = (",", ";", "\t", "|")
DIALECT_ROWS = 1_000
MOST_LINES_ABOVE = 20
#: Tables of fewer columns may have a header of which most cells are empty.
FEWEST_COLUMNS_BELOW_A_TITLE = 3
FEWEST_COUNTED_NAMES = 3
COMPARED_CELLS = 100
YEARS = range(1000, 3000)
#: Cells of these groups of types are alike: a header among them does not stand out.
ALIKE = {"integer": "number", "timestamp": "date"}
#: No more digits than a year or a count of columns has.
SHORT_NUMBER = re.compile("[0-9]{1,4}")
FIGURES = re.compile("[+-]?[0-9]+(?:[.,:/-][0-9]+)*")
MISSING = re.compile(r"n/?a|nan|nil|null|none|nothing|missing|unknown|#n/a|[-–—?.]*", re.IGNORECASE)
TOTAL = re.compile(r"(?:grand )?total|(?:gesamt)?summe|gesamt|sum|totale?s?|somme|suma", re.IGNORECASE)

#: Quote and escape: backslashes, no quotes at all, apostrophes.
OTHER_QUOTES = (('"', "\\"), ("", ""), ("'", "'"))

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of reading the first rows in a dialect."""

    dialect: Dialect
    #: The share of rows that have the commonest number of cells, if that is two or more
    #: and the dialect splits most rows below the first that it splits.
    rows_alike: float = -1
    #: The share of cells that are figures, which decides between equals.
    figures: float = 0
    refusal: InvalidPayload | None = None

    @property
    def likeness(self) -> tuple[float, float]:
        return self.rows_alike, self.figures


def guess_dialect(path: Path) -> Dialect:
    """Return the dialect that splits the first rows most alike; a comma if none does.

    RFC 4180 comes first. Backslashes that escape, no quotes at all, and apostrophes
    that quote are believed only where RFC 4180 leaves rows of unequal length or
    holds stray quotes; apostrophes also only if no cell holds a line end, and backslashes
    only if they escape nothing but quotes and themselves. What is refused for another
    reason is left for the reader to refuse.
    """
    usual = [_tried(path, Dialect(delimiter)) for delimiter in DELIMITERS]
    best = max(usual, key=lambda tried: tried.likeness)
    if best.rows_alike == 1:
        return best.dialect
    refused = [tried for tried in usual if tried.refusal] if best.rows_alike <= 0 else []
    for tried in refused:
        if STRAY_QUOTE not in str(tried.refusal):
            return tried.dialect
    has_escapes = escapes_quotes(path)
    quotes = OTHER_QUOTES if has_escapes else OTHER_QUOTES[1:]
    others = [_tried(path, Dialect(delimiter, *some)) for some in quotes for delimiter in DELIMITERS]
    other = max(others, key=lambda tried: tried.likeness)
    if other.rows_alike == 1 and not (other.dialect.quote == "'" and joins_lines(path, other.dialect)):
        return other.dialect
    return refused[0].dialect if refused else best.dialect


def lines_above(rows: Sequence[Row]) -> int:
    """Return how many of the first rows are a title or remarks, and no part of the table below.

    Either they have fewer cells than all the rows below, which have the same number
    of them; or only their first cell is filled, and below stands a full header. The last
    of them is a header itself if it only lacks the names of columns without any value.
    """
    widths = [len(row) for row in rows]
    width = widths[-1] if widths else 0
    shorter = next((place for place, wide in enumerate(widths) if wide >= width), 0)
    if width > 1 and 0 < shorter <= MOST_LINES_ABOVE and shorter + 1 < len(rows):
        if any(wide != width for wide in widths[shorter:]):
            return 0
        named = widths[shorter - 1]
        has_all_names = named > 1 and not any(cell for row in rows[shorter:] for cell in row[named:])
        return shorter - has_all_names
    titles = next((place for place, row in enumerate(rows) if any(row[1:])), 0)
    if width < FEWEST_COLUMNS_BELOW_A_TITLE or not 0 < titles <= MOST_LINES_ABOVE or not any(rows[0]):
        return 0
    table = rows[titles:]
    is_headed = all(table[0]) and all(_type([cell]) == "text" for cell in table[0])
    is_typed = any(_type(_below(table, place)) != "text" for place in range(width))
    return titles if set(widths) == {width} and is_headed and is_typed else 0


def has_header(rows: Sequence[Row], *, decimal_commas: bool = True) -> bool:
    """True if the first row names the columns.

    It does if some word stands above values that are not text, or if none of its cells
    could be a value of its column: a first row of words is a header above words too.
    """
    first = rows[0] if rows else []
    if not any(first):
        return False
    if _names_years_or_counts(rows) or any(
        _is_word(cell, decimal_commas) and _type(_below(rows, place), decimal_commas) != "text"
        for place, cell in enumerate(first)
    ):
        return True
    for place, cell in enumerate(first):
        kind = _type([cell] if cell else [], decimal_commas)
        if kind != "text" and not _stands_out(kind, _below(rows, place), decimal_commas):
            return False
    return True


def is_total(cell: str | None) -> bool:
    """True if the first cell of a row says that the row is a total."""
    return bool(cell and TOTAL.fullmatch(cell.strip().rstrip(":")))


def _tried(path: Path, dialect: Dialect) -> Tried:
    try:
        rows = first_rows(path, dialect, DIALECT_ROWS)
    except InvalidPayload as refusal:
        return Tried(dialect, refusal=refusal)
    lengths = list(dropwhile(lambda cells: cells < 2, map(len, rows)))
    widths = Counter(cells for cells in lengths if cells > 1)
    if widths.total() <= len(lengths) / 2:
        return Tried(dialect, 0)
    alike = max(widths.values()) / len(rows)
    cells = [cell for row in rows for cell in row if cell]
    figures = sum(1 for cell in cells if FIGURES.fullmatch(cell)) / max(len(cells), 1)
    return Tried(dialect, alike, figures)


def _names_years_or_counts(rows: Sequence[Row]) -> bool:
    """True for a pivot table's header: words, then sorted years or 0, 1, 2 … above other numbers."""
    first, rest = rows[0], rows[1:]
    places = [place for place, cell in enumerate(first) if SHORT_NUMBER.fullmatch(cell)]
    if not rest or not places or places[0] == 0 or any(cell.isdecimal() for cell in first[: places[0]]):
        return False
    if any(_type(_below(rows, place)) not in ("number", "text") for place in places):
        return False
    numbers = [int(first[place]) for place in places]
    is_sorted = sorted(set(numbers)) in (numbers, numbers[::-1])
    if len(numbers) > 1 and is_sorted and all(number in YEARS for number in numbers):
        return not any(_are_years(_below(rows, place)) for place in places)
    counted = numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in (0, 1)
    return (
        counted
        and len(numbers) >= FEWEST_COUNTED_NAMES
        and not any(
            [row[place] for place in places if place < len(row)] == [first[place] for place in places]
            for row in rest
        )
    )


def _are_years(cells: Sequence[str]) -> bool:
    return bool(cells) and all(SHORT_NUMBER.fullmatch(cell) and int(cell) in YEARS for cell in cells)


def _is_word(cell: str, decimal_commas: bool) -> bool:
    """True for text that does not just say that a value is missing."""
    return bool(cell) and not MISSING.fullmatch(cell.strip()) and _type([cell], decimal_commas) == "text"


def _stands_out(kind: str, below: Sequence[str], decimal_commas: bool) -> bool:
    """True if the cells below are of another type, or words of which none is a value of this type."""
    others = _type(below, decimal_commas)
    if others != "text":
        return others != kind
    return bool(below) and all(_type([cell], decimal_commas) != kind for cell in below[:COMPARED_CELLS])


def _below(rows: Sequence[Row], place: int) -> list[str]:
    """Return the filled cells of a column below the first row."""
    return [row[place] for row in rows[1:] if place < len(row) and row[place]]


def _type(cells: Sequence[str], decimal_commas: bool = True) -> str:
    kind = possible_forms(cells, decimal_commas=decimal_commas)[0].type
    return ALIKE.get(kind, kind)

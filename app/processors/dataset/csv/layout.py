"""Finds the header of a table and the lines above it in the first rows of a CSV."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from app.processors.dataset.forms import possible_forms

MOST_LINES_ABOVE = 20
#: Tables of fewer columns may have a header of which most cells are empty.
FEWEST_COLUMNS_BELOW_A_TITLE = 3
FEWEST_COUNTED_NAMES = 3
FEWEST_NAMES = 2
#: The rows of a table below title lines of several cells, with the header.
FEWEST_ROWS = 3
COMPARED_CELLS = 100
YEARS = range(1000, 3000)
#: Cells of these groups of types are alike: a header among them does not stand out.
ALIKE = {"integer": "number", "timestamp": "date"}
#: No more digits than a year or a count of columns has.
SHORT_NUMBER = re.compile("[0-9]{1,4}")
NAME = re.compile(r"\w(?:[\w ./()%#:-]*[\w.)%])?")
MISSING = re.compile(r"n/?a|nan|nil|null|none|nothing|missing|unknown|#n/a|[-–—?.]*", re.IGNORECASE)
TOTAL = re.compile(
    r"(?:grand )?total|total g[eé]n[eé]ral|(?:gesamt)?summe|gesamt|sum|totale?s?|totaal|somme|suma"
    r"|razem|celkem|toplam|всего|итого|合計|合计|总计|總計|합계",
    re.IGNORECASE,
)

Row = Sequence[str]


def lines_above(rows: Sequence[Row]) -> int:
    """Return how many of the first rows are a title or remarks, and no part of the table below.

    Either they may be titles, and the row below is a header beyond doubt; or they
    look like nothing else, and the row below could be a header; or they are remarks.
    Rows of empty cells are titles too.
    """
    for place in range(1, min(MOST_LINES_ABOVE + 1, len(rows))):
        above, table, width = rows[:place], rows[place:], len(rows[place])
        is_regular = len(table) >= FEWEST_ROWS and {len(row) for row in table} == {width}
        if all(_may_be_title(row, width, is_regular) for row in above) and is_surely_headed(table):
            return place
        if _are_titles(above, width) and is_headed_by_words(table):
            return place
    remarks = sum(1 for _ in takewhile(_is_remark, rows))
    is_above = 0 < remarks < len(rows) and all(len(row) < len(rows[remarks]) for row in rows[:remarks])
    return remarks if is_above and remarks <= MOST_LINES_ABOVE else 0


def is_surely_headed(rows: Sequence[Row]) -> bool:
    """True if the first row has a word for every column, and some column holds other values than words."""
    first = rows[0] if rows else []
    if len(first) < FEWEST_NAMES or len({cell.casefold() for cell in first}) < len(first):
        return False
    if _names_years_or_counts(rows):
        return True
    return all(_is_word(cell, True) for cell in first) and any(
        _type(_below(rows, place)) != "text" for place in range(len(first))
    )


def is_headed_by_words(rows: Sequence[Row]) -> bool:
    """True if the first row has a name for every column of most rows, also above words."""
    first = rows[0] if rows else []
    [(width, _)] = Counter(map(len, rows)).most_common(1) or [(0, 0)]
    return (
        len(first) == width >= FEWEST_NAMES
        and len({cell.casefold() for cell in first}) == width
        and all(NAME.fullmatch(cell) and _is_word(cell, True) for cell in first)
    )


def are_remarks(rows: Sequence[Row]) -> bool:
    """True if all of these rows begin with a hash and hold more than one word."""
    return all(map(_is_remark, rows))


def has_row_names(rows: Sequence[Row]) -> bool:
    """True if every row has one cell more than the header: R and pandas write the names of rows so."""
    width = len(rows[0]) + 1 if rows else 0
    return (
        len(rows) > 1
        and all(len(row) == width for row in rows[1:])
        and any(row[-1] for row in rows[1:])
        and all(row[0] for row in rows[1:])
    )


def has_header(rows: Sequence[Row], *, decimal_commas: bool = True) -> bool:
    """True if the first row names the columns.

    It does if some word stands above values that are not text, or if some cell is a word
    and none could be a value of its column: a first row of words is a header above words too.
    """
    first = rows[0] if rows else []
    if not any(first):
        return False
    words = [place for place, cell in enumerate(first) if _is_word(cell, decimal_commas)]
    if _names_years_or_counts(rows) or any(
        _type(_below(rows, place), decimal_commas) != "text" for place in words
    ):
        return True
    # Only a first cell that is empty, as of a table with numbered rows, lets numbers be names.
    if first[0] and not words:
        return False
    for place, cell in enumerate(first):
        kind = _type([cell] if cell else [], decimal_commas)
        if kind != "text" and not _stands_out(kind, _below(rows, place), decimal_commas):
            return False
    return True


def is_total(cell: str | None) -> bool:
    """True if the first cell of a row says that the row is a total."""
    return bool(cell and TOTAL.fullmatch(cell.strip().rstrip(":")))


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


def _may_be_title(row: Row, width: int, is_regular: bool) -> bool:
    """True if the row could stand above a table of this width without being its header.

    A row of several cells could be a row of ragged data as well.
    """
    is_first_cell_alone = width >= FEWEST_COLUMNS_BELOW_A_TITLE and not any(row[1:])
    is_empty = not any(row)
    is_shorter = len(row) < width and (is_regular or len(row) == 1 or _is_prose(row))
    return is_shorter or is_first_cell_alone or is_empty or _is_remark(row)


def _is_prose(row: Row) -> bool:
    return all(cell.startswith(" ") for cell in row[1:])


def _are_titles(rows: Sequence[Row], width: int) -> bool:
    """True if the rows are hardly the header of a table of this width: phrases, remarks, or several lines."""
    several = [row for row in rows if any(row[1:])]
    if not all(_is_remark(row) or (len(row) < width and _is_prose(row)) for row in several):
        return False
    is_wide = width >= FEWEST_COLUMNS_BELOW_A_TITLE and len(rows[0]) == 1
    return bool(several) or is_wide or len(rows) > 1 or not any(rows[0]) or " " in rows[0][0]


def _is_remark(row: Row) -> bool:
    return row[0].startswith("#") and " " in row[0]


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
    kind = next(possible_forms(cells, decimal_commas=decimal_commas)).type
    return ALIKE.get(kind, kind)

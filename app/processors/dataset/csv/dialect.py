"""Finds the characters that separate and quote the cells of a CSV.

RFC 4180 comes first. Its first rows show the delimiter. Other quotes are believed only
where RFC 4180 cannot read the text, or leaves rows of unequal length, and only if
the whole text fits them.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from app.domain.errors import InvalidPayload
from app.processors.dataset.csv.layout import (
    MOST_LINES_ABOVE,
    are_remarks,
    is_headed_by_words,
    is_surely_headed,
)
from app.processors.dataset.csv.quotes import fits
from app.processors.dataset.csv.rows import (
    LARGEST_SAMPLE_CHARACTERS,
    LONGEST_CELL_CHARACTERS,
    MOST_BYTES_OF_A_CHARACTER,
    Dialect,
    first_rows,
    has_quotes,
    held,
    is_stray_quote,
    rows_with_lines,
)

DELIMITERS = (",", ";", "\t", "|")
DELIMITERS_BUT_TAB = frozenset(DELIMITERS) - {"\t"}
#: Delimiters for a text of one column that holds commas. Nobody writes a text that has all of these.
NO_DELIMITERS = ("\x1f", "\x1e", "\x1d", "\x1c")
DIALECT_ROWS = 1_000
#: With a delimiter that the text lacks, a row is one cell, and no more than these are looked at.
MOST_BYTES_TRIED = MOST_BYTES_OF_A_CHARACTER * (LARGEST_SAMPLE_CHARACTERS + LONGEST_CELL_CHARACTERS)
FIGURES = re.compile("[+-]?[0-9]+(?:[.,:/-][0-9]+)*")
#: Matches where a name follows a mark, as in a header. In a title a blank or a digit follows it.
OTHER_SPLIT = re.compile(r"[,;|\t][^\s\d]")
#: Quote and escape.
BACKSLASHES, NO_QUOTES, APOSTROPHES = ('"', "\\"), ("", ""), ("'", "'")


@dataclass(frozen=True, slots=True)
class Tried:
    """A dialect, and how well it reads the first rows."""

    dialect: Dialect
    #: True if the delimiter splits most rows below the first that it splits, and no header lacks it.
    is_likely: bool = False
    #: How many cells the first row has, if there are several and none begins with a blank; else 0.
    names: int = 0
    #: True if all rows but a title are equally long.
    is_regular: bool = False
    #: The key by which likely dialects are sorted.
    likeness: tuple[float, ...] = ()
    #: How many rows stand above the table.
    above: int = 0
    #: Other delimiters that touch this one in every row that it splits. It may only be next to the right one.
    beside: frozenset[str] = frozenset()
    refusal: InvalidPayload | None = None


def guess_dialect(path: Path, *, keeps_returns: bool = False) -> Dialect:
    """Return the dialect that splits the first rows best; one without a delimiter if none does.

    What is refused for another reason than stray quotes is left for the reader to refuse.
    """
    found = held(path, DELIMITERS, most_bytes=MOST_BYTES_TRIED)
    usual = [_tried(path, Dialect(mark, keeps_returns=keeps_returns)) for mark in DELIMITERS if mark in found]
    stray = {tried.dialect.delimiter for tried in usual if tried.refusal and is_stray_quote(tried.refusal)}
    likely = [tried for tried in usual if tried.is_likely and stray.isdisjoint(tried.beside)]
    best = next(iter(_best_first(path, likely)), None)
    if best and best.is_regular:
        return best.dialect
    if best:
        return _first_fit(path, BACKSLASHES, APOSTROPHES, keeps_returns=keeps_returns) or best.dialect
    # A delimiter that the text lacks splits nothing, but where it has no likely one either, the first that
    # cannot be read with is told.
    lacking = [mark for mark in DELIMITERS if mark not in found]
    usual += [_tried(path, Dialect(mark, keeps_returns=keeps_returns)) for mark in lacking]
    usual.sort(key=lambda tried: DELIMITERS.index(tried.dialect.delimiter))
    refused = [tried for tried in usual if tried.refusal]
    for tried in refused:
        if tried.refusal and not is_stray_quote(tried.refusal):
            return tried.dialect
    if refused:
        return other_dialect(path, keeps_returns=keeps_returns) or refused[0].dialect
    header = max((tried for tried in usual if tried.names), key=lambda tried: tried.names, default=None)
    return header.dialect if header else _one_column(path, keeps_returns)


def other_dialect(
    path: Path, delimiters: Sequence[str] = DELIMITERS, *, keeps_returns: bool = False
) -> Dialect | None:
    """Return the dialect of a text that RFC 4180 cannot read; None if all of it fits none."""
    kinds = (BACKSLASHES, NO_QUOTES, APOSTROPHES)
    return _first_fit(path, *kinds, delimiters=delimiters, keeps_returns=keeps_returns)


def _first_fit(
    path: Path,
    *kinds: tuple[str, str],
    delimiters: Sequence[str] = DELIMITERS,
    keeps_returns: bool,
) -> Dialect | None:
    others = [_tried(path, Dialect(mark, *kind, keeps_returns)) for kind in kinds for mark in delimiters]
    regular = [tried for tried in others if tried.is_regular and not tried.beside]
    best_first = _best_first(path, regular)
    return next((tried.dialect for tried in best_first if fits(path, tried.dialect, delimiters)), None)


def _best_first(path: Path, likely: Sequence[Tried]) -> Sequence[Tried]:
    """Return the dialects by likeness; among alike ones the most figures come first, then the first kind."""
    if len(likely) < 2:
        return likely
    return sorted(likely, key=lambda tried: (*tried.likeness, _figures(path, tried)), reverse=True)


def _figures(path: Path, tried: Tried) -> float:
    """Return how many of the filled cells in the first rows are figures, of 1."""
    table = first_rows(path, tried.dialect, DIALECT_ROWS)[tried.above :]
    cells = [cell for row in table for cell in row if cell]
    return sum(1 for cell in cells if FIGURES.fullmatch(cell)) / max(len(cells), 1)


def _one_column(path: Path, keeps_returns: bool) -> Dialect:
    """Return a dialect whose delimiter the text does not hold: a comma if it can be."""
    return Dialect(mark_not_held(path, (",", *NO_DELIMITERS)) or ",", keeps_returns=keeps_returns)


def mark_not_held(path: Path, marks: Sequence[str] = NO_DELIMITERS) -> str | None:
    """Return the first of the marks that the text does not hold."""
    found = held(path, marks)
    return next((mark for mark in marks if mark not in found), None)


def _tried(path: Path, dialect: Dialect) -> Tried:
    rows, lengths = list[list[str]](), 0
    beside = None
    is_split = is_quoted = has_gap = False
    try:
        for row, lines in rows_with_lines(path, dialect):
            if row:
                rows.append(row)
            elif rows and not is_split:
                has_gap = True
            is_split |= len(row) > 1
            if len(row) > 1:
                beside = _beside(dialect.delimiter, lines) & (
                    DELIMITERS_BUT_TAB if beside is None else beside
                )
            lengths += sum(map(len, row))
            is_quoted |= len(row) > 1 and has_quotes(row, lines)
            if len(rows) == DIALECT_ROWS or lengths > LARGEST_SAMPLE_CHARACTERS:
                break
    except InvalidPayload as refusal:
        return Tried(dialect, refusal=refusal)
    return _judged(dialect, rows, is_quoted=is_quoted, has_gap=has_gap, beside=beside or frozenset())


def _beside(delimiter: str, lines: Sequence[str]) -> frozenset[str]:
    """Return the other delimiters that touch this one in a row, but for tabs, with which cells are padded."""
    text = "".join(lines).replace(" ", "")
    others = DELIMITERS_BUT_TAB - {delimiter}
    return frozenset(mark for mark in others if delimiter + mark in text or mark + delimiter in text)


def _judged(
    dialect: Dialect,
    rows: Sequence[Sequence[str]],
    *,
    is_quoted: bool,
    has_gap: bool,
    beside: frozenset[str],
) -> Tried:
    """Return how likely the delimiter is.

    A first row without it is a title only if a sure header stands below, if it is a
    remark, or if a blank line and words stand below; or if cells have quotes, which only
    stand next to a delimiter.
    """
    above = sum(1 for _ in takewhile(lambda row: len(row) < 2, rows))
    table = rows[above:]
    widths = Counter(len(row) for row in table if len(row) > 1)
    is_split_otherwise = any(OTHER_SPLIT.search(cell) for row in rows[:above] for cell in row) or any(
        mark in cell for cell in (table[0] if table else ()) for mark in DELIMITERS
    )
    has_title = 0 < above <= MOST_LINES_ABOVE and (
        are_remarks(rows[:above])
        or (not is_split_otherwise and _is_headed(table, has_gap and len(widths) == 1))
    )
    splits_most = 2 * widths.total() > len(table)
    is_likely = (splits_most and (not above or has_title or is_quoted)) or (is_quoted and not above)
    if not is_likely:
        is_named = bool(table) and not above and not any(cell.startswith(" ") for cell in table[0])
        return Tried(dialect, names=len(table[0]) if is_named else 0)
    alike = max(widths.values()) / len(table)
    unsplit = len(table) - widths.total() + (0 if has_title else above)
    return Tried(
        dialect,
        is_likely=True,
        is_regular=alike == 1 and (not above or has_title),
        likeness=(not beside, alike == 1 and not above, -unsplit, not above, alike),
        above=above,
        beside=beside,
    )


def _is_headed(table: Sequence[Sequence[str]], has_gap_above: bool) -> bool:
    return is_surely_headed(table) or (has_gap_above and is_headed_by_words(table))

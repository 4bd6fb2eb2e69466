"""Draws the profile of a data set: a row for each column with its distribution, and how the file was read."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from wharf_client.cli.screen import plain, text

BLOCKS = "▁▂▃▄▅▆▇█"
MOST_TOP_VALUES = 3
VALUE_CHARACTERS = 14
DIGITS = 6
MARKS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def profile_table(profile: Mapping[str, Any]) -> Table:
    table = Table(
        title=f"{profile['rows']:,} rows, {len(profile['columns'])} columns",
        title_justify="left",
        header_style="bold",
    )
    for heading, side in (
        *(("column", "left"), ("type", "left"), ("missing", "right"), ("distinct", "right")),
        *(("min", "right"), ("mean", "right"), ("max", "right"), ("distribution", "left")),
    ):
        table.add_column(heading, justify="right" if side == "right" else "left")
    for column in profile["columns"]:
        table.add_row(
            text(column["name"], "cyan"),
            text(column["type"]),
            missing(column["nulls"], profile["rows"]),
            text(count(column["distinct"])),
            text(value(column["min"])),
            text(value(column["mean"])),
            text(value(column["max"])),
            distribution(column),
        )
    return table


def notes(profile: Mapping[str, Any]) -> Iterator[Text]:
    """Yield how the file was read, and what is doubtful about a column. A guess is marked as one."""
    yield from (text(note, "yellow" if is_doubtful else "") for note, is_doubtful in _of_file(profile))
    for column in profile["columns"]:
        if told := list(_of_column(column)):
            yield text(f"{column['name']}: {', '.join(told)}", "yellow")


def _of_file(profile: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    guessed = {True: " (guessed)"}
    if delimiter := profile.get("delimiter"):
        yield f"delimiter: {MARKS.get(delimiter, delimiter)}", False
    if encoding := profile.get("encoding"):
        is_guessed = bool(profile.get("encoding_guessed"))
        yield f"encoding: {encoding}{guessed.get(is_guessed, '')}", is_guessed
    if (header := profile.get("header")) is not None:
        is_guessed = bool(profile.get("header_guessed"))
        yield f"first row: {'names' if header else 'data'}{guessed.get(is_guessed, '')}", is_guessed
    for name, what in (
        ("replaced_characters", "characters that are not valid, replaced"),
        ("ragged_rows", "short rows, filled up"),
        ("blank_lines", "blank lines, left out"),
    ):
        if number := profile.get(name):
            yield f"{what}: {number:,}", True
    if lines := profile.get("lines_above"):
        yield f"above the table: {' | '.join(lines)}", True
    if rows := profile.get("total_rows"):
        yield f"rows of totals: {', '.join(map(str, rows))}", True


def _of_column(column: Mapping[str, Any]) -> Iterator[str]:
    if (name := column.get("original_name")) is not None:
        yield f"named {name!r} in the file"
    yield from (flag.replace("_", " ") for flag in column.get("flags") or ())
    if number := column.get("formula_like"):
        yield f"cells like a formula: {number:,}"


def missing(nulls: int, rows: int) -> Text:
    if not nulls:
        return Text("")
    return Text(f"{nulls / rows:.1%}" if rows else "", style="yellow")


def count(given: int | None) -> str:
    return "" if given is None else f"{given:,}"


def value(given: Any) -> str:
    """Return a value in a few characters."""
    if given is None:
        return ""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, float):
        return f"{given:,.{DIGITS}g}" if math.isfinite(given) else str(given)
    if isinstance(given, int):
        return f"{given:,}"
    shown = plain(given)
    return shown if len(shown) <= VALUE_CHARACTERS else f"{shown[: VALUE_CHARACTERS - 1]}…"


def distribution(column: Mapping[str, Any]) -> Text:
    """Return the histogram as blocks, or the most frequent values with their counts."""
    if column["histogram"]:
        return Text(blocks(bars(column)), style="green")
    shown = Text()
    for number, one in enumerate((column["top"] or ())[:MOST_TOP_VALUES]):
        shown.append(", " if number else "")
        shown.append(value(one["value"]))
        shown.append(f" {one['count']:,}", style="green")
    return shown


def bars(column: Mapping[str, Any]) -> Sequence[int]:
    """Return the counts of the bins; only the filled ones, if each of them holds a single value."""
    counts: Sequence[int] = column["histogram"]["counts"]
    filled = [each for each in counts if each]
    return filled if column.get("distinct_exact") and column["distinct"] == len(filled) else counts


def blocks(counts: Sequence[int]) -> str:
    """Return a block for each count; anything above zero can be seen."""
    highest = max(counts, default=0)
    return "".join(
        " " if not each else BLOCKS[math.ceil(each / highest * len(BLOCKS)) - 1] for each in counts
    )

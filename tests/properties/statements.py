"""Tells if profile.json and preview.json say what data.parquet holds."""

import math
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from .stored import StoredColumn, StoredTable

EPOCH = date(1970, 1, 1)
SECOND = 10**9
DAY = 86_400 * SECOND
LARGEST_EXACT_INTEGER = 2**53 - 1
LONGEST_VALUE = 256
PREVIEWED = 100
ELLIPSIS = "…"
Found = tuple[str, Any, Any]


def profile_differences(column: StoredColumn, profile: dict[str, Any]) -> Iterator[Found]:
    """Compare nulls, distinct, min and max, where they follow simply from the values."""
    values = [value for value in column.values if value is not None]
    nulls = len(column.values) - len(values)
    if profile["nulls"] != nulls:
        yield "the profile's nulls", nulls, profile["nulls"]
    if profile["type"] not in ("integer", "text") or column.type != profile["type"]:
        return
    different = set(values)
    if profile.get("distinct_exact") and profile["distinct"] != len(different):
        yield "the profile's distinct", len(different), profile["distinct"]
    if not different:
        return
    for name, value in (("min", min(different)), ("max", max(different))):
        expected = (
            value[:LONGEST_VALUE] + ELLIPSIS * (len(value) > LONGEST_VALUE)
            if isinstance(value, str)
            else value
        )
        if str(profile[name]) != str(expected):
            yield f"the profile's {name}", expected, profile[name]


def preview_differences(stored: StoredTable) -> Iterator[Found]:
    """Compare the first rows with data.parquet, cell by cell; a cut cell must be named in `cut`."""
    names = [column.name for column in stored.columns]
    if stored.preview["columns"] != names:
        yield "the preview's columns", names, stored.preview["columns"]
        return
    cut = {tuple(place) for place in stored.preview.get("cut", ())}
    rows = stored.preview["rows"]
    if len(rows) != min(PREVIEWED, stored.profile["rows"]):
        yield "the preview's rows", stored.profile["rows"], len(rows)
        return
    for place, (column, profile) in enumerate(zip(stored.columns, stored.profile["columns"], strict=True)):
        for number, row in enumerate(rows):
            found = column.values[number], row[place]
            if not _same_cell(profile, *found, is_cut=(number, place) in cut):
                yield f"the preview's {profile['type']}", *found


def _same_cell(profile: dict[str, Any], value: Any, cell: Any, *, is_cut: bool) -> bool:
    if value is None or cell is None:
        return value is cell
    if is_cut:
        return (
            isinstance(cell, str)
            and cell.endswith(ELLIPSIS)
            and str(value).startswith(cell[:-1])
            and cell != value
        )
    match profile["type"]:
        case "integer":
            exact = abs(value) <= LARGEST_EXACT_INTEGER
            return bool(cell == (int(value) if exact else str(value)))
        case "number":
            return _same_number(value, cell)
        case "date":
            return _iso_day(value) in (cell, None)
        case "timestamp":
            return _same_moment(value, cell)
        case "time":
            return bool(_clock(value) == cell)
        case "json" | "binary":
            return isinstance(cell, str)
    return bool(cell == value)


def _same_number(value: Any, cell: Any) -> bool:
    if isinstance(value, Decimal):
        return Decimal(str(cell)) == value
    if math.isnan(value):
        return bool(cell == "NaN")
    return bool(float(cell) == value)


def _same_moment(value: int, cell: str) -> bool:
    days, rest = divmod(value, DAY)
    day = _iso_day(days)
    return day is None or f"{day}T{_clock(rest)}" == cell.removesuffix("Z")


def _iso_day(days: int) -> str | None:
    """Return a day of the years 1 to 9999, for all others None."""
    try:
        return (EPOCH + timedelta(days=days)).isoformat()
    except OverflowError:
        return None


def _clock(value: int) -> str:
    seconds, nanoseconds = divmod(value, SECOND)
    fraction = f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"

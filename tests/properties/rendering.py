"""Tells if a stored value, with what the profile says of its column, is the cell as written.

What may differ, and nothing else:

* blanks around a number, a date or a time
* zeros at the end of decimals and of fractions of seconds, where `decimals` is "mixed"
* the exponent form of a finite number of at most 17 significant digits
* `+` before a number with a decimal mark
* the case of true and false
* `T` or a blank in a timestamp
* an offset turned into UTC, where `offset` names it; where it is "mixed", the moment counts

Values are as `stored` reads them: days since 1970 for dates, nanoseconds for timestamps
and times.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

EPOCH = date(1970, 1, 1)
FIRST_DAY, LAST_DAY = (date.min - EPOCH).days, (date.max - EPOCH).days
SECOND = 10**9
DAY = 86_400 * SECOND
MIXED = "mixed"
#: The time is left out exactly at midnight.
DAY_OR_SECOND = "%Y-%m-%d[ %H:%M:%S]"
PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
EXPONENT = re.compile(r"(-?)(0|[1-9]\d*)(?:\.(\d+))?[eE][+-]?\d+", re.ASCII)
MOST_DIGITS = 17
ISO_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
ISO_TIME = re.compile(r"(\d\d:\d\d:\d\d)(?:\.(\d+))?", re.ASCII)
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?", re.ASCII)
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


@dataclass(frozen=True, slots=True)
class Described:
    """The description of a column in profile.json; a key that it lacks is None."""

    type: str
    decimals: int | str | None = None
    format: str | None = None
    offset: str | None = None
    decimal_mark: str | None = None
    thousands_mark: str | None = None

    @classmethod
    def of(cls, column: Mapping[str, Any]) -> "Described":
        others = {name: column.get(name) for name in cls.__slots__ if name != "type"}
        return cls(column["type"], **others)


def is_written(value: Any, cell: str, column: Described) -> bool:
    """True if the cell can be written again from the value and the description of its column."""
    match column.type:
        case "integer" | "number":
            return _is_number(value, cell.strip(" "), column)
        case "boolean":
            return cell.lower() == ("true" if value else "false")
        case "date":
            return _is_date(value, cell.strip(" "), column)
        case "timestamp":
            return _is_timestamp(value, cell.strip(" "), column)
        case "time":
            return _is_time(value, cell.strip(" "), column)
        case _:
            return bool(value == cell)


def _is_number(value: Any, cell: str, column: Described) -> bool:
    plain = _without_marks(cell, column)
    if plain is None:
        return False
    if column.type == "integer":
        return plain == str(value)
    plain = re.sub(r"^\+(?=\d+\.)", "", plain)
    if EXPONENT.fullmatch(plain):
        return _is_exponent(value, plain)
    if not PLAIN_NUMBER.fullmatch(plain):
        return False
    fraction = len(plain.partition(".")[2])
    if column.decimals not in (fraction, MIXED) and not _is_shortest(plain, column):
        return False
    return _rounded_like(value, plain) and (column.decimals != MIXED or _is_shortest_double(value, plain))


def _is_shortest_double(value: Any, plain: str) -> bool:
    """True if no shorter text gives this double: where `decimals` is mixed, it is the one meant."""
    return not isinstance(value, float) or Decimal(repr(value)) == Decimal(plain)


def _is_shortest(plain: str, column: Described) -> bool:
    """True where the profile does not know of decimals, and the cell has none that must be known."""
    return column.decimals is None and not ("." in plain and plain.endswith("0"))


def _rounded_like(value: Any, plain: str) -> bool:
    """True if the value has the text's digits when it is written with as many."""
    fraction = len(plain.partition(".")[2])
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if isinstance(value, Decimal) and value != round(value, fraction):
        return False
    return f"{value:.{fraction}f}" == plain


def _is_exponent(value: Any, plain: str) -> bool:
    sign, whole, fraction = EXPONENT.fullmatch(plain).groups(default="")  # type: ignore[union-attr]
    significant = (whole + fraction).strip("0")
    if len(significant) > MOST_DIGITS or not math.isfinite(value):
        return False
    written, shortest = Decimal(plain), Decimal(repr(value)) if isinstance(value, float) else value
    return bool(written == shortest) and (math.copysign(1, value) < 0) == (sign == "-")


def _without_marks(cell: str, column: Described) -> str | None:
    """Return the number with a decimal point and ungrouped, or None if it is not grouped as described."""
    if column.decimal_mark is None and column.thousands_mark is None:
        return cell
    mark = column.decimal_mark or "."
    whole, comma, fraction = cell.partition(mark)
    digits = whole.lstrip("+-")
    sign = whole[: len(whole) - len(digits)]
    if column.thousands_mark is not None:
        digits = digits.replace(column.thousands_mark, "")
        if not digits.isdecimal() or whole != sign + f"{int(digits):,}".replace(",", column.thousands_mark):
            return None
    if comma and not fraction.isdecimal():
        return None
    return f"{sign}{digits}.{fraction}" if comma else f"{sign}{digits}"


def _is_date(days: int, cell: str, column: Described) -> bool:
    if column.format is not None:
        return _written_as(column.format, days, 0) == cell
    return _iso_day(days) == cell


def _is_timestamp(value: int, cell: str, column: Described) -> bool:
    if column.format == DAY_OR_SECOND:
        days, rest = divmod(value, DAY)
        clock = f" {_clock(rest // SECOND)}" if rest else ""
        return f"{_iso_day(days)}{clock}" == cell.replace("T", " ")
    if column.format is not None:
        local = value + _nanoseconds(column.offset)
        written = _written_as(column.format, *divmod(local, DAY))
        return written is not None and written + (column.offset or "") == cell.replace("T", " ")
    match = ISO_TIMESTAMP.fullmatch(cell)
    if match is None:
        return False
    day, clock, fraction, offset = match.groups()
    if column.offset != offset and not (column.offset == MIXED and offset):
        return False
    days, rest = divmod(value + _nanoseconds(offset), DAY)
    seconds, nanoseconds = divmod(rest, SECOND)
    same = (_iso_day(days), _clock(seconds)) == (day, clock)
    return same and _is_fraction(nanoseconds, fraction, column)


def _is_time(value: int, cell: str, column: Described) -> bool:
    match = ISO_TIME.fullmatch(cell)
    if match is None:
        return False
    seconds, nanoseconds = divmod(value, SECOND)
    return _clock(seconds) == match[1] and _is_fraction(nanoseconds, match[2], column)


def _is_fraction(nanoseconds: int, fraction: str | None, column: Described) -> bool:
    digits = len(fraction or "")
    if digits > len("nanoseconds") - 2 or f"{nanoseconds:09d}" != (fraction or "").ljust(9, "0"):
        return False
    if column.decimals is None:
        return not (fraction or "1").endswith("0")
    return column.decimals in (digits, MIXED)


def _nanoseconds(offset: str | None) -> int:
    """Return an offset as nanoseconds; none for `Z`, for no offset, and for mixed ones."""
    match = OFFSET.fullmatch(offset or "")
    if match is None:
        return 0
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return (minutes if match[1] == "+" else -minutes) * 60 * SECOND


def _iso_day(days: int) -> str | None:
    """Return a day of the years 1 to 9999, for all others None."""
    return (EPOCH + timedelta(days=days)).isoformat() if FIRST_DAY <= days <= LAST_DAY else None


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _written_as(form: str, days: int, nanoseconds: int) -> str | None:
    """Write a moment by a strptime-like format; `%-d` and the like leave the zero out."""
    if not FIRST_DAY <= days <= LAST_DAY:
        return None
    day = EPOCH + timedelta(days=days)
    seconds = nanoseconds // SECOND
    hour, minute, second = seconds // 3600, seconds // 60 % 60, seconds % 60
    month = MONTHS[day.month - 1]
    parts = {
        "Y": f"{day.year:04d}",
        "y": f"{day.year % 100:02d}",
        "m": f"{day.month:02d}",
        "d": f"{day.day:02d}",
        "H": f"{hour:02d}",
        "I": f"{(hour - 1) % 12 + 1:02d}",
        "M": f"{minute:02d}",
        "S": f"{second:02d}",
        "p": "AM" if hour < 12 else "PM",
        "b": month[:3],
        "B": month,
        "f": f"{nanoseconds % SECOND:09d}"[:6],
        "n": f"{nanoseconds % SECOND:09d}",
        "g": f"{nanoseconds % SECOND:09d}"[:3],
        "%": "%",
    }

    def part(match: re.Match[str]) -> str:
        text = parts.get(match[2], match[0])
        return str(int(text)) if match[1] and text.isdecimal() else text

    return re.sub(r"%(-?)(.)", part, form)

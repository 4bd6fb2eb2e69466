"""Tells if a stored value is a JSON token as written; numbers are compared by their digits, not as floats.

Strings stay strings, numbers numbers, also within objects and lists. A string may
have become a date, timestamp or time from which it can be written again, and a
number may be kept as text.
"""

import json
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from .rendering import EXPONENT, Described, is_written

#: A JSON value as it stands in the file.
Token = str


class Number(NamedTuple):
    """A JSON number by its characters."""

    text: str


class Pairs(NamedTuple):
    """An object, with its keys in their order."""

    items: tuple[tuple[str, Any], ...]


def is_token(value: Any, token: Token, column: Described) -> bool:
    """True if the token can be written again from a stored value that is not null."""
    written = parsed(token)
    match column.type, written:
        case "json", _:
            return _same(_tree(value), written)
        case (("date" | "timestamp" | "time" | "text"), str()):
            return is_written(value, written, column)
        case "boolean", bool():
            return value is written
        case (("integer" | "number"), Number()):
            return is_written(value, written.text, column)
        case "text", (Number() | bool()):
            return bool(value == token)
        case "text", (list() | Pairs()):
            return _same(_tree(value), written)
    return False


def parsed(text: str) -> Any:
    """Return the JSON value with its numbers as written. Raises ValueError if it is not JSON."""
    return json.loads(
        text, parse_int=Number, parse_float=Number, parse_constant=_refuse, object_pairs_hook=_pairs
    )


def _pairs(items: list[tuple[str, Any]]) -> Pairs:
    return Pairs(tuple(items))


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _tree(value: Any) -> Any:
    """Return a stored value of a nested column as `parsed` would: JSON text, or a struct or list."""
    if isinstance(value, str):
        try:
            return parsed(value)
        except ValueError:
            return None
    return _of_python(value)


def _of_python(value: Any) -> Any:
    match value:
        case bool() | str() | None:
            return value
        case int() | float() | Decimal():
            return Number(str(value))
        case datetime() | date() | time():
            return value.isoformat()
        case dict():
            return Pairs(tuple((name, _of_python(item)) for name, item in value.items()))
        case list():
            return [_of_python(item) for item in value]
        case _:
            return str(value)


def _same(stored: Any, written: Any) -> bool:
    match stored, written:
        case Pairs(), Pairs():
            return len(stored.items) == len(written.items) and all(
                ours[0] == theirs[0] and _same(ours[1], theirs[1])
                for ours, theirs in zip(
                    sorted(stored.items, key=_key), sorted(written.items, key=_key), strict=True
                )
            )
        case list(), list():
            return len(stored) == len(written) and all(map(_same, stored, written))
        case Number(), Number():
            return stored == written or _same_exponent(stored.text, written.text)
        case _:
            return type(stored) is type(written) and bool(stored == written)


def _key(item: tuple[str, Any]) -> str:
    return item[0]


def _same_exponent(stored: str, written: str) -> bool:
    """True for two forms of one number if one has an exponent and the digits fit a double."""
    if not (EXPONENT.fullmatch(stored) or EXPONENT.fullmatch(written)):
        return False
    digits = re.sub(r"[eE].*|[-.]", "", written).strip("0")
    if not re.search(r"\d", stored):
        return False
    return len(digits) <= 17 and Decimal(stored) == Decimal(written)

"""Refuses JSON that a reader would change in silence: keys that stand twice, and long decimals."""

import codecs
import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from math import isfinite
from typing import Any

from app.domain.errors import FieldError, InvalidInput
from app.domain.validation import ERRORS_AT_MOST, pointer

REPEATED = "This key stands twice"
TOO_LONG = "This number has more digits than 64 bits of floating point keep: send it as a string"


class _Decimal(str):
    """A number with a point or an exponent, as it is written."""


class _Members(list[tuple[str, Any]]):
    """An object with all its keys."""


def refuse_changes(body: bytes) -> None:
    """Raise InvalidInput with the place of each value that would be changed. Pass over what is not JSON."""
    try:
        value = AS_WRITTEN.decode(body.removeprefix(codecs.BOM_UTF8).decode())
        errors = list(islice(_changed(value, ()), ERRORS_AT_MOST))
    except (ValueError, RecursionError):
        return
    if errors:
        raise InvalidInput(errors)


def _changed(value: Any, at: tuple[str | int, ...]) -> Iterator[FieldError]:
    if isinstance(value, _Members):
        seen: set[str] = set()
        for key, member in value:
            if key in seen:
                yield FieldError(pointer((*at, key)), REPEATED)
            seen.add(key)
            yield from _changed(member, (*at, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _changed(item, (*at, place))
    elif isinstance(value, _Decimal):
        double = float(value)
        # A number that is too large for any double is refused elsewhere.
        if isfinite(double) and Decimal(repr(double)) != Decimal(value):
            yield FieldError(pointer(at), TOO_LONG)


AS_WRITTEN = json.JSONDecoder(parse_float=_Decimal, object_pairs_hook=_Members)

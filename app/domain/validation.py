"""What Pydantic found wrong, told without the input: where, and what should be there.

A message never repeats a value: what is not shown can be neither injected nor leaked.
The names of fields stay in pointers, for the client to find its mistake, up to a length.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic_core import core_schema

POINTER_CHARACTERS = 512
ERRORS_AT_MOST = 100
"""A body of 4 MiB has room for half a million wrong fields."""
REPEATED_CHARACTERS = 4
"""Shorter values are found in any sentence."""
OF_PYDANTIC = frozenset(get_args(core_schema.ErrorType)) - {"value_error", "assertion_error"}
"""All others come from a kind's own rules: its ValueErrors, assertions and PydanticCustomErrors."""


def pointer(parts: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901); one that would be too long points to what is around the field."""
    pointed = ""
    for part in parts:
        longer = f"{pointed}/{str(part).replace('~', '~0').replace('/', '~1')}"
        if len(longer) > POINTER_CHARACTERS:
            break
        pointed = longer
    return pointed


def message(error: Mapping[str, Any]) -> str:
    """Pydantic's, but for those that name its machinery or repeat the input."""
    match error["type"]:
        case "union_tag_not_found":
            return "Field required"
        case "union_tag_invalid":
            return f"Input should be one of {error['ctx']['expected_tags']}"
        case "model_attributes_type" | "model_type" | "dict_type":
            return "Input should be an object"
    said = str(error["msg"])
    if error["type"] not in OF_PYDANTIC:
        said = said.removeprefix("Value error, ").removeprefix("Assertion failed, ")
        return _unless_repeating(said, error["input"])
    if error["type"].endswith("_parsing"):
        return said.partition(", ")[0]  # then comes what the parser met
    return said


def _unless_repeating(said: str, value: Any) -> str:
    """A kind's own rule may say what it was given."""
    is_repeating = any(len(text) >= REPEATED_CHARACTERS and text in said for text in _texts(value))
    return "Input is not valid here" if is_repeating else said


def _texts(value: Any) -> Iterator[str]:
    """As `{value}`, `{value!r}` and `{value!a}` would show it, without quotes."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield from (value, repr(value)[1:-1], ascii(value)[1:-1])
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)

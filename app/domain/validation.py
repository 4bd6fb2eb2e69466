"""Pydantic's errors as pointers and safe words: where, and what should be there. How many labels may be.

A message never repeats a value, so a value can be neither injected nor leaked. The
names of fields stay in pointers, up to a length, so that the client finds its mistake.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic_core import core_schema

from app.domain.errors import FieldError, InvalidInput

POINTER_CHARACTERS = 512
#: No answer names more: a body of 4 MiB has room for half a million wrong fields.
ERRORS_AT_MOST = 100
#: An object has no more, and no more may be asked for at once.
MOST_LABELS = 32
#: A value shorter than this would be found in any sentence.
REPEATED_CHARACTERS = 4
#: The types of Pydantic's own errors. All others come from a kind's rules, such as its ValueErrors.
OF_PYDANTIC = frozenset(get_args(core_schema.ErrorType)) - {"value_error", "assertion_error"}


UNLIKE_PATTERN = "Input is not written in the form that is expected here"


def pointer(parts: Iterable[str | int]) -> str:
    """Return a JSON pointer (RFC 6901). If it would be too long, it ends at what is around the field."""
    pointed = ""
    for part in parts:
        longer = f"{pointed}/{str(part).replace('~', '~0').replace('/', '~1')}"
        if len(longer) > POINTER_CHARACTERS:
            break
        pointed = longer
    return pointed


def check_labels(labels: Mapping[str, str]) -> None:
    """Raise InvalidInput if they are too many, which a merge can bring about."""
    if len(labels) > MOST_LABELS:
        raise InvalidInput([FieldError("/labels", f"At most {MOST_LABELS} labels are allowed.")])


def message(error: Mapping[str, Any]) -> str:
    """Return Pydantic's message, unless it names Pydantic's machinery or repeats the input."""
    match error:
        case {"type": "missing", "loc": (*_, field)}:
            return f"`{field}` is required"
        case {"type": "union_tag_not_found", "ctx": {"discriminator": quoted}}:
            return f"`{quoted[1:-1]}` is required"
        case {"type": "union_tag_invalid", "ctx": {"expected_tags": tags}}:
            return f"Input should be one of {tags}"
        case {"type": "model_attributes_type" | "model_type" | "dict_type"}:
            return "Input should be an object"
    # Pydantic would show a regular expression.
    said = UNLIKE_PATTERN if error["type"] == "string_pattern_mismatch" else str(error["msg"])
    if error["type"] not in OF_PYDANTIC:
        said = said.removeprefix("Value error, ").removeprefix("Assertion failed, ")
        repeated = any(len(text) >= REPEATED_CHARACTERS and text in said for text in _texts(error["input"]))
        return "Input is not valid here" if repeated else said
    # The message quotes the input behind its first comma.
    return said.partition(", ")[0] if error["type"].endswith("_parsing") else said


def _texts(value: Any) -> Iterator[str]:
    """Yield each text in a value as `{value}`, `{value!r}` and `{value!a}` show it, without quotes."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield from (value, repr(value)[1:-1], ascii(value)[1:-1])
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)

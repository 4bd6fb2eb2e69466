"""Checks summaries, so that everything behind the sandbox can store them, announce them and read them back.

A child that was taken over may reply with anything that parses as JSON. A summary that passes here fits
into an item of the table beside the largest attributes, labels and artifacts, and into an event on the
bus. Every JSON reader that a subscriber or another version of Python may have can read it.
"""

import json
from collections.abc import Iterator
from typing import Any

from app.domain.json import compact_json

MOST_DEPTH = 32
MOST_NAMES = 1_000
NAME_CHARACTERS = 256
TEXT_CHARACTERS = 16_384
#: A number of DynamoDB's has up to 38 digits and lies between these (Amazon DynamoDB Developer Guide,
#: "Supported data types"). Python itself reads integers of up to 4,300 digits, or fewer by setting.
INTEGER_DIGITS = 38
LARGEST_FLOAT = 9.9e125
SMALLEST_FLOAT = 1e-130
TOO_DEEP = f"made a report that is nested more than {MOST_DEPTH} deep"
UNKEPT_NUMBER = "made a report with a number that is too large or too small to keep"


class TooMuch(Exception):
    """The summary is over a limit; the text says over which, and ends a sentence."""


class Unfit(Exception):
    """The reply is not JSON that can be kept; the text says why, in words of our own."""


def parse_reply(reply: bytes) -> Any:
    """Return the value of a reply.

    Raises Unfit if it is not JSON, or has a name twice in one object; TooMuch for a number of
    too many digits, or for what is nested too deep to be parsed here.
    """
    try:
        return json.loads(
            reply.decode(), parse_int=_integer, parse_constant=_refuse, object_pairs_hook=_unique
        )
    except RecursionError:
        raise TooMuch(TOO_DEEP) from None
    except ValueError:
        raise Unfit("replied what is not JSON") from None


def check_summary(summary: dict[str, Any], *, most_bytes: int) -> None:
    """Raise TooMuch or Unfit if the summary cannot be kept everywhere."""
    names = 0
    for depth, value in _walk(summary):
        if depth > MOST_DEPTH:
            raise TooMuch(TOO_DEEP)
        if isinstance(value, dict):
            names += len(value)
            _check_texts(value, NAME_CHARACTERS, "name")
        if isinstance(value, str):
            _check_texts([value], TEXT_CHARACTERS, "text")
        if isinstance(value, float) and value and not SMALLEST_FLOAT <= abs(value) <= LARGEST_FLOAT:
            raise TooMuch(UNKEPT_NUMBER)
    if names > MOST_NAMES:
        raise TooMuch(f"made a report with more than {MOST_NAMES} names")
    _check_stored(summary, most_bytes)


def _walk(value: Any) -> Iterator[tuple[int, Any]]:
    """Yield each value with its depth, not deeper than one level too many."""
    left = [(1, value)]
    while left:
        depth, value = left.pop()
        yield depth, value
        if isinstance(value, dict):
            left += [(depth + 1, part) for part in value.values()]
        elif isinstance(value, list):
            left += [(depth + 1, part) for part in value]


def _check_texts(texts: Any, most: int, what: str) -> None:
    if any(len(text) > most for text in texts):
        raise TooMuch(f"made a report with a {what} of more than {most} characters")


def _check_stored(summary: dict[str, Any], most_bytes: int) -> None:
    """Numbers may take more room stored than in the reply: 1e15 becomes 1000000000000000.0."""
    try:
        stored = compact_json(summary).encode()
    except ValueError:  # half a surrogate pair
        raise Unfit("made an unfit report") from None
    if len(stored) > most_bytes:
        raise TooMuch(f"made a report of more than {most_bytes} bytes")


def _integer(text: str) -> int:
    if len(text.removeprefix("-")) > INTEGER_DIGITS:
        raise TooMuch(UNKEPT_NUMBER)
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise ValueError("a name twice")
    return unique


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")

"""Turns the place of an error, as Pydantic tells it, into a JSON pointer into the body that was sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.errors import FieldError
from app.domain.validation import ERRORS_AT_MOST, message, pointer

DISCRIMINATOR = "kind"


def field_errors(found: Sequence[Mapping[str, Any]], body: Any) -> list[FieldError]:
    """Return the first errors. There is a limit, so that no answer grows with a client's mistakes."""
    return [FieldError(_pointer(error, body), _words(error)) for error in found[:ERRORS_AT_MOST]]


def _words(error: Mapping[str, Any]) -> str:
    match error:
        case {"type": "extra_forbidden", "loc": ("body", _, "payload")}:  # a create of a kind without one
            return "Objects of this kind have no payload"
    return message(error)


def _pointer(error: Mapping[str, Any], body: Any) -> str:
    """Return the pointer into the body, or `/query/<name>`."""
    where, *path = error["loc"]
    if where != "body":
        return pointer(error["loc"])
    if error["type"] in ("union_tag_invalid", "union_tag_not_found") and not path:
        return f"/{DISCRIMINATOR}"
    return pointer(_without_tags(path, body))


def _without_tags(path: Sequence[str | int], body: Any) -> list[str | int]:
    """Leave out the names of union members, which are in the path but not in the body."""
    if path and isinstance(body, dict) and path[0] == body.get(DISCRIMINATOR):
        path = path[1:]
    kept = []
    for position, part in enumerate(path):
        is_last = position == len(path) - 1
        if isinstance(body, dict) and part in body:
            body = body[str(part)]
        elif isinstance(body, list) and isinstance(part, int) and part < len(body):
            body = body[part]
        elif not is_last or not isinstance(body, dict):
            continue
        kept.append(part)
    return kept

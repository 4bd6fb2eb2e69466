"""From where Pydantic found an error to a JSON pointer into the body that was sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.errors import FieldError

DISCRIMINATOR = "kind"


def field_errors(found: Sequence[Mapping[str, Any]], body: Any) -> list[FieldError]:
    return [FieldError(_pointer(error, body), _detail(error)) for error in found]


def _pointer(error: Mapping[str, Any], body: Any) -> str:
    where, *path = error["loc"]
    if where != "body":
        return "/" + "/".join(_escaped(part) for part in error["loc"])
    if error["type"] in ("union_tag_invalid", "union_tag_not_found") and not path:
        return f"/{DISCRIMINATOR}"
    return "".join(f"/{_escaped(part)}" for part in _without_tags(path, body))


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


def _detail(error: Mapping[str, Any]) -> str:
    """Pydantic's message, but for those that name its machinery or repeat the input."""
    match error["type"]:
        case "union_tag_not_found":
            return "Field required"
        case "union_tag_invalid":
            return f"Input should be one of {error['ctx']['expected_tags']}"
        case "model_attributes_type" | "model_type" | "dict_type":
            return "Input should be an object"
    return str(error["msg"]).removeprefix("Value error, ")


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")

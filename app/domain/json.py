"""JSON as the service writes and reads it: RFC 8259, so no NaN and no infinities."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

_encoder = partial(json.JSONEncoder, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
COMPACT, SORTED = _encoder().encode, _encoder(sort_keys=True).encode


def compact_json(value: Any, *, sort_keys: bool = False) -> str:
    """Return the value as JSON without blanks. Raises ValueError if it is not JSON."""
    return (SORTED if sort_keys else COMPACT)(value)


def parse_json(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError if it is not JSON."""
    return json.loads(text, parse_constant=_refuse)


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396, section 2): null removes, objects merge, the rest replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")

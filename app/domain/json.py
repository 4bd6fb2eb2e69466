"""JSON as the service writes and reads it: RFC 8259, so no NaN and no infinities."""

import json
from typing import Any, NoReturn


def compact_json(value: Any, *, sort_keys: bool = False) -> str:
    """Raises ValueError for what is not JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=sort_keys)


def parse_json(text: str) -> Any:
    """Raises ValueError for what is not JSON."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")

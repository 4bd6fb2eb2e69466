"""The ids of objects, where a text may be none."""

from typing import Any
from uuid import UUID


def object_id_in(text: Any) -> str | None:
    try:
        return str(UUID(text))
    except (AttributeError, TypeError, ValueError):
        return None

"""The body of the answer about kinds."""

from typing import Any, Self

from pydantic import BaseModel

from app.api.schemas.scalars import Bytes
from app.domain.kinds import Kind, WorkerCapacity


class KindOut(BaseModel):
    """A kind and its rules. `media_types` is null if any is accepted. A limit that is null does not apply.

    A payload that needs more than `seconds_limit` to be processed is rejected. A small one has less:
    a minute, and a second for each 256 KiB.
    """

    name: str
    description: str
    attributes_schema: dict[str, Any]
    has_payload: bool
    media_types: list[str] | None
    size_limit: Bytes | None
    unpacked_limit: Bytes | None
    seconds_limit: float | None

    @classmethod
    def of(cls, given: Kind, capacity: WorkerCapacity) -> Self:
        """Return the kind with the limits of this deployment."""
        kind = capacity.fit(given)
        return cls(
            name=kind.name,
            description=kind.description,
            attributes_schema=kind.attributes.model_json_schema(),
            has_payload=kind.processor is not None,
            media_types=None if kind.media_types is None else sorted(kind.media_types),
            size_limit=kind.size_limit or None,
            unpacked_limit=kind.unpacked_limit or None,
            seconds_limit=capacity.seconds if kind.processor else None,
        )


class KindList(BaseModel):
    items: list[KindOut]

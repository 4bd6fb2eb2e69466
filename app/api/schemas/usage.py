"""The body of the answer about usage."""

from typing import Self

from pydantic import BaseModel

from app.api.schemas.scalars import Bytes, Count
from app.domain.usage import Limits, Usage


class UsageLimits(BaseModel):
    """The owner's limits. Null means unlimited."""

    objects: Count | None
    bytes: Bytes | None


class UsageOut(BaseModel):
    """The usage of an owner.

    `bytes` counts payloads, attributes and artifacts, and 1,024 for each version of an object. A payload
    that is declared but not uploaded counts until it expires.
    """

    objects: Count
    bytes: Bytes
    limits: UsageLimits

    @classmethod
    def of(cls, usage: Usage, limits: Limits) -> Self:
        return cls(
            objects=usage.objects,
            bytes=usage.bytes,
            limits=UsageLimits(objects=limits.objects, bytes=limits.bytes),
        )

"""The values that an object is made of. Each is frozen: a change is a new value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from app.domain.errors import ProblemCode, UnknownMessage

PAYLOADS = "payloads"
ARTIFACTS = "artifacts"
#: S3 allows MOST_PARTS parts of at least 5 MiB (Amazon S3 User Guide, "Multipart upload limits").
SMALLEST_PART_BYTES = 8 * 1024 * 1024
PART_UNIT_BYTES = 1024 * 1024
MOST_PARTS = 10_000


class Status(StrEnum):
    """The status of an object's newest revision."""

    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"
    EXPIRED = "expired"
    #: Stored on tombstones only; a client never sees it as a status.
    DELETED = "deleted"


AWAITING = frozenset({Status.PENDING, Status.PROCESSING, Status.EXPIRED})


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a payload as S3 has it. `tag` is S3's ETag of it."""

    number: int
    size: int
    tag: str


@dataclass(frozen=True, slots=True)
class PartPlan:
    """How a payload of `size` bytes is cut. Every part but the last has `part_size` bytes."""

    size: int
    part_size: int

    @classmethod
    def of(cls, size: int) -> Self:
        """Return the smallest parts that S3 takes and that are few enough."""
        units = -(-size // (MOST_PARTS * PART_UNIT_BYTES))
        return cls(size, max(SMALLEST_PART_BYTES, units * PART_UNIT_BYTES))

    @property
    def count(self) -> int:
        """How many parts there are. An empty payload is one empty part."""
        return max(1, -(-self.size // self.part_size))

    def length(self, number: int) -> int:
        """Return the bytes of a part; parts are numbered from 1."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)

    def right(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """Return those of the parts that are as planned, in their order."""
        return tuple(
            part for part in parts if part.number <= self.count and part.size == self.length(part.number)
        )

    def missing(self, parts: Sequence[Part]) -> tuple[int, ...]:
        """Return the numbers of the parts that are not there as planned."""
        there = {part.number for part in self.right(parts)}
        return tuple(number for number in range(1, self.count + 1) if number not in there)


@dataclass(frozen=True, slots=True)
class Revision:
    """A payload as the client declared it."""

    number: int
    media_type: str
    size: int
    #: Lower-case hex; None when the client did not give it.
    sha256: str | None
    #: The client may upload until then; None when no upload is awaited.
    expires_at: datetime | None
    #: Bytes of each part but the last, if the payload is uploaded in parts.
    part_size: int | None = None

    @property
    def plan(self) -> PartPlan | None:
        """How the payload is cut; None if it is uploaded as a whole."""
        return None if self.part_size is None else PartPlan(self.size, self.part_size)


@dataclass(frozen=True, slots=True)
class PartsUpload:
    """An upload in parts that S3 has begun."""

    #: S3's name for it.
    id: str
    #: When the client asked to put the parts together; None before.
    completion_asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload that was checked: what it really is."""

    media_type: str
    size: int
    sha256: str
    revision: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a processor made of a payload."""

    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Result:
    """The findings of a processor, and the artifacts that it made."""

    summary: Mapping[str, Any]
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """The reason why the newest revision was rejected, failed or expired."""

    code: ProblemCode
    detail: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one worker to finish an object. After `until` another worker may claim it."""

    token: str
    until: datetime


@dataclass(frozen=True, slots=True)
class PayloadKey:
    """The place of one revision of one object in the bucket; `str()` of it is the S3 key."""

    owner: str
    object_id: str
    revision: int

    def __str__(self) -> str:
        return f"{PAYLOADS}/{self.owner}/{self.object_id}/{self.revision}"

    def artifact(self, name: str) -> str:
        return f"{ARTIFACTS}/{self.owner}/{self.object_id}/{self.revision}/{name}"

    @classmethod
    def parse(cls, key: str) -> Self:
        """Return the key that a text is. Raises UnknownMessage when it is not the key of a payload."""
        match key.split("/"):
            case [prefix, owner, object_id, revision] if prefix == PAYLOADS and revision.isdecimal():
                return cls(owner, object_id, int(revision))
        raise UnknownMessage("Not the key of a payload.")


def object_id_in(text: Any) -> str | None:
    """Return the text as an object's id, or None when it cannot be one."""
    try:
        return str(UUID(text))
    except (AttributeError, TypeError, ValueError):
        return None

"""The values that an object is made of. Each is frozen: a change is a new value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from app.domain.errors import ProblemCode, UnknownMessage

PAYLOADS = "payloads"
ARTIFACTS = "artifacts"


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
class Revision:
    """A payload as the client declared it."""

    number: int
    media_type: str
    size: int
    #: Lower-case hex; None when the client did not give it.
    sha256: str | None
    #: The client may upload until then; None when no upload is awaited.
    expires_at: datetime | None


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
    """What a processor found out, and what it made."""

    summary: Mapping[str, Any]
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the newest revision was rejected, failed or expired."""

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

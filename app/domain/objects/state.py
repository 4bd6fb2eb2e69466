"""The state of an object: all that is stored of it, and all that follows from that.

The changes that may happen to it are in `stored.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from app.domain.causes import Cause
from app.domain.objects.values import (
    AWAITING,
    Artifact,
    Lease,
    PartsUpload,
    Payload,
    PayloadKey,
    Problem,
    Revision,
    Status,
)


def new_token() -> str:
    """Return a token for a write or a lease, which nobody else has."""
    return uuid4().hex


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSummary:
    """An object as a list shows it."""

    id: str
    kind: str
    name: str
    labels: Mapping[str, str]
    status: Status
    version: int
    newest: Revision | None
    payload: Payload | None = None
    summary: Mapping[str, Any] | None = None
    problem: Problem | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def incoming(self) -> Revision | None:
        """The revision that is awaited or being processed."""
        return self.newest if self.status in AWAITING else None

    @property
    def declared(self) -> Revision | None:
        """The newest revision as its client declared it, until the object is deleted."""
        return None if self.status is Status.DELETED else self.newest


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedObject(ObjectSummary):
    """An object as it is read from an index of the lists."""

    #: The media types of its artifacts, by their names. All that a list knows of them.
    artifact_types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectState(ObjectSummary):
    """A whole object: what its owner sees, and what only the service needs."""

    owner: str
    attributes: Mapping[str, Any]
    artifacts: tuple[Artifact, ...] = ()
    shard: int
    #: SHA-256 of the create request, to tell a retry from a reused Idempotency-Key.
    fingerprint: str
    #: The request behind the last change. A change by the worker has the request for its revision.
    cause: Cause
    #: The request for the newest revision, kept apart once an edit has replaced `cause`; else None.
    revision_cause: Cause | None = None
    write_token: str = field(default_factory=new_token)
    attempts: int = 0
    requeues: int = 0
    #: How often an operator had this revision processed again.
    redrives: int = 0
    lease: Lease | None = None
    #: The upload that S3 has begun for the awaited revision; None before, after, and for a whole payload.
    parts_upload: PartsUpload | None = None
    #: When the sweep must look at the object; None when nothing is awaited.
    deadline: datetime | None = None
    #: When DynamoDB may drop the tombstone.
    purge_at: datetime | None = None
    #: The latest moment at which an upload URL or a lease of this object may still write a payload.
    writable_until: datetime | None = None

    @property
    def work_cause(self) -> Cause:
        """The request behind the work that is still to be done."""
        return self.revision_cause or self.cause

    @property
    def newest_number(self) -> int:
        """The number of the newest revision; 0 before the first."""
        return 0 if self.newest is None else self.newest.number

    def payload_key(self, revision: int) -> PayloadKey:
        return PayloadKey(self.owner, self.id, revision)

    def awaits(self, revision: int) -> bool:
        return self.incoming is not None and self.incoming.number == revision

    @property
    def awaits_parts(self) -> bool:
        """True if a client may upload parts of the newest revision, or has asked to put them together."""
        newest = self.newest
        return (
            self.status is Status.PENDING
            and newest is not None
            and newest.part_size is not None
            and newest.expires_at is not None
        )

    @property
    def is_completing(self) -> bool:
        """True once the client has asked to put the parts together."""
        return self.parts_upload is not None and self.parts_upload.completion_asked_at is not None

    def has_replaced(self, revision: int) -> bool:
        """True if the revision is neither the newest nor the ready one, so nobody will need it again."""
        if revision >= self.newest_number:
            return False
        return self.payload is None or revision != self.payload.revision

    def artifact(self, name: str) -> Artifact | None:
        return next((artifact for artifact in self.artifacts if artifact.name == name), None)

    def lease_is_held(self, now: datetime) -> bool:
        return self.lease is not None and now < self.lease.until

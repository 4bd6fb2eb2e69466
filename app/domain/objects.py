"""An object, and everything that may happen to it.

    pending, expired         -- claim ------------> processing   attempts + 1
    processing, lease lapsed -- claim ------------> processing   attempts + 1
    processing               -- accept, reject ---> ready, rejected
    pending, processing      -- give_up ----------> failed
    pending                  -- expire -----------> expired
    any but processing       -- request_upload ---> pending      revision + 1, attempts 0
    ready, rejected, failed  -- reprocess --------> pending      same revision, attempts 0
    failed                   -- redrive ----------> pending      as reprocess, by an operator; counted
    any                      -- edit -------------> unchanged
    any                      -- delete -----------> deleted, a tombstone

Each arrow is a method that returns the next value or raises WrongState. There
are no other changes. A public change raises `version`. Bookkeeping (release,
requeue, purged, a repeated claim) does not, so it never becomes an event. Both
draw a new `write_token`, on which the next save is conditional.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import uuid4

from app.domain.causes import Cause
from app.domain.errors import InvalidPayload, ProblemCode, WrongState
from app.domain.values import (
    AWAITING,
    Artifact,
    Lease,
    Payload,
    PayloadKey,
    Problem,
    Result,
    Revision,
    Status,
)

FIRST_REQUEUE_SECONDS = 5 * 60
LAST_REQUEUE_SECONDS = 6 * 60 * 60
TOMBSTONE_DAYS = 7


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject(ObjectSummary):
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

    def has_replaced(self, revision: int) -> bool:
        """True if the revision is neither the newest nor the ready one, so nobody will need it again."""
        if revision >= self.newest_number:
            return False
        return self.payload is None or revision != self.payload.revision

    def artifact(self, name: str) -> Artifact | None:
        return next((artifact for artifact in self.artifacts if artifact.name == name), None)

    def lease_is_held(self, now: datetime) -> bool:
        return self.lease is not None and now < self.lease.until

    def claim(self, *, now: datetime, lease_until: datetime) -> Self:
        """Start to process the newest revision. The new lease tells this claim from any other."""
        if self.incoming is None or (self.status is Status.PROCESSING and self.lease_is_held(now)):
            raise WrongState("claim", self.status)
        changes: dict[str, Any] = {
            "status": Status.PROCESSING,
            "attempts": self.attempts + 1,
            "lease": Lease(new_token(), lease_until),
            "deadline": lease_until,
            "writable_until": _later(self.writable_until, lease_until),
            "problem": None,
        }
        if self.status is Status.PROCESSING:
            return self._kept(**changes)
        return self._worked(now, **changes)

    def release(self, *, now: datetime) -> Self:
        """End the lease at once after a transient error, so that the returning message can claim again."""
        self._require("release", Status.PROCESSING)
        return self._kept(lease=None, deadline=now + timedelta(seconds=FIRST_REQUEUE_SECONDS))

    def accept(self, payload: Payload, result: Result, *, now: datetime) -> Self:
        self._require("finish", Status.PROCESSING)
        return self._settled(
            now,
            Status.READY,
            payload=payload,
            summary=result.summary,
            artifacts=result.artifacts,
            problem=None,
        )

    def reject(self, invalid: InvalidPayload, *, now: datetime) -> Self:
        """Keep the last ready payload and result: they stay downloadable."""
        self._require("finish", Status.PROCESSING)
        problem = Problem(invalid.code, invalid.detail)
        return self._settled(now, Status.REJECTED, problem=problem)

    def give_up(self, *, now: datetime) -> Self:
        self._require("give up", Status.PENDING, Status.PROCESSING)
        detail = f"The service could not process the payload in {self.attempts} attempts."
        problem = Problem(ProblemCode.ATTEMPTS_EXHAUSTED, detail)
        return self._settled(now, Status.FAILED, problem=problem)

    def expire(self, *, now: datetime) -> Self:
        self._require("expire", Status.PENDING)
        problem = Problem(ProblemCode.UPLOAD_EXPIRED, "The payload was not uploaded in time.")
        return self._settled(now, Status.EXPIRED, problem=problem)

    def requeue(self, *, now: datetime) -> Self:
        """Note that a message was sent again. Each time the deadline moves twice as far."""
        self._require("requeue", Status.PENDING, Status.PROCESSING)
        seconds = min(FIRST_REQUEUE_SECONDS * 2**self.requeues, LAST_REQUEUE_SECONDS)
        return self._kept(requeues=self.requeues + 1, deadline=now + timedelta(seconds=seconds))

    def request_upload(self, declared: Revision, *, now: datetime, deadline: datetime, cause: Cause) -> Self:
        """Await the next revision; `declared.number` must be one more than the newest."""
        if self.status in (Status.PROCESSING, Status.DELETED):
            raise WrongState("upload", self.status)
        writable_until = _later(self.writable_until, declared.expires_at or deadline)
        return self._awaiting(
            now, deadline, cause, newest=declared, writable_until=writable_until, redrives=0
        )

    def reprocess(self, *, now: datetime, deadline: datetime, cause: Cause) -> Self:
        if self.newest is None:
            raise WrongState("reprocess", "without a payload")
        self._require("reprocess", Status.READY, Status.REJECTED, Status.FAILED)
        # The payload is in S3 already, so no upload is awaited.
        newest = replace(self.newest, expires_at=None)
        return self._awaiting(now, deadline, cause, newest=newest)

    def redrive(self, *, now: datetime, deadline: datetime, cause: Cause) -> Self:
        self._require("redrive", Status.FAILED)
        again = self.reprocess(now=now, deadline=deadline, cause=cause)
        return replace(again, redrives=self.redrives + 1)

    def edit(
        self,
        *,
        name: str,
        attributes: Mapping[str, Any],
        labels: Mapping[str, str],
        now: datetime,
        cause: Cause,
    ) -> Self:
        self._refuse_tombstone("edit")
        return self._changed(
            now,
            name=name,
            attributes=attributes,
            labels=labels,
            cause=cause,
            revision_cause=self.work_cause if self.incoming else None,
        )

    def delete(self, *, now: datetime, cause: Cause) -> Self:
        """Leave a tombstone. Its last purge is due once nobody can write a payload any more."""
        self._refuse_tombstone("delete")
        return self._changed(
            now,
            status=Status.DELETED,
            attributes={},
            labels={},
            summary=None,
            artifacts=(),
            problem=None,
            lease=None,
            deadline=_later(self.writable_until, now),
            cause=cause,
            revision_cause=None,
        )

    def purged(self, *, now: datetime) -> Self:
        """Note that only the tombstone is left. DynamoDB drops it TOMBSTONE_DAYS later."""
        self._require("purge", Status.DELETED)
        return self._kept(deadline=None, purge_at=now + timedelta(days=TOMBSTONE_DAYS))

    def _require(self, action: str, *statuses: Status) -> None:
        if self.status not in statuses:
            raise WrongState(action, self.status)

    def _refuse_tombstone(self, action: str) -> None:
        if self.status is Status.DELETED:
            raise WrongState(action, self.status)

    def _settled(self, now: datetime, status: Status, **changes: Any) -> Self:
        return self._worked(now, status=status, lease=None, deadline=None, **changes)

    def _worked(self, now: datetime, **changes: Any) -> Self:
        return self._changed(now, cause=self.work_cause, revision_cause=None, **changes)

    def _awaiting(self, now: datetime, deadline: datetime, cause: Cause, **changes: Any) -> Self:
        return self._changed(
            now,
            status=Status.PENDING,
            attempts=0,
            requeues=0,
            problem=None,
            deadline=deadline,
            cause=cause,
            revision_cause=None,
            **changes,
        )

    def _changed(self, now: datetime, **changes: Any) -> Self:
        return self._kept(version=self.version + 1, updated_at=now, **changes)

    def _kept(self, **changes: Any) -> Self:
        return replace(self, write_token=new_token(), **changes)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)

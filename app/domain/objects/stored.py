"""An object, and everything that may happen to it.

    pending, expired         -- claim ------------> processing   attempts + 1
    processing, lease lapsed -- claim ------------> processing   attempts + 1
    processing               -- accept, reject ---> ready, rejected
    pending, processing      -- give_up ----------> failed
    pending                  -- expire -----------> expired
    pending, in parts        -- cancel_upload ----> expired      by the client
    any but processing       -- request_upload ---> pending      revision + 1, attempts 0
    ready, rejected, failed  -- reprocess --------> pending      same revision, attempts 0
    failed                   -- redrive ----------> pending      as reprocess, by an operator; counted
    any                      -- edit -------------> unchanged
    any                      -- delete -----------> deleted, a tombstone

Each arrow is a method that returns the next value or raises WrongState; what a
client may repeat at will raises TooManyChanges at last. There are no other changes.
A public change raises `version`. Bookkeeping (release, free, requeue, purged, a repeated claim,
the steps of an upload in parts) does not, so it never becomes an event. Both draw a new
`write_token`, on which the next save is conditional.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from app.domain.causes import Cause
from app.domain.errors import InvalidPayload, ProblemCode, TooManyChanges, WrongState
from app.domain.objects.state import ObjectState, new_token
from app.domain.objects.values import Lease, PartsUpload, Payload, Problem, Result, Revision, Status

FIRST_REQUEUE_SECONDS = 5 * 60
LAST_REQUEUE_SECONDS = 6 * 60 * 60
#: Longer than the feed and the logs of webhooks keep an event, and as long as the table can be restored: an
#: object that is created anew under the same id, or is brought back, must not repeat the id of an event.
TOMBSTONE_DAYS = 35
#: After this time the sweep asks again for an upload to be put together. Later requests double it.
FIRST_COMPLETION_SECONDS = 60
#: A worker that has begun to put an upload together ends before this time: no function runs longer.
COMPLETION_SECONDS = 15 * 60
#: A client may change an object up to this version. Deletions, the worker's verdicts and operators go on.
LAST_CLIENT_VERSION = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject(ObjectState):
    """An object as it is stored, with every change that it may undergo."""

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
            "parts_upload": None,
        }
        if self.status is Status.PROCESSING:
            return self._kept(**changes)
        return self._worked(now, **changes)

    def release(self, *, now: datetime, is_attempt: bool = True) -> Self:
        """End the lease at once after a transient error, so that the returning message can claim again.

        A failure that is not the fault of the payload takes its attempt back.
        """
        self._require("release", Status.PROCESSING)
        return self._kept(
            lease=None,
            attempts=self.attempts if is_attempt else self.attempts - 1,
            deadline=now + timedelta(seconds=FIRST_REQUEUE_SECONDS),
        )

    def free(self, *, now: datetime) -> Self:
        """End the lease of a worker that is gone, so that the next sweep queues the object again."""
        self._require("free", Status.PROCESSING)
        return self._kept(lease=None, deadline=now)

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
        """Reject the newest revision. The last ready payload and result stay downloadable."""
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
        return self._settled(now, Status.EXPIRED, problem=problem, parts_upload=None)

    def cancel_upload(self, *, now: datetime, cause: Cause) -> Self:
        """Give up an upload in parts, of which no payload can come any more."""
        self._require_parts("cancel the upload")
        problem = Problem(ProblemCode.UPLOAD_CANCELLED, "The upload was given up.")
        return self._changed(
            now,
            status=Status.EXPIRED,
            deadline=None,
            problem=problem,
            parts_upload=None,
            cause=cause,
            revision_cause=None,
        )

    def begin_parts(self, upload_id: str) -> Self:
        """Note the upload that S3 has begun. It replaces one that S3 no longer knows."""
        self._require_parts("upload parts")
        return self._kept(parts_upload=PartsUpload(upload_id))

    def ask_completion(self, *, now: datetime) -> Self:
        """Note that the client has sent every part."""
        self._require_parts("complete the upload")
        if self.parts_upload is None:
            raise WrongState("complete the upload", "without parts")
        return self._kept(
            parts_upload=replace(self.parts_upload, completion_asked_at=now),
            deadline=now + timedelta(seconds=FIRST_COMPLETION_SECONDS),
        )

    def take_parts_again(self, *, deadline: datetime) -> Self:
        """Note that the parts could not be put together, because S3 no longer has them all."""
        self._require_parts("upload parts")
        return self._kept(parts_upload=None, requeues=0, deadline=deadline)

    def requeue(self, *, now: datetime) -> Self:
        """Note that a message was sent again. Each time the deadline moves twice as far."""
        self._require("requeue", Status.PENDING, Status.PROCESSING)
        first = FIRST_COMPLETION_SECONDS if self.is_completing else FIRST_REQUEUE_SECONDS
        seconds = min(first * 2**self.requeues, LAST_REQUEUE_SECONDS)
        return self._kept(requeues=self.requeues + 1, deadline=now + timedelta(seconds=seconds))

    def request_upload(self, declared: Revision, *, now: datetime, deadline: datetime, cause: Cause) -> Self:
        """Await the next revision; `declared.number` must be one more than the newest."""
        if self.status in (Status.PROCESSING, Status.DELETED):
            raise WrongState("upload", self.status)
        self._refuse_too_many_changes()
        writable_until = _later(self.writable_until, declared.expires_at or deadline)
        return self._awaiting(
            now,
            deadline,
            cause,
            newest=declared,
            writable_until=writable_until,
            redrives=0,
            parts_upload=None,
        )

    def reprocess(self, *, now: datetime, deadline: datetime, cause: Cause) -> Self:
        self._refuse_too_many_changes()
        return self._reprocess(now, deadline, cause)

    def _reprocess(self, now: datetime, deadline: datetime, cause: Cause) -> Self:
        if self.newest is None:
            raise WrongState("reprocess", "without a payload")
        self._require("reprocess", Status.READY, Status.REJECTED, Status.FAILED)
        # The payload is in S3 already, so no upload is awaited.
        newest = replace(self.newest, expires_at=None)
        return self._awaiting(now, deadline, cause, newest=newest)

    def redrive(self, *, now: datetime, deadline: datetime, cause: Cause) -> Self:
        self._require("redrive", Status.FAILED)
        again = self._reprocess(now, deadline, cause)
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
        self._refuse_too_many_changes()
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
        # An upload that is just being put together becomes a payload as long as its worker lives.
        seconds = COMPLETION_SECONDS if self.is_completing else 0
        ends = _later(self.writable_until, now + timedelta(seconds=seconds))
        return self._changed(
            now,
            status=Status.DELETED,
            attributes={},
            labels={},
            summary=None,
            artifacts=(),
            problem=None,
            lease=None,
            deadline=ends,
            parts_upload=None,
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

    def _require_parts(self, action: str) -> None:
        if not self.awaits_parts:
            raise WrongState(action, self.status)

    def _refuse_tombstone(self, action: str) -> None:
        if self.status is Status.DELETED:
            raise WrongState(action, self.status)

    def _refuse_too_many_changes(self) -> None:
        if self.version >= LAST_CLIENT_VERSION:
            raise TooManyChanges(LAST_CLIENT_VERSION)

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

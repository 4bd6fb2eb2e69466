"""Take one payload from claim to verdict.

    claim -> fetch and hash -> check size and SHA-256 -> processor -> artifacts -> finish

Whatever happens in between, the object ends `ready` or `rejected`, or its lease
ends and the message comes back, or its attempts are used up and it has `failed`.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path

from app.domain.errors import InvalidPayload, OutOfTime, ProblemCode, StaleWrite, Unavailable
from app.domain.kinds import KINDS, base_media_type
from app.domain.objects import Artifact, Payload, Result, Revision, Status, StoredObject
from app.domain.times import utc_now
from app.messaging.work_queue import WorkQueue
from app.observability import bind, logger, measure
from app.observability.metrics import OBJECTS
from app.processors.report import ArtifactFile, Report, Task
from app.sandbox.client import Sandbox
from app.services.log_fields import of_cause, of_object
from app.services.measures import settled, waited
from app.services.messages import Arrival, Outcome
from app.services.workspaces import workspace
from app.storage.objects import ObjectRepository
from app.storage.payloads import Download, PayloadKey, PayloadStore

WRITE_TRIES = 5
STORING_SHARE = 0.1
"""Of the time that is left, kept back from the processor to store what it made."""
PROCESSING_SHARE = 0.75
"""Of the lease, that any payload may take. One that was cut short before is tried again."""
SLOWEST_BYTES_PER_SECOND = 20 * 1024 * 1024
START_SECONDS = 20


class Verdict(Enum):
    """What to do with a message about a payload."""

    CLAIM = auto()
    DISCARD = auto()
    ACKNOWLEDGE = auto()
    GIVE_UP = auto()


def judge(stored: StoredObject, revision: int, *, now: datetime, max_attempts: int) -> Verdict:
    """A held lease, the ready revision or a settled object needs nothing: the sweep guards leases."""
    if stored.status is Status.DELETED or stored.has_replaced(revision):
        return Verdict.DISCARD
    if not stored.awaits(revision):
        return Verdict.ACKNOWLEDGE
    if stored.status is Status.PROCESSING and stored.lease_is_held(now):
        return Verdict.ACKNOWLEDGE
    if stored.attempts >= max_attempts:
        return Verdict.GIVE_UP
    return Verdict.CLAIM


def seconds_needed(size: int, lease_seconds: int) -> float:
    """What a payload of so many bytes may need; never more than a fresh function has."""
    return min(START_SECONDS + size / SLOWEST_BYTES_PER_SECOND, 0.8 * lease_seconds)


class Processing:
    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        queue: WorkQueue,
        sandbox: Sandbox,
        *,
        lease_seconds: int,
        max_attempts: int,
        memory_limit: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._payloads = payloads
        self._queue = queue
        self._sandbox = sandbox
        self._lease_seconds = lease_seconds
        self._max_attempts = max_attempts
        self._memory_limit = memory_limit
        self._clock = clock

    def process(self, arrival: Arrival, *, seconds_left: float) -> Outcome:
        """Meet a message; to meet it again changes nothing.

        Raises NotFound for an unknown object, and Unavailable when the message
        must come back: too little time is left, or AWS is away.
        """
        if seconds_left < seconds_needed(arrival.size, self._lease_seconds):
            raise Unavailable("Too little time is left for this payload.")
        claimed = self._claim(arrival)
        if isinstance(claimed, Outcome):
            return claimed
        try:
            return self._work(claimed, arrival.key, seconds_left)
        except Exception as fault:
            logger.exception("processing.failed", attempts=claimed.attempts)
            released = self._write(claimed, lambda current: current.release(now=self._clock()))
            if released is None:
                return Outcome.ACKNOWLEDGED
            if released.attempts < self._max_attempts:
                raise
            return self._give_up(released, arrival, error=type(fault).__name__)

    def _claim(self, arrival: Arrival) -> StoredObject | Outcome:
        """What came of the message, when it needs nothing more."""
        key = arrival.key
        for _ in range(WRITE_TRIES):
            stored = self._objects.get(key.owner, key.object_id)
            bind(**of_object(stored), **of_cause(stored.work_cause))
            now = self._clock()
            verdict = judge(stored, key.revision, now=now, max_attempts=self._max_attempts)
            if verdict is Verdict.ACKNOWLEDGE:
                return Outcome.ACKNOWLEDGED
            if verdict is Verdict.DISCARD:
                self._payloads.delete(key)
                return Outcome.DISCARDED
            if verdict is Verdict.GIVE_UP:
                return self._give_up(stored, arrival, error="lease lapsed")
            claimed = stored.claim(now=now, lease_until=now + timedelta(seconds=self._lease_seconds))
            try:
                self._objects.save(claimed, read=stored)
            except StaleWrite:
                continue
            measure("object.claimed", *waited(claimed, arrival.sent_at, now), attempts=claimed.attempts)
            return claimed
        raise Unavailable("The object is being changed too often to be claimed.")

    def _work(self, claimed: StoredObject, key: PayloadKey, seconds_left: float) -> Outcome:
        assert claimed.newest is not None  # noqa: S101  # a claim is on a revision
        deadline = self._clock() + timedelta(seconds=seconds_left * (1 - STORING_SHARE))
        try:
            payload, result = self._verdict(claimed, claimed.newest, key, deadline)
        except InvalidPayload as invalid:
            rejection = invalid
        else:
            return self._finish(claimed, lambda current: current.accept(payload, result, now=self._clock()))
        # Out of the `except`: a fault here must not carry a payload's words into the log as its context.
        return self._finish(claimed, lambda current: current.reject(rejection, now=self._clock()))

    def _verdict(
        self, claimed: StoredObject, declared: Revision, key: PayloadKey, deadline: datetime
    ) -> tuple[Payload, Result]:
        with workspace() as folder:
            source, output = Path(folder, "payload"), Path(folder, "output")
            fetched = self._payloads.fetch(key, source, at_most=declared.size + 1)
            check_download(fetched, declared)
            (output / "scratch").mkdir(parents=True)
            task = self._task(claimed, declared, source, output)
            report = self._run(task, seconds=self._seconds_for_processor(fetched.size, deadline))
            artifacts = self._store(key, output, report.artifacts)
        payload = Payload(declared.media_type, fetched.size, fetched.sha256, declared.number)
        return payload, Result(report.summary, artifacts)

    def _seconds_for_processor(self, size: int, deadline: datetime) -> float:
        """Raises Unavailable after a slow download: to be cut short is no fault of the payload's."""
        seconds = (deadline - self._clock()).total_seconds()
        if seconds < seconds_needed(size, self._lease_seconds) / 2:
            raise Unavailable("The download left too little time to process the payload.")
        return seconds

    def _run(self, task: Task, *, seconds: float) -> Report:
        """Raises InvalidPayload; Unavailable when less time than any payload may take was too little."""
        allowance = PROCESSING_SHARE * self._lease_seconds
        try:
            return self._sandbox.run(task, seconds=min(seconds, allowance))
        except OutOfTime as cut_short:
            if seconds < allowance:
                raise Unavailable("Too little time was left to process the payload.") from cut_short
            raise

    def _task(self, claimed: StoredObject, declared: Revision, source: Path, output: Path) -> Task:
        kind = KINDS[claimed.kind]
        assert kind.processor is not None  # noqa: S101  # only such kinds have payloads
        return Task(
            processor=kind.processor,
            source=source,
            output=output,
            media_type=base_media_type(declared.media_type),
            unpacked_limit=kind.unpacked_limit,
            memory_limit=self._memory_limit,
        )

    def _store(self, key: PayloadKey, output: Path, files: tuple[ArtifactFile, ...]) -> tuple[Artifact, ...]:
        return tuple(
            self._payloads.put_artifact(key, file.name, file.media_type, output / file.name) for file in files
        )

    def _finish(self, claimed: StoredObject, settle: Callable[[StoredObject], StoredObject]) -> Outcome:
        finished = self._write(claimed, settle)
        if finished is None:
            logger.warning("lease.lost")
            return Outcome.ACKNOWLEDGED
        seconds = (self._clock() - claimed.updated_at).total_seconds()
        measure(f"object.{finished.status}", *settled(finished, seconds), version=finished.version)
        return Outcome(finished.status.value)

    def _give_up(self, stored: StoredObject, arrival: Arrival, *, error: str) -> Outcome:
        """Keep the message first: once the object has failed, nobody would look at it again."""
        self._queue.bury(arrival.body, error=error, attempts=stored.attempts, trace=stored.work_cause.trace)
        failed = self._write(stored, lambda current: current.give_up(now=self._clock()))
        if failed is None:
            return Outcome.ACKNOWLEDGED
        measure(
            "object.failed",
            OBJECTS(1, kind=failed.kind, outcome="failed"),
            level=logging.ERROR,
            attempts=failed.attempts,
            error=error,
        )
        return Outcome.FAILED

    def _write(
        self, held: StoredObject, change: Callable[[StoredObject], StoredObject]
    ) -> StoredObject | None:
        """Apply a change on top of edits made meanwhile; None when the lease is no longer ours."""
        current = held
        for _ in range(WRITE_TRIES):
            after = change(current)
            try:
                self._objects.save(after, read=current)
            except StaleWrite:
                current = self._objects.get(held.owner, held.id)
                if current.status is not held.status or current.lease != held.lease:
                    return None
            else:
                return after
        raise Unavailable("The object is being changed too often to be saved.")


def check_download(fetched: Download, declared: Revision) -> None:
    """Raises InvalidPayload when it is not what was declared."""
    if fetched.size != declared.size:
        detail = f"{declared.size} bytes were declared; the payload has another size."
        raise InvalidPayload(ProblemCode.SIZE_MISMATCH, detail)
    if declared.sha256 is not None and fetched.sha256 != declared.sha256:
        detail = f"The payload's SHA-256 is {fetched.sha256}, not the one declared."
        raise InvalidPayload(ProblemCode.CHECKSUM_MISMATCH, detail)

"""Take one payload from claim to verdict.

    claim -> fetch and hash -> check size and SHA-256 -> processor -> artifacts -> finish

Whatever happens in between, one of three things follows. The object ends `ready`
or `rejected`; or its lease ends and the message comes back; or its attempts are
used up and the object has `failed`. A fault of the worker's own machine uses up no
attempt: each payload that it meets would fail for another's full disk.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path

from app.domain.errors import (
    InvalidPayload,
    OutOfTime,
    ProblemCode,
    StaleWrite,
    Unavailable,
    WorkerFault,
)
from app.domain.kinds import KINDS, Kind, WorkerCapacity
from app.domain.media_types import meant_media_type, media_type_parameters, shown_media_type
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Payload, PayloadKey, Result, Revision, Status
from app.domain.times import utc_now
from app.messaging.messages import Arrival, Message, Outcome
from app.messaging.work_queue import WorkQueue
from app.observability import bind, logger, measure
from app.observability.metrics import OBJECTS
from app.processors.report import Report, Task
from app.sandbox.output import OF_THE_MACHINE
from app.sandbox.pool import Sandboxes
from app.services.background.workspaces import workspace
from app.services.reporting import finished, of_object, waited
from app.storage.objects import ObjectRepository
from app.storage.payloads import Download, PayloadStore

WRITE_TRIES = 5
#: The memory that a processor may add to that of the fork server. It fits beside the worker in the smallest
#: function that template.yaml makes.
PROCESSOR_MEMORY_BYTES = 1024 * 1024 * 1024
#: The share of the time left that is kept back from the processor, to store its artifacts.
STORING_SHARE = 0.1
#: JSON whose numbers must be kept as they are written is the slowest to read.
SLOWEST_BYTES_PER_SECOND = 4 * 1024 * 1024
START_SECONDS = 20


class Action(Enum):
    """The ways to answer a message about a payload."""

    CLAIM = auto()
    DISCARD = auto()
    ACKNOWLEDGE = auto()
    GIVE_UP = auto()


def decide(stored: StoredObject, revision: int, *, now: datetime, max_attempts: int) -> Action:
    """Return what to do with a message about this revision.

    A held lease and a settled object need nothing: the sweep guards leases.
    """
    if stored.status is Status.DELETED or stored.has_replaced(revision):
        return Action.DISCARD
    if not stored.awaits(revision):
        return Action.ACKNOWLEDGE
    if stored.status is Status.PROCESSING and stored.lease_is_held(now):
        return Action.ACKNOWLEDGE
    if stored.attempts >= max_attempts:
        return Action.GIVE_UP
    return Action.CLAIM


def seconds_needed(size: int, lease_seconds: int) -> float:
    """Return how long a payload of `size` bytes may take; never more than a fresh function has."""
    return min(START_SECONDS + size / SLOWEST_BYTES_PER_SECOND, 0.8 * lease_seconds)


def is_workers_own(fault: BaseException | None) -> bool:
    """True if the worker's machine failed, such as its disk: here, or where another fault came from."""
    while fault is not None:
        if isinstance(fault, WorkerFault):
            return True
        if isinstance(fault, OSError) and fault.errno in OF_THE_MACHINE:
            return True
        fault = fault.__cause__ or fault.__context__
    return False


class Processing:
    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        queue: WorkQueue,
        sandbox: Sandboxes,
        *,
        capacity: WorkerCapacity,
        max_attempts: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._payloads = payloads
        self._queue = queue
        self._sandbox = sandbox
        self._capacity = capacity
        self._lease_seconds = capacity.lease_seconds
        self._max_attempts = max_attempts
        self._clock = clock

    def process(self, arrival: Arrival, message: Message, *, seconds_left: float) -> Outcome:
        """Process the payload that has arrived. A message that comes twice changes nothing the second time.

        Raises NotFound for an unknown object, and Unavailable when the message
        must come back: too little time is left, or AWS is away.
        """
        if seconds_left < seconds_needed(arrival.size, self._lease_seconds):
            raise Unavailable("Too little time is left for this payload.")
        deadline = self._clock() + timedelta(seconds=seconds_left * (1 - STORING_SHARE))
        claimed = self._claim(arrival.key, message)
        if isinstance(claimed, Outcome):
            return claimed
        try:
            return self._work(claimed, arrival.key, deadline)
        except Exception as fault:
            is_attempt = not is_workers_own(fault)
            logger.exception("processing.failed", attempts=claimed.attempts, is_attempt=is_attempt)
            released = self._write(
                claimed, lambda current: current.release(now=self._clock(), is_attempt=is_attempt)
            )
            if released is None:
                return Outcome.ACKNOWLEDGED
            if released.attempts < self._max_attempts:
                raise
            return self._give_up(released, message, error=type(fault).__name__)

    def _claim(self, key: PayloadKey, message: Message) -> StoredObject | Outcome:
        """Return the claimed object, or the outcome of a message that needs nothing more."""
        for _ in range(WRITE_TRIES):
            stored = self._objects.get(key.owner, key.object_id)
            bind(**of_object(stored), **stored.work_cause.fields)
            now = self._clock()
            match decide(stored, key.revision, now=now, max_attempts=self._max_attempts):
                case Action.ACKNOWLEDGE:
                    return Outcome.ACKNOWLEDGED
                case Action.DISCARD:
                    self._payloads.delete(key)
                    return Outcome.DISCARDED
                case Action.GIVE_UP:
                    return self._give_up(stored, message, error="lease lapsed")
            claimed = stored.claim(now=now, lease_until=now + timedelta(seconds=self._lease_seconds))
            try:
                self._objects.save(claimed, read=stored)
            except StaleWrite:
                continue
            measure("object.claimed", *waited(claimed, message.sent_at, now), attempts=claimed.attempts)
            return claimed
        raise Unavailable("The object is being changed too often to be claimed.")

    def _work(self, claimed: StoredObject, key: PayloadKey, deadline: datetime) -> Outcome:
        assert claimed.newest is not None  # noqa: S101  # a claim is on a revision
        try:
            payload, result = self._examine(claimed, claimed.newest, key, deadline)
        except InvalidPayload as invalid:
            rejection = invalid
        else:
            return self._finish(claimed, lambda current: current.accept(payload, result, now=self._clock()))
        # Not inside `except`: there, a fault would carry the payload's words into the log as its context.
        return self._finish(claimed, lambda current: current.reject(rejection, now=self._clock()))

    def _examine(
        self, claimed: StoredObject, declared: Revision, key: PayloadKey, deadline: datetime
    ) -> tuple[Payload, Result]:
        kind = self._capacity.fit(KINDS[claimed.kind])
        with workspace() as folder:
            source, output = folder / "payload", folder / "output"
            fetch = self._payloads.fetch_excerpt if kind.needs_excerpt_only else self._payloads.fetch
            fetched = fetch(key, source, at_most=declared.size + 1)
            check_download(fetched, declared)
            (output / "scratch").mkdir(parents=True)
            report = self._run(self._task(kind, declared, source, output), deadline)
            artifacts = tuple(
                self._payloads.put_artifact(key, file.name, file.media_type, output / file.name)
                for file in report.artifacts
            )
        shown = shown_media_type(declared.media_type, found_media_type(kind, declared, report))
        payload = Payload(shown, fetched.size, fetched.sha256, declared.number)
        return payload, Result(report.summary, artifacts)

    def _run(self, task: Task, deadline: datetime) -> Report:
        """Run the processor in the time that is left.

        Raises InvalidPayload. Raises Unavailable where running out of time is not the payload's
        fault: the download was slow, or the processor had less than its full allowance.
        """
        seconds = (deadline - self._clock()).total_seconds()
        size = task.source.stat().st_size
        allowance = self._capacity.seconds_for(size)
        if seconds < seconds_needed(size, self._lease_seconds) / 2:
            raise Unavailable("The download left too little time to process the payload.")
        try:
            return self._sandbox.run(task, seconds=min(seconds, allowance))
        except OutOfTime as cut_short:
            if seconds < allowance:
                raise Unavailable("Too little time was left to process the payload.") from cut_short
            raise

    def _task(self, kind: Kind, declared: Revision, source: Path, output: Path) -> Task:
        assert kind.processor is not None  # noqa: S101  # only such kinds have payloads
        return Task(
            processor=kind.processor,
            source=source,
            output=output,
            media_type=meant_media_type(declared.media_type),
            parameters=media_type_parameters(declared.media_type),
            unpacked_limit=kind.unpacked_limit,
            memory_limit=PROCESSOR_MEMORY_BYTES,
            disk_limit=self._capacity.disk_bytes_beside(kind),
        )

    def _finish(self, claimed: StoredObject, settle: Callable[[StoredObject], StoredObject]) -> Outcome:
        settled = self._write(claimed, settle)
        if settled is None:
            logger.warning("lease.lost")
            return Outcome.ACKNOWLEDGED
        measure(f"object.{settled.status}", *finished(claimed, settled), version=settled.version)
        return Outcome(settled.status.value)

    def _give_up(self, stored: StoredObject, message: Message, *, error: str) -> Outcome:
        """Bury the message, then fail the object: nothing looks at a failed object by itself."""
        dead_letter_id = self._queue.bury(
            message.body, error=error, attempts=stored.attempts, trace=stored.work_cause.trace
        )
        failed = self._write(stored, lambda current: current.give_up(now=self._clock()))
        if failed is None:
            return Outcome.ACKNOWLEDGED
        measure(
            "object.failed",
            OBJECTS(1, kind=failed.kind, outcome="failed"),
            level=logging.ERROR,
            attempts=failed.attempts,
            error=error,
            dead_letter_id=dead_letter_id,
        )
        return Outcome.FAILED

    def _write(
        self, held: StoredObject, change: Callable[[StoredObject], StoredObject]
    ) -> StoredObject | None:
        """Apply a change on top of edits made meanwhile. Return None if the lease is no longer ours."""
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


def found_media_type(kind: Kind, declared: Revision, report: Report) -> str:
    """Return the type that the payload was read as.

    Raises InvalidPayload for one that the kind does not have: the child that named it is not trusted.
    """
    meant = meant_media_type(declared.media_type)
    found = report.media_type or meant
    if found != meant and kind.media_types is not None and found not in kind.media_types:
        raise InvalidPayload(ProblemCode.PROCESSOR_CRASHED, "The processor named another media type.")
    return found


def check_download(fetched: Download, declared: Revision) -> None:
    """Raise InvalidPayload if the payload is not what was declared."""
    if fetched.size != declared.size:
        detail = f"{declared.size} bytes were declared; the payload has another size."
        raise InvalidPayload(ProblemCode.SIZE_MISMATCH, detail)
    if declared.sha256 is not None and fetched.sha256 != declared.sha256:
        detail = f"The payload's SHA-256 is {fetched.sha256}, not the one declared."
        raise InvalidPayload(ProblemCode.CHECKSUM_MISMATCH, detail)

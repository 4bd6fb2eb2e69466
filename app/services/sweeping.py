"""Look at every object whose deadline has passed, and put it right.

    pending, its payload is there      its message was lost: queue it again
    pending, no payload                expired
    processing, lease lapsed           its worker died: queue it again
    processing, attempts used up       failed
    deleted                            purged for the last time

Found through the `in_flight` index; the table is never scanned.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.errors import NotFound, StaleWrite, Unavailable
from app.domain.objects import Status, StoredObject
from app.domain.times import utc_now
from app.messaging.work_queue import WorkQueue
from app.observability import begin_work, bind, logger, measure
from app.observability.metrics import OBJECTS, OVERDUE_SECONDS, SWEPT
from app.services.log_fields import of_cause, of_object
from app.services.purging import Purging
from app.storage.items import UnreadableItem
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadKey, PayloadStore

RESERVE_SECONDS = 5
"""A sweep stops so long before its function would; the next one goes on."""


class Action(StrEnum):
    REQUEUE = "requeued"
    EXPIRE = "expired"
    GIVE_UP = "failed"
    PURGE = "purged"
    LEAVE = "left"
    FAIL = "not_swept"


def decide(stored: StoredObject, *, payload_found: bool, now: datetime, max_attempts: int) -> Action:
    is_due = stored.deadline is not None and stored.deadline <= now
    if not is_due or (stored.status is Status.PROCESSING and stored.lease_is_held(now)):
        return Action.LEAVE
    match stored.status:
        case Status.PENDING:
            return Action.REQUEUE if payload_found else Action.EXPIRE
        case Status.PROCESSING if stored.attempts >= max_attempts:
            return Action.GIVE_UP
        case Status.PROCESSING:
            return Action.REQUEUE
        case Status.DELETED:
            return Action.PURGE
    return Action.LEAVE


class Sweeping:
    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        queue: WorkQueue,
        purging: Purging,
        *,
        max_attempts: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._payloads = payloads
        self._queue = queue
        self._purging = purging
        self._max_attempts = max_attempts
        self._clock = clock

    def sweep(self, *, seconds_left: Callable[[], float]) -> Counter[Action]:
        """Report how many objects each action was taken on.

        Raises Unavailable at the end when some could not be swept now.
        """
        done: Counter[Action] = Counter()
        oldest = now = self._clock()
        for due in self._objects.overdue(now):
            oldest = min(oldest, due.at)
            if seconds_left() < RESERVE_SECONDS:
                logger.warning("sweep.cut_short")
                break
            with begin_work(owner=due.owner, object_id=due.object_id):
                done[self._sweep_one(due.owner, due.object_id)] += 1
        counts: dict[str, Any] = {action.value: count for action, count in done.items()}
        measure("sweep.done", OVERDUE_SECONDS((now - oldest).total_seconds()), **counts)
        if done[Action.FAIL]:
            raise Unavailable(f"{done[Action.FAIL]} objects could not be swept.")
        return done

    def _sweep_one(self, owner: str, object_id: str) -> Action:
        try:
            stored = self._objects.get(owner, object_id)
            bind(**of_object(stored), **of_cause(stored.work_cause))
            action = decide(
                stored,
                payload_found=self._payload_found(stored),
                now=self._clock(),
                max_attempts=self._max_attempts,
            )
            self._act(action, stored)
            _report(action, stored)
        except (NotFound, StaleWrite):
            return Action.LEAVE
        except UnreadableItem:
            logger.exception("sweep.unreadable")
            return Action.LEAVE
        except Unavailable:
            # What is due after it must not wait.
            logger.exception("sweep.failed_on")
            return Action.FAIL
        return action

    def _payload_found(self, stored: StoredObject) -> bool:
        return stored.status is Status.PENDING and self._payloads.exists(_key(stored))

    def _act(self, action: Action, stored: StoredObject) -> None:
        """State first, message last: a message that gets lost is found again."""
        now = self._clock()
        match action:
            case Action.REQUEUE:
                self._objects.save(stored.requeue(now=now), read=stored)
                self._queue.send_payload_created(
                    str(_key(stored)), _size(stored), trace=stored.work_cause.trace
                )
            case Action.EXPIRE:
                self._objects.save(stored.expire(now=now), read=stored)
            case Action.PURGE:
                self._purging.purge(stored.owner, stored.id)
            case Action.GIVE_UP:
                self._objects.save(stored.give_up(now=now), read=stored)


def _report(action: Action, stored: StoredObject) -> None:
    if action is Action.LEAVE:
        return
    settled = action in (Action.EXPIRE, Action.GIVE_UP)
    objects = [OBJECTS(1, kind=stored.kind, outcome=action.value)] if settled else []
    measure("object.swept", SWEPT(1, action=action.value), *objects)


def _size(stored: StoredObject) -> int:
    return 0 if stored.newest is None else stored.newest.size


def _key(stored: StoredObject) -> PayloadKey:
    revision = 0 if stored.newest is None else stored.newest.number
    return PayloadKey(stored.owner, stored.id, revision)

"""Look at every object whose deadline has passed, and put it right.

    pending, payload found             its message was lost: queue it again
    pending, no payload                expire; what S3 has begun of it is dropped
    pending, to be put together        its message was lost: queue it again
    processing, lease lapsed           its worker died: queue it again
    processing, attempts used up       fail
    deleted                            purge for the last time

The index `in_flight` names the objects; the table is never scanned.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.errors import NotFound, StaleWrite, Unavailable
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status
from app.domain.times import utc_now
from app.messaging.work_queue import WorkQueue
from app.observability import begin_work, bind, logger, measure
from app.observability.metrics import OBJECTS, OVERDUE_SECONDS, SWEPT
from app.services.background.purging import RESERVE_SECONDS, Purging
from app.services.objects.uploads import drop_parts
from app.services.reporting import of_object
from app.storage.items import UnreadableItem
from app.storage.objects import ObjectRepository
from app.storage.parts import PartsStore
from app.storage.payloads import PayloadStore


class Action(StrEnum):
    REQUEUE = "requeued"
    #: Its parts are to be put together.
    COMPLETE = "completion_requeued"
    EXPIRE = "expired"
    GIVE_UP = "failed"
    PURGE = "purged"
    LEAVE = "left"
    #: AWS did not answer, so the next sweep looks at the object again.
    POSTPONE = "not_swept"


def decide(stored: StoredObject, *, payload_found: bool, now: datetime, max_attempts: int) -> Action:
    """Return what to do with an object whose deadline the index says has passed."""
    is_due = stored.deadline is not None and stored.deadline <= now
    if not is_due or (stored.status is Status.PROCESSING and stored.lease_is_held(now)):
        return Action.LEAVE
    match stored.status:
        case Status.PENDING if not payload_found:
            return Action.COMPLETE if stored.is_completing else Action.EXPIRE
        case Status.PROCESSING if stored.attempts >= max_attempts:
            return Action.GIVE_UP
        case Status.PENDING | Status.PROCESSING:
            return Action.REQUEUE
        case Status.DELETED:
            return Action.PURGE
    return Action.LEAVE


class Sweeping:
    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        parts: PartsStore,
        queue: WorkQueue,
        purging: Purging,
        *,
        max_attempts: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._payloads = payloads
        self._parts = parts
        self._queue = queue
        self._purging = purging
        self._max_attempts = max_attempts
        self._clock = clock

    def sweep(self, *, seconds_left: Callable[[], float]) -> Counter[Action]:
        """Put every overdue object right. Return the number of objects for each action.

        Raises Unavailable at the end if some could not be swept now.
        """
        done: Counter[Action] = Counter()
        oldest = now = self._clock()
        for due in self._objects.overdue(now):
            oldest = min(oldest, due.at)
            if seconds_left() < RESERVE_SECONDS:  # the next sweep goes on
                logger.warning("sweep.cut_short")
                break
            with begin_work(owner=due.owner, object_id=due.object_id):
                done[self._sweep_one(due.owner, due.object_id, seconds_left)] += 1
        counts: dict[str, Any] = {action.value: count for action, count in done.items()}
        measure("sweep.done", OVERDUE_SECONDS((now - oldest).total_seconds()), **counts)
        if done[Action.POSTPONE]:
            raise Unavailable(f"{done[Action.POSTPONE]} objects could not be swept.")
        return done

    def _sweep_one(self, owner: str, object_id: str, seconds_left: Callable[[], float]) -> Action:
        try:
            stored = self._objects.get(owner, object_id)
            bind(**of_object(stored), **stored.work_cause.fields)
            now = self._clock()
            key = stored.payload_key(stored.newest_number)
            found = stored.status is Status.PENDING and self._payloads.exists(key)
            action = decide(stored, payload_found=found, now=now, max_attempts=self._max_attempts)
            self._act(action, stored, now, seconds_left)
            _report(action, stored)
        except (NotFound, StaleWrite):
            return Action.LEAVE
        except UnreadableItem:
            logger.exception("sweep.unreadable")
            return Action.LEAVE
        except Unavailable:
            # The other overdue objects must not wait for this one.
            logger.exception("sweep.failed_on")
            return Action.POSTPONE
        except Exception:  # noqa: BLE001  # logged, and OverdueAlarm tells if it lasts
            # Whatever is wrong with this one will be wrong at the next sweep too.
            logger.exception("sweep.refused")
            return Action.LEAVE
        return action

    def _act(
        self, action: Action, stored: StoredObject, now: datetime, seconds_left: Callable[[], float]
    ) -> None:
        """Save the state first and send the message last: the next sweep finds a message that was lost."""
        match action:
            case Action.REQUEUE:
                self._objects.save(stored.requeue(now=now), read=stored)
                key = stored.payload_key(stored.newest_number)
                size = 0 if stored.newest is None else stored.newest.size
                self._queue.send_payload_created(key, size, trace=stored.work_cause.trace)
            case Action.COMPLETE:
                self._objects.save(stored.requeue(now=now), read=stored)
                self._queue.send_completion(stored.payload_key(stored.newest_number), stored.work_cause)
            case Action.EXPIRE:
                self._objects.save(stored.expire(now=now), read=stored)
                drop_parts(self._parts, stored)
            case Action.PURGE:
                self._purging.purge(stored.owner, stored.id, seconds_left=seconds_left)
            case Action.GIVE_UP:
                self._objects.save(stored.give_up(now=now), read=stored)


def _report(action: Action, stored: StoredObject) -> None:
    if action is Action.LEAVE:
        return
    settled = action in (Action.EXPIRE, Action.GIVE_UP)
    objects = [OBJECTS(1, kind=stored.kind, outcome=action.value)] if settled else []
    measure("object.swept", SWEPT(1, action=action.value), *objects)

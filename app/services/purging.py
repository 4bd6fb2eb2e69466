"""Remove what nobody needs any more: what a deleted object leaves behind, and replaced revisions.

Payloads, artifacts and history are removed when the object is deleted. They are
removed again once nobody can write a payload any more, because an upload URL or
a worker's lease may outlive the deletion. When a newer revision was asked for or
is ready, every revision but the newest and the ready one is removed.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from app.domain.errors import NotFound, StaleWrite
from app.domain.objects import StoredObject
from app.domain.times import utc_now
from app.domain.values import Status
from app.messaging.messages import Outcome
from app.observability import bind
from app.services.reporting import of_object
from app.storage.history import HistoryRepository
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore


class Purging:
    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        history: HistoryRepository,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._payloads = payloads
        self._history = history
        self._clock = clock

    def purge(self, owner: str, object_id: str) -> Outcome:
        """Remove all of a deleted object but its tombstone. To purge again changes nothing.

        Acts only if a consistent read shows a tombstone.
        """
        stored = self._find(owner, object_id)
        if stored is None or stored.status is not Status.DELETED:
            return Outcome.ACKNOWLEDGED
        self._payloads.purge(stored.owner, stored.id)
        self._history.purge(stored.owner, stored.id)
        now = self._clock()
        if stored.deadline is not None and stored.deadline <= now:
            # Another writer who was faster has seen the same tombstone.
            with suppress(StaleWrite):
                self._objects.save(stored.purged(now=now), read=stored)
        return Outcome.PURGED

    def purge_replaced(self, owner: str, object_id: str) -> Outcome:
        """Remove the revisions that a consistent read shows to be replaced. It may be repeated."""
        stored = self._find(owner, object_id)
        if stored is None or stored.status is Status.DELETED:
            return Outcome.ACKNOWLEDGED
        self._payloads.purge(owner, object_id, only=stored.has_replaced)
        return Outcome.PURGED

    def _find(self, owner: str, object_id: str) -> StoredObject | None:
        """Return the object, and name it in the log lines that follow."""
        with suppress(NotFound):
            stored = self._objects.get(owner, object_id)
            bind(**of_object(stored))
            return stored
        return None

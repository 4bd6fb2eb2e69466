"""Remove what nobody needs any more: what a deleted object leaves, and replaced revisions.

Payloads, artifacts and history go when the object is deleted, and again once nobody
can write a payload any more: an upload URL or a worker's lease may outlive the deletion.
Once a newer revision was asked for or is ready, all go but the newest and the ready one.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from app.domain.errors import NotFound, StaleWrite
from app.domain.objects import Status, StoredObject
from app.domain.times import utc_now
from app.observability import bind
from app.services.log_fields import of_object
from app.services.messages import Outcome
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
        """Act only on a tombstone, as a consistent read shows it; to purge again changes nothing."""
        try:
            stored = self._objects.get(owner, object_id)
        except NotFound:
            return Outcome.ACKNOWLEDGED
        bind(**of_object(stored))
        if stored.status is not Status.DELETED:
            return Outcome.ACKNOWLEDGED
        self._purge(stored)
        return Outcome.PURGED

    def purge_replaced(self, owner: str, object_id: str) -> Outcome:
        """Act only on what a consistent read shows to be replaced; to purge again changes nothing."""
        try:
            stored = self._objects.get(owner, object_id)
        except NotFound:
            return Outcome.ACKNOWLEDGED
        bind(**of_object(stored))
        if stored.status is Status.DELETED:
            return Outcome.ACKNOWLEDGED
        self._payloads.purge(owner, object_id, only=stored.has_replaced)
        return Outcome.PURGED

    def _purge(self, stored: StoredObject) -> None:
        self._payloads.purge(stored.owner, stored.id)
        self._history.purge(stored.owner, stored.id)
        now = self._clock()
        if stored.deadline is not None and stored.deadline <= now:
            # Whoever wrote in between looks after it.
            with suppress(StaleWrite):
                self._objects.save(stored.purged(now=now), read=stored)

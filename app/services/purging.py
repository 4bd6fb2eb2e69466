"""Remove what nobody needs any more: what a deleted object leaves, and replaced revisions.

Payloads, artifacts and history go when the object is deleted, and again once nobody
can write a payload any more: an upload URL or a worker's lease may outlive the deletion.
Older revisions go when a newer one is ready.
"""

from collections.abc import Callable
from datetime import datetime

from app.domain.errors import NotFound, StaleWrite
from app.domain.objects import Status, StoredObject
from app.domain.times import utc_now
from app.observability import logger
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

    def purge(self, owner: str, object_id: str) -> None:
        """Act only on a tombstone, as a consistent read shows it; to purge again changes nothing."""
        try:
            stored = self._objects.get(owner, object_id)
        except NotFound:
            return
        if stored.status is Status.DELETED:
            self._purge(stored)

    def purge_replaced(self, owner: str, object_id: str) -> None:
        """Act only on what a consistent read shows to be replaced; to purge again changes nothing."""
        try:
            stored = self._objects.get(owner, object_id)
        except NotFound:
            return
        if stored.payload is not None and stored.status is not Status.DELETED:
            self._payloads.purge(owner, object_id, before=stored.payload.revision)

    def _purge(self, stored: StoredObject) -> None:
        self._payloads.purge(stored.owner, stored.id)
        self._history.purge(stored.owner, stored.id)
        logger.info("object.purged", object_id=stored.id)
        now = self._clock()
        if stored.deadline is not None and stored.deadline <= now:
            try:
                self._objects.save(stored.purged(now=now), read=stored)
            except StaleWrite:
                logger.info("message.acknowledged", object_id=stored.id, status=stored.status)

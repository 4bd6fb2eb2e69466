"""Remove what nobody needs any more: what a deleted object leaves behind, and replaced revisions.

Payloads, artifacts, links and history are removed when the object is deleted. They are
removed again once nobody can write a payload any more, because an upload URL or
a worker's lease may outlive the deletion. When a newer revision was asked for or
is ready, every revision but the newest and the ready one is removed.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from app.domain.errors import NotFound, StaleWrite, Unavailable
from app.domain.events import forgotten_at
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status
from app.domain.times import utc_now
from app.messaging.messages import Outcome
from app.observability import bind
from app.services.reporting import of_object
from app.storage.history import HistoryRepository
from app.storage.links import LinkRepository
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore

#: Purges and sweeps stop this long before their function is stopped; half of the shortest lease.
RESERVE_SECONDS = 5


class Purging:
    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        history: HistoryRepository,
        links: LinkRepository,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._payloads = payloads
        self._history = history
        self._links = links
        self._clock = clock

    def purge(self, owner: str, object_id: str, *, seconds_left: Callable[[], float]) -> Outcome:
        """Remove all of a deleted object but its tombstone and the event of its deletion.

        To purge again changes nothing. Acts only if a consistent read shows a tombstone.
        Raises Unavailable if too little time is left for a long history; the next purge goes on.
        """
        stored = self._find(owner, object_id)
        if stored is None or stored.status is not Status.DELETED:
            return Outcome.ACKNOWLEDGED
        if stored.newest is not None:
            # Without a revision there never was a payload or a link, and looking for some would cost two
            # LISTs and a Query.
            self._links.purge(stored.owner, stored.id)
            self._payloads.purge(stored.owner, stored.id)
        if not self._history.purge(
            stored.owner,
            stored.id,
            before_version=stored.version,
            forgotten_at=forgotten_at(stored),
            has_time=lambda: seconds_left() > RESERVE_SECONDS,
        ):
            raise Unavailable("Too little time is left for the rest of the history.")
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

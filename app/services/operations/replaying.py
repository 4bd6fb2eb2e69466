"""Publish what was set aside from the table's stream, when an operator asks for it.

The records of one object are published in their order, and only as far as they can be.
They come after events of that object which were published meanwhile: `version` tells.

A record may have been published before its relay died. The history proves that, as long as it
keeps traces of the object's events. Later no record of the object is published.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from app.domain.errors import NotFound, StillAtFault
from app.domain.events import ObjectEvent, forgotten_at
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status
from app.domain.times import timestamp, utc_now
from app.observability import described_fault
from app.services.changes.relaying import Relaying, announcement_of
from app.storage.history import HistoryRepository
from app.storage.items import UnreadableItem, owner_and_id
from app.storage.objects import ObjectRepository
from app.storage.set_aside import (
    AsideFile,
    SetAsideStore,
    StreamRecord,
    in_order_of_objects,
    number_of,
    pk_of,
)

FORGOTTEN = "The object is gone, and with it what would show that the event was not recorded before."


@dataclass(frozen=True, slots=True)
class AsideRecord:
    """A record that was set aside, and the file that it is in."""

    record: StreamRecord
    file: AsideFile

    @property
    def number(self) -> str:
        return number_of(self.record)

    @property
    def object_key(self) -> str:
        """The key of the object that changed. A record without one counts as an object of its own."""
        return pk_of(self.record) or self.file.key + self.number


@dataclass(frozen=True, slots=True)
class AsideChanges:
    """The records of one object that were set aside, in the order of its changes."""

    owner: str
    object_id: str
    records: tuple[AsideRecord, ...]


@dataclass(frozen=True, slots=True)
class Aside:
    """Everything that was set aside from the stream."""

    changes: tuple[AsideChanges, ...] = ()
    #: Keys of files in which no record can be found.
    strange: tuple[str, ...] = ()


def has_traces(event: ObjectEvent, stored: StoredObject | None, now: datetime) -> bool:
    """True if the history would show that an event was recorded before.

    `stored` is the object now. It may be another one, created anew under the same id.
    """
    if stored is None or event.data["created_at"] != timestamp(stored.created_at):
        return False
    return stored.status is not Status.DELETED or now < forgotten_at(stored)


class Replaying:
    def __init__(
        self,
        aside: SetAsideStore,
        relaying: Relaying,
        objects: ObjectRepository,
        history: HistoryRepository,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._aside = aside
        self._relaying = relaying
        self._objects = objects
        self._history = history
        self._clock = clock
        #: The records that are still needed, by the key of their file.
        self._needed: dict[str, set[str]] = {}

    def survey(self) -> Aside:
        files = self._aside.files()
        self._needed = {file.key: {number_of(record) for record in file.records} for file in files}
        found = [AsideRecord(record, file) for record, file in in_order_of_objects(files)]
        groups = [tuple(group) for _, group in groupby(found, key=lambda one: one.object_key)]
        return Aside(
            tuple(AsideChanges(*owner_and_id(pk_of(group[0].record)), group) for group in groups),
            tuple(file.key for file in files if not file.records),
        )

    def replay(self, changes: AsideChanges) -> None:
        """Publish the records of one object, and remove them.

        Raises StillAtFault at the first that cannot be published; it and those behind it stay.
        """
        left = list(changes.records)
        try:
            while left:
                self._publish(left[0].record, changes)
                self._release(left.pop(0))
        except StillAtFault as fault:
            # Each is kept by itself, so that the rest of Lambda's file is not published again.
            for one in left:
                if one.file.is_by_lambda:
                    self._aside.keep(one.number, one.record)
                    self._release(one)
            raise StillAtFault(f"record {left[0].number}: {fault}") from fault
        finally:
            self._purge_if_deleted(changes)

    def _publish(self, record: StreamRecord, changes: AsideChanges) -> None:
        """Publish one record, if it has an event. Raises StillAtFault, Unavailable."""
        try:
            made = announcement_of(record)
        except Exception as fault:  # as when the relay reads it
            raise StillAtFault(described_fault(fault)) from fault
        if made is None:
            return
        if not has_traces(made.event, self._stored(changes), self._clock()):
            raise StillAtFault(FORGOTTEN)
        self._relaying.replay(made)

    def _stored(self, changes: AsideChanges) -> StoredObject | None:
        """Return the object or tombstone as it is now; None if it is gone. Raises StillAtFault."""
        try:
            return self._objects.get(changes.owner, changes.object_id)
        except NotFound:
            return None
        except UnreadableItem as fault:
            raise StillAtFault("The object itself cannot be read.") from fault

    def _release(self, done: AsideRecord) -> None:
        """Remove the file of a record, once no record of it is needed any more."""
        needed = self._needed[done.file.key]
        needed.discard(done.number)
        if not needed:
            self._aside.remove(done.file)

    def _purge_if_deleted(self, changes: AsideChanges) -> None:
        """Purge the history of an object that was deleted meanwhile: nobody else would."""
        with suppress(NotFound, UnreadableItem):
            stored = self._objects.get(changes.owner, changes.object_id)
            if stored.status is Status.DELETED:
                self._history.purge(
                    stored.owner,
                    stored.id,
                    before_version=stored.version,
                    forgotten_at=forgotten_at(stored),
                    has_time=lambda: True,
                )

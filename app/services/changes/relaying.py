"""Turn the table's stream into events: into the object's history, onto the bus, and to the worker.

The stream is the transactional outbox. It holds every committed change and
nothing else, and a record stays in it until the relay has published its event.
Every step may be repeated.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from app.domain.errors import StillAtFault, Unavailable
from app.domain.events import ObjectEvent, event_of
from app.domain.times import utc_now
from app.domain.usage import Usage, usage_change
from app.messaging.event_bus import EventBus
from app.messaging.messages import message_about
from app.messaging.work_queue import WorkMessage, WorkQueue
from app.observability import begin_work, logger, measure, sample_details
from app.observability.metrics import EVENTS, RELAY_SECONDS, SET_ASIDE
from app.storage.items import OBJECT, from_item, owner_and_id
from app.storage.recording import MOST_BYTES, MOST_EVENTS, CountedEvent, EventRecorder, RefusedEvents
from app.storage.set_aside import SetAsideStore, StreamRecord, number_of, pk_of


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event, and the record that it was made of."""

    record: StreamRecord
    event: ObjectEvent
    #: The usage that the change adds to its owner's.
    usage: Usage
    shard: int


def announcement_of(record: StreamRecord) -> Announcement | None:
    """Return the event of a record, or None when nothing public changed. Raises UnreadableItem."""
    change = record["dynamodb"]
    if change["Keys"]["sk"] != {"S": OBJECT} or "NewImage" not in change:
        return None
    before = from_item(change["OldImage"]) if "OldImage" in change else None
    after = from_item(change["NewImage"])
    event = event_of(before, after)
    if event is None:
        return None
    return Announcement(record, event, usage_change(before, after), after.shard)


class Relaying:
    def __init__(
        self,
        recorder: EventRecorder,
        bus: EventBus,
        queue: WorkQueue,
        aside: SetAsideStore,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._recorder = recorder
        self._bus = bus
        self._queue = queue
        self._aside = aside
        self._clock = clock

    def relay(self, records: Sequence[StreamRecord]) -> str | None:
        """Publish the batch. Return the sequence number of the first record to try again, or None.

        A fault of AWS that lasts ends the batch: the events before it are published. A record
        that fails for a reason of its own is set aside, and does not hold up the others.
        """
        sample_details()
        with begin_work() as work:
            announced, unread = self._announcements(records)
            recorded, unrecorded = self._record(announced)
            published, unpublished = self._publish(recorded)
            unsent = self._send_work(takewhile(lambda one: one is not unpublished, recorded))
            logger.info("relay.done", records=len(records), published=published, **work.costs())
        # A step gets what the one before it has done. So the last one that fails does at the earliest record.
        left = unsent or unpublished or unrecorded
        record = left.record if left else unread
        return number_of(record) if record else None

    def replay(self, made: Announcement) -> None:
        """Publish what was set aside. To do so again changes nothing but the event's repeat.

        Raises StillAtFault with the reason if it cannot be published, Unavailable if AWS is away.
        """
        try:
            self._recorder.record([CountedEvent(made.event, made.usage)], shard=made.shard)
        except RefusedEvents as refused:
            raise StillAtFault("DynamoDB does not take the event.") from refused
        answer = self._bus.publish([made.event])
        if answer.refused:
            raise StillAtFault("The bus does not take the event.")
        if answer.waiting:
            raise Unavailable("The bus did not take the event.")
        if self._send_work([made]) is not None:
            raise Unavailable("The work queue did not take the message.")
        _report(made.event, self._clock())

    def _announcements(
        self, records: Sequence[StreamRecord]
    ) -> tuple[list[Announcement], StreamRecord | None]:
        """Return what is to be announced, and the first record that can neither be read nor set aside now."""
        announced: list[Announcement] = []
        for record in records:
            try:
                found = announcement_of(record)
            except Exception as fault:  # noqa: BLE001  # no call is made: whatever fails is the record's own fault
                if not self._set_aside(record, fault):
                    return announced, record
            else:
                announced += [found] if found else []
        return announced, None

    def _record(self, announced: Sequence[Announcement]) -> tuple[list[Announcement], Announcement | None]:
        """Write the events to the history, and count them.

        Return those before the first that cannot be written now, and this first one.
        """
        written: set[str] = set()
        aside: set[str] = set()
        with suppress(Unavailable):
            for group in _groups(announced):
                aside |= self._record_group(group)
                written |= {one.event.id for one in group}
        first = next((one for one in announced if one.event.id not in written), None)
        before = takewhile(lambda one: one is not first, announced)
        return [one for one in before if one.event.id not in aside], first

    def _record_group(self, group: Sequence[Announcement]) -> set[str]:
        """Write events of one owner and shard; return those that had to be set aside. Raises Unavailable."""
        try:
            self._recorder.record([CountedEvent(one.event, one.usage) for one in group], shard=group[0].shard)
        except RefusedEvents as refused:
            if len(group) > 1:
                return set().union(*(self._record_group([one]) for one in group))
            if not self._set_aside(group[0].record, refused):
                raise Unavailable("A record could not be set aside.") from refused
            return {group[0].event.id}
        return set()

    def _publish(self, recorded: Sequence[Announcement]) -> tuple[int, Announcement | None]:
        """Publish the events; return how many the bus took, and the first one that it did not take now."""
        answer = self._bus.publish([one.event for one in recorded])
        now = self._clock()
        first, published = None, 0
        for one in recorded:
            is_refused = one.event.id in answer.refused
            if one.event.id in answer.waiting or (is_refused and not self._set_aside(one.record)):
                first = first or one
            elif not is_refused:
                _report(one.event, now)
                published += 1
        return published, first

    def _send_work(self, published: Iterable[Announcement]) -> Announcement | None:
        """Tell the worker what it has to do; return the first event of which the queue took no message now.

        An event that the bus will never take, and that was set aside, is still work for the worker.
        """
        told = [(one, body) for one in published if (body := message_about(one.event))]
        unsent = self._queue.send_all(
            [WorkMessage(body, one.event.owner, one.event.cause.trace) for one, body in told]
        )
        return next((one for position, (one, _) in enumerate(told) if position in unsent), None)

    def _set_aside(self, record: StreamRecord, fault: Exception | None = None) -> bool:
        """Keep a record whole in the bucket, so that it does not hold up others; False if that fails now."""
        number = number_of(record)
        owner, object_id = owner_and_id(pk_of(record))
        try:
            self._aside.keep(number, record)
        except Unavailable:
            return False
        measure(
            "relay.set_aside",
            SET_ASIDE(1),
            level=logging.ERROR,
            fault=fault,
            sequence_number=number,
            owner=owner,
            object_id=object_id,
        )
        return True


def _groups(announced: Sequence[Announcement]) -> Iterator[list[Announcement]]:
    """Yield what a transaction can hold: different events of one owner and shard."""
    different: dict[str, Announcement] = {}
    for one in announced:
        different.setdefault(one.event.id, one)
    open_groups: dict[tuple[str, int], list[Announcement]] = {}
    sizes: dict[tuple[str, int], int] = defaultdict(int)
    for one in different.values():
        key, size = (one.event.owner, one.shard), len(one.event.text.encode())
        group = open_groups.setdefault(key, [])
        if group and (len(group) == MOST_EVENTS or sizes[key] + size > MOST_BYTES):
            yield group
            group = open_groups[key] = []
            sizes[key] = 0
        group.append(one)
        sizes[key] += size
    yield from open_groups.values()


def _report(event: ObjectEvent, now: datetime) -> None:
    measure(
        "event.published",
        EVENTS(1, type=event.type.value),
        # The clocks of two functions may differ, so the lag can come out below zero.
        RELAY_SECONDS(max(0.0, (now - event.time).total_seconds())),
        **event.cause.fields,
        owner=event.owner,
        object_id=event.object_id,
        kind=event.data["kind"],
        version=event.version,
    )

"""Turn the table's stream into events: first into the object's history, then onto the bus.

The stream is the transactional outbox. It holds every committed change and
nothing else, and a record stays in it until the relay has published its event.
Every step may be repeated.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.events import ObjectEvent, event_of
from app.domain.times import utc_now
from app.domain.usage import NOTHING, Usage, usage_change
from app.messaging.event_bus import EventBus
from app.observability import begin_work, logger, measure, sample_details
from app.observability.metrics import EVENTS, RELAY_SECONDS, SET_ASIDE
from app.services.reporting import of_cause
from app.storage.history import HistoryRepository
from app.storage.items import OBJECT, UnreadableItem, from_item
from app.storage.payloads import PayloadStore
from app.storage.usage import UsageRepository

#: As Lambda hands it over (AWS Lambda Developer Guide, "Using AWS Lambda with DynamoDB").
StreamRecord = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event, and its record's place in the stream."""

    sequence_number: str
    event: ObjectEvent
    #: What the change adds to its owner's usage.
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
    return Announcement(change["SequenceNumber"], event, usage_change(before, after), after.shard)


class Relaying:
    def __init__(
        self,
        history: HistoryRepository,
        usage: UsageRepository,
        bus: EventBus,
        payloads: PayloadStore,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._history = history
        self._usage = usage
        self._bus = bus
        self._payloads = payloads
        self._clock = clock

    def relay(self, records: Sequence[StreamRecord]) -> str | None:
        """Publish the batch. Return the sequence number of the first record to try again, or None.

        Raises Unavailable when the whole batch must be tried again.
        """
        sample_details()
        with begin_work() as work:
            announced = [found for record in records if (found := self._announcement(record))]
            self._record(announced)
            unpublished = self._bus.publish([made.event for made in announced])
            now = self._clock()
            for made in announced:
                if made.event.id not in unpublished:
                    _report(made.event, now)
            published = len(announced) - len(unpublished)
            logger.info("relay.done", records=len(records), published=published, **work.costs())
        return next((a.sequence_number for a in announced if a.event.id in unpublished), None)

    def _record(self, announced: Sequence[Announcement]) -> None:
        """Write each event to the history, together with the counters where the usage changes."""
        for made in announced:
            if made.usage == NOTHING:
                self._history.add(made.event)
            else:
                self._usage.count(made.event, made.usage, shard=made.shard)

    def _announcement(self, record: StreamRecord) -> Announcement | None:
        """Return the event of a record, if it has one. Set aside a record that cannot be read.

        It is kept whole in the bucket, so that it does not hold up the records behind it.
        """
        try:
            return announcement_of(record)
        except UnreadableItem as unreadable:
            number = record["dynamodb"]["SequenceNumber"]
            self._payloads.set_aside(number, json.dumps(record).encode())
            aside = SET_ASIDE(1)
            measure("relay.set_aside", aside, level=logging.ERROR, fault=unreadable, sequence_number=number)
            return None


def _report(event: ObjectEvent, now: datetime) -> None:
    measure(
        "event.published",
        EVENTS(1, type=event.type.value),
        # The clocks of two functions may differ, so the lag can come out below zero.
        RELAY_SECONDS(max(0.0, (now - event.time).total_seconds())),
        **of_cause(event.cause),
        owner=event.owner,
        object_id=event.object_id,
        kind=event.data["kind"],
        version=event.version,
    )

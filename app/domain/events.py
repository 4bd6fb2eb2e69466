"""The event that a change of an object amounts to, as a CloudEvent 1.0.

A change is a pair (before, after) of stored objects, as the table's stream
gives it. Every public change is exactly one event; bookkeeping is not an event.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from app.domain.causes import Cause
from app.domain.json import compact_json
from app.domain.objects.stored import TOMBSTONE_DAYS, StoredObject
from app.domain.objects.values import Status
from app.domain.objects.views import public_view
from app.domain.times import timestamp

SOURCE = "wharf.objects"
TRACES_GO_EARLIER_DAYS = 2


class EventType(StrEnum):
    CREATED = "object.created"
    UPDATED = "object.updated"
    UPLOAD_REQUESTED = "object.upload_requested"
    PROCESSING = "object.processing"
    READY = "object.ready"
    REJECTED = "object.rejected"
    FAILED = "object.failed"
    EXPIRED = "object.expired"
    REPROCESS_REQUESTED = "object.reprocess_requested"
    DELETED = "object.deleted"


@dataclass(frozen=True)
class ObjectEvent:
    """`data` is the public object as it was right after the change."""

    #: `<object id>:<version>`: the same for every repeat of this event, so that subscribers can drop repeats.
    id: str
    object_id: str
    owner: str
    version: int
    type: EventType
    time: datetime
    cause: Cause
    data: Mapping[str, Any]
    #: When the history may drop it; None for events that a purge removes. Not part of the CloudEvent.
    purge_at: datetime | None = None

    @cached_property
    def text(self) -> str:
        """The CloudEvent as JSON: the history and the bus hold the same text."""
        return compact_json(self.as_cloud_event())

    def as_cloud_event(self) -> dict[str, Any]:
        """Return the structured JSON form (CloudEvents 1.0.2, JSON event format).

        The trace is carried by the extension "Distributed Tracing" of CloudEvents.
        """
        trace = self.cause.trace
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": SOURCE,
            "type": self.type.value,
            "subject": self.object_id,
            "time": timestamp(self.time),
            "datacontenttype": "application/json",
            "owner": self.owner,
            "correlationid": self.cause.correlation_id,
            **({} if trace is None else {"traceparent": trace.traceparent}),
            **({} if trace is None or trace.state is None else {"tracestate": trace.state}),
            "data": self.data,
        }


def event_of(before: StoredObject | None, after: StoredObject) -> ObjectEvent | None:
    """Return the event of a change, or None when nothing public changed."""
    if before is None:
        return _event(after, EventType.CREATED)
    if after.version == before.version:
        return None
    if after.status is Status.PENDING and after.newest_number != before.newest_number:
        return _event(after, EventType.UPLOAD_REQUESTED)
    if after.status is before.status:
        return _event(after, EventType.UPDATED)
    if after.status is Status.PENDING:
        return _event(after, EventType.REPROCESS_REQUESTED)
    return _event(after, EventType(f"object.{after.status}"))


def current_event(stored: StoredObject) -> ObjectEvent:
    """Return an event that says what an object is now, for subscribers that missed how it became so.

    It has the id of the newest change, so subscribers that saw that change can drop this copy.
    """
    if stored.version == 1:
        return _event(stored, EventType.CREATED)
    if stored.status is Status.PENDING:
        return _event(stored, EventType.UPLOAD_REQUESTED)
    return _event(stored, EventType(f"object.{stored.status}"))


def _event(stored: StoredObject, event_type: EventType) -> ObjectEvent:
    return ObjectEvent(
        id=f"{stored.id}:{stored.version}",
        object_id=stored.id,
        owner=stored.owner,
        version=stored.version,
        type=event_type,
        time=stored.updated_at,
        cause=stored.cause,
        data=public_view(stored),
        purge_at=forgotten_at(stored) if stored.status is Status.DELETED else None,
    )


def forgotten_at(tombstone: StoredObject) -> datetime:
    """Return when the last traces of a deleted object's events may go: days before the tombstone.

    They are the event of the deletion, and the proofs that the other events were recorded. DynamoDB
    may drop what is due days late, and an object that is created anew under the same id has versions
    of its own ("Using time to live in DynamoDB").
    """
    due = tombstone.deadline or tombstone.updated_at
    return due + timedelta(days=TOMBSTONE_DAYS - TRACES_GO_EARLIER_DAYS)

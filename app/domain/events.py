"""The event that a change of an object amounts to, as a CloudEvent 1.0.

A change is a pair (before, after) of stored objects, as the table's stream
gives it. Every public change is exactly one event; bookkeeping is none.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.causes import Cause
from app.domain.objects import ObjectSummary, Revision, Status, StoredObject
from app.domain.times import timestamp

SOURCE = "wharf.objects"


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


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """`data` is the public object as it was right after the change."""

    object_id: str
    owner: str
    version: int
    type: EventType
    time: datetime
    cause: Cause
    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The same for every repeat of this event, so that subscribers can drop repeats."""
        return f"{self.object_id}:{self.version}"

    def as_cloud_event(self) -> dict[str, Any]:
        """The structured JSON form (CloudEvents 1.0.2, JSON event format)."""
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
            **self._trace(),
            "data": self.data,
        }

    def _trace(self) -> dict[str, str]:
        """As CloudEvents carries it ("Distributed Tracing extension")."""
        trace = self.cause.trace
        if trace is None:
            return {}
        state = {} if trace.state is None else {"tracestate": trace.state}
        return {"traceparent": trace.traceparent, **state}


def event_of(before: StoredObject | None, after: StoredObject) -> ObjectEvent | None:
    """None when nothing public changed."""
    if before is not None and before.version == after.version:
        return None
    return _event(after, _type_of(before, after))


def _event(stored: StoredObject, event_type: EventType) -> ObjectEvent:
    return ObjectEvent(
        object_id=stored.id,
        owner=stored.owner,
        version=stored.version,
        type=event_type,
        time=stored.updated_at,
        cause=stored.cause,
        data=public_view(stored),
    )


def current_event(stored: StoredObject) -> ObjectEvent:
    """What an object is now, for subscribers that missed how it became so.

    Its id is that of the newest change: who had that one will know the repeat.
    """
    return _event(stored, _current_type(stored))


def _current_type(stored: StoredObject) -> EventType:
    if stored.version == 1:
        return EventType.CREATED
    if stored.status is Status.PENDING:
        return EventType.UPLOAD_REQUESTED
    return EventType(f"object.{stored.status}")


def _type_of(before: StoredObject | None, after: StoredObject) -> EventType:
    if before is None:
        return EventType.CREATED
    if after.status is Status.PENDING and _number(after) != _number(before):
        return EventType.UPLOAD_REQUESTED
    if after.status is before.status:
        return EventType.UPDATED
    if after.status is Status.PENDING:
        return EventType.REPROCESS_REQUESTED
    return EventType(f"object.{after.status}")


def _number(stored: StoredObject) -> int:
    return stored.newest.number if stored.newest else 0


def public_view(stored: StoredObject) -> dict[str, Any]:
    """The object as its owner sees it, in HTTP answers and in events: plain JSON values."""
    view = summary_view(stored)
    view["attributes"] = stored.attributes
    if stored.summary is not None:
        view["result"] = {
            "summary": stored.summary,
            "artifacts": [asdict(artifact) for artifact in stored.artifacts],
        }
    return view


def summary_view(stored: ObjectSummary) -> dict[str, Any]:
    """The object as a list shows it: no attributes, no artifacts."""
    return {
        "id": stored.id,
        "kind": stored.kind,
        "name": stored.name,
        "labels": stored.labels,
        "status": stored.status.value,
        "version": stored.version,
        "payload": None if stored.payload is None else asdict(stored.payload),
        "result": None if stored.summary is None else {"summary": stored.summary},
        "incoming": None if stored.incoming is None else _incoming_view(stored.incoming),
        "problem": None if stored.problem is None else asdict(stored.problem),
        "created_at": timestamp(stored.created_at),
        "updated_at": timestamp(stored.updated_at),
    }


def _incoming_view(incoming: Revision) -> dict[str, Any]:
    return {
        "revision": incoming.number,
        "media_type": incoming.media_type,
        "size": incoming.size,
        "sha256": incoming.sha256,
        "expires_at": incoming.expires_at and timestamp(incoming.expires_at),
    }

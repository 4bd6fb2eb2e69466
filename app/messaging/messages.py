"""The messages in the work queue: each is written for an event, and parsed once.

    S3's notice, "Object Created"  Arrival      process the payload
    object.reprocess_requested     Arrival      process it again
    object.upload_requested        Replacement  remove the revisions that nobody needs any more:
    object.ready                                all but the newest and the ready one
    object.deleted                 Deletion     purge what is left of the object
    upload.complete                Completion   put the parts of an upload together
    sweep                          Sweep        look at what is overdue
    s3:TestEvent                   Trial        nothing: S3 tries whether it may send
    anything else                  Unreadable   ends in the dead-letter queue, where it can be seen

The clock calls the worker itself, past the queue, so none of our code sends a `sweep`. Should one be in the
queue, it is carried out like that of the clock.

A message is an EventBridge envelope in an SQS body, or a notice as S3 sends it to a queue
(Amazon S3 User Guide, "Event message structure").
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import unquote_plus

from app.domain.causes import Trace
from app.domain.errors import UnknownMessage
from app.domain.events import SOURCE, EventType, ObjectEvent
from app.domain.json import compact_json
from app.domain.objects.values import PayloadKey
from app.domain.times import timestamp

#: The exceptions that reading a field raises if the text is not such an envelope.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
CORRELATION = re.compile(r"[\w.:/-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A payload is there, or is to be processed again; `size` in bytes."""

    key: PayloadKey
    size: int


@dataclass(frozen=True, slots=True)
class Completion:
    """The client has sent every part of a payload."""

    key: PayloadKey


@dataclass(frozen=True, slots=True)
class Replacement:
    """A newer revision was asked for, or is ready."""

    owner: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """The object was deleted."""

    owner: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep is due, as the clock says when it calls the worker."""


@dataclass(frozen=True, slots=True)
class Trial:
    """S3 has tried whether it may send to the queue."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The worker does not know what the message says."""

    reason: str


Content = Arrival | Completion | Replacement | Deletion | Sweep | Trial | Unreadable


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the queue: what it says, and what is known of it."""

    content: Content
    #: The message as it came, kept for the dead-letter queue.
    body: str = field(default="", repr=False)
    #: The id of the request behind a domain event, else the id of the envelope itself, such as S3's.
    correlation_id: str | None = None
    #: The trace from the SQS header. Replaced by the object's own once the object is read.
    trace: Trace | None = None
    #: When the envelope was made, to the second.
    sent_at: datetime | None = None

    @property
    def object_id(self) -> str | None:
        """The id of the object that the message is about, if it is about one."""
        return self._subject[1]

    @property
    def owner(self) -> str | None:
        """The owner of that object."""
        return self._subject[0]

    @property
    def _subject(self) -> tuple[str, str] | tuple[None, None]:
        """The owner and the id. Every content has a case here: the type checker finds one that has none."""
        match self.content:
            case Arrival(key=key) | Completion(key=key):
                return key.owner, key.object_id
            case Replacement(owner=owner, object_id=object_id) | Deletion(owner=owner, object_id=object_id):
                return owner, object_id
            case Sweep() | Trial() | Unreadable():
                return None, None

    @property
    def size(self) -> int:
        """Bytes of the payload that has arrived; 0 for any other message."""
        return self.content.size if isinstance(self.content, Arrival) else 0


class Outcome(StrEnum):
    """The outcome of a message that was handled."""

    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"
    #: Nothing was left to do: the message is a repeat, is late, or another worker has the object.
    ACKNOWLEDGED = "acknowledged"
    #: Its payload was removed: the object is deleted, or a newer revision has replaced it.
    DISCARDED = "discarded"
    #: The parts of an upload are now a payload.
    COMPLETED = "completed"
    PURGED = "purged"
    SWEPT = "swept"


def message_about(event: ObjectEvent) -> str | None:
    """Return the body that tells the worker of an event, or None if the worker has nothing to do."""
    if event.type not in (EventType.REPROCESS_REQUESTED, EventType.DELETED) and not _may_replace(event):
        return None
    detail = {
        "owner": event.owner,
        "subject": event.object_id,
        "correlationid": event.cause.correlation_id,
        "data": {"incoming": event.data["incoming"]},
    }
    envelope = {
        "id": event.id,
        "source": SOURCE,
        "detail-type": event.type.value,
        "time": timestamp(event.time),
        "detail": detail,
    }
    return compact_json(envelope)


def _may_replace(event: ObjectEvent) -> bool:
    """True if a revision that was asked for or is ready may replace older ones. Revision 1 replaces none."""
    if event.type not in (EventType.READY, EventType.UPLOAD_REQUESTED):
        return False
    shown = (event.data["payload"], event.data["incoming"])
    return any(revision is not None and revision["revision"] > 1 for revision in shown)


def parse_message(body: str, trace_header: str = "") -> Message:
    """Return what an SQS body says; `trace_header` is its AWSTraceHeader."""
    try:
        envelope = _envelope(json.loads(body))
    except (RecursionError, ValueError):
        envelope = None
    return Message(
        _content(envelope), body, _correlation_id(envelope), Trace.from_xray(trace_header), _sent_at(envelope)
    )


def _envelope(parsed: Any) -> Any:
    """Return a notice of S3 as EventBridge would put it, and anything else as it is.

    A notice holds one record. Its key is encoded as in a form.
    """
    match parsed:
        case {"Event": "s3:TestEvent"}:
            return {"detail-type": "s3:TestEvent"}
        case {
            "Records": [{"eventName": str(name), "s3": {"object": {"key": str(key), "size": size}}} as notice]
        }:
            if not name.startswith("ObjectCreated:"):
                return None
            created = {"key": unquote_plus(key), "size": size}
            request_id = notice.get("responseElements", {}).get("x-amz-request-id")
            return {
                "id": request_id,
                "detail-type": "Object Created",
                "time": notice.get("eventTime"),
                "detail": {"object": created},
            }
    return parsed


def _content(envelope: Any) -> Content:  # noqa: PLR0911  # one line for each row of the table above
    try:
        match envelope["detail-type"]:
            case "Object Created":
                created = envelope["detail"]["object"]
                return Arrival(PayloadKey.parse(created["key"]), int(created["size"]))
            case EventType.REPROCESS_REQUESTED:
                incoming = envelope["detail"]["data"]["incoming"]
                key = PayloadKey(*_owner_and_id(envelope["detail"]), int(incoming["revision"]))
                return Arrival(key, int(incoming["size"]))
            case "upload.complete":
                return Completion(PayloadKey.parse(envelope["detail"]["object"]["key"]))
            case EventType.READY | EventType.UPLOAD_REQUESTED:
                return Replacement(*_owner_and_id(envelope["detail"]))
            case EventType.DELETED:
                return Deletion(*_owner_and_id(envelope["detail"]))
            case "sweep":
                return Sweep()
            case "s3:TestEvent":
                return Trial()
    except (*UNREADABLE, UnknownMessage):
        return Unreadable("Not an EventBridge envelope that the worker knows.")
    return Unreadable("No handler for what it says.")


def _owner_and_id(event: Mapping[str, Any]) -> tuple[str, str]:
    owner, object_id = event["owner"], event["subject"]
    if not isinstance(owner, str) or not isinstance(object_id, str):
        raise TypeError("owner and subject are texts")
    return owner, object_id


def _correlation_id(envelope: Any) -> str | None:
    try:
        found = envelope["detail"].get("correlationid") or envelope.get("id")
    except UNREADABLE:
        return None
    return found if isinstance(found, str) and CORRELATION.fullmatch(found) else None


def _sent_at(envelope: Any) -> datetime | None:
    """Return None where the time is missing or wrong: it only serves to tell how long the message waited."""
    try:
        moment = datetime.fromisoformat(envelope["time"])
    except (LookupError, TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None

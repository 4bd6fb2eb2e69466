"""What the messages in the work queue say, parsed once.

    S3 "Object Created"           Arrival       process the payload
    object.reprocess_requested    Arrival       process it again
    object.upload_requested       Replacement   remove the revisions that nobody needs any more:
    object.ready                                all but the newest and the ready one
    object.deleted                Deletion      purge what is left of the object
    sweep                         Sweep         look at what is overdue
    anything else                 Unreadable    ends in the dead-letter queue, where it can be seen

A message is an EventBridge envelope in an SQS body.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.causes import Trace
from app.domain.errors import UnknownMessage
from app.domain.events import EventType
from app.domain.values import PayloadKey

#: What reading a field raises where the text is not such an envelope.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
CORRELATION = re.compile(r"[\w.:/-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A payload is there, or is to be processed again; `size` in bytes."""

    key: PayloadKey
    size: int


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
    """The clock has sent the message."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The worker does not know what the message says."""

    reason: str


Content = Arrival | Replacement | Deletion | Sweep | Unreadable


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
        match self.content:
            case Arrival(key=key):
                return key.object_id
            case Replacement(object_id=object_id) | Deletion(object_id=object_id):
                return object_id
        return None

    @property
    def size(self) -> int:
        """Bytes of the payload that has arrived; 0 for any other message."""
        return self.content.size if isinstance(self.content, Arrival) else 0


class Outcome(StrEnum):
    """What became of a message that was handled."""

    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"
    #: Nothing was left to do: the message is a repeat, is late, or another worker has the object.
    ACKNOWLEDGED = "acknowledged"
    #: Its payload was removed: the object is deleted, or a newer revision has replaced it.
    DISCARDED = "discarded"
    PURGED = "purged"
    SWEPT = "swept"


def parse_message(body: str, trace_header: str = "") -> Message:
    """Return what an SQS body says; `trace_header` is its AWSTraceHeader."""
    try:
        envelope = json.loads(body)
    except (RecursionError, ValueError):
        envelope = None
    return Message(
        _content(envelope), body, _correlation_id(envelope), Trace.from_xray(trace_header), _sent_at(envelope)
    )


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
            case EventType.READY | EventType.UPLOAD_REQUESTED:
                return Replacement(*_owner_and_id(envelope["detail"]))
            case EventType.DELETED:
                return Deletion(*_owner_and_id(envelope["detail"]))
            case "sweep":
                return Sweep()
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

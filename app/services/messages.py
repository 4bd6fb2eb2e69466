"""What the messages in the work queue say.

    S3 "Object Created"           Arrival       process the payload
    object.reprocess_requested    Arrival       process it again
    object.upload_requested       Replacement   remove what nobody needs any more: revisions
    object.ready                                that are neither the newest nor the ready one
    object.deleted                Deletion      purge what is left of the object
    sweep                         Sweep         look at what is overdue

A message is an EventBridge envelope in an SQS body. Anything else raises
UnknownMessage, and so ends in the dead-letter queue, where it can be seen.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.errors import UnknownMessage
from app.domain.events import EventType
from app.domain.times import parse_timestamp
from app.storage.payloads import PayloadKey

UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a text that is no envelope may raise: a number too large, too deep a nesting, another type."""
CORRELATION = re.compile(r"[\w.:/-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arrival:
    """`size` in bytes; `body` is the message itself, kept if the service must give up."""

    key: PayloadKey
    size: int
    body: str
    sent_at: datetime | None = field(default=None, compare=False)
    """When the payload came, or was asked for again; to the second, as EventBridge tells it."""


@dataclass(frozen=True, slots=True)
class Replacement:
    owner: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Deletion:
    owner: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """The clock's message."""


Message = Arrival | Replacement | Deletion | Sweep


class Outcome(StrEnum):
    """What came of a message that needs nothing more."""

    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"
    ACKNOWLEDGED = "acknowledged"
    """Repeated, late, or somebody else's work by now."""
    DISCARDED = "discarded"
    """Its payload was removed: the object is deleted, or a newer revision has replaced it."""
    PURGED = "purged"
    SWEPT = "swept"


def parse_message(body: str) -> Message:
    """Raises UnknownMessage."""
    try:
        envelope = json.loads(body)
        match envelope["detail-type"]:
            case "Object Created":
                return _arrival(envelope["detail"]["object"], body, _sent_at(envelope))
            case EventType.REPROCESS_REQUESTED:
                return _reprocess(envelope["detail"], body, _sent_at(envelope))
            case EventType.READY | EventType.UPLOAD_REQUESTED:
                return Replacement(*_owner_and_id(envelope["detail"]))
            case EventType.DELETED:
                return Deletion(*_owner_and_id(envelope["detail"]))
            case "sweep":
                return Sweep()
    except UNREADABLE as unreadable:
        raise UnknownMessage("Not an EventBridge envelope that the worker knows.") from unreadable
    raise UnknownMessage("No handler for what it says.")


def object_of(message: Message) -> str | None:
    """The id of the object that a message is about; None when it is about none."""
    match message:
        case Arrival():
            return message.key.object_id
        case Sweep():
            return None
    return message.object_id


def correlation_of(body: str) -> str | None:
    """Of the request behind a domain event, else the id of the envelope itself, such as S3's."""
    try:
        envelope = json.loads(body)
        found = envelope["detail"].get("correlationid") or envelope.get("id")
    except UNREADABLE:
        return None
    return found if isinstance(found, str) and CORRELATION.fullmatch(found) else None


def _sent_at(envelope: Mapping[str, Any]) -> datetime | None:
    """Only to tell how long it waited, so a message without a time is as good."""
    try:
        moment = parse_timestamp(envelope["time"])
    except (KeyError, TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _arrival(created: Mapping[str, Any], body: str, sent_at: datetime | None) -> Arrival:
    return Arrival(PayloadKey.parse(created["key"]), int(created["size"]), body, sent_at)


def _reprocess(event: Mapping[str, Any], body: str, sent_at: datetime | None) -> Arrival:
    incoming = event["data"]["incoming"]
    key = PayloadKey(*_owner_and_id(event), int(incoming["revision"]))
    return Arrival(key, int(incoming["size"]), body, sent_at)


def _owner_and_id(event: Mapping[str, Any]) -> tuple[str, str]:
    owner, object_id = event["owner"], event["subject"]
    if not isinstance(owner, str) or not isinstance(object_id, str):
        raise TypeError("owner and subject are texts")
    return owner, object_id

"""What the messages in the work queue say.

    S3 "Object Created"           Arrival       process the payload
    object.reprocess_requested    Arrival       process it again
    object.ready                  Replacement   remove the older revisions
    object.deleted                Deletion      purge what is left of the object
    sweep                         Sweep         look at what is overdue

A message is an EventBridge envelope in an SQS body. Anything else raises
UnknownMessage, and so ends in the dead-letter queue, where it can be seen.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.errors import UnknownMessage
from app.domain.events import EventType
from app.storage.payloads import PayloadKey


@dataclass(frozen=True, slots=True)
class Arrival:
    """`size` in bytes; `body` is the message itself, kept if the service must give up."""

    key: PayloadKey
    size: int
    body: str


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


def parse_message(body: str) -> Message:
    """Raises UnknownMessage."""
    try:
        envelope = json.loads(body)
        match envelope["detail-type"]:
            case "Object Created":
                return _arrival(envelope["detail"]["object"], body)
            case EventType.REPROCESS_REQUESTED:
                return _reprocess(envelope["detail"], body)
            case EventType.READY:
                return Replacement(*_owner_and_id(envelope["detail"]))
            case EventType.DELETED:
                return Deletion(*_owner_and_id(envelope["detail"]))
            case "sweep":
                return Sweep()
    except (ValueError, KeyError, TypeError) as unreadable:
        raise UnknownMessage("Not an EventBridge envelope that the worker knows.") from unreadable
    raise UnknownMessage(f"No handler for {envelope['detail-type']!r}.")


def _arrival(created: Mapping[str, Any], body: str) -> Arrival:
    return Arrival(PayloadKey.parse(created["key"]), int(created["size"]), body)


def _reprocess(event: Mapping[str, Any], body: str) -> Arrival:
    incoming = event["data"]["incoming"]
    key = PayloadKey(*_owner_and_id(event), int(incoming["revision"]))
    return Arrival(key, int(incoming["size"]), body)


def _owner_and_id(event: Mapping[str, Any]) -> tuple[str, str]:
    owner, object_id = event["owner"], event["subject"]
    if not isinstance(owner, str) or not isinstance(object_id, str):
        raise TypeError("owner and subject are texts")
    return owner, object_id

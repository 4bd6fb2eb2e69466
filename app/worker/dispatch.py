"""From a message to its use case.

    S3 "Object Created"           process the payload
    object.reprocess_requested    process it again
    object.deleted                purge what is left of the object
    sweep                         sweep

A message is an EventBridge envelope in an SQS body. Anything else raises
UnknownMessage, and so ends in the dead-letter queue, where it can be seen.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.errors import UnknownMessage
from app.domain.events import EventType
from app.services.processing import Arrival, Processing
from app.services.purging import Purging
from app.services.sweeping import Sweeping
from app.storage.payloads import PayloadKey


@dataclass(frozen=True, slots=True)
class Sweep:
    """The clock's message."""


@dataclass(frozen=True, slots=True)
class Deletion:
    owner: str
    object_id: str


Message = Arrival | Deletion | Sweep


def parse_message(body: str) -> Message:
    """Raises UnknownMessage."""
    try:
        envelope = json.loads(body)
        match envelope["detail-type"]:
            case "Object Created":
                return _arrival(envelope["detail"]["object"], body)
            case EventType.REPROCESS_REQUESTED:
                return _reprocess(envelope["detail"], body)
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


class Dispatcher:
    def __init__(self, processing: Processing, purging: Purging, sweeping: Sweeping) -> None:
        self._processing = processing
        self._purging = purging
        self._sweeping = sweeping

    def dispatch(self, message: Message, *, seconds_left: Callable[[], float]) -> None:
        match message:
            case Arrival():
                self._processing.process(message, seconds_left=seconds_left())
            case Deletion(owner, object_id):
                self._purging.purge(owner, object_id)
            case Sweep():
                self._sweeping.sweep(seconds_left=seconds_left)

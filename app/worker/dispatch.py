"""From a message to its use case.

    S3 "Object Created"     process the payload
    sweep                   sweep

A message is an EventBridge envelope in an SQS body. Anything else raises
UnknownMessage, and so ends in the dead-letter queue, where it can be seen.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.errors import UnknownMessage
from app.services.processing import Arrival, Processing
from app.services.sweeping import Sweeping
from app.storage.payloads import PayloadKey


@dataclass(frozen=True, slots=True)
class Sweep:
    """The clock's message."""


Message = Arrival | Sweep


def parse_message(body: str) -> Message:
    """Raises UnknownMessage."""
    try:
        envelope = json.loads(body)
        match envelope["detail-type"]:
            case "Object Created":
                return _arrival(envelope["detail"]["object"], body)
            case "sweep":
                return Sweep()
    except (ValueError, KeyError, TypeError) as unreadable:
        raise UnknownMessage("Not an EventBridge envelope that the worker knows.") from unreadable
    raise UnknownMessage(f"No handler for {envelope['detail-type']!r}.")


def _arrival(created: Mapping[str, Any], body: str) -> Arrival:
    return Arrival(PayloadKey.parse(created["key"]), int(created["size"]), body)


class Dispatcher:
    def __init__(self, processing: Processing, sweeping: Sweeping) -> None:
        self._processing = processing
        self._sweeping = sweeping

    def dispatch(self, message: Message, *, seconds_left: Callable[[], float]) -> None:
        match message:
            case Arrival():
                self._processing.process(message, seconds_left=seconds_left())
            case Sweep():
                self._sweeping.sweep(seconds_left=seconds_left)

"""Finds the use case of a message."""

from collections.abc import Callable

from app.domain.errors import UnknownMessage
from app.messaging.messages import (
    Arrival,
    Completion,
    Deletion,
    Message,
    Outcome,
    Replacement,
    Sweep,
    Trial,
    Unreadable,
)
from app.services.background.completing import Completing
from app.services.background.processing import Processing
from app.services.background.purging import Purging
from app.services.background.sweeping import Sweeping


class Dispatcher:
    def __init__(
        self, processing: Processing, completing: Completing, purging: Purging, sweeping: Sweeping
    ) -> None:
        self._processing = processing
        self._completing = completing
        self._purging = purging
        self._sweeping = sweeping

    def dispatch(self, message: Message, *, seconds_left: Callable[[], float]) -> Outcome:
        """Call the use case of a message. Raises UnknownMessage for a message that is not for the worker."""
        match message.content:
            case Arrival() as arrival:
                return self._processing.process(arrival, message, seconds_left=seconds_left())
            case Completion(key):
                return self._completing.complete(key)
            case Replacement(owner, object_id):
                return self._purging.purge_replaced(owner, object_id)
            case Deletion(owner, object_id):
                return self._purging.purge(owner, object_id, seconds_left=seconds_left)
            case Sweep():
                self._sweeping.sweep(seconds_left=seconds_left)
                return Outcome.SWEPT
            case Trial():
                return Outcome.ACKNOWLEDGED
            case Unreadable(reason):
                raise UnknownMessage(reason)

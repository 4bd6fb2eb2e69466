"""From a message to its use case."""

from collections.abc import Callable

from app.domain.errors import UnknownMessage
from app.messaging.messages import Arrival, Deletion, Message, Outcome, Replacement, Sweep, Unreadable
from app.services.processing import Processing
from app.services.purging import Purging
from app.services.sweeping import Sweeping


class Dispatcher:
    def __init__(self, processing: Processing, purging: Purging, sweeping: Sweeping) -> None:
        self._processing = processing
        self._purging = purging
        self._sweeping = sweeping

    def dispatch(self, message: Message, *, seconds_left: Callable[[], float]) -> Outcome:
        """Call the use case of a message. Raises UnknownMessage for a message that is not for the worker."""
        match message.content:
            case Arrival() as arrival:
                return self._processing.process(arrival, message, seconds_left=seconds_left())
            case Replacement(owner, object_id):
                return self._purging.purge_replaced(owner, object_id)
            case Deletion(owner, object_id):
                return self._purging.purge(owner, object_id)
            case Sweep():
                self._sweeping.sweep(seconds_left=seconds_left)
                return Outcome.SWEPT
            case Unreadable(reason):
                raise UnknownMessage(reason)

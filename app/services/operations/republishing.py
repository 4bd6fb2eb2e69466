"""Tell subscribers again what an object is now, when an operator asks for it."""

from collections.abc import Iterable

from app.domain.errors import Unavailable
from app.domain.events import ObjectEvent, current_event
from app.messaging.event_bus import EventBus
from app.storage.objects import ObjectRepository


class Republishing:
    def __init__(self, objects: ObjectRepository, bus: EventBus) -> None:
        self._objects = objects
        self._bus = bus

    def republish(self, object_id: str, *, owner: str | None = None) -> list[ObjectEvent]:
        """Publish the object's current state. Return the events: none if there is no such object.

        Without an owner, the whole table is searched. The history stays as it is, because only
        the relay writes it. Raises NotFound if the owner has no such object, Unavailable if the
        bus did not take the event.
        """
        owners: Iterable[str] = self._objects.owners_of(object_id) if owner is None else [owner]
        events = [current_event(self._objects.get(one, object_id)) for one in owners]
        answer = self._bus.publish(events)
        if answer.waiting or answer.refused:
            raise Unavailable("The bus did not take the event.")
        return events

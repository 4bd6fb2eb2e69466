"""Tell subscribers again what an object is, at an operator's word."""

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
        """Publish the object's current state; without an owner, look for one in the whole table.

        Returns what was published: nothing when there is no such object. The history stays
        as it is: only the relay writes it. Raises NotFound when the owner has no such object,
        Unavailable when the bus did not take the event.
        """
        owners: Iterable[str] = self._objects.owners_of(object_id) if owner is None else [owner]
        events = [current_event(self._objects.get(one, object_id)) for one in owners]
        if self._bus.publish(events):
            raise Unavailable("The bus did not take the event.")
        return events

"""The deliveries that are due in one lane of a webhook, a few at a time, the longest due first."""

from datetime import datetime

from app.domain.webhooks.deliveries import Delivery, Lane
from app.domain.webhooks.webhook import Webhook
from app.storage.webhooks.deliveries import DeliveryRepository

KEYS_AT_ONCE = 100


class Backlog:
    def __init__(self, deliveries: DeliveryRepository, webhook: Webhook, lane: Lane) -> None:
        self._deliveries = deliveries
        self._owner, self._id = webhook.owner, webhook.id
        self._taken: set[str] = set()
        self._keys: list[str] = []
        self.lane = lane

    def take(self, count: int, now: datetime) -> list[Delivery]:
        """Return up to `count` deliveries as they are now, none of them twice; nothing if none is left."""
        if not self._keys:
            limit = KEYS_AT_ONCE + len(self._taken)
            found = self._deliveries.due(self._owner, self._id, self.lane, now=now, limit=limit)
            self._keys = [key for key in found if key not in self._taken]
        taken, self._keys = self._keys[:count], self._keys[count:]
        self._taken.update(taken)
        return self._deliveries.read(self._owner, self._id, taken)

    def first_due(self) -> tuple[Lane, datetime] | None:
        """Return when the first delivery is due, or was."""
        at = self._deliveries.next_due_at(self._owner, self._id, self.lane)
        return None if at is None else (self.lane, at)

"""Turns an event into its deliveries: one for each enabled webhook of the owner that wants it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from app.domain.times import utc_now
from app.domain.webhooks.deliveries import delivery_of
from app.domain.webhooks.webhook import Webhook
from app.messaging.sender_queue import Happened, SenderQueue
from app.storage.webhooks.deliveries import DeliveryRepository
from app.storage.webhooks.endpoints import EndpointRepository
from app.storage.webhooks.webhooks import WebhookRepository

#: How long an owner's webhooks are remembered at most.
REMEMBERED = timedelta(seconds=10)
#: How far the clock that dates an event may be ahead of this one.
CLOCKS_DIFFER = timedelta(seconds=1)
MOST_OWNERS = 1_000


class FanningOut:
    def __init__(
        self,
        webhooks: WebhookRepository,
        endpoints: EndpointRepository,
        deliveries: DeliveryRepository,
        queue: SenderQueue,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._webhooks = webhooks
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._queue = queue
        self._clock = clock
        self._remembered: dict[str, tuple[datetime, tuple[Webhook, ...]]] = {}

    def fan_out(self, happened: Happened) -> Sequence[Webhook]:
        """Write the deliveries of an event. To fan out again changes nothing. Return who is to be woken.

        Raises Unavailable. Every webhook that existed when the event happened is told of it.
        """
        now = self._clock()
        woken = []
        for webhook in self._webhooks_at(happened, now):
            if webhook.disabled is None and webhook.wanted.includes(happened.event):
                self._deliveries.add(delivery_of(happened.event, webhook, now))
                woken.append(webhook)
        return woken

    def wake(self, webhooks: Sequence[Webhook]) -> None:
        """Note that deliveries became due, and ask for a look at each endpoint that may be tried now."""
        now = self._clock()
        distinct = {(webhook.owner, webhook.id): webhook for webhook in webhooks}
        for owner, webhook_id in distinct:
            self._endpoints.wake(owner, webhook_id, now)
        ready = [key for key, webhook in distinct.items() if not webhook.schedule.waits(now)]
        self._queue.look_at_all(ready)

    def _webhooks_at(self, happened: Happened, now: datetime) -> tuple[Webhook, ...]:
        """Return the owner's webhooks. A list that was read before the event may lack one."""
        time = datetime.fromisoformat(happened.event["time"])
        read_at, known = self._remembered.get(happened.owner, (now - 2 * REMEMBERED, ()))
        if now < read_at + REMEMBERED and time + CLOCKS_DIFFER < read_at:
            return known
        if len(self._remembered) >= MOST_OWNERS:
            self._remembered.clear()
        known = self._webhooks.list(happened.owner)
        self._remembered[happened.owner] = (now, known)
        return known

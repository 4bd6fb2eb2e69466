"""An owner's use cases for the deliveries of a webhook: read the log, send a test, send again."""

import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.errors import EventGone, NotFound, StaleWrite
from app.domain.times import utc_now
from app.domain.webhooks.deliveries import Delivery, Outcome, delivery_of_test
from app.domain.webhooks.webhook import Webhook
from app.messaging.sender_queue import SenderQueue
from app.services.cursors import decode_cursor, encode_cursor
from app.services.webhooks.managing import Webhooks
from app.storage.history import HistoryRepository
from app.storage.webhooks.deliveries import DeliveryRepository
from app.storage.webhooks.endpoints import EndpointRepository
from app.storage.webhooks.items import sort_key

MOST_REPLAYED = 1_000
#: Parts of the 29 seconds that API Gateway waits.
READ_SECONDS, WRITE_SECONDS = 8, 10
WRITE_TRIES = 3
LOG_POSITION = re.compile(r"[-0-9]{10}T[:.0-9]{12}Z#[-:\w]{1,80}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DeliveryLog:
    """Deliveries of a webhook, newest first."""

    webhook: Webhook
    items: tuple[Delivery, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Between:
    """The deliveries to send again: those of events later than `after`, up to and including `until`."""

    after: datetime
    until: datetime
    outcome: Outcome | None = None
    types: frozenset[str] = frozenset()

    def includes(self, delivery: Delivery) -> bool:
        return (not self.types or delivery.type in self.types) and self.outcome in (None, delivery.outcome)


@dataclass(frozen=True, slots=True)
class Replayed:
    """`next_after` is where the next call goes on; None if all were sent again."""

    count: int
    next_after: datetime | None


class DeliveryLogs:
    def __init__(
        self,
        webhooks: Webhooks,
        endpoints: EndpointRepository,
        deliveries: DeliveryRepository,
        history: HistoryRepository,
        queue: SenderQueue,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._webhooks = webhooks
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._history = history
        self._queue = queue
        self._clock = clock

    def page(
        self, owner: str, webhook_id: UUID, *, outcome: Outcome | None, cursor: str | None, limit: int
    ) -> DeliveryLog:
        """Return one page of the log. Raises NotFound or InvalidCursor."""
        webhook = self._webhooks.read(owner, webhook_id)
        scope = ["deliveries", owner, webhook.id, outcome]
        before = None if cursor is None else decode_cursor(cursor, scope, of_form=LOG_POSITION)
        page = self._deliveries.page(owner, webhook.id, outcome=outcome, before=before, limit=limit)
        return DeliveryLog(webhook, page.items, page.position and encode_cursor(page.position, scope))

    def test(self, owner: str, webhook_id: UUID) -> Delivery:
        """Send an event that says nothing. Raises NotFound or WebhookDisabled."""
        webhook = self._enabled(owner, webhook_id)
        delivery = delivery_of_test(webhook, self._clock())
        self._deliveries.add(delivery)
        self._wake(webhook)
        return delivery

    def replay(self, owner: str, webhook_id: UUID, delivery_id: str) -> Delivery:
        """Send one delivery again. Raises NotFound, WebhookDisabled or EventGone."""
        webhook = self._enabled(owner, webhook_id)
        place = _place(delivery_id)
        for _ in range(WRITE_TRIES):
            delivery = self._deliveries.get(owner, webhook.id, place)
            event = self._event(delivery)
            if event is None:
                raise EventGone
            again = delivery.replay(event, self._clock())
            try:
                self._deliveries.save(again, read=delivery)
            except StaleWrite:
                continue
            self._wake(webhook)
            return again
        raise StaleWrite

    def replay_all(self, owner: str, webhook_id: UUID, between: Between, *, dry_run: bool) -> Replayed:
        """Send again what the log holds between two event times, or only count it.

        At most MOST_REPLAYED in a call, and what can be read and written in time. Events of purged objects
        are passed over. Raises NotFound or WebhookDisabled.
        """
        webhook = self._enabled(owner, webhook_id)
        end = time.monotonic() + READ_SECONDS
        chosen, next_after = self._chosen(webhook, between, end)
        if dry_run:
            return Replayed(len(chosen), next_after)
        count, last = 0, None
        for delivery in chosen:
            if last and _may_stop_between(last, delivery, end + WRITE_SECONDS):
                next_after = last.time
                break
            count += self._again(delivery)
            last = delivery
        if count:
            self._wake(webhook)
        return Replayed(count, next_after)

    def _chosen(
        self, webhook: Webhook, between: Between, end: float
    ) -> tuple[Sequence[Delivery], datetime | None]:
        """Return what one call takes, and where the next goes on. Deliveries of one moment stay together."""
        chosen: list[Delivery] = []
        last: Delivery | None = None
        for one in self._deliveries.between(webhook.owner, webhook.id, between.after, between.until):
            if last and _may_stop_between(last, one, end):
                return chosen, last.time
            last = one
            if not between.includes(one):
                continue
            if len(chosen) == MOST_REPLAYED:
                taken = [other for other in chosen if other.time != one.time] or chosen
                return taken, taken[-1].time
            chosen.append(one)
        return chosen, None

    def _again(self, delivery: Delivery) -> int:
        event = self._event(delivery)
        if event is None:
            return 0
        try:
            self._deliveries.save(delivery.replay(event, self._clock()), read=delivery)
        except StaleWrite:
            # It was sent, or sent again, a moment ago.
            return 0
        return 1

    def _event(self, delivery: Delivery) -> str | None:
        """Return the CloudEvent to send; None if it was purged."""
        if delivery.event is not None:
            return delivery.event
        object_id, _, version = delivery.event_id.rpartition(":")
        return self._history.text(delivery.owner, object_id, int(version))

    def _enabled(self, owner: str, webhook_id: UUID) -> Webhook:
        webhook = self._webhooks.read(owner, webhook_id)
        webhook.check_enabled()
        return webhook

    def _wake(self, webhook: Webhook) -> None:
        self._endpoints.wake(webhook.owner, webhook.id, self._clock(), replays=True)
        self._queue.look(webhook.owner, webhook.id)


def delivery_id(delivery: Delivery) -> str:
    """Return the place in the log in an opaque form."""
    return urlsafe_b64encode(sort_key(delivery).encode()).rstrip(b"=").decode()


def _may_stop_between(last: Delivery, following: Delivery, end: float) -> bool:
    """True if the time is over, and the next call can go on behind the last delivery."""
    return time.monotonic() > end and last.time != following.time


def _place(text: str) -> str:
    """Return the place in the log that an id names. Raises NotFound for what is not an id."""
    try:
        place = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode("ascii")
    except ValueError:
        raise NotFound("delivery") from None
    if not LOG_POSITION.fullmatch(place):
        raise NotFound("delivery")
    return place

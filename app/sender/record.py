"""Records an attempt: in the log of deliveries, and in a log line that is also a measurement.

The answer of an endpoint is its owner's. It is kept with the delivery, and never logged.
"""

import logging
from contextlib import suppress
from datetime import datetime
from typing import Any

from app.domain.errors import StaleWrite
from app.domain.webhooks.deliveries import Attempt, Delivery, Outcome
from app.domain.webhooks.webhook import Webhook
from app.observability import measure
from app.observability.metrics import (
    DELIVERIES,
    DELIVERY_SECONDS,
    DISABLED_WEBHOOKS,
    FAILED_ATTEMPTS,
    Sample,
)
from app.storage.webhooks.deliveries import DeliveryRepository


class Recorder:
    def __init__(self, deliveries: DeliveryRepository) -> None:
        self._deliveries = deliveries

    def record(self, delivery: Delivery, attempt: Attempt, now: datetime) -> None:
        """Keep what came of an attempt.

        If the owner asked to send the delivery again meanwhile, that stands, and this attempt is only logged.
        """
        after = delivery.attempted(attempt, now)
        self._save(after, delivery)
        samples = [FAILED_ATTEMPTS(int(not attempt.is_accepted)), *_settled(after)]
        if after.outcome is Outcome.DELIVERED:
            samples.append(DELIVERY_SECONDS(max(0.0, (now - delivery.time).total_seconds())))
        level = logging.INFO if attempt.is_accepted else logging.WARNING
        fields: dict[str, Any] = {
            "http_status": attempt.status,
            "error": attempt.error,
            "seconds": round(attempt.seconds, 4),
        }
        measure("delivery.attempted", *samples, level=level, **fields, **_named(after))

    def give_up(self, delivery: Delivery) -> None:
        """Keep that a delivery was not accepted in time."""
        after = delivery.give_up()
        self._save(after, delivery)
        measure("delivery.given_up", *_settled(after), level=logging.WARNING, **_named(after))

    def disabled(self, webhook: Webhook) -> None:
        reason = webhook.disabled and webhook.disabled.reason.value
        measure("webhook.disabled", DISABLED_WEBHOOKS(1), level=logging.WARNING, reason=reason)

    def _save(self, after: Delivery, read: Delivery) -> None:
        with suppress(StaleWrite):
            self._deliveries.save(after, read=read)


def _settled(delivery: Delivery) -> list[Sample]:
    return [] if delivery.outcome is Outcome.PENDING else [DELIVERIES(1, outcome=delivery.outcome.value)]


def _named(delivery: Delivery) -> dict[str, Any]:
    return {"event_id": delivery.event_id, "attempts": delivery.attempts}

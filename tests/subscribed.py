"""A webhook and a delivery to begin a test with."""

from datetime import timedelta
from typing import Any

from app.domain.json import compact_json
from app.domain.times import timestamp
from app.domain.webhooks.deliveries import GIVEN_UP_AFTER, LOG_KEPT, Delivery
from app.domain.webhooks.webhook import Secret, Wanted, Webhook
from tests.conftest import NOW

ID = "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"
SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U="


def make_webhook(**changes: Any) -> Webhook:
    """A webhook of every event, with one secret, which has sent nothing yet."""
    values: dict[str, Any] = {
        "owner": "local-me",
        "id": ID,
        "url": "https://app.example/wharf",
        "wanted": Wanted(),
        "description": "",
        "secrets": (Secret(SECRET, NOW),),
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
        "fingerprint": "f" * 64,
    }
    return Webhook(**values | changes)


def make_event(**changes: Any) -> dict[str, Any]:
    """The CloudEvent of a data set that became ready."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{ID}:3",
        "source": "wharf.objects",
        "type": "object.ready",
        "subject": ID,
        "time": timestamp(NOW),
        "datacontenttype": "application/json",
        "owner": "local-me",
        "correlationid": "request-1",
        "data": {"id": ID, "kind": "dataset", "labels": {"team": "growth"}, "version": 3, "name": "Zoë"},
    }
    return event | changes


def make_delivery(**changes: Any) -> Delivery:
    """A delivery that is due and was not tried yet."""
    values: dict[str, Any] = {
        "owner": "local-me",
        "webhook_id": ID,
        "event_id": f"{ID}:3",
        "type": "object.ready",
        "subject": ID,
        "time": NOW,
        "event": compact_json(make_event()),
        "due_at": NOW,
        "give_up_at": NOW + GIVEN_UP_AFTER,
        "purge_at": NOW + LOG_KEPT,
    }
    return Delivery(**values | changes)


def many(count: int, **changes: Any) -> list[Delivery]:
    """Return as many deliveries, a second apart, the oldest first."""
    return [
        make_delivery(
            event_id=f"{ID}:{number + 1}",
            time=NOW + timedelta(seconds=number - count),
            due_at=NOW + timedelta(seconds=number - count),
            **changes,
        )
        for number in range(count)
    ]

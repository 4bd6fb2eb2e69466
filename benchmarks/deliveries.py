"""The writes of DynamoDB for one event that goes to one webhook, counted from the items themselves.

An entry of the index `due` that moves to another key is deleted and put, which is two writes.
"""

import math
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from app.domain.events import event_of
from app.domain.webhooks.deliveries import Attempt, delivery_of
from app.domain.webhooks.webhook import Secret, Wanted, Webhook
from app.storage.webhooks.items import delivery_item, webhook_item
from benchmarks import lives
from benchmarks.lives import NOW, UNIT_BYTES, size

#: The URL of the webhook. Nothing is sent there.
URL = "https://hooks.app.example/wharf?tenant=growth"


def units() -> Counter[str]:
    """Return the write units: of the delivery, of its webhook, and of the index."""
    [[before, created]] = lives.record().changes_made
    event = event_of(before, created)
    assert event is not None
    webhook = _webhook(created.owner)
    waiting = delivery_of(event.as_cloud_event(), webhook, NOW)
    done = waiting.attempted(Attempt(at=NOW, seconds=0.1, status=204), NOW + timedelta(seconds=1))
    written = _units(size(delivery_item(waiting)))
    settled = max(written, _units(size(delivery_item(done))))
    # Written when it becomes due and when it is settled; its webhook is woken, claimed and given back.
    return Counter(
        {
            "delivery": written + settled,
            "webhook": 3 * _units(size(webhook_item(webhook))),
            "`due`": 2 + 1 + 2 + 2,
        }
    )


def _webhook(owner: str) -> Webhook:
    webhook = Webhook(
        owner=owner,
        id="7d1b0c5e-5d0b-4c57-9e1f-3a2d8f0c6b21",
        url=URL,
        wanted=Wanted(types=("object.created", "object.ready")),
        description="orders",
        secrets=(Secret(f"whsec_{'a' * 44}", NOW),),
        version=1,
        created_at=NOW,
        updated_at=NOW,
        fingerprint="f" * 64,
    )
    return replace(webhook, announced_at=NOW, woken_at=NOW)


def _units(written: int) -> int:
    return math.ceil(written / UNIT_BYTES)

"""The caller's objects behind a door, in statuses that only the worker brings about."""

from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.testclient import TestClient

from app.domain.objects.links import Link
from app.domain.objects.stored import StoredObject
from app.domain.webhooks.deliveries import Delivery
from app.domain.webhooks.webhook import Webhook
from app.services.webhooks.delivery_log import delivery_id
from app.storage.objects import ObjectRepository
from tests.conftest import Aws
from tests.edges.doors import API_KEY_ID
from tests.linked import make_link, put_links
from tests.statuses import make_in, make_record
from tests.subscribed import make_delivery, make_webhook

ID = "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"
URL = f"/v1/objects/{ID}"
WEBHOOK_URL = f"/v1/webhooks/{ID}"
#: The id of the sample delivery.
DELIVERY = delivery_id(make_delivery())


@dataclass(frozen=True, slots=True)
class Stored:
    """Each is the sample object, at URL."""

    aws: Aws
    owner: str

    @property
    def repository(self) -> ObjectRepository:
        return self.aws.adapters().objects

    def add(self, status: str, **changes: Any) -> StoredObject:
        return self.repository.add(make_in(status, **{"owner": self.owner} | changes))

    def add_record(self, **changes: Any) -> StoredObject:
        return self.repository.add(make_record(**{"owner": self.owner} | changes))

    def add_link(self, **changes: Any) -> Link:
        """The object must be there."""
        link = make_link(**{"owner": self.owner} | changes)
        put_links(self.aws.adapters().links, link)
        return link

    def add_webhook(self, **changes: Any) -> Webhook:
        return self.aws.adapters().webhooks.add(make_webhook(**{"owner": self.owner} | changes))

    def add_delivery(self, **changes: Any) -> Delivery:
        delivery = make_delivery(**{"owner": self.owner} | changes)
        self.aws.adapters().deliveries.add(delivery)
        return delivery

    def now(self) -> StoredObject:
        return self.repository.get(self.owner, ID)


def behind(client: httpx2.Client, aws: Aws) -> Stored:
    return Stored(aws, "local-me" if isinstance(client, TestClient) else f"key-{API_KEY_ID}")

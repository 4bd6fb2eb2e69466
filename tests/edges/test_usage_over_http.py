"""Usage, as its owner sees it: what the relay counted."""

import httpx2

from app.domain.objects import StoredObject
from app.messaging.event_bus import EventBus
from app.services.relaying import Relaying
from app.storage.history import HistoryRepository
from app.storage.items import to_item
from app.storage.payloads import PayloadStore
from app.storage.usage import UsageRepository
from tests.conftest import Aws, make_object
from tests.edges.doors import API_KEY_ID


def relay(aws: Aws, stored: StoredObject) -> None:
    """As the stream would bring its creation, twice."""
    record = {
        "dynamodb": {
            "Keys": {"sk": {"S": "object"}},
            "NewImage": to_item(stored),
            "SequenceNumber": "1",
        }
    }
    Relaying(
        HistoryRepository(aws.dynamodb, aws.table),
        UsageRepository(aws.dynamodb, aws.table),
        EventBus(aws.events, aws.bus),
        PayloadStore(aws.s3, aws.bucket, presigner=aws.s3),
    ).relay([record, record])


def test_usage_counts_objects_and_bytes_once(client: httpx2.Client, aws: Aws) -> None:
    for owner in ("local-me", f"key-{API_KEY_ID}", "somebody-else"):
        relay(aws, make_object(owner=owner))

    assert client.get("/v1/usage").json() == {
        "objects": 1,
        "bytes": 12,
        "limits": {"objects": None, "bytes": None},
    }


def test_a_new_owner_uses_nothing(client: httpx2.Client) -> None:
    found = client.get("/v1/usage").json()

    assert (found["objects"], found["bytes"]) == (0, 0)

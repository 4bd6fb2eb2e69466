"""Usage, as its owner sees it: what the relay counted."""

import httpx2

from app.domain.objects.stored import StoredObject
from app.domain.usage import usage_of
from tests.conftest import Aws, make_object
from tests.edges.doors import API_KEY_ID
from tests.events import stream_record
from tests.services import relaying_on


def relay(aws: Aws, stored: StoredObject) -> None:
    """Relay its creation twice, as the stream may bring it."""
    record = stream_record(None, stored)
    relaying_on(aws).relay([record, record])


def test_usage_counts_objects_and_bytes_once(client: httpx2.Client, aws: Aws) -> None:
    for owner in ("local-me", f"key-{API_KEY_ID}", "somebody-else"):
        relay(aws, make_object(owner=owner))

    assert client.get("/v1/usage").json() == {
        "objects": 1,
        "bytes": usage_of(make_object()).bytes,
        "limits": {"objects": None, "bytes": None},
    }


def test_a_new_owner_uses_nothing(client: httpx2.Client) -> None:
    found = client.get("/v1/usage").json()

    assert (found["objects"], found["bytes"]) == (0, 0)

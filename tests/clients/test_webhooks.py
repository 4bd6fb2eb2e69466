"""A genuine webhook is told from a forged one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook

from tests.clients.service import API
from wharf_client import NotGenuine, Wharf, verify
from wharf_client.cli.listening import subscribe

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # the one of the specification's examples
EVENT = {"id": "o-1:3", "type": "object.ready"}
BODY = json.dumps(EVENT).encode()


def signed(when: datetime) -> dict[str, str]:
    signature = Webhook(SECRET).sign("o-1:3", when, BODY.decode())
    return {
        "Webhook-Id": "o-1:3",
        "Webhook-Timestamp": str(int(when.timestamp())),
        "Webhook-Signature": signature,
    }


def test_a_genuine_webhook_is_its_event() -> None:
    assert dict(verify(SECRET, BODY, signed(datetime.now(UTC)))) == EVENT


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (BODY.replace(b"ready", b"other"), {}),
        (BODY, {"Webhook-Id": "o-2:3"}),
        (BODY, {"Webhook-Signature": "v1,AAAA"}),
        (BODY, {"Webhook-Timestamp": "soon"}),
        (b"\xff", {}),
    ],
)
def test_what_was_changed_is_not_genuine(body: bytes, changes: dict[str, str]) -> None:
    with pytest.raises(NotGenuine):
        verify(SECRET, body, signed(datetime.now(UTC)) | changes)


def test_neither_is_an_old_one_nor_one_without_a_signature() -> None:
    with pytest.raises(NotGenuine):
        verify(SECRET, BODY, signed(datetime.now(UTC) - timedelta(minutes=6)))
    with pytest.raises(NotGenuine):
        verify(SECRET, BODY, {})


def test_a_listener_switches_its_webhook_off_and_on_so_that_it_is_tried_at_once() -> None:
    """One that was killed left its webhook on and failing, and the next attempt may be hours away."""
    changes: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "PATCH":
            changes.append(json.loads(request.content))
        return httpx2.Response(200, json={"id": "w-1", "secret": SECRET})

    with Wharf(API, transport=httpx2.MockTransport(answer)) as client:
        found = subscribe(client, "http://127.0.0.1:9000/", ["object.ready"])

    assert found["secret"] == SECRET
    assert changes == [{"enabled": False}, {"enabled": True, "types": ["object.ready"]}]

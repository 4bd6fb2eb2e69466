"""The trace that a request came with goes on with what it does; without one nothing is made up."""

from typing import Any

import httpx2
import pytest

from app.domain.causes import Trace
from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from tests.conftest import Aws
from tests.edges.stored import Stored, behind
from tests.services import add_to_history

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
OTHER = "67891233abcdef012345678912345678"
XRAY = f"Root=1-{OTHER[:8]}-{OTHER[8:]};Parent=463ac35c9f6413ad;Sampled=1"
RECORD = {"kind": "record", "name": "order 42"}


@pytest.fixture
def stored(client: httpx2.Client, aws: Aws) -> Stored:
    return behind(client, aws)


def created(client: httpx2.Client, stored: Stored, headers: Any) -> StoredObject:
    answer = client.post("/v1/objects", json=RECORD, headers=headers)
    found = stored.repository.get(stored.owner, answer.json()["id"])
    assert found.cause.correlation_id == answer.headers["Request-Id"]
    return found


def test_a_w3c_trace_goes_into_the_record_its_events_and_its_history(
    client: httpx2.Client, aws: Aws, stored: Stored
) -> None:
    headers = {"traceparent": TRACEPARENT, "tracestate": "congo=t61rcWkgMzE"}
    found = created(client, stored, headers)
    event = event_of(None, found)
    assert event is not None
    add_to_history(aws.adapters().history, event)

    [shown] = client.get(f"/v1/objects/{found.id}/history").json()["items"]

    assert found.cause.trace == Trace(TRACE, PARENT, is_sampled=True, state="congo=t61rcWkgMzE")
    assert (shown["traceparent"], shown["tracestate"]) == (TRACEPARENT, "congo=t61rcWkgMzE")
    assert shown == event.as_cloud_event()


def test_an_xray_trace_goes_into_the_record(client: httpx2.Client, stored: Stored) -> None:
    found = created(client, stored, {"X-Amzn-Trace-Id": XRAY})

    assert found.cause.trace == Trace.from_xray(XRAY)


def test_the_clients_own_trace_goes_before_the_one_that_api_gateway_began(
    client: httpx2.Client, stored: Stored
) -> None:
    found = created(client, stored, {"X-Amzn-Trace-Id": XRAY, "traceparent": TRACEPARENT})

    assert found.cause.fields["trace_id"] == TRACE


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"traceparent": "00-none-of-it-01"},
        {"tracestate": "congo=t61rcWkgMzE"},
        {"X-Amzn-Trace-Id": "Self=1-67891234-12456789abcdef012345678"},
    ],
)
def test_what_names_no_trace_is_ignored_and_its_event_has_none(
    client: httpx2.Client, aws: Aws, stored: Stored, headers: dict[str, str]
) -> None:
    found = created(client, stored, headers)
    event = event_of(None, found)
    assert event is not None
    add_to_history(aws.adapters().history, event)

    [shown] = client.get(f"/v1/objects/{found.id}/history").json()["items"]

    assert found.cause.trace is None
    assert {"traceparent", "tracestate"}.isdisjoint(shown)


def test_two_parents_are_none(client: httpx2.Client, stored: Stored) -> None:
    """More than one is not valid (W3C Trace Context, section 3.2.1)."""
    other = f"00-{OTHER}-{PARENT}-01"
    found = created(client, stored, [("traceparent", TRACEPARENT), ("traceparent", other)])

    assert found.cause.trace is None

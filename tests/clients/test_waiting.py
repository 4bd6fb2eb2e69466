"""A client is told when an object is done, whether the service waits or not, and follows the feed."""

from typing import Any

import httpx2
import pytest

from tests.clients.conftest import Clock
from tests.clients.service import API, Service
from wharf_client import ObjectNotReady, TimedOut, Wharf

OBJECT = {"id": "o-1", "payload": None, "result": None, "problem": None}
WAITS = {"Preference-Applied": "wait=20"}


def at(version: int, status: str, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(200, json={**OBJECT, "version": version, "status": status}, headers=named)


def test_it_waits_at_the_service_for_the_next_version(client: Any, service: Service, clock: Clock) -> None:
    same = httpx2.Response(304, headers=WAITS)
    service.reads = [at(1, "pending"), same, at(2, "processing", **WAITS), at(3, "ready", **WAITS)]

    assert client.wait("o-1")["version"] == 3
    asked = [request.headers.get("If-None-Match") for request in service.requests]
    assert asked == [None, '"1"', '"1"', '"2"']
    assert {request.headers.get("Prefer") for request in service.requests[1:]} == {"wait=20"}
    assert clock.slept == []


def test_it_asks_again_when_the_service_says_so(client: Any, service: Service, clock: Clock) -> None:
    service.reads = [at(1, "pending"), httpx2.Response(304, headers={"Retry-After": "5"}), at(3, "ready")]

    client.wait("o-1")

    assert clock.slept == [5]


@pytest.mark.parametrize("status", ["rejected", "failed", "expired"])
def test_any_other_end_is_an_error_with_the_reason(client: Any, service: Service, status: str) -> None:
    problem = {"code": "invalid_content", "detail": "Row 3 has no end."}
    service.stored = {**OBJECT, "version": 3, "status": status, "problem": problem}

    with pytest.raises(ObjectNotReady, match=f"o-1 is {status}, invalid_content: Row 3 has no end") as ended:
        client.wait("o-1")

    assert ended.value.object["status"] == status


def test_it_waits_no_longer_than_it_may(client: Any, service: Service) -> None:
    service.stored = {**OBJECT, "version": 1, "status": "pending"}

    with pytest.raises(TimedOut, match="still pending after 0 seconds"):
        client.wait("o-1", timeout=0)


def pages(*pages: tuple[list[str], str, bool]) -> httpx2.MockTransport:
    """Serve pages of a feed, and note in each event what was asked."""
    left = list(pages)

    def serve(request: httpx2.Request) -> httpx2.Response:
        ids, next_after, has_more = left.pop(0)
        items = [{"id": one, "asked": str(request.url.query, "ascii")} for one in ids]
        return httpx2.Response(200, json={"items": items, "next_after": next_after, "has_more": has_more})

    return httpx2.MockTransport(serve)


def test_the_feed_goes_on_page_by_page() -> None:
    transport = pages((["a", "b"], "1", True), ([], "2", True), (["c"], "3", False))
    feed = Wharf(API, transport=transport).events(types=["object.ready"], follow=False)
    events: list[Any] = list(feed)

    assert [event["id"] for event in events] == ["a", "b", "c"]
    assert [event["asked"] for event in events[1:]] == ["types=object.ready", "after=2&types=object.ready"]
    assert feed.after == "3"


def test_the_place_moves_after_the_events_before_it_were_handled() -> None:
    feed = Wharf(API, transport=pages((["a", "b"], "1", True), (["c"], "2", True))).events(after="0")
    places = []
    for event in feed:
        places.append((event["id"], feed.after))
        if event["id"] == "c":
            break

    assert places == [("a", "0"), ("b", "0"), ("c", "1")]


def test_a_feed_that_does_not_wait_is_not_asked_all_the_time(clock: Clock) -> None:
    transport = pages(([], "1", False), ([], "1", False), (["a"], "2", False))
    feed = Wharf(API, transport=transport, sleep=clock.sleep).events(after="latest")
    event: Any = next(iter(feed))

    assert "after=1" in event["asked"]
    assert "wait=20" in event["asked"]
    assert clock.slept == [2]

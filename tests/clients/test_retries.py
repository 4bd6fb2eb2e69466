"""A request is repeated while that may help, as the service asks, and never with another key."""

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest

from tests.clients.conftest import Clock
from tests.clients.service import Fault, Service, problem
from wharf_client import Conflict, Forbidden, NotFound, Refused, Unavailable
from wharf_client.retries import Retries, pause_after, retry_after
from wharf_client.sending import reason
from wharf_client.steps import Answer, Broken

RETRIES = Retries()


def busy(**headers: str) -> Answer:
    return Answer(503, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


@pytest.mark.parametrize("attempt", range(1, RETRIES.attempts))
def test_pauses_grow_up_to_the_longest(attempt: int) -> None:
    longest = min(RETRIES.first_seconds * 2 ** (attempt - 1), RETRIES.longest_seconds)
    pauses = {pause_after(Broken("reset"), attempt, RETRIES) for _ in range(50)}

    assert all(pause is not None and longest / 2 <= pause <= longest for pause in pauses)
    assert len(pauses) > 1


def test_there_is_a_last_attempt() -> None:
    assert pause_after(Broken("reset"), RETRIES.attempts, RETRIES) is None


def test_the_pause_is_as_long_as_the_service_asks_within_reason() -> None:
    assert pause_after(busy(retry_after="7"), 1, RETRIES) == 7
    assert pause_after(busy(retry_after="3600"), 1, RETRIES) is None


@pytest.mark.parametrize("status", [200, 304, 400, 403, 404, 409, 412, 422])
def test_what_another_attempt_cannot_change_is_not_repeated(status: int) -> None:
    assert pause_after(Answer(status, {}, b""), 1, RETRIES) is None


def test_retry_after_is_a_number_or_a_date() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=60)

    assert retry_after({"retry-after": "120"}) == 120
    assert 50 < (retry_after({"retry-after": format_datetime(soon, usegmt=True)}) or 0) <= 60
    assert retry_after({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_a_create_is_repeated_with_its_key(client: Any, service: Service, clock: Clock) -> None:
    lost: list[Fault] = [
        httpx2.ReadError("reset"),
        problem(503, "unavailable", Retry_After="9"),
        problem(429, "busy"),
    ]
    service.faults["POST", "/v1/objects"] = lost

    created = client.create("dataset", "a.csv", payload={"media_type": "text/csv", "size": 1})

    assert created["id"] == "o-1"
    sent = {request.headers["Idempotency-Key"] for request in service.asked("POST", "/v1/objects")}
    assert len(service.requests) == 4
    assert len(sent) == 1
    assert clock.slept[1] == 9


def test_two_creates_have_two_keys_unless_one_is_given(client: Any, service: Service) -> None:
    for key in (None, None, "mine"):
        client.create("dataset", "a.csv", payload={"size": 1, "media_type": "text/csv"}, idempotency_key=key)

    assert service.keys[2] == "mine"
    assert len(set(service.keys)) == 3


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, Forbidden), (403, Forbidden), (404, NotFound), (409, Conflict), (412, Conflict), (422, Refused)],
)
def test_a_refusal_has_its_class_and_its_problem(
    client: Any, service: Service, status: int, error: type[Refused]
) -> None:
    service.faults["GET", "/v1/objects"] = [problem(status, "some_code")]

    with pytest.raises(error, match=f"{status} some_code: It is some_code") as refused:
        client.read("o-1")

    assert refused.value.code == "some_code"
    assert len(service.requests) == 1


def test_a_service_that_stays_away_is_unavailable(client: Any, service: Service) -> None:
    service.faults["GET", "/v1/objects"] = [httpx2.ConnectError("refused")] * RETRIES.attempts

    with pytest.raises(Unavailable, match="cannot be reached: refused"):
        client.read("o-1")

    assert len(service.requests) == RETRIES.attempts


def test_why_a_service_cannot_be_reached_is_told_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(httpx2.ConnectError) as fault:
        httpx2.get(f"http://127.0.0.1:{port}/", trust_env=False)

    assert reason(fault.value) == "Connection refused"


def test_what_a_gateway_says_is_told(client: Any, service: Service) -> None:
    service.faults["GET", "/v1/objects"] = [httpx2.Response(413, text="Payload Too Large")]

    with pytest.raises(Refused, match="413 unknown: Payload Too Large"):
        client.read("o-1")


def test_another_server_is_noticed(client: Any, service: Service) -> None:
    service.faults["GET", "/v1/objects"] = [httpx2.Response(200, text="<html>")]

    with pytest.raises(Unavailable, match="does not speak JSON"):
        client.read("o-1")


def test_a_redirect_is_not_followed_with_credentials(client: Any, service: Service) -> None:
    elsewhere = httpx2.Response(307, headers={"Location": "http://elsewhere.test/"})
    service.faults["GET", "/v1/objects"] = [elsewhere]

    client.request("GET", "/v1/objects/o-1")

    assert [request.url.host for request in service.requests] == ["wharf.test"]

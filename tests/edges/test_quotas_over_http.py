"""Limits over HTTP: how a refusal looks, and what is told before it."""

from typing import Any

import httpx2
import pytest

from app.api.services import ApiServices
from tests.conftest import Aws, Clock
from tests.edges.stored import URL, behind
from tests.services import services_on

MAX_OBJECTS, MAX_BYTES = 3, 20_000


@pytest.fixture
def services(aws: Aws, clock: Clock) -> ApiServices:
    return services_on(aws, clock=clock, max_objects=MAX_OBJECTS, max_bytes=MAX_BYTES)


def create(client: httpx2.Client, **changes: Any) -> httpx2.Response:
    return client.post("/v1/objects", json={"kind": "record", "name": "order 42"} | changes)


def assert_refused(answer: httpx2.Response, *, used: int, limit: int, unit: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (403, "quota_exceeded")
    assert (problem["used"], problem["limit"], problem["unit"]) == (used, limit, unit)
    assert f"{used} of at most {limit} {unit}" in problem["detail"]


def test_one_object_more_than_the_limit_is_refused(client: httpx2.Client) -> None:
    answers = [create(client) for _ in range(MAX_OBJECTS + 1)]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 403]
    assert_refused(answers[-1], used=3, limit=3, unit="objects")


@pytest.mark.parametrize("form", [{"size": MAX_BYTES}, {"text": "x" * MAX_BYTES}], ids=["declared", "inline"])
def test_a_payload_that_leaves_no_room_for_its_version_is_refused(
    client: httpx2.Client, form: dict[str, Any]
) -> None:
    answer = create(client, kind="file", payload={"media_type": "text/csv", **form})

    assert_refused(answer, used=0, limit=MAX_BYTES, unit="bytes")


def test_a_new_revision_above_the_limit_is_refused(client: httpx2.Client, aws: Aws) -> None:
    behind(client, aws).add("ready")

    asked = client.post(f"{URL}/uploads", json={"media_type": "text/csv", "size": MAX_BYTES})
    put = client.put(f"{URL}/payload", content=b"x" * MAX_BYTES, headers={"Content-Type": "text/csv"})

    for answer in (asked, put):
        assert_refused(answer, used=0, limit=MAX_BYTES, unit="bytes")


def test_invalid_input_is_told_first(client: httpx2.Client, aws: Aws) -> None:
    behind(client, aws).add("ready")
    while create(client).status_code == 201:
        pass

    assert create(client, name="").status_code == 422
    assert client.post(f"{URL}/uploads", json={"media_type": "text/csv", "size": -1}).status_code == 422


def test_usage_shows_the_limits(client: httpx2.Client) -> None:
    assert client.get("/v1/usage").json()["limits"] == {"objects": MAX_OBJECTS, "bytes": MAX_BYTES}

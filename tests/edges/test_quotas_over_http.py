"""Limits, as an owner meets them: all that fits is taken, one more is refused, nothing is left behind."""

from typing import Any

import httpx2
import pytest

from app.api.services import ApiServices
from app.domain.objects import StoredObject
from app.domain.values import PayloadKey
from app.services.quotas import QUOTA_SECONDS
from app.storage.items import to_item
from tests.conftest import Aws, Clock
from tests.edges.stored import URL, Stored, behind
from tests.faults import answering, fail, throttling
from tests.services import relaying_on, services_on
from tests.statuses import CSV

MAX_OBJECTS, MAX_BYTES = 3, 100
AS_CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def services(aws: Aws, clock: Clock) -> ApiServices:
    return services_on(aws, clock=clock, max_objects=MAX_OBJECTS, max_bytes=MAX_BYTES)


@pytest.fixture
def stored(client: httpx2.Client, aws: Aws) -> Stored:
    return behind(client, aws)


def create(client: httpx2.Client, key: str | None = None, **changes: Any) -> httpx2.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"kind": "record", "name": "order 42"} | changes
    return client.post("/v1/objects", json=body, headers=headers)


def declare(client: httpx2.Client, size: int, key: str | None = None) -> httpx2.Response:
    return create(client, key, kind="file", payload={"media_type": "text/csv", "size": size})


def inline(client: httpx2.Client, size: int, key: str | None = None) -> httpx2.Response:
    return create(client, key, kind="file", payload={"media_type": "text/csv", "text": "x" * size})


def ask_for_upload(client: httpx2.Client, size: int, url: str = URL) -> httpx2.Response:
    return client.post(f"{url}/uploads", json={"media_type": "text/csv", "size": size})


def put(client: httpx2.Client, content: bytes) -> httpx2.Response:
    return client.put(f"{URL}/payload", content=content, headers=AS_CSV)


def fill(client: httpx2.Client) -> None:
    """Take every object and every byte that is left of the limits."""
    while create(client).status_code == 201:
        pass


def relay(aws: Aws, before: StoredObject | None, after: StoredObject) -> None:
    change: dict[str, Any] = {"Keys": {"sk": {"S": "object"}}, "NewImage": to_item(after)}
    if before is not None:
        change["OldImage"] = to_item(before)
    relaying_on(aws).relay([{"dynamodb": {**change, "SequenceNumber": "1"}}])


def assert_refused(answer: httpx2.Response, *, used: int, limit: int, unit: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (403, "quota_exceeded")
    assert (problem["used"], problem["limit"], problem["unit"]) == (used, limit, unit)
    assert f"{used} of at most {limit} {unit}" in problem["detail"]


def test_up_to_the_limit_objects_are_taken_and_one_more_is_refused(client: httpx2.Client) -> None:
    answers = [create(client) for _ in range(MAX_OBJECTS + 1)]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 403]
    assert_refused(answers[-1], used=3, limit=3, unit="objects")


@pytest.mark.parametrize("form", [declare, inline])
def test_up_to_the_limit_bytes_are_taken_and_one_more_is_refused(client: httpx2.Client, form: Any) -> None:
    assert form(client, 60).status_code == 201
    assert_refused(form(client, 41), used=60, limit=100, unit="bytes")
    assert form(client, 40).status_code == 201
    assert_refused(form(client, 1), used=100, limit=100, unit="bytes")

    assert form(client, 0).status_code == 201


@pytest.mark.parametrize("form", [declare, inline])
def test_a_refused_create_leaves_nothing_behind(client: httpx2.Client, aws: Aws, form: Any) -> None:
    refused = form(client, MAX_BYTES + 1, key="big")

    assert_refused(refused, used=0, limit=100, unit="bytes")
    assert aws.dynamodb.scan(TableName=aws.table)["Count"] == 0
    assert aws.s3.list_objects_v2(Bucket=aws.bucket)["KeyCount"] == 0
    assert form(client, MAX_BYTES, key="big").status_code == 201


def test_deleting_makes_room_after_a_few_seconds(
    client: httpx2.Client, aws: Aws, clock: Clock, stored: Stored
) -> None:
    first = stored.add_record()
    relay(aws, None, first)
    fill(client)
    assert client.delete(URL).status_code == 204
    relay(aws, first, stored.now())
    assert create(client).status_code == 403

    clock.move(seconds=QUOTA_SECONDS)

    assert create(client).status_code == 201


def test_a_retry_gets_what_it_created_before_also_above_the_limit(client: httpx2.Client) -> None:
    created = create(client, "order-42")
    fill(client)

    replayed = create(client, "order-42")

    assert replayed.status_code == 201
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert replayed.json()["id"] == created.json()["id"]
    assert create(client, "order-43").status_code == 403


def test_retries_take_nothing_of_what_is_left(client: httpx2.Client) -> None:
    for _ in range(2 * MAX_OBJECTS):
        assert create(client, "order-42").status_code == 201

    assert [create(client).status_code for _ in range(MAX_OBJECTS)] == [201, 201, 403]


def test_a_retry_above_the_limit_brings_back_a_payload_that_was_lost(
    client: httpx2.Client, aws: Aws, stored: Stored
) -> None:
    fail(aws.s3, "PutObject", answering(503))
    assert inline(client, 10, key="order-42").status_code == 503
    fill(client)

    replayed = inline(client, 10, key="order-42")

    assert replayed.status_code == 201
    key = PayloadKey(stored.owner, replayed.json()["id"], 1)
    assert aws.s3.get_object(Bucket=aws.bucket, Key=str(key))["Body"].read() == b"x" * 10


def test_a_retry_above_the_limit_gets_the_upload_that_is_awaited(client: httpx2.Client) -> None:
    declare(client, 10, key="order-42")
    fill(client)

    assert declare(client, 10, key="order-42").json()["upload"] is not None


def test_the_mistakes_of_a_retry_are_told_above_the_limit_too(client: httpx2.Client) -> None:
    deleted = create(client, "order-42").json()["id"]
    create(client, "order-43")
    fill(client)
    client.delete(f"/v1/objects/{deleted}")

    assert create(client, "order-42").json()["code"] == "object_deleted"
    assert create(client, "order-43", name="another").json()["code"] == "idempotency_key_reused"


def test_invalid_input_is_told_first(client: httpx2.Client) -> None:
    fill(client)

    assert create(client, name="").status_code == 422
    assert create(client, kind="record", attributes={"x": "y" * 40_000}).status_code == 422
    assert create(
        client, kind="image", payload={"media_type": "text/csv", "size": MAX_BYTES + 1}
    ).status_code == (422)


def test_a_create_that_failed_has_taken_nothing(client: httpx2.Client, aws: Aws) -> None:
    for _ in range(MAX_OBJECTS):
        fail(aws.dynamodb, "PutItem", throttling())
        assert create(client).status_code == 503

    assert [create(client).status_code for _ in range(4)] == [201, 201, 201, 403]


class TestNewRevisions:
    @pytest.fixture(autouse=True)
    def _ready(self, stored: Stored, aws: Aws) -> None:
        """An object with 12 bytes that are ready, counted by the relay."""
        relay(aws, None, stored.add("ready"))

    def test_up_to_the_limit_they_are_taken_and_one_byte_more_is_refused(self, client: httpx2.Client) -> None:
        assert_refused(ask_for_upload(client, 89), used=12, limit=100, unit="bytes")
        assert_refused(put(client, b"x" * 89), used=12, limit=100, unit="bytes")

        assert ask_for_upload(client, 88).status_code == 201

    def test_a_small_payload_fills_the_limit_exactly(self, client: httpx2.Client) -> None:
        assert put(client, b"x" * 88).status_code == 202

    def test_one_that_is_refused_changes_nothing(
        self, client: httpx2.Client, aws: Aws, stored: Stored
    ) -> None:
        before = stored.now()

        ask_for_upload(client, 89)
        put(client, b"x" * 89)

        assert stored.now() == before
        assert aws.s3.list_objects_v2(Bucket=aws.bucket)["KeyCount"] == 0

    def test_one_that_is_smaller_than_the_awaited_one_is_taken_at_the_limit(
        self, client: httpx2.Client
    ) -> None:
        assert ask_for_upload(client, 88).status_code == 201

        assert ask_for_upload(client, 87).status_code == 201

    def test_the_upload_that_is_awaited_may_be_asked_for_again(self, client: httpx2.Client) -> None:
        first = ask_for_upload(client, 88).json()

        again = ask_for_upload(client, 88)

        assert again.status_code == 201
        assert again.json()["version"] == first["version"]

    def test_invalid_input_is_told_first(self, client: httpx2.Client, stored: Stored) -> None:
        record = stored.add_record(id="11111111-9a0e-4e6f-8a51-2f1c7f1f6a10")
        url = f"/v1/objects/{record.id}"

        assert ask_for_upload(client, -1).status_code == 422
        assert ask_for_upload(client, MAX_BYTES + 1, url).json()["code"] == "no_payload_allowed"


def test_what_takes_nothing_is_not_refused_above_the_limit(
    client: httpx2.Client, aws: Aws, stored: Stored
) -> None:
    ready = stored.add("ready")
    relay(aws, None, ready)
    usage = aws.adapters().usage
    for number in range(2, 5):
        more = stored.add("ready", id=f"{number}" * 8 + ready.id[8:])
        relay(aws, None, more)
    assert usage.read(stored.owner).objects > MAX_OBJECTS
    assert create(client).status_code == 403

    assert client.patch(URL, json={"name": "new"}).status_code == 200
    assert put(client, CSV).status_code == 202
    assert client.post(f"{URL}/reprocess").status_code == 202
    assert client.delete(URL).status_code == 204


def test_usage_shows_the_limits(client: httpx2.Client) -> None:
    assert client.get("/v1/usage").json()["limits"] == {"objects": MAX_OBJECTS, "bytes": MAX_BYTES}

"""Create, read and list objects: the same answers through both doors."""

import json
import re
from base64 import b64encode
from typing import Any
from uuid import UUID

import httpx2
import pytest
from starlette.testclient import TestClient

from app.api.middleware.body_limit import BODY_LIMIT_BYTES, BodyLimitMiddleware
from app.api.middleware.request import RequestMiddleware
from tests.conftest import Aws
from tests.edges.doors import proxy_event

RECORD = {"kind": "record", "name": "order 42", "attributes": {"total": "9.90"}, "labels": {"team": "growth"}}
CSV = {"kind": "dataset", "name": "small.csv", "payload": {"media_type": "text/csv", "text": "a,b\n1,2\n"}}
UPLOAD = {"kind": "dataset", "name": "big.csv", "payload": {"media_type": "text/csv", "size": 73400320}}


def create(client: httpx2.Client, body: Any, **headers: str) -> httpx2.Response:
    return client.post("/v1/objects", json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def test_a_record_is_born_ready(client: httpx2.Client) -> None:
    answer = create(client, RECORD)

    created = answer.json()
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"].endswith(f"/v1/objects/{created['id']}")
    assert UUID(created["id"])
    assert UUID(answer.headers["Request-Id"])
    assert {name: created[name] for name in RECORD} == RECORD
    assert (created["status"], created["version"]) == ("ready", 1)
    assert created["created_at"] == created["updated_at"]
    assert [created[name] for name in ("payload", "result", "incoming", "problem", "upload")] == [None] * 5


def test_what_was_created_can_be_read(client: httpx2.Client) -> None:
    created = create(client, RECORD).json()

    answer = client.get(f"/v1/objects/{created['id']}")

    created.pop("upload")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert answer.json() == created


@pytest.mark.parametrize(
    ("payload", "stored"),
    [
        ({"media_type": "text/csv", "text": "a,b\n1,ü\n"}, "a,b\n1,ü\n".encode()),
        ({"media_type": "text/csv", "base64": b64encode(b"\x1f\x8b\x00").decode()}, b"\x1f\x8b\x00"),
        ({"media_type": "text/csv; charset=utf-8", "text": ""}, b""),
        ({"media_type": "text/csv;", "base64": "YQ=="}, b"a"),
        ({"media_type": "text/csv; charset=koi8-r", "base64": "wQ=="}, b"\xc1"),
    ],
    ids=["text", "base64", "empty", "an empty parameter", "another charset"],
)
def test_an_inline_payload_is_stored_before_the_answer(
    client: httpx2.Client, aws: Aws, payload: dict[str, str], stored: bytes
) -> None:
    created = create(client, CSV | {"payload": payload}).json()

    (key,) = payload_keys(aws)
    assert key.endswith(f"/{created['id']}/1")
    assert aws.s3.get_object(Bucket=aws.bucket, Key=key)["Body"].read() == stored
    assert (created["status"], created["upload"]) == ("pending", None)
    assert created["incoming"]["size"] == len(stored)
    assert created["incoming"]["media_type"] == payload["media_type"]


def test_a_declared_payload_is_answered_with_where_to_upload_it(client: httpx2.Client) -> None:
    created = create(client, UPLOAD).json()

    upload = created["upload"]
    assert upload["method"] == "PUT"
    assert upload["headers"] == {"Content-Type": "text/csv", "If-None-Match": "*"}
    assert upload["expires_at"] == created["incoming"]["expires_at"]
    assert f"/{created['id']}/1?" in upload["url"]
    for signed in ("content-length", "content-type", "if-none-match"):
        assert signed in upload["url"]


def test_a_declared_checksum_is_signed_too(client: httpx2.Client) -> None:
    checksum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    created = create(client, UPLOAD | {"payload": UPLOAD["payload"] | {"sha256": checksum}}).json()  # type: ignore[operator]

    assert created["upload"]["headers"]["x-amz-checksum-sha256"] == (
        "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
    )


def test_the_same_key_and_body_give_the_same_object(client: httpx2.Client, aws: Aws) -> None:
    first = create(client, CSV, Idempotency_Key="order-42")
    second = create(client, CSV, Idempotency_Key='"order-42"')

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(payload_keys(aws)) == 1


def test_the_order_of_fields_does_not_make_another_body(client: httpx2.Client) -> None:
    first = create(client, RECORD, Idempotency_Key="k")
    second = create(client, dict(reversed(RECORD.items())), Idempotency_Key="k")

    assert second.json()["id"] == first.json()["id"]


def test_the_same_key_with_another_body_is_refused(client: httpx2.Client) -> None:
    create(client, RECORD, Idempotency_Key="k")

    answer = create(client, RECORD | {"name": "order 43"}, Idempotency_Key="k")

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["", '""', "k" * 256, "tab\there"])
def test_a_key_that_is_no_key_is_refused(client: httpx2.Client, key: str) -> None:
    answer = create(client, RECORD, Idempotency_Key=key)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")


LARGE = "x" * 257

WRONG_BODIES: list[tuple[Any, set[str]]] = [
    ({}, {"/kind"}),
    ({"name": "n"}, {"/kind"}),
    ({"kind": "ship", "name": "n"}, {"/kind"}),
    ({"kind": 5, "name": "n"}, {"/kind"}),
    ({"kind": "record"}, {"/name"}),
    ({"kind": "record", "name": ""}, {"/name"}),
    ({"kind": "record", "name": LARGE}, {"/name"}),
    ({"kind": "record", "name": "a\u0000b"}, {"/name"}),
    ({"kind": "record", "name": 7, "colour": 1}, {"/name", "/colour"}),
    ({"kind": "record", "name": "n", "labels": {"a": 1, "b:c": "d"}}, {"/labels/a", "/labels/b:c"}),
    ({"kind": "record", "name": "n", "labels": {str(i): "v" for i in range(33)}}, {"/labels"}),
    ({"kind": "record", "name": "n", "attributes": [1]}, {"/attributes"}),
    ({"kind": "record", "name": "n", "attributes": {"a": "x" * 32768}}, {"/attributes"}),
    ({"kind": "record", "name": "n", "payload": CSV["payload"]}, {"/payload"}),
    ({"kind": "dataset", "name": "n"}, {"/payload"}),
    ({"kind": "dataset", "name": "n", "payload": "a,b"}, {"/payload"}),
    ({"kind": "dataset", "name": "n", "payload": {}}, {"/payload/size"}),
    ({"kind": "dataset", "name": "n", "payload": {"media_type": "text/csv", "size": -1}}, {"/payload/size"}),
    ({"kind": "dataset", "name": "n", "payload": {"media_type": "text/csv", "size": "1"}}, {"/payload/size"}),
    (
        {"kind": "dataset", "name": "n", "payload": {"media_type": "image/png", "size": 2**40}},
        {"/payload/media_type", "/payload/size"},
    ),
    (
        {"kind": "dataset", "name": "n", "payload": {"media_type": "text/csv", "text": "a", "size": 1}},
        {"/payload/size"},
    ),
    (
        {"kind": "dataset", "name": "n", "payload": {"media_type": "text/csv", "base64": "*"}},
        {"/payload/base64"},
    ),
    (
        {"kind": "file", "name": "n", "payload": {"media_type": "text/csv; charset=koi8-r", "text": "a"}},
        {"/payload/media_type"},
    ),
    (
        {"kind": "dataset", "name": "n", "payload": {"media_type": "text/csv; charset=koi8-r", "text": "a"}},
        {"/payload/media_type"},
    ),
    (
        {"kind": "file", "name": "n", "payload": {"media_type": "none", "size": 1, "sha256": "AB"}},
        {"/payload/media_type", "/payload/sha256"},
    ),
    ([], {""}),
    ("text", {""}),
]


def test_a_payload_for_a_record_is_refused_in_words(client: httpx2.Client) -> None:
    answer = create(client, RECORD | {"payload": UPLOAD["payload"]})

    expected = {"pointer": "/payload", "detail": "Objects of this kind have no payload"}
    assert (answer.status_code, answer.json()["errors"]) == (422, [expected])


@pytest.mark.parametrize(("body", "pointers"), WRONG_BODIES, ids=[str(body)[:50] for body, _ in WRONG_BODIES])
def test_a_wrong_body_is_refused_field_by_field_and_leaves_nothing(
    client: httpx2.Client, aws: Aws, body: Any, pointers: set[str]
) -> None:
    answer = create(client, body)

    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["code"] == "invalid_input"
    assert {error["pointer"] for error in problem["errors"]} == pointers
    assert problem["request_id"] == answer.headers["Request-Id"]
    assert nothing_is_stored(aws)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b'{"kind":"record","name":"\\ud800"}',
        b'{"kind":"record","name":"n","attributes":{"a":NaN}}',
        b"[" * 100_000,
        b'{"kind":"record","name":"n","attributes":{"a":' + b"1" * 5000 + b"}}",
    ],
    ids=["cut", "not UTF-8", "surrogate", "NaN", "deep", "huge number"],
)
def test_what_is_not_json_is_refused_and_leaves_nothing(
    client: httpx2.Client, aws: Aws, content: bytes
) -> None:
    answer = client.post("/v1/objects", content=content, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert re.fullmatch(
        r"The request body is not valid JSON: .+ at line 1 column \d+\.", answer.json()["detail"]
    )
    assert nothing_is_stored(aws)


@pytest.mark.parametrize(
    ("body", "field"),
    [({"name": "n"}, "kind"), ({"kind": "record"}, "name"), ({"kind": "dataset", "name": "n"}, "payload")],
)
def test_a_field_that_is_missing_is_named(client: httpx2.Client, body: dict[str, Any], field: str) -> None:
    answer = client.post("/v1/objects", json=body)

    assert (answer.status_code, answer.json()["detail"]) == (422, f"`{field}` is required")


def test_a_number_beyond_all_floats_is_refused(client: httpx2.Client, aws: Aws) -> None:
    body = b'{"kind":"record","name":"n","attributes":{"a":[{"b":1e999}]}}'
    answer = client.post("/v1/objects", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/attributes/a/0/b"
    assert nothing_is_stored(aws)


def test_a_body_that_is_not_declared_as_json_is_refused(client: httpx2.Client, aws: Aws) -> None:
    answer = client.post("/v1/objects", content=b"a=b", headers={"Content-Type": "text/plain"})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert nothing_is_stored(aws)


def test_a_body_of_four_mebibytes_is_taken_and_a_byte_more_is_not(client: httpx2.Client, aws: Aws) -> None:
    frame = len(CSV_OF_SIZE % b"")
    limit = 4 * 1024 * 1024
    headers = {"Content-Type": "application/json"}

    over = client.post("/v1/objects", content=CSV_OF_SIZE % (b"x" * (limit + 1 - frame)), headers=headers)
    assert (over.status_code, over.json()["code"]) == (413, "body_too_large")
    assert "upload" in over.json()["detail"]
    assert nothing_is_stored(aws)

    exact = client.post("/v1/objects", content=CSV_OF_SIZE % (b"x" * (limit - frame)), headers=headers)
    assert exact.status_code == 201


def test_a_body_that_is_declared_too_large_reaches_nothing() -> None:
    async def never(*_: Any) -> None:
        raise AssertionError("The route was asked.")

    app = RequestMiddleware(BodyLimitMiddleware(never))

    answer = TestClient(app).post("/v1/objects", content=b"x" * (BODY_LIMIT_BYTES + 1))

    assert answer.status_code == 413


def test_the_largest_request_fits_into_a_lambda_event() -> None:
    """Lambda takes 6 MB (AWS Lambda Developer Guide, "Lambda quotas"); API Gateway sends bodies in base64."""
    headers = {f"X-Header-{number}": "x" * 200 for number in range(40)}
    event = proxy_event(
        "PUT", f"/v1/objects/{'0' * 36}/payload", headers=headers, body=b"x" * BODY_LIMIT_BYTES
    )

    assert len(json.dumps(event).encode()) < 6_000_000


CSV_OF_SIZE = b'{"kind":"dataset","name":"n","payload":{"media_type":"text/csv","text":"%b"}}'


def test_an_unknown_id_is_not_found(client: httpx2.Client) -> None:
    for unknown in ("0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10", "42"):
        answer = client.get(f"/v1/objects/{unknown}")

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_list_is_newest_first_and_pages_to_the_end(client: httpx2.Client) -> None:
    created = [create(client, RECORD | {"name": str(number)}).json()["id"] for number in range(5)]

    listed, cursor = [], None
    while True:
        page = client.get("/v1/objects", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        listed += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert sorted(listed) == sorted(created)
    times = [client.get(f"/v1/objects/{listed_id}").json()["created_at"] for listed_id in listed]
    assert times == sorted(times, reverse=True)


def test_a_list_shows_summaries(client: httpx2.Client) -> None:
    create(client, RECORD)

    (item,) = client.get("/v1/objects").json()["items"]

    assert item["name"] == "order 42"
    assert "attributes" not in item


def test_filters_combine(client: httpx2.Client) -> None:
    create(client, RECORD)
    create(client, RECORD | {"labels": {"team": "growth", "region": "eu:west"}})
    create(client, CSV | {"labels": {"team": "growth"}})

    def found(query: str) -> int:
        return len(client.get(f"/v1/objects?{query}").json()["items"])

    assert found("kind=record") == 2
    assert found("status=pending") == 1
    assert found("label=team:growth") == 3
    assert found("label=team:growth&label=region:eu:west") == 1
    assert found("kind=record&status=ready&label=team:growth") == 2
    assert found("kind=dataset&status=ready") == 0


def test_a_cursor_of_another_list_is_refused(client: httpx2.Client) -> None:
    for number in range(3):
        create(client, RECORD | {"name": str(number)})
    cursor = client.get("/v1/objects?limit=1").json()["next_cursor"]

    for query in (f"kind=record&cursor={cursor}", f"cursor={cursor}x", "cursor=%00", "cursor="):
        answer = client.get(f"/v1/objects?{query}")

        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/query/limit"),
        ("limit=101", "/query/limit"),
        ("limit=x", "/query/limit"),
        ("limit=1_0", "/query/limit"),
        ("status=gone", "/query/status"),
        ("label=team", "/query/label/0"),
        ("label=a:b&label=:x", "/query/label/1"),
    ],
)
def test_a_wrong_query_is_refused(client: httpx2.Client, query: str, pointer: str) -> None:
    answer = client.get(f"/v1/objects?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def payload_keys(aws: Aws) -> list[str]:
    return [found["Key"] for found in aws.s3.list_objects_v2(Bucket=aws.bucket).get("Contents", [])]


def nothing_is_stored(aws: Aws) -> bool:
    return aws.dynamodb.scan(TableName=aws.table)["Count"] == 0 and not payload_keys(aws)

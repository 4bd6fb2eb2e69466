"""Edit, delete, upload again, reprocess: the same answers through both doors."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest
from starlette.testclient import TestClient

from app.api.app import create_app
from app.api.services import ApiServices
from app.config import ApiSettings
from app.domain.objects.values import Revision
from tests.conftest import Aws
from tests.edges.conftest import settings_for, through_lambda
from tests.edges.stored import ID, URL, Stored, behind
from tests.faults import ANY, Fault, answering, fail, not_connecting, throttling
from tests.statuses import CSV, SHA256

LIMIT = 4 * 1024 * 1024
DECLARED = {"media_type": "text/csv", "size": 40}
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
AS_CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def stored(client: httpx2.Client, aws: Aws) -> Stored:
    return behind(client, aws)


def patch(client: httpx2.Client, body: Any, **headers: str) -> httpx2.Response:
    return client.patch(URL, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def put(client: httpx2.Client, body: Any = CSV, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.put(f"{URL}/payload", content=body, headers=AS_CSV | named)


def problem(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["Request-Id"]
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["code"]


def payloads(aws: Aws) -> dict[str, bytes]:
    found = aws.s3.list_objects_v2(Bucket=aws.bucket).get("Contents", [])
    keys = [one["Key"] for one in found]
    return {key: aws.s3.get_object(Bucket=aws.bucket, Key=key)["Body"].read() for key in keys}


@pytest.mark.parametrize("media_type", ["application/merge-patch+json", "application/json; charset=utf-8"])
def test_a_merge_patch_changes_what_it_names(client: httpx2.Client, stored: Stored, media_type: str) -> None:
    stored.add_record(attributes={"total": "9.90", "paid": False})
    body = {"name": "order 43", "attributes": {"paid": None, "tip": {"share": 0.1}}, "labels": {"x": "y"}}

    answer = client.patch(URL, content=json.dumps(body), headers={"Content-Type": media_type})

    changed = answer.json()
    assert (answer.status_code, answer.headers["ETag"], changed["version"]) == (200, '"2"', 2)
    assert changed["name"] == "order 43"
    assert changed["attributes"] == {"total": "9.90", "tip": {"share": 0.1}}
    assert changed["labels"] == {"team": "growth", "x": "y"}
    assert changed["updated_at"] > changed["created_at"]
    assert client.get(URL).json() == changed
    assert stored.now().cause.correlation_id == answer.headers["Request-Id"]


@pytest.mark.parametrize("body", [{}, {"name": "order 42", "labels": {"team": "growth", "x": None}}])
def test_a_patch_that_changes_nothing_keeps_the_version(
    client: httpx2.Client, stored: Stored, body: dict[str, Any]
) -> None:
    record = stored.add_record()

    answer = patch(client, body)

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert stored.now() == record


WRONG_PATCHES: list[tuple[Any, set[str]]] = [
    ({"status": "ready"}, {"/status"}),
    ({"id": ID, "kind": "file", "version": 2}, {"/id", "/kind", "/version"}),
    ({"created_at": "2026-03-01T09:30:00.000Z", "payload": None}, {"/created_at", "/payload"}),
    ({"owner": "local-you", "colour": 1}, {"/owner", "/colour"}),
    ({"name": None}, {"/name"}),
    ({"name": ""}, {"/name"}),
    ({"name": "x" * 257}, {"/name"}),
    ({"name": "a\u0007b"}, {"/name"}),
    ({"name": 7, "labels": 7, "attributes": 7}, {"/name", "/labels", "/attributes"}),
    ({"attributes": ["a"]}, {"/attributes"}),
    ({"attributes": {"a": "x" * 32768}}, {"/attributes"}),
    ({"labels": {"a": 1, "b:c": "d", "": "e"}}, {"/labels/a", "/labels/b:c", "/labels/"}),
    ({"labels": {"x" * 65: None, "b": "y" * 65}}, {"/labels/" + "x" * 65, "/labels/b"}),
    ({"labels": {str(number): "v" for number in range(32)}}, {"/labels"}),
    ([], {""}),
    (None, {""}),
    ("text", {""}),
]


def test_a_wrong_patch_is_refused_field_by_field_and_changes_nothing(
    client: httpx2.Client, stored: Stored
) -> None:
    record = stored.add_record()

    for body, pointers in WRONG_PATCHES:
        answer = client.patch(URL, content=json.dumps(body), headers=MERGE_PATCH)

        assert problem(answer) == (422, "invalid_input"), body
        assert {error["pointer"] for error in answer.json()["errors"]} == pointers

    assert stored.now() == record


def test_a_patch_that_is_not_json_is_refused(client: httpx2.Client, stored: Stored) -> None:
    record = stored.add_record()

    for content in (b"{", b"\xff", b'{"attributes":{"a":NaN}}', b'{"name":"\\ud800"}', b"[" * 100_000):
        answer = client.patch(URL, content=content, headers=MERGE_PATCH)

        assert problem(answer) == (400, "malformed_json"), content[:20]

    assert stored.now() == record


def test_a_number_beyond_all_floats_is_refused(client: httpx2.Client, stored: Stored) -> None:
    record = stored.add_record()

    answer = client.patch(URL, content=b'{"attributes":{"a":[1e999]}}', headers=MERGE_PATCH)

    assert problem(answer) == (422, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == "/attributes/a/0"
    assert stored.now() == record


def test_a_patch_of_another_type_is_refused(client: httpx2.Client, stored: Stored) -> None:
    stored.add_record()

    for media_type in ("text/plain", "application/json-patch+json", ""):
        answer = client.patch(URL, content=b"{}", headers={"Content-Type": media_type})

        assert problem(answer) == (415, "unsupported_media_type"), media_type


def test_a_merge_patch_is_no_create(client: httpx2.Client, aws: Aws) -> None:
    answer = client.post("/v1/objects", content=b'{"kind":"record","name":"n"}', headers=MERGE_PATCH)

    assert problem(answer) == (415, "unsupported_media_type")


def test_others_who_never_stop_writing_are_a_conflict(
    client: httpx2.Client, stored: Stored, aws: Aws
) -> None:
    stored.add_record()
    fail(aws.dynamodb, "PutItem", answering(400, "ConditionalCheckFailedException"), times=20)

    answer = patch(client, {"name": "ours"})

    assert problem(answer) == (409, "concurrent_change")


def test_a_deletion_leaves_nothing_to_be_seen(client: httpx2.Client, stored: Stored) -> None:
    stored.add("ready")

    answer = client.delete(URL)

    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert client.get("/v1/objects").json() == {"items": [], "next_cursor": None}
    assert stored.now().status == "deleted"


def test_a_deletion_can_be_repeated(client: httpx2.Client, stored: Stored) -> None:
    stored.add_record()
    client.delete(URL)
    tombstone = stored.now()

    assert client.delete(URL).status_code == 204
    assert client.delete(URL, headers={"If-Match": '"1"'}).status_code == 204
    assert stored.now() == tombstone


#: Every request about one object.
REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "read": ("GET", "", {}),
    "head": ("HEAD", "", {}),
    "patch": ("PATCH", "", {"json": {"name": "new"}}),
    "uploads": ("POST", "/uploads", {"json": DECLARED}),
    "put payload": ("PUT", "/payload", {"content": b"x", "headers": AS_CSV}),
    "download": ("GET", "/payload", {}),
    "artifact": ("GET", "/artifacts/profile.json", {}),
    "reprocess": ("POST", "/reprocess", {}),
    "history": ("GET", "/history", {}),
    "delete": ("DELETE", "", {}),
}


def send(client: httpx2.Client, request: str, url: str = URL, **headers: str) -> httpx2.Response:
    method, path, options = REQUESTS[request]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request(method, url + path, **options | {"headers": options.get("headers", {}) | named})


def test_a_deleted_object_answers_not_found_to_everything_but_its_deletion(
    client: httpx2.Client, stored: Stored
) -> None:
    tombstone = stored.add("deleted")

    statuses = {name: send(client, name).status_code for name in REQUESTS}

    assert statuses == dict.fromkeys(REQUESTS, 404) | {"delete": 204}
    assert stored.now() == tombstone


def test_an_unknown_object_answers_not_found_to_everything(client: httpx2.Client, aws: Aws) -> None:
    for request_name in REQUESTS:
        for unknown in (str(uuid4()), "42", "%00", "..%2f..", "0" * 5000):
            answer = send(client, request_name, f"/v1/objects/{unknown}")

            assert answer.status_code == 404, (request_name, unknown)

    assert aws.dynamodb.scan(TableName=aws.table)["Count"] == 0


OPEN = {
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/healthz"),
    ("GET", "/problems/not_found"),
}
CLOSED = {
    ("POST", "/v1/objects"),
    ("GET", "/v1/objects"),
    ("GET", "/v1/kinds"),
    ("GET", "/v1/usage"),
    ("GET", "/readyz"),
} | {(method, URL + path) for method, path, _ in REQUESTS.values()}


@pytest.fixture
def nobody(services: ApiServices) -> Iterator[TestClient]:
    """A request without a context of API Gateway, in a deployed mode."""
    with TestClient(
        create_app(services, settings_for("iam")), follow_redirects=False, headers=AS_CSV
    ) as client:
        yield client


def test_nobody_gets_in(nobody: TestClient) -> None:
    json_body = {"Content-Type": "application/json"}

    statuses = {
        (method, path): nobody.request(method, path, headers=json_body, content=b"{}").status_code
        for method, path in CLOSED
    }

    assert statuses == dict.fromkeys(CLOSED, 401)


def test_what_is_open_needs_no_caller(nobody: TestClient) -> None:
    refused = {path for method, path in OPEN if nobody.request(method, path).status_code not in (200, 307)}

    assert refused == set()


def test_nobody_is_asked_for_a_media_type_before_for_a_name(nobody: TestClient) -> None:
    answer = nobody.put(f"{URL}/payload", content=b"x", headers={"Content-Type": "none"})

    assert answer.status_code == 401


def test_a_new_upload_is_answered_with_where_to_send_it(client: httpx2.Client, stored: Stored) -> None:
    stored.add("ready")

    answer = client.post(f"{URL}/uploads", json=DECLARED)

    asked = answer.json()
    upload = asked["upload"]
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"4"')
    assert (asked["status"], asked["version"]) == ("pending", 4)
    assert asked["incoming"] == {
        "revision": 2,
        "media_type": "text/csv",
        "size": 40,
        "sha256": None,
        "expires_at": upload["expires_at"],
    }
    assert asked["payload"]["revision"] == 1
    assert (upload["method"], upload["headers"]) == (
        "PUT",
        {"Content-Type": "text/csv", "If-None-Match": "*"},
    )
    assert urlsplit(upload["url"]).path.endswith(f"/{ID}/2")


def test_to_ask_again_gives_the_same_upload(client: httpx2.Client, stored: Stored) -> None:
    stored.add("ready")
    first = client.post(f"{URL}/uploads", json=DECLARED)

    again = client.post(f"{URL}/uploads", json=DECLARED)
    other = client.post(f"{URL}/uploads", json=DECLARED | {"sha256": SHA256})

    assert (again.status_code, again.headers["ETag"]) == (201, first.headers["ETag"])
    assert again.json()["incoming"] == first.json()["incoming"]
    assert other.json()["incoming"]["revision"] == 3
    assert "x-amz-checksum-sha256" in other.json()["upload"]["headers"]


WRONG_UPLOADS: list[tuple[Any, set[str]]] = [
    ({}, {"/size"}),
    ({"media_type": "none", "size": -1, "sha256": "AB"}, {"/media_type", "/size", "/sha256"}),
    ({"media_type": "image/png", "size": 2**40}, {"/media_type", "/size"}),
    (DECLARED | {"size": "40", "text": "a"}, {"/size", "/text"}),
    (DECLARED | {"size": 10**400}, {"/size"}),
    ([DECLARED], {""}),
]


def test_a_wrong_upload_is_refused_field_by_field(client: httpx2.Client, stored: Stored) -> None:
    ready = stored.add("ready")

    for body, pointers in WRONG_UPLOADS:
        answer = client.post(f"{URL}/uploads", json=body)

        assert problem(answer) == (422, "invalid_input"), body
        assert {error["pointer"] for error in answer.json()["errors"]} == pointers

    assert stored.now() == ready


@pytest.mark.parametrize(
    "declared",
    [
        "application/x-thing; v=1",
        "text/plain;",
        "text/plain;;charset=x",
        r'text/csv; charset = utf-8; note="a, \"b\""; empty=; alone; charset="utf-8"',
    ],
)
def test_a_raw_payload_is_stored_as_it_is(
    client: httpx2.Client, stored: Stored, aws: Aws, declared: str
) -> None:
    thing = stored.add("ready", kind="file")
    body = bytes(range(256))

    answer = put(client, body, Content_Type=declared)

    incoming = answer.json()["incoming"]
    assert (answer.status_code, answer.headers["ETag"], answer.json()["status"]) == (202, '"4"', "pending")
    assert (incoming["revision"], incoming["size"], incoming["expires_at"]) == (2, 256, None)
    assert incoming["media_type"] == declared
    assert payloads(aws) == {f"payloads/{thing.owner}/{ID}/2": body}


def test_a_tab_between_parameters_is_taken_for_a_blank(client: httpx2.Client, stored: Stored) -> None:
    stored.add("ready", kind="file")

    answer = put(client, b"x", Content_Type="text/plain\t;\tcharset=utf-8")

    assert answer.status_code == 202
    assert answer.json()["incoming"]["media_type"] == "text/plain ; charset=utf-8"


def test_the_same_raw_payload_again_changes_nothing(client: httpx2.Client, stored: Stored) -> None:
    thing = stored.add("ready", newest=Revision(1, "text/csv", len(CSV), SHA256, None))

    answer = put(client)

    assert (answer.status_code, answer.headers["ETag"]) == (202, f'"{thing.version}"')
    assert answer.json()["status"] == "ready"
    assert stored.now() == thing


NEW_WORK = ("uploads", "put payload", "reprocess")


def test_what_is_being_processed_takes_nothing_new(client: httpx2.Client, stored: Stored, aws: Aws) -> None:
    thing = stored.add("processing")

    problems = {problem(send(client, name)) for name in NEW_WORK}

    assert problems == {(409, "wrong_state")}
    assert (stored.now(), payloads(aws)) == (thing, {})


def test_a_record_has_no_payload(client: httpx2.Client, stored: Stored) -> None:
    record = stored.add_record()

    problems = {problem(send(client, name)) for name in NEW_WORK}

    assert problems == {(409, "no_payload_allowed")}
    assert stored.now() == record


@pytest.mark.parametrize("headers", [{}, {"Content_Type": ""}, {"Content_Type": "application/octet-stream"}])
def test_a_raw_payload_may_come_without_a_media_type(
    client: httpx2.Client, stored: Stored, headers: dict[str, str]
) -> None:
    stored.add("ready")

    answer = client.put(
        f"{URL}/payload", content=CSV, headers={n.replace("_", "-"): v for n, v in headers.items()}
    )

    assert answer.status_code == 202
    assert answer.json()["incoming"]["media_type"] == "application/octet-stream"


@pytest.mark.parametrize("named", [{}, {"media_type": ""}, {"media_type": "application/octet-stream"}])
def test_an_upload_without_a_media_type_is_sent_as_bytes(
    client: httpx2.Client, stored: Stored, named: dict[str, str]
) -> None:
    stored.add("ready")

    answer = client.post(f"{URL}/uploads", json=named | {"size": 40}).json()

    assert answer["incoming"]["media_type"] == "application/octet-stream"
    assert answer["upload"]["headers"]["Content-Type"] == "application/octet-stream"


MALFORMED_PARAMETERS = (
    'text/csv; charset="utf-8',
    "text/csv; charset=utf-8, x",
    "text/csv; header=absent; header=present",
    'text/csv; charset=utf-8; Charset="latin1"',
    "text/csv; charset utf-8",
    "text/csv; =x",
)


@pytest.mark.parametrize("media_type", MALFORMED_PARAMETERS)
def test_an_upload_is_refused_for_malformed_parameters_of_its_type(
    client: httpx2.Client, stored: Stored, media_type: str
) -> None:
    ready = stored.add("ready")

    answer = client.post(f"{URL}/uploads", json=DECLARED | {"media_type": media_type})

    assert problem(answer) == (422, "invalid_input")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/media_type"]
    assert stored.now() == ready


def test_a_raw_payload_needs_a_media_type_that_is_one(
    client: httpx2.Client, stored: Stored, aws: Aws
) -> None:
    stored.add("ready", kind="file")

    for media_type in (
        "none",
        "text/",
        "text/csv,text/csv",
        "a/" + "b" * 254,
        "text/cs v",
        *MALFORMED_PARAMETERS,
    ):
        answer = put(client, Content_Type=media_type)

        assert problem(answer) == (415, "invalid_media_type"), media_type

    assert payloads(aws) == {}


def test_a_raw_payload_of_a_type_that_the_kind_does_not_take_is_refused(
    client: httpx2.Client, stored: Stored
) -> None:
    ready = stored.add("ready")

    answer = put(client, Content_Type="image/png")

    assert problem(answer) == (422, "invalid_input")
    assert stored.now() == ready


@pytest.mark.parametrize("is_declared", [True, False], ids=["declared length", "undeclared length"])
def test_a_raw_payload_of_four_mebibytes_is_taken_and_a_byte_more_is_not(
    client: httpx2.Client, stored: Stored, aws: Aws, is_declared: bool
) -> None:
    ready = stored.add("ready", kind="file")

    def body(size: int) -> Any:
        return b"x" * size if is_declared else iter([b"x" * (size - 1), b"x"])

    over = put(client, body(LIMIT + 1))
    assert problem(over) == (413, "body_too_large")
    assert "media_type and size" in over.json()["detail"]
    assert (stored.now(), payloads(aws)) == (ready, {})

    assert put(client, body(LIMIT)).status_code == 202
    assert [len(stored_body) for stored_body in payloads(aws).values()] == [LIMIT]


def test_what_is_settled_can_be_processed_again(client: httpx2.Client, stored: Stored) -> None:
    thing = stored.add("rejected")

    answer = client.post(f"{URL}/reprocess")

    again = answer.json()
    assert (answer.status_code, answer.headers["ETag"]) == (202, f'"{thing.version + 1}"')
    assert (again["status"], again["problem"], again["incoming"]["revision"]) == ("pending", None, 1)


EVERY_REQUEST = REQUESTS | {
    "create": ("POST", "/v1/objects", {"json": {"kind": "record", "name": "n"}}),
    "list": ("GET", "/v1/objects", {}),
    "usage": ("GET", "/v1/usage", {}),
    "readiness": ("GET", "/readyz", {}),
}
FAULTS: dict[str, Fault] = {"throttled": throttling(), "away": not_connecting}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_when_dynamodb_is_busy_or_away_every_route_says_when_to_try_again(
    client: httpx2.Client, stored: Stored, aws: Aws, fault: Fault
) -> None:
    ready = stored.add("ready")

    for method, path, options in EVERY_REQUEST.values():
        fail(aws.dynamodb, ANY, fault)
        url = path if path.startswith(("/v1", "/readyz")) else URL + path
        answer = client.request(method, url, **options)

        assert answer.status_code == 503, path
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert method == "HEAD" or answer.json()["code"] == "unavailable"

    assert stored.now() == ready


def test_when_a_write_is_throttled_nothing_is_changed(
    client: httpx2.Client, stored: Stored, aws: Aws
) -> None:
    ready = stored.add("ready")

    for request_name in ("patch", "delete", *NEW_WORK):
        fail(aws.dynamodb, "PutItem", throttling())

        assert problem(send(client, request_name)) == (503, "unavailable")

    assert (stored.now(), payloads(aws)) == (ready, {})


def test_a_bucket_that_is_away_is_not_ready(client: httpx2.Client, aws: Aws) -> None:
    fail(aws.s3, "HeadBucket", not_connecting)

    answer = client.get("/readyz")

    assert problem(answer) == (503, "unavailable")
    assert "bucket" in answer.json()["detail"]


def test_a_service_whose_dependencies_answer_is_ready(client: httpx2.Client) -> None:
    assert client.get("/readyz").json() == {"status": "ok"}


ACCEPTANCE = {
    "*/*": 200,
    "application/*": 200,
    "application/json": 200,
    "Application/JSON; charset=utf-8": 200,
    "text/html, application/json;q=0.1": 200,
    "text/html;q=0, */*;q=0.5": 200,
    "application/json, */*;q=0": 200,
    " , ": 200,
    "text/html": 406,
    "text/*, image/png": 406,
    "application/jsonp": 406,
    "application/json;q=0": 406,
    "application/json;q=0.000": 406,
    "*/*; Q=0.0": 406,
}


def test_what_the_client_accepts_is_respected(client: httpx2.Client, stored: Stored) -> None:
    stored.add_record()

    answers = {accept: client.get(URL, headers={"Accept": accept}) for accept in ACCEPTANCE}

    assert {accept: answer.status_code for accept, answer in answers.items()} == ACCEPTANCE
    assert problem(answers["text/html"]) == (406, "not_acceptable")


@pytest.mark.parametrize("accept", ["application/json;q=0, */*", "application/*;q=0, */*;q=1"])
def test_the_most_specific_range_decides(client: httpx2.Client, stored: Stored, accept: str) -> None:
    """RFC 9110, section 12.5.1."""
    stored.add_record()

    assert client.get(URL, headers={"Accept": accept}).status_code == 406


def test_what_would_not_be_acceptable_is_not_done(client: httpx2.Client, stored: Stored) -> None:
    ready = stored.add("ready")

    for request_name in ("patch", "uploads", "put payload", "reprocess"):
        answer = send(client, request_name, Accept="text/html")

        assert problem(answer) == (406, "not_acceptable")

    assert stored.now() == ready


def test_a_deletion_answers_nothing_that_could_be_unacceptable(client: httpx2.Client, stored: Stored) -> None:
    stored.add("ready")

    assert client.delete(URL, headers={"Accept": "text/html"}).status_code == 204


DOWNLOADS = {
    "*/*": 307,
    "text/csv": 307,
    "text/html, application/xhtml+xml, */*;q=0.8": 307,
    "application/json-seq": 307,
    "application/json;q=0, */*": 307,
    "application/json": 200,
    "Application/JSON": 200,
}


def test_a_download_is_a_redirect_unless_json_is_wanted(client: httpx2.Client, stored: Stored) -> None:
    stored.add("ready")

    answers = {
        accept: client.get(f"{URL}/payload", headers={"Accept": accept}).status_code for accept in DOWNLOADS
    }

    assert answers == DOWNLOADS


def test_api_gateways_own_event_of_a_large_payload_stays_within_lambdas_limit(
    services: ApiServices, aws: Aws
) -> None:
    """The transport refuses events above 6 MB, as Lambda does."""
    settings: ApiSettings = settings_for("api-key")
    with through_lambda(create_app(services, settings)) as client:
        behind(client, aws).add("ready", kind="file")

        assert put(client, b"\xff" * LIMIT).status_code == 202

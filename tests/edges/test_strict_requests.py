"""A request that asks for something that the service does not do is refused, not passed over."""

import gzip
import json

import httpx2
import pytest

from tests.conftest import Aws
from tests.edges.stored import URL, Stored, behind

TEXT = {"Content-Type": "text/csv"}
UPLOAD = {"media_type": "text/csv", "size": 3}


@pytest.fixture
def ready(client: httpx2.Client, aws: Aws) -> Stored:
    stored = behind(client, aws)
    stored.add("ready")
    return stored


def change(client: httpx2.Client, how: str, headers: dict[str, str]) -> httpx2.Response:
    match how:
        case "put":
            return client.put(f"{URL}/payload", content=b"a\n1\n", headers=TEXT | headers)
        case "upload":
            return client.post(f"{URL}/uploads", json=UPLOAD, headers=headers)
        case "reprocess":
            return client.post(f"{URL}/reprocess", headers=headers)
        case "patch":
            return client.patch(URL, json={"name": "new"}, headers=headers)
        case _:
            return client.delete(URL, headers=headers)


CHANGES = ("put", "upload", "reprocess", "patch", "delete")


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_no_change_happens_under_a_condition_that_is_false(
    client: httpx2.Client, ready: Stored, how: str, header: str
) -> None:
    before = ready.now()
    tag = f'"{before.version + 1}"' if header == "If-Match" else f'"{before.version}"'

    answer = change(client, how, {header: tag})

    assert (answer.status_code, answer.json()["code"]) == (412, "version_mismatch")
    assert answer.headers["ETag"] == f'"{before.version}"'
    assert ready.now() == before


@pytest.mark.parametrize("how", CHANGES)
def test_if_none_match_with_a_star_allows_no_change(client: httpx2.Client, ready: Stored, how: str) -> None:
    before = ready.now()

    assert change(client, how, {"If-None-Match": "*"}).status_code == 412
    assert ready.now() == before


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_a_change_happens_under_a_condition_that_is_true(
    client: httpx2.Client, ready: Stored, how: str, header: str
) -> None:
    version = ready.now().version
    tag = f'"{version}"' if header == "If-Match" else f'"{version + 1}"'

    assert change(client, how, {header: tag}).is_success
    assert ready.now().version > version


def test_a_part_of_a_payload_is_refused(client: httpx2.Client, ready: Stored) -> None:
    before = ready.now()

    answer = change(client, "put", {"Content-Range": "bytes 5-9/10"})

    assert (answer.status_code, answer.json()["code"]) == (400, "partial_body")
    assert ready.now() == before


@pytest.mark.parametrize("how", ["put", "upload", "patch"])
@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "none"])
def test_an_encoded_body_is_refused(client: httpx2.Client, ready: Stored, how: str, coding: str) -> None:
    before = ready.now()

    answer = change(client, how, {"Content-Encoding": coding})

    assert (answer.status_code, answer.json()["code"]) == (415, "encoded_body")
    assert answer.headers["Accept-Encoding"] == "identity"
    assert ready.now() == before


def test_a_packed_object_is_told_that_it_is_packed(client: httpx2.Client) -> None:
    body = gzip.compress(b'{"kind":"record","name":"packed"}')
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    assert client.post("/v1/objects", content=body, headers=headers).json()["code"] == "encoded_body"


def test_the_coding_that_changes_nothing_is_allowed(client: httpx2.Client, ready: Stored) -> None:
    assert change(client, "put", {"Content-Encoding": "Identity"}).is_success
    assert ready.now().newest_number == 2


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("?nosuch=1", ["/query/nosuch"]),
        ("?limit=1&limit=2", ["/query/limit"]),
        ("?Limit=1", ["/query/Limit"]),
        ("?a/b=1&kind=record", ["/query/a~1b"]),
        ("?kind=nosuch", ["/query/kind"]),
        ("?kind=", ["/query/kind"]),
    ],
)
def test_parameters_that_mean_nothing_are_refused(
    client: httpx2.Client, query: str, pointers: list[str]
) -> None:
    answer = client.get(f"/v1/objects{query}")

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers


def test_a_list_may_be_repeated(client: httpx2.Client) -> None:
    assert client.get("/v1/objects?label=a:b&label=c:d&kind=file").status_code == 200


@pytest.mark.parametrize("path", [URL, f"{URL}/history", f"{URL}/payload", "/v1/usage", "/v1/kinds"])
def test_every_route_knows_its_parameters(client: httpx2.Client, ready: Stored, path: str) -> None:
    assert client.get(f"{path}?nosuch=1").status_code == 422
    assert ready.now().version


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "record", "name": "two\nlines"},
        {"kind": "record", "name": "x", "labels": {"a:b": "1"}},
        {"kind": "record", "name": "x", "labels": {"a": "1\t"}},
        {"kind": "file", "name": "x", "payload": {"media_type": "none", "text": ""}},
        {"kind": "file", "name": "x", "payload": {"media_type": "a/b", "size": 1, "sha256": "A"}},
    ],
)
def test_a_rule_is_told_in_words(client: httpx2.Client, body: dict[str, object]) -> None:
    answer = client.post("/v1/objects", json=body)

    (error,) = answer.json()["errors"]
    assert answer.status_code == 422
    assert error["detail"].startswith(("Input should", "A label's key should"))
    assert not {"^", "[", "pattern"}.intersection(error["detail"].split())
    assert "\\x" not in error["detail"]


def test_a_request_without_a_body_is_told_so(client: httpx2.Client, ready: Stored) -> None:
    answer = client.patch(URL, content=b"", headers={"Content-Type": "application/merge-patch+json"})

    assert (answer.status_code, answer.json()["detail"]) == (400, "The request has no body.")
    assert ready.now().version


def test_a_byte_order_mark_before_json_is_passed_over(client: httpx2.Client) -> None:
    body = b'\xef\xbb\xbf{"kind":"record","name":"x"}'

    answer = client.post("/v1/objects", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 201


TWICE = "This key stands twice"
TOO_LONG = "This number has more digits than 64 bits of floating point keep: send it as a string"
ALTERED = [
    ('{"a":1,"a":1}', "/attributes/a", TWICE),
    ('{"a":[{"b":{},"c":0,"b":{}}]}', "/attributes/a/0/b", TWICE),
    ('{"a":0.10000000000000001}', "/attributes/a", TOO_LONG),
    ('{"a":[3.14159265358979323846]}', "/attributes/a/0", TOO_LONG),
    ('{"a":9007199254740993.0}', "/attributes/a", TOO_LONG),
    ('{"a":1e-400}', "/attributes/a", TOO_LONG),
]


@pytest.mark.parametrize(("attributes", "pointer", "detail"), ALTERED)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_attributes_that_would_change_are_refused_by_their_place(
    client: httpx2.Client, ready: Stored, method: str, attributes: str, pointer: str, detail: str
) -> None:
    before = ready.now()
    body = f'{{"attributes":{attributes}}}'
    if method == "POST":
        body = f'{{"kind":"record","name":"n",{body[1:]}'

    answer = client.request(
        method,
        "/v1/objects" if method == "POST" else URL,
        content=body,
        headers={"Content-Type": "application/json"},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert answer.json()["errors"] == [{"pointer": pointer, "detail": detail}]
    assert ready.now() == before


def test_attributes_that_survive_are_stored_as_they_are(client: httpx2.Client) -> None:
    attributes = (
        '{"a":0.1,"b":1.5e300,"c":123456789012345678901234567890,"d":[0.30000000000000004],"e":{"a":1}}'
    )

    answer = client.post(
        "/v1/objects",
        content=f'{{"kind":"record","name":"n","attributes":{attributes}}}',
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 201
    assert answer.json()["attributes"] == json.loads(attributes)


def test_any_key_of_a_body_may_stand_only_once(client: httpx2.Client) -> None:
    answer = client.post(
        "/v1/objects",
        content='{"kind":"record","name":"one","name":"two"}',
        headers={"Content-Type": "application/json"},
    )

    assert answer.json()["errors"] == [{"pointer": "/name", "detail": TWICE}]

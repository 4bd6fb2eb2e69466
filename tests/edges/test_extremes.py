"""No parameter and no body ends in a fault of the service, however often, long or deep it is.

Walks the OpenAPI document: every parameter of every operation, and every body. Each run
draws a third of the extremes of each parameter, and of the bodies.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from app.api.dependencies import CURSOR_CHARACTERS, LABEL_CHARACTERS
from app.api.http.preconditions import MOST_TAGS
from app.domain.validation import MOST_LABELS
from tests.conftest import Aws
from tests.edges.described import document_of
from tests.edges.requests import REQUESTS, filled
from tests.edges.stored import DELIVERY, ID, URL, behind
from tests.linked import LINK, TOKEN
from tests.shares import Share

COUNTS = (2, 32, 33, 128, 1_000)
LENGTHS = (1, 64, 65, 129, 130, 257, 258, 4_000, 20_000)
#: The client takes no longer ones.
LONGEST_PATH = 60_000
DEPTHS = (2, 30, 200, 1_000, 20_000, 200_000)
VALID = {
    "kind": "dataset",
    "status": "ready",
    "label": "team:growth",
    "limit": "5",
    "cursor": "AAAAAAAAAAAAAAAA",
    "If-Match": '"3"',
    "If-None-Match": '"4"',
    "Idempotency-Key": "order-42",
    "Prefer": "wait=1",
    "after": "latest",
    "types": "object.ready",
    "wait": "1",
    "object_id": ID,
    "webhook_id": ID,
    "delivery_id": DELIVERY,
    "artifact": "profile.json",
    "link_id": LINK,
    "token": TOKEN,
    "name": "profile.json",
    "code": "not_found",
}
ODD = ("", " ", "0", "-1", "9" * 400, "1e999", "null", "*", "ü", "\x7f", ":", "a:", ",,,", '"', "%00", "[[[[")
DOCUMENT = document_of("local")
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if isinstance(operation, dict) and "operationId" in operation
}


def values_of(name: str, owner: str) -> Iterator[str]:
    valid = owner if name == "owner" else VALID[name]
    yield from ODD
    for length in LENGTHS:
        yield (valid * length)[:length]
        yield "x" * length
        yield "k:" + "9" * length
        yield ",".join([valid] * min(length, 1_000))


def requests_of(operation_id: str, parameter: dict[str, Any], owner: str) -> Iterator[dict[str, Any]]:
    """Yield what to send to an operation, with extremes of one of its parameters."""
    name, place = parameter["name"], parameter["in"]
    path = filled(REQUESTS[operation_id].path)
    valid = owner if name == "owner" else VALID[name]
    for value in values_of(name, owner):
        if place == "query":
            yield {"path": path, "params": [(name, value)]}
        elif place == "header" and value.isascii() and value.isprintable():
            yield {"path": path, "headers": [(name, value)]}
        elif place == "path":
            here = VALID | {name: quote(value, safe="")[:LONGEST_PATH]}
            yield {"path": OPERATIONS[operation_id][1].format_map(here)}
    for count in COUNTS if place != "path" else ():
        several = [(name, f"k{number}:v" if name == "label" else valid) for number in range(count)]
        yield {"path": path, "params" if place == "query" else "headers": several}


@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_no_extreme_of_a_parameter_is_a_fault(
    client: httpx2.Client, aws: Aws, operation_id: str, share: Share
) -> None:
    owner = behind(client, aws).owner
    behind(client, aws).add("ready")
    behind(client, aws).add_webhook()
    behind(client, aws).add_link()
    client.event_hooks["response"].clear()
    sent = REQUESTS[operation_id]
    for parameter in OPERATIONS[operation_id][2].get("parameters", []):
        extremes = list(requests_of(operation_id, parameter, owner))
        assert len(extremes) >= 40
        for extreme in share.of(extremes, len(extremes) // 3):
            path = extreme.pop("path")
            headers = [*sent.headers.items(), *extreme.pop("headers", [])]
            body = {"json": sent.json} if sent.json is not None else {"content": sent.content}
            answer = client.request(sent.method, path, headers=headers, **body, **extreme)

            assert answer.status_code < 500, (operation_id, parameter["name"], str(extreme)[:200])


@cache
def bodies() -> Sequence[bytes]:
    return tuple(_bodies())


def _bodies() -> Iterator[bytes]:
    record = {"kind": "record", "name": "n"}
    for depth in DEPTHS:
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            nested = opening * depth + ("1" if opening != "[" else "") + closing * depth
            yield nested.encode()
            yield f'{{"kind": "record", "name": "n", "attributes": {{"a": {nested}}}}}'.encode()
            yield f'{{"attributes": {{"a": {nested}}}, "labels": {nested}}}'.encode()
    for count in (*COUNTS, 50_000):
        many = {f"k{number}": "v" for number in range(count)}
        yield json.dumps(record | {"labels": many}).encode()
        yield json.dumps({"labels": many}).encode()
        yield json.dumps({"labels": dict.fromkeys(many)}).encode()
        yield json.dumps(record | {"attributes": many}).encode()
        yield json.dumps(many).encode()
        yield json.dumps([record] * count).encode()
    for length in LENGTHS:
        text = "x" * length
        yield json.dumps(
            {"kind": text, "name": text, "labels": {text: text}, "attributes": {text: text}}
        ).encode()
        yield json.dumps({"media_type": text, "size": int("9" * min(length, 4_000)), "sha256": text}).encode()
        payload = {"media_type": text, "text": text, "base64": text, "size": length}
        yield json.dumps({"kind": "dataset", "name": "n", "payload": payload}).encode()
        yield b'{"kind": "record", "name": "n", "attributes": {"a": ' + b"9" * length + b"}}"


def extremes_of_a_field() -> Iterator[Any]:
    for length in LENGTHS:
        text = "x" * length
        yield from (text, {text: text}, [text] * min(length, 300), ["object.ready"] * length)
        yield from (int("9" * min(length, 4_000)), -1 * length, list(range(1, length + 1)))
        yield from (f"https://a.example/{text}", f"https://{'a.' * length}b/", f"2026-01-01T00:00:00.{text}Z")
    yield from (True, 1e308, "\x00", "\ud800", "https://[::1", "https://h:99999/", "https://xn--a/")
    yield from ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59")


def bodies_with_extremes(operation_id: str) -> Iterator[bytes]:
    """Put each extreme into each field of the operation's body, whose other fields are right."""
    valid = REQUESTS[operation_id].json
    for name in fields_of(operation_id):
        for value in extremes_of_a_field():
            yield json.dumps(valid | {name: value}).encode()


def fields_of(operation_id: str) -> Sequence[str]:
    """Return the names of all fields that the body of the operation may have."""
    _, _, operation = OPERATIONS[operation_id]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    named = (one["$ref"].rsplit("/", 1)[-1] for one in body.get("oneOf", [body]))
    schemas = DOCUMENT["components"]["schemas"]
    return sorted({name for schema in named for name in schemas[schema]["properties"]})


@pytest.mark.parametrize(
    "operation_id", [name for name, sent in REQUESTS.items() if isinstance(sent.json, dict)]
)
def test_no_extreme_of_a_body_is_a_fault(
    client: httpx2.Client, aws: Aws, operation_id: str, share: Share
) -> None:
    stored = behind(client, aws)
    stored.add("ready")
    stored.add_webhook()
    client.event_hooks["response"].clear()
    sent = REQUESTS[operation_id]
    contents = (*bodies(), *bodies_with_extremes(operation_id))
    for content in share.of(contents, len(contents) // 3):
        answer = client.request(
            sent.method,
            filled(sent.path),
            content=content,
            headers={"Content-Type": "application/json"},
        )

        assert answer.status_code < 500, content[:200]


def test_the_walk_meets_every_operation() -> None:
    assert set(OPERATIONS) == set(REQUESTS), "Each operation has a request in tests/edges/requests.py."
    repeatable = [
        parameter["schema"]
        for _, _, operation in OPERATIONS.values()
        for parameter in operation.get("parameters", [])
        if parameter["schema"].get("type") == "array"
    ]
    assert repeatable
    # Items without a bound of their own refer to an enumeration of a few words.
    assert all("maxItems" in schema and {"maxLength", "$ref"} & set(schema["items"]) for schema in repeatable)


def test_what_may_be_repeated_has_a_bound(client: httpx2.Client, aws: Aws) -> None:
    behind(client, aws).add("ready")

    def listed(count: int, value: str = "v") -> int:
        filters: Any = [("label", f"k{number}:{value}") for number in range(count)]
        return client.get("/v1/objects", params=filters).status_code

    def read(count: int) -> int:
        return client.get(URL, headers={"If-None-Match": ", ".join(['"9"'] * count)}).status_code

    assert (listed(MOST_LABELS), listed(MOST_LABELS + 1)) == (200, 422)
    assert (listed(1, "v" * (LABEL_CHARACTERS - 3)), listed(1, "v" * (LABEL_CHARACTERS - 2))) == (200, 422)
    assert (read(MOST_TAGS), read(MOST_TAGS + 1)) == (200, 400)
    cursors = ["A" * CURSOR_CHARACTERS, "A" * (CURSOR_CHARACTERS + 1)]
    assert [client.get("/v1/objects", params={"cursor": one}).status_code for one in cursors] == [400, 422]

"""Clients and a worker at random against the service and a model of it: no answer may differ.

SEED draws the examples of a run. `make model` tries many more.
"""

import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from starlette.testclient import TestClient

from app.api.app import create_app
from app.api.services import ApiServices
from app.domain.errors import InvalidPayload, ProblemCode
from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact, Payload, PayloadKey, Result
from app.services.background.completing import Completing
from app.services.objects.uploads import drop_parts
from app.storage.history import HistoryRepository
from app.storage.items import partition_key
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore
from tests.conftest import NOW, Aws, Clock, table_properties
from tests.edges.conftest import settings_for
from tests.edges.model import (
    LARGEST,
    LARGEST_PUT,
    LEASE_LASTS,
    MIB,
    MOST_ATTEMPTS,
    NOT_FOUND,
    Expected,
    Item,
    Model,
    checksum,
    refused,
    text_of,
)
from tests.services import add_to_history, services_on
from tests.shares import Share

settings.register_profile(
    "brief",
    max_examples=12,
    stateful_step_count=40,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("long", settings.get_profile("brief"), max_examples=3000, stateful_step_count=60)
PROFILE = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "brief"))

T = TypeVar("T")

OWNERS = ("ann", "bob")
STATUSES = ("pending", "processing", "ready", "rejected", "failed", "expired")
BYTES = (b"", b"a,b\n1,2\n", b"a,b\n3,4\n", b"\xff\x00")
#: Sent for a payload whose bytes nobody here has.
OTHER_BYTES = b"new"
LARGE = (LARGEST_PUT, LARGEST_PUT + 1, LARGEST["file"], LARGEST["file"] + 1)
#: A payload of two parts, the first of 8 MiB.
TWO_PARTS = bytes(8 * MIB) + b"the end"
REJECTIONS = ("media_type_mismatch", "invalid_content", "limit_exceeded", "processor_crashed")

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
attributes = st.dictionaries(st.sampled_from("abc") | st.text(max_size=3), values, max_size=3)
labels = st.dictionaries(st.sampled_from(["team", "a.b", "größe"]), st.sampled_from(["x", "", "eu:west"]))
names = st.sampled_from(["a", "b", "日本 ☃", 'qu"ote'])
bodies = st.sampled_from(BYTES)
media_types = st.sampled_from(
    [
        *("text/csv", "Text/CSV; charset=utf-8", "application/x-ndjson", "text/csv", "image/png"),
        *("application/csv", "application/vnd.ms-excel", "application/octet-stream", "", ""),
    ]
)


#: A type may be left out, and an empty one be sent.
named_types: st.SearchStrategy[Item] = media_types.map(lambda name: {"media_type": name}) | st.just({})


@st.composite
def declarations(draw: st.DrawFn) -> Item:
    """A payload that is to be uploaded; one in a while is too large."""
    in_parts = draw(st.sampled_from([{}, {}, {"multipart": False}, {"multipart": True}]))
    body = draw(bodies | st.just(TWO_PARTS) if in_parts.get("multipart") else bodies)
    declared: Item = draw(named_types) | {"size": len(body)} | in_parts
    if draw(st.booleans()):
        declared["sha256"] = checksum(body)
    if draw(st.sampled_from([False] * 9 + [True])):
        declared["size"] = draw(st.sampled_from([1024**3, 1024**3 + 1, *LARGE]))
    return declared


@st.composite
def inline_payloads(draw: st.DrawFn) -> Item:
    named, body = draw(named_types), draw(bodies)
    if draw(st.booleans()) and body.isascii():
        return named | {"text": body.decode()}
    return named | {"base64": b64encode(body).decode()}


@st.composite
def creations(draw: st.DrawFn) -> Item:
    kind = draw(st.sampled_from(["record", "dataset", "dataset", "file"]))
    sent: Item = {"kind": kind, "name": draw(names)}
    if draw(st.booleans()):
        sent["labels"] = draw(labels)
    if draw(st.booleans()):
        sent["attributes"] = draw(attributes)
    if kind != "record":
        sent["payload"] = draw(inline_payloads() | declarations())
    return sent


patches = st.fixed_dictionaries(
    {},
    optional={
        "name": names,
        "labels": st.none()
        | st.dictionaries(st.sampled_from(["team", "a.b"]), st.sampled_from(["x", "y", None])),
        "attributes": st.none() | attributes,
    },
)
TOO_MUCH: dict[str, Item] = {
    "labels": {"labels": {str(number): "v" for number in range(33)}},
    "attributes": {"attributes": {"a": "x" * 32768}},
}
WRONG: dict[str, Item] = {
    "no name": {"name": None},
    "empty name": {"name": ""},
    "read-only": {"status": "ready"},
    "read-only beside": {"version": 7, "name": "a"},
    "colon in a label": {"labels": {"a:b": "c"}},
    "label no text": {"labels": {"a": 1}},
    "attributes no object": {"attributes": [1]},
}
IF_MATCH: dict[str, Callable[[int], str | None]] = {
    "none": lambda _: None,
    "any": lambda _: "*",
    "right": lambda version: f'"{version}"',
    "stale": lambda version: f'"{version - 1}"',
    "ahead": lambda version: f'"{version + 1}"',
    "list with it": lambda version: f'"{version - 1}", "x", "{version}"',
    "list without it": lambda version: f'"{version - 1}", "{version + 1}"',
    "weak": lambda version: f'W/"{version}"',
    "not a version": lambda version: f'"{version}x"',
    "with a zero": lambda version: f'"0{version}"',
}
conditions = st.sampled_from(["none", "none", *IF_MATCH])


@dataclass(frozen=True, slots=True)
class Deployment:
    """The service on moto, with a clock that stands still; LIST_SHARDS may be raised while it runs."""

    http: TestClient
    aws: Aws
    clock: Clock

    @property
    def repository(self) -> ObjectRepository:
        return self.aws.adapters().objects

    @property
    def payloads(self) -> PayloadStore:
        return self.aws.adapters().payloads

    @property
    def history(self) -> HistoryRepository:
        return self.aws.adapters().history

    def drop_items(self, owner: str, item_id: str) -> None:
        """Drop the tombstone, and before it what was left of the history, as DynamoDB drops what is due."""
        found = self.aws.dynamodb.query(
            TableName=self.aws.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition_key(owner, item_id)}},
        )
        for item in found["Items"]:
            key = {name: item[name] for name in ("pk", "sk")}
            self.aws.dynamodb.delete_item(TableName=self.aws.table, Key=key)

    def start(self, *, shards: int) -> None:
        started = services_on(self.aws, clock=self.clock, list_shards=shards)
        self.http.app.state.services = started  # type: ignore[attr-defined]

    def empty(self) -> None:
        self.clock.now = NOW
        self.aws.dynamodb.delete_table(TableName=self.aws.table)
        self.aws.dynamodb.create_table(TableName=self.aws.table, **table_properties())
        for key in self.stored():
            self.aws.s3.delete_object(Bucket=self.aws.bucket, Key=key)
        for upload in self.begun():
            named = {name: upload[name] for name in ("Key", "UploadId")}
            self.aws.s3.abort_multipart_upload(Bucket=self.aws.bucket, **named)

    def stored(self) -> dict[str, bytes]:
        found = self.aws.s3.list_objects_v2(Bucket=self.aws.bucket).get("Contents", [])
        return {item["Key"]: self.read(item["Key"]) for item in found}

    def begun(self) -> list[Any]:
        """The uploads in parts that S3 knows."""
        found = self.aws.s3.list_multipart_uploads(Bucket=self.aws.bucket)
        return list(found.get("Uploads", []))

    def read(self, key: str) -> bytes:
        body: bytes = self.aws.s3.get_object(Bucket=self.aws.bucket, Key=key)["Body"].read()
        return body

    def call(self, owner: str, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"X-Owner": owner} | {n: v for n, v in options.pop("headers", {}).items() if v is not None}
        return self.http.request(method, f"/v1/objects{path}", headers=headers, **options)


@pytest.fixture
def deployed(services: ApiServices, aws: Aws, clock: Clock) -> Iterator[Deployment]:
    app = create_app(services, settings_for("local"))
    with TestClient(app, follow_redirects=False) as http:
        deployment = Deployment(http, aws, clock)
        deployment.start(shards=1)
        yield deployment


def with_keys(body: Any, bucket: str) -> Any:
    """Replace presigned URLs by the keys that they lead to: a model cannot foresee their signatures."""
    if isinstance(body, dict) and "url" in body:
        rest = {name: value for name, value in body.items() if name != "url"}
        return rest | {"key": key_in(body["url"], bucket)}
    if isinstance(body, dict) and isinstance(body.get("upload"), dict):
        return body | {"upload": with_keys(body["upload"], bucket)}
    if isinstance(body, dict) and "parts" in body:
        return body | {"parts": [with_keys(part, bucket) for part in body["parts"]]}
    return body


def key_in(url: str, bucket: str) -> str:
    parts = urlsplit(url)
    path = parts.path.removeprefix("/")
    return path if parts.netloc.startswith(f"{bucket}.") else path.removeprefix(f"{bucket}/")


def check(answer: httpx2.Response, expected: Expected, bucket: str = "") -> None:
    shown_headers = ("ETag", "Location", "Idempotency-Replayed")
    headers = {name: answer.headers[name] for name in shown_headers if name in answer.headers}
    if expected.code is not None:
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (expected.status, expected.code), problem
        assert (problem["status"], problem["request_id"]) == (expected.status, answer.headers["Request-Id"])
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert ("errors" in problem) == (expected.code == "invalid_input")
    else:
        assert answer.status_code == expected.status, answer.text
        if expected.body is None:
            assert answer.content == b""
        else:
            assert text_of(with_keys(answer.json(), bucket)) == text_of(expected.body)
    assert headers == expected.headers


class ClientsAndWorker(RuleBasedStateMachine):
    """Two owners' clients, the worker, the sweep and the relay, one at a time."""

    def __init__(self, deployed: Deployment) -> None:
        super().__init__()
        deployed.empty()
        self.deployed = deployed
        self.model = Model(NOW)
        self.shards = 1
        self.sent: list[tuple[str, str | None, Item]] = []
        self.published: dict[str, StoredObject] = {}
        deployed.start(shards=1)

    @initialize()
    def begin_with_some_of_each(self) -> None:
        """Create some of each kind, however few objects the rules create."""
        text = {"media_type": "text/csv", "text": "a,b\n1,2\n"}
        declared = {"media_type": "text/csv", "size": 8}
        self._create("ann", "k 1", {"kind": "record", "name": "a", "labels": {"team": "x"}})
        self._create("ann", "k2", {"kind": "dataset", "name": "a", "payload": text})
        self._create("ann", None, {"kind": "dataset", "name": "b", "payload": declared})
        self._create("bob", "k 1", {"kind": "file", "name": "b", "payload": text})
        self._create(
            "bob", None, {"kind": "file", "name": "a", "payload": declared | {"sha256": checksum(BYTES[1])}}
        )
        in_parts = {"size": len(TWO_PARTS), "multipart": True}
        self._create("ann", None, {"kind": "file", "name": "c", "payload": in_parts})

    def teardown(self) -> None:
        """Check that the bucket holds what was sent and nothing else, and what each link opens."""
        for token in self.model.links:
            self._open(token)
        sent = {
            f"payloads/{item['owner']}/{item['id']}/{revision}": body
            for item in self.model.known()
            for revision, body in item["stored"].items()
        }
        assert self.deployed.stored() == sent
        assert sorted(upload["Key"] for upload in self.deployed.begun()) == sorted(
            map(_key, self.model.known_to_s3())
        )

    # Requests of clients

    @rule(
        owner=st.sampled_from(OWNERS), key=st.sampled_from([None, None, "k 1", "k2", "k3"]), body=creations()
    )
    def create(self, owner: str, key: str | None, body: Item) -> None:
        self._create(owner, key, body)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), other_body=st.none() | creations(), other_owner=st.booleans())
    def create_again(self, data: st.DataObject, other_body: Item | None, other_owner: bool) -> None:
        owner, key, body = _pick(data, self.sent)
        asking = _other(owner) if other_owner and data.draw(st.booleans()) else owner
        self._create(asking, key, dict(reversed((other_body or body).items())), quoted=True)

    def _create(self, owner: str, key: str | None, body: Item, *, quoted: bool = False) -> None:
        header = f'"{key}"' if key and quoted else key
        answer = self._call(owner, "POST", "", json=body, headers={"Idempotency-Key": header})
        new_id = answer.json().get("id", "")
        assert "Idempotency-Replayed" in answer.headers or new_id not in self.model.items
        expected = self.model.create(_full(owner), key, body, new_id=new_id, request=_request(answer))
        self._check(answer, expected)
        self.sent.append((owner, key, body))
        self._publish(new_id)

    @rule(data=st.data(), condition=conditions, method=st.sampled_from(["GET", "GET", "HEAD"]))
    def read(self, data: st.DataObject, condition: str, method: str) -> None:
        owner, item_id, version = self._some_object(data)
        header = IF_MATCH[condition](version)
        answer = self._call(owner, method, f"/{item_id}", headers={"If-None-Match": header})
        expected = self.model.read(_full(owner), item_id, header)
        if method == "HEAD":
            assert (answer.status_code, answer.content) == (expected.status, b"")
            assert answer.headers.get("ETag") == expected.headers.get("ETag")
        else:
            self._check(answer, expected)

    @rule(data=st.data(), condition=conditions, patch=patches, is_merge_patch=st.booleans())
    def patch(self, data: st.DataObject, condition: str, patch: Item, is_merge_patch: bool) -> None:
        media_type = "application/merge-patch+json" if is_merge_patch else "application/json"
        self._patch(data, condition, patch, media_type=media_type)

    @rule(data=st.data(), condition=conditions, which=st.sampled_from([*TOO_MUCH, *WRONG]))
    def patch_wrongly(self, data: st.DataObject, condition: str, which: str) -> None:
        self._patch(data, condition, (TOO_MUCH | WRONG)[which], valid=which in TOO_MUCH)

    def _patch(
        self,
        data: st.DataObject,
        condition: str,
        body: Item,
        *,
        valid: bool = True,
        media_type: str = "application/json",
    ) -> None:
        owner, item_id, version = self._some_object(data)
        header = IF_MATCH[condition](version)
        headers = {"If-Match": header, "Content-Type": media_type}
        answer = self._call(owner, "PATCH", f"/{item_id}", json=body, headers=headers)
        expected = self.model.patch(
            _full(owner), item_id, body, header, valid=valid, request=_request(answer)
        )
        self._check(answer, expected)
        self._publish(item_id)

    @precondition(lambda self: len(self.model.items) > 3)
    @rule(data=st.data(), condition=conditions)
    def delete(self, data: st.DataObject, condition: str) -> None:
        owner, item_id, version = self._some_object(data)
        header = IF_MATCH[condition](version)
        answer = self._call(owner, "DELETE", f"/{item_id}", headers={"If-Match": header})
        self._check(answer, self.model.delete(_full(owner), item_id, header))
        self._publish(item_id)

    @rule(data=st.data(), declared=declarations())
    def ask_for_upload(self, data: st.DataObject, declared: Item) -> None:
        self._ask_for_upload(*self._some_object(data)[:2], declared)

    @precondition(lambda self: self.model.known("pending"))
    @rule(data=st.data())
    def ask_for_the_same_upload(self, data: st.DataObject) -> None:
        item = _pick(data, self.model.known("pending"))
        names = ("media_type", "size", "sha256")
        declared = {name: item["newest"][name] for name in names if item["newest"][name] is not None}
        declared["multipart"] = item["parts"] is not None
        self._ask_for_upload(_short(item["owner"]), item["id"], declared)

    def _ask_for_upload(self, owner: str, item_id: str, declared: Item) -> None:
        answer = self._call(owner, "POST", f"/{item_id}/uploads", json=declared)
        expected = self.model.ask_for_upload(_full(owner), item_id, declared, request=_request(answer))
        self._check(answer, expected)
        self._publish(item_id)

    @precondition(lambda self: self._awaited())
    @rule(data=st.data(), body=bodies)
    def upload(self, data: st.DataObject, body: bytes) -> None:
        """Upload to a presigned URL, which takes one payload of the declared size and checksum."""
        item = _pick(data, self._awaited())
        newest = item["newest"]
        body = next(
            b for b in (body, *BYTES, OTHER_BYTES, bytes(newest["size"])) if _may_be_uploaded(b, newest)
        )
        key = _key(item)
        try:
            self.deployed.aws.s3.put_object(
                Bucket=self.deployed.aws.bucket, Key=key, Body=body, IfNoneMatch="*"
            )
        except ClientError:
            is_taken = False
        else:
            is_taken = True
        assert is_taken == self.model.upload(item, body)

    def _awaited(self) -> list[Item]:
        return [
            i
            for i in self.model.known("pending")
            if i["newest"]["expires_at"] and i["newest"]["size"] < 99 and not i["parts"]
        ]

    @rule(data=st.data())
    def look_at_the_upload(self, data: st.DataObject) -> None:
        owner, item_id, _ = self._some_object(data)
        answer = self._call(owner, "GET", f"/{item_id}/upload")
        self._check(answer, self.model.read_upload(_full(owner), item_id))

    @rule(
        data=st.data(), numbers=st.lists(st.sampled_from([1, 1, 1, 2, 2, 3, 10_000]), min_size=1, max_size=3)
    )
    def sign_parts(self, data: st.DataObject, numbers: list[int]) -> None:
        self._sign_parts(*self._some_object(data)[:2], numbers)

    def _sign_parts(self, owner: str, item_id: str, numbers: list[int]) -> None:
        answer = self._call(owner, "POST", f"/{item_id}/upload/parts", json={"numbers": numbers})
        self._check(answer, self.model.sign_parts(_full(owner), item_id, numbers))

    @precondition(lambda self: self._in_parts())
    @rule(data=st.data(), number=st.sampled_from([1, 2]), is_whole=st.sampled_from([True, True, False]))
    def send_a_part(self, data: st.DataObject, number: int, is_whole: bool) -> None:
        """S3 refuses a part of another length than signed. If S3 took it, it would count as missing."""
        item = _pick(data, self._in_parts())
        self._send_part(item, min(number, self.model.part_count(item)), is_whole=is_whole)

    @precondition(lambda self: self._sendable())
    @rule(data=st.data(), is_put_together=st.booleans())
    def upload_every_part(self, data: st.DataObject, is_put_together: bool) -> None:
        """Send every part and complete, so that many uploads get as far as this."""
        item = _pick(data, self._sendable())
        for number in range(1, self.model.part_count(item) + 1):
            self._sign_parts(_short(item["owner"]), item["id"], [number])
            self._send_part(item, number)
        self._complete(_short(item["owner"]), item["id"])
        if is_put_together and item in self.model.completing():
            self._put_together(item)

    def _send_part(self, item: Item, number: int, *, is_whole: bool = True) -> None:
        if item not in self.model.known_to_s3():
            return
        length = self.model.part_length(item, number)
        body = TWO_PARTS[:length] if is_whole or item["parts"]["is_completing"] else b"of another length"
        stored = self.deployed.repository.get(item["owner"], item["id"])
        assert stored.parts_upload is not None
        self.deployed.aws.s3.upload_part(
            Bucket=self.deployed.aws.bucket,
            Key=_key(item),
            UploadId=stored.parts_upload.id,
            PartNumber=number,
            Body=body,
        )
        self.model.send_part(item, number, body)

    def _in_parts(self) -> list[Item]:
        """Return what is awaited in parts that are few enough to be sent."""
        awaited = filter(self.model.awaits_parts, self.model.items.values())
        return [item for item in awaited if self.model.part_count(item) <= 2]

    def _sendable(self) -> list[Item]:
        return [item for item in self._in_parts() if not item["parts"]["is_completing"]]

    @rule(data=st.data())
    def complete_the_upload(self, data: st.DataObject) -> None:
        self._complete(*self._some_object(data)[:2])

    def _complete(self, owner: str, item_id: str) -> None:
        answer = self._call(owner, "POST", f"/{item_id}/upload/complete")
        self._check(answer, self.model.complete(_full(owner), item_id))

    @rule(data=st.data())
    def cancel_the_upload(self, data: st.DataObject) -> None:
        owner, item_id, _ = self._some_object(data)
        answer = self._call(owner, "DELETE", f"/{item_id}/upload")
        problem = self._call(owner, "GET", f"/{item_id}").json().get("problem") or {"detail": ""}
        expected = self.model.cancel(
            _full(owner), item_id, detail=problem["detail"], request=_request(answer)
        )
        self._check(answer, expected)
        self._publish(item_id)

    @rule(data=st.data(), media_type=media_types | st.none(), body=bodies)
    def put_payload(self, data: st.DataObject, media_type: str | None, body: bytes) -> None:
        self._put_payload(*self._some_object(data)[:2], media_type, body)

    @precondition(lambda self: self._with_payload())
    @rule(data=st.data())
    def put_the_same_payload(self, data: st.DataObject) -> None:
        item = _pick(data, self._with_payload())
        newest = item["newest"]
        body = item["stored"].get(newest["revision"]) or next(
            (b for b in BYTES if checksum(b) == newest["sha256"]), OTHER_BYTES
        )
        self._put_payload(_short(item["owner"]), item["id"], newest["media_type"], body)

    def _with_payload(self) -> list[Item]:
        return [item for item in self.model.known(*STATUSES) if item["newest"]]

    def _put_payload(self, owner: str, item_id: str, media_type: str | None, body: bytes) -> None:
        headers = {"Content-Type": media_type}
        answer = self._call(owner, "PUT", f"/{item_id}/payload", content=body, headers=headers)
        expected = self.model.put_payload(
            _full(owner), item_id, media_type or "", body, request=_request(answer)
        )
        self._check(answer, expected)
        self._publish(item_id)

    @rule(data=st.data())
    def reprocess(self, data: st.DataObject) -> None:
        owner, item_id, _ = self._some_object(data)
        answer = self._call(owner, "POST", f"/{item_id}/reprocess")
        self._check(answer, self.model.reprocess(_full(owner), item_id, request=_request(answer)))
        self._publish(item_id)

    @rule(
        data=st.data(),
        artifact=st.sampled_from([None, None, "profile.json", "no.txt"]),
        as_json=st.booleans(),
    )
    def download(self, data: st.DataObject, artifact: str | None, as_json: bool) -> None:
        owner, item_id, _ = self._some_object(data)
        path = "payload" if artifact is None else f"artifacts/{artifact}"
        headers = {"Accept": "application/json" if as_json else "*/*"}
        answer = self._call(owner, "GET", f"/{item_id}/{path}", headers=headers)
        expected = self.model.download(_full(owner), item_id, artifact)
        if expected.code is None and not as_json:
            assert answer.status_code == 307
            assert key_in(answer.headers["Location"], self.deployed.aws.bucket) == expected.body["key"]
        else:
            self._check(answer, expected)
        if expected.code is None and artifact is None:
            item = self.model.items[item_id]
            stored = item["stored"][item["payload"]["revision"]]
            assert self.deployed.read(expected.body["key"]) == stored

    @rule(
        data=st.data(),
        key=st.sampled_from([None, None, "k 1", "k2"]),
        artifact=st.sampled_from([None, None, "profile.json", "no.txt"]),
        lasts=st.sampled_from([30, 900, 2_592_000]),
    )
    def share(self, data: st.DataObject, key: str | None, artifact: str | None, lasts: int) -> None:
        owner, item_id, _ = self._some_object(data)
        sent = {"expires_in": lasts} | ({"artifact": artifact} if artifact else {})
        headers = {"Idempotency-Key": key}
        answer = self._call(owner, "POST", f"/{item_id}/links", json=sent, headers=headers)
        made = answer.json()
        token = urlsplit(made.get("url", "")).path.rpartition("/")[2]
        expected = self.model.share(_full(owner), item_id, key, sent, new_id=made.get("id", ""), token=token)
        if expected.code is None:
            expected.body["key"] = f"l/{expected.body.pop('token')}"
        self._check(answer, expected)

    @rule(data=st.data())
    def look_at_the_links(self, data: st.DataObject) -> None:
        owner, item_id, _ = self._some_object(data)
        answer = self._call(owner, "GET", f"/{item_id}/links")
        self._check(answer, self.model.shared(_full(owner), item_id))

    @precondition(lambda self: self.model.links)
    @rule(data=st.data(), is_anothers=st.sampled_from([False, False, True]))
    def revoke(self, data: st.DataObject, is_anothers: bool) -> None:
        link = _pick(data, list(self.model.links.values()))
        owner = _short(link["item"]["owner"])
        asking = _other(owner) if is_anothers else owner
        item_id, link_id = link["item"]["id"], link["id"]
        answer = self._call(asking, "DELETE", f"/{item_id}/links/{link_id}")
        self._check(answer, self.model.revoke(_full(asking), item_id, link_id))

    @precondition(lambda self: self.model.links)
    @rule(data=st.data(), method=st.sampled_from(["GET", "GET", "HEAD"]))
    def open(self, data: st.DataObject, method: str) -> None:
        """Open a link. Anybody may, however the link ended."""
        self._open(_pick(data, list(self.model.links)), method)

    def _open(self, token: str, method: str = "GET") -> None:
        answer = self.deployed.http.request(method, f"/l/{token}")
        key = self.model.open(token)
        assert answer.status_code == (404 if key is None else 303)
        if key is not None:
            assert key_in(answer.headers["Location"], self.deployed.aws.bucket) == key

    @rule(data=st.data(), limit=st.integers(1, 5))
    def look_back(self, data: st.DataObject, limit: int) -> None:
        owner, item_id, _ = self._some_object(data)
        events = self.model.history(_full(owner), item_id)
        if events is None:
            self._check(self._call(owner, "GET", f"/{item_id}/history"), NOT_FOUND)
        else:
            found = self._found(owner, f"/{item_id}/history", {}, limit)
            assert text_of(found) == text_of(events)

    @rule(
        owner=st.sampled_from(OWNERS),
        kind=st.sampled_from([None, None, "record", "dataset", "file"]),
        status=st.sampled_from([None, None, *STATUSES]),
        wanted=st.lists(st.sampled_from([("team", "x"), ("team", ""), ("größe", "eu:west")]), max_size=2),
        limit=st.integers(1, 6) | st.just(100),
        name=st.sampled_from(["profile.json", "no.txt"]),
    )
    def look_at_the_list(
        self,
        owner: str,
        kind: str | None,
        status: str | None,
        wanted: list[tuple[str, str]],
        limit: int,
        name: str,
    ) -> None:
        filters = {"kind": kind, "status": status, "label": [f"{key}:{value}" for key, value in wanted]}
        listed = self._found(owner, "", {n: v for n, v in filters.items() if v} | {"artifact": name}, limit)
        found = {one["id"]: one.pop("artifact") for one in listed if "artifact" in one}
        assert found.keys() == {one["id"] for one in listed if self._has(one["id"], name)}
        assert all(f"/{name}?" in one["url"] for one in found.values())
        expected = self.model.listed(_full(owner), kind=kind, status=status, labels=wanted)
        assert text_of(listed) == text_of(expected)

    def _has(self, item_id: str, name: str) -> bool:
        result = self.model.items[item_id]["result"]
        return result is not None and name in [made["name"] for made in result["artifacts"]]

    @rule(
        owner=st.sampled_from(OWNERS),
        other=st.sampled_from([{}, {"kind": "record"}, {"status": "ready"}, {"label": "team:x"}]),
    )
    def use_the_cursor_of_another_list(self, owner: str, other: dict[str, str]) -> None:
        cursor = self._call(owner, "GET", "", params={"limit": 1}).json()["next_cursor"]
        if cursor is not None:
            asking = owner if other else _other(owner)
            answer = self._call(asking, "GET", "", params={"cursor": cursor} | other)
            self._check(answer, refused(400, "invalid_cursor"))

    # Work in the background

    @rule(seconds=st.sampled_from([0.001, 1, 30, 60, 300, 899, 900, 1300, 86_400]))
    def time_passes(self, seconds: float) -> None:
        self.deployed.clock.move(seconds=seconds)
        self.model.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.shards < 5)
    @rule()
    def the_operator_raises_list_shards(self) -> None:
        self.shards = 2 if self.shards == 1 else 5
        self.deployed.start(shards=self.shards)

    @precondition(lambda self: self.model.claimable())
    @rule(data=st.data())
    def the_worker_claims(self, data: st.DataObject) -> None:
        self._claim(_pick(data, self.model.claimable()))

    @precondition(lambda self: self.model.known("processing"))
    @rule(data=st.data())
    def the_worker_meets_a_fault_that_passes(self, data: st.DataObject) -> None:
        self._release(_pick(data, self.model.known("processing")))

    @precondition(lambda self: self.model.known("processing"))
    @rule(data=st.data(), rows=st.integers(0, 9), found=st.sampled_from([None, "text/csv"]))
    def the_worker_accepts(self, data: st.DataObject, rows: int, found: str | None) -> None:
        self._accept(_pick(data, self.model.known("processing")), rows, found)

    @precondition(lambda self: self.model.known("processing"))
    @rule(data=st.data(), code=st.sampled_from(REJECTIONS))
    def the_worker_rejects(self, data: st.DataObject, code: str) -> None:
        self._reject(_pick(data, self.model.known("processing")), code)

    @precondition(lambda self: self.model.exhausted())
    @rule(data=st.data())
    def the_worker_gives_up(self, data: st.DataObject) -> None:
        self._give_up(_pick(data, self.model.exhausted()))

    @precondition(lambda self: self.model.claimable())
    @rule(data=st.data(), accepted=st.booleans())
    def the_worker_does_it_all(self, data: st.DataObject, accepted: bool) -> None:
        """Every status comes early, and often."""
        item = _pick(data, self.model.claimable())
        self._claim(item)
        if accepted:
            self._accept(item, 1)
        else:
            self._reject(item, "invalid_content")

    @precondition(lambda self: self.model.claimable())
    @rule(data=st.data())
    def the_worker_tries_in_vain(self, data: st.DataObject) -> None:
        item = _pick(data, self.model.claimable())
        while item["attempts"] < MOST_ATTEMPTS:
            self._claim(item)
            self._release(item)
        self._give_up(item)

    @precondition(lambda self: self.model.overdue())
    @rule(data=st.data())
    def the_sweep_expires(self, data: st.DataObject) -> None:
        item = _pick(data, self.model.overdue())
        read = self.deployed.repository.get(item["owner"], item["id"])
        after = self._act(item, lambda stored: stored.expire(now=self.model.now))
        drop_parts(self.deployed.aws.adapters().parts, read)
        self._end(item, "expired", "upload_expired", after)

    @precondition(lambda self: self.model.completing())
    @rule(data=st.data())
    def the_worker_puts_the_parts_together(self, data: st.DataObject) -> None:
        self._put_together(_pick(data, self.model.completing()))

    def _put_together(self, item: Item) -> None:
        adapters = self.deployed.aws.adapters()
        completing = Completing(adapters.objects, adapters.payloads, adapters.parts)
        completing.complete(PayloadKey(item["owner"], item["id"], item["newest"]["revision"]))
        self.model.put_together(item)

    @precondition(lambda self: self.model.known_to_s3())
    @rule(data=st.data())
    def s3_forgets_the_parts(self, data: st.DataObject) -> None:
        """An emulator does when it starts anew."""
        item = _pick(data, self.model.known_to_s3())
        stored = self.deployed.repository.get(item["owner"], item["id"])
        drop_parts(self.deployed.aws.adapters().parts, stored)
        self.model.forget_parts(item)

    def _claim(self, item: Item) -> None:
        now = self.model.now
        self._act(item, lambda stored: stored.claim(now=now, lease_until=now + LEASE_LASTS))
        self.model.claim(item)
        self._see(item)

    def _release(self, item: Item) -> None:
        self._act(item, lambda stored: stored.release(now=self.model.now))
        self.model.release(item)

    def _accept(self, item: Item, rows: int, found: str | None = None) -> None:
        """The content may show another type than the declared one."""
        newest, made = item["newest"], {"rows": rows, "share": rows / 3}
        body = item["stored"][newest["revision"]]
        artifact = {"name": "profile.json", "media_type": "application/json", "size": 2, "sha256": "0" * 64}
        shown = found or newest["media_type"]
        payload = Payload(shown, len(body), checksum(body), newest["revision"])
        result = Result(made, (Artifact("profile.json", "application/json", 2, "0" * 64),))
        self._act(item, lambda stored: stored.accept(payload, result, now=self.model.now))
        self.model.accept(item, shown, made, [artifact])
        self._see(item)

    def _reject(self, item: Item, code: str) -> None:
        wrong = InvalidPayload(ProblemCode(code), "It is wrong.")
        after = self._act(item, lambda stored: stored.reject(wrong, now=self.model.now))
        self._end(item, "rejected", code, after)

    def _give_up(self, item: Item) -> None:
        after = self._act(item, lambda stored: stored.give_up(now=self.model.now))
        self._end(item, "failed", "attempts_exhausted", after)

    def _end(self, item: Item, status: str, code: str, after: StoredObject) -> None:
        """The code is foreseen; how it is put into words is the service's."""
        self.model.fail(item, status, code, after.problem.detail if after.problem else "")
        self._see(item)

    @precondition(lambda self: self._half_written())
    @rule(data=st.data())
    def the_service_died_between_its_two_writes(self, data: st.DataObject) -> None:
        item = _pick(data, self._half_written())
        self.deployed.aws.s3.delete_object(
            Bucket=self.deployed.aws.bucket,
            Key=_key(item),
        )
        self.model.lose_payload(item)

    def _half_written(self) -> list[Item]:
        return [
            item
            for item in self.model.known("pending")
            if item["events"][-1]["type"] in ("object.created", "object.upload_requested")
            and item["newest"]["expires_at"] is None
            and item["newest"]["revision"] in item["stored"]
        ]

    @precondition(lambda self: self.model.known("deleted"))
    @rule(data=st.data())
    def the_tombstone_is_dropped(self, data: st.DataObject) -> None:
        item = _pick(data, self.model.known("deleted"))
        place = (item["owner"], item["id"])
        self.deployed.payloads.purge(*place)
        self.deployed.aws.adapters().links.purge(*place)
        self.deployed.drop_items(*place)
        self.model.forget(item)
        self.published.pop(item["id"], None)

    # Helpers

    def _some_object(self, data: st.DataObject) -> tuple[str, str, int]:
        """Return who asks, for which object, at which version. It may be another owner's, or not exist."""
        items = self.model.known()
        if not items or data.draw(st.sampled_from([False] * 19 + [True])):
            return "ann", str(uuid4()), 1
        item = _pick(data, items)
        owner = _short(item["owner"])
        asking = _other(owner) if data.draw(st.sampled_from([False] * 9 + [True])) else owner
        return asking, item["id"], item["version"]

    def _call(self, owner: str, method: str, path: str, **options: Any) -> httpx2.Response:
        return self.deployed.call(owner, method, path, **options)

    def _check(self, answer: httpx2.Response, expected: Expected) -> None:
        check(answer, expected, self.deployed.aws.bucket)

    def _found(self, owner: str, path: str, filters: Item, limit: int) -> list[Item]:
        asked = pages(lambda **query: self._call(owner, "GET", path, params=query), filters, limit)
        return list(chain.from_iterable(asked))

    def _act(self, item: Item, change: Callable[[StoredObject], StoredObject]) -> StoredObject:
        """Act as the worker does, by one conditional write."""
        read = self.deployed.repository.get(item["owner"], item["id"])
        after = change(read)
        self.deployed.repository.save(after, read=read)
        self._publish(item["id"])
        return after

    def _publish(self, item_id: str) -> None:
        """Write into the history, as the relay does."""
        item = self.model.items.get(item_id)
        if item is None:
            return
        after = self.deployed.repository.get(item["owner"], item_id)
        event = event_of(self.published.get(item_id), after)
        if event is not None:
            add_to_history(self.deployed.history, event)
        self.published[item_id] = after

    def _see(self, item: Item) -> None:
        answer = self._call(_short(item["owner"]), "GET", f"/{item['id']}")
        self._check(answer, self.model.read(item["owner"], item["id"], None))


def pages(ask: Callable[..., httpx2.Response], filters: Item, limit: int) -> Iterator[list[Item]]:
    """Yield pages until there are no more."""
    cursor: dict[str, str] = {}
    while True:
        answer = ask(limit=limit, **filters, **cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        yield page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def _pick(data: st.DataObject, items: Sequence[T]) -> T:
    """Pick by number, so that a failure can be read."""
    return items[data.draw(st.integers(0, len(items) - 1))]


def _key(item: Item) -> str:
    return f"payloads/{item['owner']}/{item['id']}/{item['newest']['revision']}"


def _full(owner: str) -> str:
    return f"local-{owner}"


def _short(owner: str) -> str:
    return owner.removeprefix("local-")


def _other(owner: str) -> str:
    return OWNERS[1 - OWNERS.index(owner)]


def _request(answer: httpx2.Response) -> str:
    return answer.headers["Request-Id"]


def _may_be_uploaded(body: bytes, newest: Item) -> bool:
    return len(body) == newest["size"] and newest["sha256"] in (None, checksum(body))


def test_no_client_sees_anything_but_what_the_model_says(deployed: Deployment, share: Share) -> None:
    def machine() -> ClientsAndWorker:
        return ClientsAndWorker(deployed)

    # Hypothesis reads the seed from whatever makes the machine.
    run_state_machine_as_test(seed(share.seed)(machine), settings=PROFILE)  # type: ignore[arg-type]  # any factory will do

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
from app.domain.objects import StoredObject
from app.domain.values import Artifact, Payload, Result
from app.storage.history import HistoryRepository
from app.storage.items import object_key
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore
from tests.conftest import NOW, Aws, Clock, table_properties
from tests.edges.conftest import settings_for
from tests.edges.model import (
    LEASE_LASTS,
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
    ["text/csv", "Text/CSV; charset=utf-8", "application/x-ndjson", "text/csv", "image/png"]
)


@st.composite
def declarations(draw: st.DrawFn) -> Item:
    """A payload that is to be uploaded; one in a while is too large."""
    body = draw(bodies)
    declared: Item = {"media_type": draw(media_types), "size": len(body)}
    if draw(st.booleans()):
        declared["sha256"] = checksum(body)
    if draw(st.sampled_from([False] * 9 + [True])):
        declared["size"] = draw(st.sampled_from([1024**3, 1024**3 + 1, 5 * 1000**3, 5 * 1000**3 + 1]))
    return declared


@st.composite
def inline_payloads(draw: st.DrawFn) -> Item:
    media_type, body = draw(media_types), draw(bodies)
    if draw(st.booleans()) and body.isascii():
        return {"media_type": media_type, "text": body.decode()}
    return {"media_type": media_type, "base64": b64encode(body).decode()}


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

    def start(self, *, shards: int) -> None:
        started = services_on(self.aws, clock=self.clock, list_shards=shards)
        self.http.app.state.services = started  # type: ignore[attr-defined]

    def empty(self) -> None:
        self.clock.now = NOW
        self.aws.dynamodb.delete_table(TableName=self.aws.table)
        self.aws.dynamodb.create_table(TableName=self.aws.table, **table_properties())
        for key in self.stored():
            self.aws.s3.delete_object(Bucket=self.aws.bucket, Key=key)

    def stored(self) -> dict[str, bytes]:
        found = self.aws.s3.list_objects_v2(Bucket=self.aws.bucket).get("Contents", [])
        return {item["Key"]: self.read(item["Key"]) for item in found}

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
    """Presigned URLs by what they point to: their signatures are not for a model to foresee."""
    if isinstance(body, dict) and "url" in body:
        rest = {name: value for name, value in body.items() if name != "url"}
        return rest | {"key": key_in(body["url"], bucket)}
    if isinstance(body, dict) and isinstance(body.get("upload"), dict):
        return body | {"upload": with_keys(body["upload"], bucket)}
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
        """However few objects the rules create."""
        text = {"media_type": "text/csv", "text": "a,b\n1,2\n"}
        declared = {"media_type": "text/csv", "size": 8}
        self._create("ann", "k 1", {"kind": "record", "name": "a", "labels": {"team": "x"}})
        self._create("ann", "k2", {"kind": "dataset", "name": "a", "payload": text})
        self._create("ann", None, {"kind": "dataset", "name": "b", "payload": declared})
        self._create("bob", "k 1", {"kind": "file", "name": "b", "payload": text})
        self._create(
            "bob", None, {"kind": "file", "name": "a", "payload": declared | {"sha256": checksum(BYTES[1])}}
        )

    def teardown(self) -> None:
        """In the end the bucket holds what was sent, and nothing else."""
        sent = {
            f"payloads/{item['owner']}/{item['id']}/{revision}": body
            for item in self.model.known()
            for revision, body in item["stored"].items()
        }
        assert self.deployed.stored() == sent

    # What clients do

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
        self._ask_for_upload(_short(item["owner"]), item["id"], declared)

    def _ask_for_upload(self, owner: str, item_id: str, declared: Item) -> None:
        answer = self._call(owner, "POST", f"/{item_id}/uploads", json=declared)
        expected = self.model.ask_for_upload(_full(owner), item_id, declared, request=_request(answer))
        self._check(answer, expected)
        self._publish(item_id)

    @precondition(lambda self: self._awaited())
    @rule(data=st.data(), body=bodies)
    def upload(self, data: st.DataObject, body: bytes) -> None:
        """To a presigned URL, which is for so many bytes, once, and for one checksum if declared."""
        item = _pick(data, self._awaited())
        newest = item["newest"]
        body = next(b for b in (body, *BYTES, bytes(newest["size"])) if _may_be_uploaded(b, newest))
        key = f"payloads/{item['owner']}/{item['id']}/{newest['revision']}"
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
            i for i in self.model.known("pending") if i["newest"]["expires_at"] and i["newest"]["size"] < 99
        ]

    @rule(data=st.data(), media_type=media_types, body=bodies)
    def put_payload(self, data: st.DataObject, media_type: str, body: bytes) -> None:
        self._put_payload(*self._some_object(data)[:2], media_type, body)

    @precondition(lambda self: self._with_payload())
    @rule(data=st.data())
    def put_the_same_payload(self, data: st.DataObject) -> None:
        item = _pick(data, self._with_payload())
        newest = item["newest"]
        body = item["stored"].get(newest["revision"]) or next(
            (b for b in BYTES if checksum(b) == newest["sha256"]), b"new"
        )
        self._put_payload(_short(item["owner"]), item["id"], newest["media_type"], body)

    def _with_payload(self) -> list[Item]:
        return [item for item in self.model.known(*STATUSES) if item["newest"]]

    def _put_payload(self, owner: str, item_id: str, media_type: str, body: bytes) -> None:
        headers = {"Content-Type": media_type}
        answer = self._call(owner, "PUT", f"/{item_id}/payload", content=body, headers=headers)
        expected = self.model.put_payload(_full(owner), item_id, media_type, body, request=_request(answer))
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
    )
    def look_at_the_list(
        self, owner: str, kind: str | None, status: str | None, wanted: list[tuple[str, str]], limit: int
    ) -> None:
        filters = {"kind": kind, "status": status, "label": [f"{key}:{value}" for key, value in wanted]}
        listed = self._found(owner, "", {n: v for n, v in filters.items() if v}, limit)
        expected = self.model.listed(_full(owner), kind=kind, status=status, labels=wanted)
        assert text_of(listed) == text_of(expected)

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

    # What happens in the background

    @rule(seconds=st.sampled_from([0.001, 1, 30, 60, 300, 899, 900, 1300]))
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
    @rule(data=st.data(), rows=st.integers(0, 9))
    def the_worker_accepts(self, data: st.DataObject, rows: int) -> None:
        self._accept(_pick(data, self.model.known("processing")), rows)

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
        """So that every status comes early, and often."""
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
        after = self._act(item, lambda stored: stored.expire(now=self.model.now))
        self._end(item, "expired", "upload_expired", after)

    def _claim(self, item: Item) -> None:
        now = self.model.now
        self._act(item, lambda stored: stored.claim(now=now, lease_until=now + LEASE_LASTS))
        self.model.claim(item)
        self._see(item)

    def _release(self, item: Item) -> None:
        self._act(item, lambda stored: stored.release(now=self.model.now))
        self.model.release(item)

    def _accept(self, item: Item, rows: int) -> None:
        newest, made = item["newest"], {"rows": rows, "share": rows / 3}
        body = item["stored"][newest["revision"]]
        artifact = {"name": "profile.json", "media_type": "application/json", "size": 2, "sha256": "0" * 64}
        payload = Payload(newest["media_type"], len(body), checksum(body), newest["revision"])
        result = Result(made, (Artifact("profile.json", "application/json", 2, "0" * 64),))
        self._act(item, lambda stored: stored.accept(payload, result, now=self.model.now))
        self.model.accept(item, made, [artifact])
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
            Key=f"payloads/{item['owner']}/{item['id']}/{item['newest']['revision']}",
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
        self.deployed.history.purge(*place)
        self.deployed.aws.dynamodb.delete_item(TableName=self.deployed.aws.table, Key=object_key(*place))
        self.model.forget(item)
        self.published.pop(item["id"], None)

    # How it is done

    def _some_object(self, data: st.DataObject) -> tuple[str, str, int]:
        """Who asks, for which object, at which version: at times another owner's, or none that is there."""
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
        """As the worker does: one conditional write."""
        read = self.deployed.repository.get(item["owner"], item["id"])
        after = change(read)
        self.deployed.repository.save(after, read=read)
        self._publish(item["id"])
        return after

    def _publish(self, item_id: str) -> None:
        """As the relay does: into the history."""
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
    """Until there are no more."""
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
    """By number, so that a failure can be read."""
    return items[data.draw(st.integers(0, len(items) - 1))]


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

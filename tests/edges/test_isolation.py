"""What belongs to another owner is, to everybody else, as if it were not there.

Every request on an object's id is sent for another owner's object, in each of the
states that differ in what is stored, and for an id that nobody has. Status, body and
headers must be equal, and so must be the calls to AWS, which are what takes time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest

from app.domain.events import event_of
from app.domain.objects import StoredObject
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, Aws
from tests.edges.callers import CALLERS, OTHERS, Somebody, client_of
from tests.edges.described import document_of
from tests.edges.requests import OBJECT, REQUESTS, Sent
from tests.edges.stored import ID
from tests.edges.touched import Touched, seen
from tests.statuses import LEASE_UNTIL, make_in, make_record

MINE = "88888888-9a0e-4e6f-8a51-2f1c7f1f6a10"
UNKNOWN = "99999999-9a0e-4e6f-8a51-2f1c7f1f6a10"
STATES = ("ready", "pending", "deleted")
JSON_LINK = {"Accept": "application/json"}

VARIANTS: dict[str, Sent] = {
    "read, head": Sent(method="HEAD", path=OBJECT),
    "read, known": Sent(method="GET", path=OBJECT, headers={"If-None-Match": '"3"'}),
    "read, any known": Sent(method="GET", path=OBJECT, headers={"If-None-Match": "*"}),
    "patch, nothing": Sent(method="PATCH", path=OBJECT, json={}),
    "patch, wrong": Sent(method="PATCH", path=OBJECT, json={"attributes": {"a": "x" * 40_000}}),
    "patch, its version": replace(REQUESTS["updateObject"], headers={"If-Match": '"3"'}),
    "patch, any version": replace(REQUESTS["updateObject"], headers={"If-Match": "*"}),
    "delete, its version": replace(REQUESTS["deleteObject"], headers={"If-Match": '"3"'}),
    "delete, another version": replace(REQUESTS["deleteObject"], headers={"If-Match": '"7"'}),
    "uploads, the awaited one": Sent(
        method="POST", path=f"{OBJECT}/uploads", json={"media_type": "text/csv", "size": 12}
    ),
    "uploads, of a wrong type": Sent(
        method="POST", path=f"{OBJECT}/uploads", json={"media_type": "image/png", "size": 12}
    ),
    "payload, link": Sent(method="GET", path=f"{OBJECT}/payload", headers=JSON_LINK),
    "payload, head": Sent(method="HEAD", path=f"{OBJECT}/payload"),
    "artifact, link": Sent(method="GET", path=f"{OBJECT}/artifacts/profile.json", headers=JSON_LINK),
    "artifact, not there": Sent(method="GET", path=f"{OBJECT}/artifacts/nothing"),
    "history, wrong cursor": Sent(method="GET", path=f"{OBJECT}/history?cursor=x"),
    "history, one": Sent(method="GET", path=f"{OBJECT}/history?limit=1"),
    "method that is none": Sent(method="PUT", path=OBJECT),
}
ON_AN_ID = {name: sent for name, sent in REQUESTS.items() if "{id}" in sent.path} | VARIANTS


@dataclass(frozen=True, slots=True)
class Stage:
    aws: Aws
    client: httpx2.Client
    caller: Somebody
    other: Somebody
    touched: Touched

    @property
    def repository(self) -> ObjectRepository:
        return self.aws.adapters().objects

    def others(self, status: str, **changes: Any) -> StoredObject:
        return self.repository.add(make_in(status, owner=self.other.owner, **changes))

    def outcome(self, sent: Sent, object_id: str) -> tuple[Any, list[str]]:
        self.touched.forget()
        answer = sent.by(self.client, object_id)
        return seen(answer), self.touched.operations()


@pytest.fixture(params=CALLERS)
def stage(request: pytest.FixtureRequest, make_still_app: Any, aws: Aws) -> Iterator[Stage]:
    caller, other = CALLERS[request.param], OTHERS[request.param]
    with client_of(make_still_app(caller.auth_mode), caller) as client:
        yield Stage(aws, client, caller, other, Touched(aws))


def test_every_operation_on_an_id_is_among_the_requests() -> None:
    on_an_id = {
        operation["operationId"]
        for path, item in document_of("local")["paths"].items()
        for operation in item.values()
        if "{object_id}" in path
    }

    assert on_an_id
    assert on_an_id <= set(ON_AN_ID)


def test_anothers_object_is_answered_exactly_as_an_unknown_id(stage: Stage) -> None:
    ids = {status: ID[:-1] + str(number) for number, status in enumerate(STATES)}
    stored = {status: stage.others(status, id=object_id) for status, object_id in ids.items()}
    for name, sent in ON_AN_ID.items():
        unknown = stage.outcome(sent, UNKNOWN)
        for status, object_id in ids.items():
            assert stage.outcome(sent, object_id) == unknown, (name, status)
        assert unknown[0][0] in (404, 405), name

    for status, object_id in ids.items():
        assert stage.repository.get(stage.other.owner, object_id) == stored[status]


def test_the_comparison_finds_an_object_that_is_there(stage: Stage) -> None:
    item = {"pk": {"S": f"{stage.caller.owner}#{ID}"}, "sk": {"S": "object"}}
    for name in ON_AN_ID.keys() & REQUESTS.keys():
        unknown = stage.outcome(REQUESTS[name], UNKNOWN)
        stage.aws.dynamodb.delete_item(TableName=stage.aws.table, Key=item)
        stage.repository.add(make_in("ready", owner=stage.caller.owner))

        assert stage.outcome(REQUESTS[name], ID)[0] != unknown[0], name


def test_an_artifact_is_found_below_its_own_object_alone(stage: Stage) -> None:
    stage.others("ready")
    stage.repository.add(make_record(owner=stage.caller.owner, id=MINE))
    for name in ("profile.json", f"..%2F..%2F{ID}%2F1%2Fprofile.json", f"{stage.other.owner}%2Fprofile.json"):
        sent = Sent(method="GET", path=f"{OBJECT}/artifacts/{name}")

        assert stage.outcome(sent, MINE)[0][0] == 404
        assert stage.outcome(sent, ID) == stage.outcome(sent, UNKNOWN)


def test_anothers_objects_are_in_no_list(stage: Stage) -> None:
    queries = ("", "?status=ready", "?kind=dataset", "?label=team:growth", "?limit=1")
    lists = [Sent(method="GET", path=f"/v1/objects{query}") for query in queries]
    before = [stage.outcome(sent, "") for sent in lists]
    for number, status in enumerate(STATES):
        stage.others(status, id=ID[:-1] + str(number))

    assert [stage.outcome(sent, "") for sent in lists] == before
    assert all(json.loads(body)["items"] == [] for (_, _, body), _ in before)


def test_anothers_usage_is_not_counted(stage: Stage) -> None:
    before = stage.outcome(REQUESTS["readUsage"], "")
    key = {"pk": {"S": f"{stage.other.owner}#usage"}, "sk": {"S": "shard#0"}}
    counters = {"objects": {"N": "3"}, "bytes": {"N": "36"}}
    stage.aws.dynamodb.put_item(TableName=stage.aws.table, Item=key | counters)

    assert stage.outcome(REQUESTS["readUsage"], "") == before


@pytest.fixture(params=CALLERS)
def pair(request: pytest.FixtureRequest) -> tuple[Somebody, Somebody]:
    return CALLERS[request.param], OTHERS[request.param]


Pair = tuple[Somebody, Somebody]


def test_the_same_idempotency_key_of_two_owners_gives_two_objects(make_still_app: Any, pair: Pair) -> None:
    app, answers = make_still_app(pair[0].auth_mode), []
    for somebody in pair:
        with client_of(app, somebody) as client:
            answers.append(REQUESTS["createObject"].by(client))

    assert [answer.status_code for answer in answers] == [201, 201]
    assert not any("Idempotency-Replayed" in answer.headers for answer in answers)
    assert answers[0].json()["id"] != answers[1].json()["id"]


@pytest.mark.parametrize("is_deleted", [False, True])
def test_anothers_key_is_as_good_as_an_unused_one(
    make_still_app: Any, aws: Aws, pair: Pair, is_deleted: bool
) -> None:
    app, create = make_still_app(pair[0].auth_mode), REQUESTS["createObject"]
    with client_of(app, pair[1]) as other:
        created = create.by(other).json()
        if is_deleted:
            other.delete(f"/v1/objects/{created['id']}")
    touched = Touched(aws)
    with client_of(app, pair[0]) as client:
        answer = replace(create, json=create.json | {"name": "mine"}).by(client)

    assert (answer.status_code, answer.json()["name"]) == (201, "mine")
    assert "Idempotency-Replayed" not in answer.headers
    assert touched.operations() == ["PutItem", "PutObject"]


@pytest.mark.parametrize("path", ["/v1/objects", f"/v1/objects/{ID}/history"])
def test_anothers_cursor_is_answered_as_a_damaged_one(
    make_still_app: Any, aws: Aws, pair: Pair, path: str
) -> None:
    """Although both have lists of the same length, and an object of the same id."""
    for somebody in pair:
        fill(aws, somebody)
    app = make_still_app(pair[0].auth_mode)
    with client_of(app, pair[1]) as other:
        cursor = other.get(f"{path}?limit=1").json()["next_cursor"]
    with client_of(app, pair[0]) as client:
        own = client.get(f"{path}?limit=1").json()["next_cursor"]
        touched, outcomes = Touched(aws), []
        for one in (cursor, "x" * len(cursor)):
            touched.forget()
            outcomes.append((seen(client.get(f"{path}?limit=1&cursor={one}")), touched.operations()))

    assert own not in (cursor, None)
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0][0] == 400


def fill(aws: Aws, somebody: Somebody) -> None:
    """Two objects, and two events of the first."""
    repository = aws.adapters().objects
    history = aws.adapters().history
    first = repository.add(make_in("pending", owner=somebody.owner))
    repository.add(make_in("pending", owner=somebody.owner, id=MINE))
    claimed = first.claim(now=NOW, lease_until=LEASE_UNTIL)
    for event in (event_of(None, first), event_of(first, claimed)):
        assert event is not None
        history.add(event)

"""Who may see an owner's things: the owner, an admin who says so, and nobody else.

To everybody else they are as if they were not there. Every request on an object's id is
sent for another owner's object, in each of the states that differ in what is stored, and
for an id that nobody has. Status, body and headers must be equal, and so must be the calls
to AWS, which are what takes time.

The keys of an owner begin alike in every AuthMode, so each door is tried in one mode.
test_caller.py shows how each mode names an owner and an admin.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest

from app.api.caller import Principal, owner_read
from app.config import AuthMode
from app.domain.errors import Forbidden
from app.domain.events import event_of
from app.domain.objects.links import Link
from app.domain.objects.stored import StoredObject
from app.domain.webhooks.webhook import Webhook
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, Aws
from tests.edges.callers import CALLERS, OTHERS, Somebody, client_of, cognito
from tests.edges.described import document_of
from tests.edges.requests import BETWEEN, OBJECT, READS, REQUESTS, WEBHOOK, Sent
from tests.edges.stored import ID, Stored
from tests.edges.touched import Touched, seen
from tests.faults import fail, throttling
from tests.services import add_to_history
from tests.statuses import LEASE_UNTIL, make_in, make_record

MODES: Mapping[str, AuthMode] = {"Lambda's door": "iam", "uvicorn's door": "local"}
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
    "link, to nothing": Sent(method="POST", path=f"{OBJECT}/links", json={"artifact": "nothing"}),
    "link, revoke another": Sent(method="DELETE", path=f"{OBJECT}/links/{UNKNOWN}"),
    "links, head": Sent(method="HEAD", path=f"{OBJECT}/links"),
    "history, wrong cursor": Sent(method="GET", path=f"{OBJECT}/history?cursor=x"),
    "history, one": Sent(method="GET", path=f"{OBJECT}/history?limit=1"),
    "webhook, head": Sent(method="HEAD", path=WEBHOOK),
    "webhook, wrong patch": Sent(method="PATCH", path=WEBHOOK, json={"url": "http://10.0.0.1/"}),
    "webhook, patch of its version": replace(REQUESTS["updateWebhook"], headers={"If-Match": '"1"'}),
    "webhook, delete of its version": replace(REQUESTS["deleteWebhook"], headers={"If-Match": '"1"'}),
    "webhook, delete of another version": replace(REQUESTS["deleteWebhook"], headers={"If-Match": '"7"'}),
    "deliveries, wrong cursor": Sent(method="GET", path=f"{WEBHOOK}/deliveries?cursor=x"),
    "deliveries, delivered": Sent(method="GET", path=f"{WEBHOOK}/deliveries?status=delivered"),
    "replay, of no delivery": Sent(method="POST", path=f"{WEBHOOK}/deliveries/nothing/replay"),
    "replay, counted": Sent(method="POST", path=f"{WEBHOOK}/replay", json=BETWEEN | {"dry_run": True}),
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
        stored = self.repository.add(make_in(status, owner=self.other.owner, **changes))
        if status == "ready":
            self.subscribe(self.other, **changes)
            self.share(self.other, object_id=stored.id)
        return stored

    def subscribe(self, somebody: Somebody, **changes: Any) -> Webhook:
        """Give somebody a webhook with the sample delivery."""
        stored = Stored(self.aws, somebody.owner)
        webhook = stored.add_webhook(**changes)
        stored.add_delivery(webhook_id=webhook.id)
        return webhook

    def share(self, somebody: Somebody, **changes: Any) -> Link:
        """Give the sample object of somebody a link."""
        return Stored(self.aws, somebody.owner).add_link(**changes)

    def outcome(self, sent: Sent, object_id: str) -> tuple[Any, list[str]]:
        self.touched.forget()
        answer = sent.by(self.client, object_id)
        return seen(answer), self.touched.operations()

    def ask(self, sent: Sent, owner: str, object_id: str = ID) -> httpx2.Response:
        """Send the request for what belongs to `owner`."""
        self.touched.forget()
        return with_owner(sent, owner).by(self.client, object_id)


def with_owner(sent: Sent, owner: str) -> Sent:
    joint = "&" if "?" in sent.path else "?"
    return replace(sent, path=f"{sent.path}{joint}owner={owner}")


@pytest.fixture(params=list(MODES.values()), ids=list(MODES))
def stage(request: pytest.FixtureRequest, make_still_app: Any, aws: Aws) -> Iterator[Stage]:
    caller, other = CALLERS[request.param], OTHERS[request.param]
    with client_of(make_still_app(caller.auth_mode), caller) as client:
        yield Stage(aws, client, caller, other, Touched(aws))


def test_every_operation_on_an_id_is_among_the_requests() -> None:
    on_an_id = {
        operation["operationId"]
        for path, item in document_of("local")["paths"].items()
        for operation in item.values()
        if "{object_id}" in path or "{webhook_id}" in path
    }

    assert on_an_id
    assert on_an_id <= set(ON_AN_ID), "Add each to REQUESTS in tests/edges/requests.py."


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
    [webhook] = stage.aws.adapters().webhooks.list(stage.other.owner)
    assert webhook.version == 1


def test_the_comparison_finds_an_object_that_is_there(stage: Stage) -> None:
    item = {"pk": {"S": f"{stage.caller.owner}#{ID}"}, "sk": {"S": "object"}}
    for name in ON_AN_ID.keys() & REQUESTS.keys():
        unknown = stage.outcome(REQUESTS[name], UNKNOWN)
        stage.aws.dynamodb.delete_item(TableName=stage.aws.table, Key=item)
        stage.repository.add(make_in("ready", owner=stage.caller.owner))
        clear(stage.aws)
        stage.subscribe(stage.caller)
        stage.share(stage.caller)

        assert stage.outcome(REQUESTS[name], ID)[0] != unknown[0], name


def clear(aws: Aws) -> None:
    """Remove all webhooks, and what is left of deleted ones."""
    for item in aws.dynamodb.scan(TableName=aws.webhooks_table)["Items"]:
        key = {name: item[name] for name in ("pk", "sk")}
        aws.dynamodb.delete_item(TableName=aws.webhooks_table, Key=key)


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


@pytest.fixture(params=list(MODES.values()), ids=list(MODES))
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
    """Both owners have lists of the same length, and an object of the same id."""
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
        add_to_history(history, event)


AUDIT = "audit.read_across_owners"

#: Admins by AuthMode, with the setting that makes them admins.
ADMINS: dict[str, tuple[Somebody, str]] = {
    "iam": (CALLERS["iam"], f"iam-AIDAELSE, {CALLERS['iam'].owner}"),
    "cognito": (cognito("5f0c2f0e-caller", "users,admin"), ""),
    "local": (CALLERS["local"], CALLERS["local"].owner),
}
NO_ADMINS: dict[str, tuple[Somebody, str]] = {
    "iam": (CALLERS["iam"], OTHERS["iam"].owner),
    "cognito": (CALLERS["cognito"], CALLERS["cognito"].owner),
    "api-key": (CALLERS["api-key"], CALLERS["api-key"].owner),
    "local": (CALLERS["local"], ""),
}


def test_the_rule_alone() -> None:
    anybody, an_admin = Principal("iam-A"), Principal("iam-A", is_admin=True)

    assert [owner_read(anybody, wanted) for wanted in (None, "iam-A")] == ["iam-A"] * 2
    assert [owner_read(an_admin, wanted) for wanted in (None, "iam-A", "iam-B")] == [
        "iam-A",
        "iam-A",
        "iam-B",
    ]
    with pytest.raises(Forbidden):
        owner_read(anybody, "iam-B")


def fill_for_an_admin(aws: Aws, owner: str) -> None:
    repository = aws.adapters().objects
    for object_id in (ID, MINE):
        repository.add(make_in("ready", owner=owner, id=object_id))
    key = {"pk": {"S": f"{owner}#usage"}, "sk": {"S": "shard#0"}}
    counters = {"objects": {"N": "2"}, "bytes": {"N": "24"}}
    aws.dynamodb.put_item(TableName=aws.table, Item=key | counters)


def stage_of(make_still_app: Any, aws: Aws, somebody: Somebody, admin_owners: str) -> Iterator[Stage]:
    other = OTHERS[somebody.auth_mode]
    fill_for_an_admin(aws, other.owner)
    Stored(aws, other.owner).add_webhook()
    Stored(aws, other.owner).add_link()
    with client_of(make_still_app(somebody.auth_mode, admin_owners=admin_owners), somebody) as client:
        yield Stage(aws, client, somebody, other, Touched(aws))


@pytest.fixture(params=ADMINS)
def admin(request: pytest.FixtureRequest, make_still_app: Any, aws: Aws) -> Iterator[Stage]:
    yield from stage_of(make_still_app, aws, *ADMINS[request.param])


@pytest.fixture(params=NO_ADMINS)
def nobody(request: pytest.FixtureRequest, make_still_app: Any, aws: Aws) -> Iterator[Stage]:
    yield from stage_of(make_still_app, aws, *NO_ADMINS[request.param])


def audited(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    fields = ("principal", "owner", "operation", "object_id", "correlation_id")
    lines = [vars(record) for record in caplog.records if record.message == AUDIT]
    return [{name: line.get(name) for name in fields} for line in lines]


@pytest.mark.parametrize("mode", ADMINS)
def test_an_admin_sees_what_the_owner_sees(make_still_app: Any, aws: Aws, mode: str) -> None:
    somebody, admin_owners = ADMINS[mode]
    other, app = OTHERS[mode], make_still_app(mode, admin_owners=admin_owners)
    fill_for_an_admin(aws, other.owner)
    with client_of(app, other) as owner:
        own = {operation: seen(REQUESTS[operation].by(owner)) for operation in READS}
    with client_of(app, somebody) as client:
        read = {name: seen(with_owner(REQUESTS[name], other.owner).by(client)) for name in READS}

    assert read == own
    assert len({body for _, _, body in own.values()}) > 3


def test_an_admins_read_is_of_that_owner_alone_and_leaves_one_line(
    admin: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    for operation in READS:
        caplog.clear()
        with caplog.at_level("INFO"):
            answer = admin.ask(REQUESTS[operation], admin.other.owner)

        assert answer.status_code in (200, 307)
        assert set().union(*admin.touched.owners()) == {admin.other.owner}
        assert audited(caplog) == [
            {
                "principal": admin.caller.owner,
                "owner": admin.other.owner,
                "operation": operation,
                "object_id": ID if OBJECT in REQUESTS[operation].path else None,
                "correlation_id": answer.headers["Request-Id"],
            }
        ]


def test_the_line_is_there_before_the_read(admin: Stage, caplog: pytest.LogCaptureFixture) -> None:
    fail(admin.aws.dynamodb, "GetItem", throttling())
    with caplog.at_level("INFO"):
        answer = admin.ask(REQUESTS["readObject"], admin.other.owner)

    assert answer.status_code == 503
    assert len(audited(caplog)) == 1


def test_a_head_is_a_read_too(admin: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        answer = admin.ask(Sent(method="HEAD", path=OBJECT), admin.other.owner)

    assert answer.status_code == 200
    assert [line["operation"] for line in audited(caplog)] == ["readObject"]


def test_an_id_that_is_none_is_not_in_the_log(admin: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        answer = admin.ask(REQUESTS["readObject"], admin.other.owner, object_id="42%0Aaudit")

    assert answer.status_code == 404
    assert [line["object_id"] for line in audited(caplog)] == [None]
    assert admin.touched.operations() == []


def test_to_an_admin_too_an_owner_that_is_none_has_nothing(admin: Stage) -> None:
    statuses = {name: admin.ask(REQUESTS[name], "nobody-there").status_code for name in READS}

    assert statuses == {name: 404 if "{id}" in REQUESTS[name].path else 200 for name in statuses}


def test_without_the_parameter_an_admin_reads_its_own(admin: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        found = {name: REQUESTS[name].by(admin.client).status_code for name in READS}

    assert found == {name: 404 if "{id}" in REQUESTS[name].path else 200 for name in READS}
    assert set().union(*admin.touched.owners()) == {admin.caller.owner}
    assert audited(caplog) == []


def test_an_admins_cursor_goes_on_in_the_list_it_is_of(admin: Stage) -> None:
    first = admin.ask(Sent(method="GET", path="/v1/objects?limit=1"), admin.other.owner).json()
    goes_on = Sent(method="GET", path=f"/v1/objects?limit=1&cursor={first['next_cursor']}")
    second = admin.ask(goes_on, admin.other.owner).json()

    ids = [item["id"] for page in (first, second) for item in page["items"]]
    assert sorted(ids) == [ID, MINE]
    assert goes_on.by(admin.client).json()["code"] == "invalid_cursor"
    assert admin.ask(goes_on, "nobody-there").json()["code"] == "invalid_cursor"


def test_nobody_else_may_and_learns_nothing(nobody: Stage, caplog: pytest.LogCaptureFixture) -> None:
    asked = [(nobody.other.owner, ID), (nobody.other.owner, UNKNOWN), ("nobody-there", ID)]
    for operation in READS:
        sent = REQUESTS[operation]
        with caplog.at_level("INFO"):
            outcomes = [(seen(nobody.ask(sent, *one)), nobody.touched.operations()) for one in asked]

        (status, _, body), operations = outcomes[0]
        assert (status, json.loads(body)["code"], operations) == (403, "forbidden", [])
        assert outcomes == [outcomes[0]] * 3
    assert audited(caplog) == []


def test_a_repeated_parameter_leads_nobody_elsewhere(nobody: Stage) -> None:
    own, other = nobody.caller.owner, nobody.other.owner
    answers = {
        pair: nobody.ask(REQUESTS["listObjects"], "&owner=".join(pair))
        for pair in ((own, other), (other, own))
    }

    assert {answer.status_code for answer in answers.values()} == {422}
    assert nobody.touched.operations() == []


def test_ones_own_name_is_no_other_owner(nobody: Stage, caplog: pytest.LogCaptureFixture) -> None:
    honest = {name: seen(REQUESTS[name].by(nobody.client)) for name in READS}
    with caplog.at_level("INFO"):
        named = {name: seen(nobody.ask(REQUESTS[name], nobody.caller.owner)) for name in READS}

    assert named == honest
    assert audited(caplog) == []


MALFORMED = ["", "a%23b", "a/b", "x" * 65, "%C3%BC", "a%0A", "a%00", "iam-A,iam-B", "*", "%3Cscript%3E"]


def test_a_malformed_owner_is_refused_alike_for_an_admin(admin: Stage) -> None:
    check_malformed(admin)


def test_a_malformed_owner_is_refused_alike_for_everybody_else(nobody: Stage) -> None:
    check_malformed(nobody)


def check_malformed(stage: Stage) -> None:
    for operation in READS:
        outcomes = {owner: seen(stage.ask(REQUESTS[operation], owner)) for owner in MALFORMED}
        (status, _, body), *others = outcomes.values()
        problem = json.loads(body)

        assert (status, problem["code"]) == (422, "invalid_input")
        assert [error["pointer"] for error in problem["errors"]] == ["/query/owner"]
        assert others == [outcomes[""]] * len(others)
        assert stage.touched.operations() == []


def test_no_write_takes_an_owner(admin: Stage, caplog: pytest.LogCaptureFixture) -> None:
    writes = [name for name, sent in REQUESTS.items() if sent.method != "GET"]
    with caplog.at_level("INFO"):
        answers = {name: admin.ask(REQUESTS[name], admin.other.owner).status_code for name in writes}

    assert set(answers.values()) == {422}
    assert len(answers) == 18
    assert admin.touched.operations() == []
    assert audited(caplog) == []

"""An admin may read what belongs to others, by saying so; it is logged, and nobody else may."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest

from app.api.caller import Principal, owner_read
from app.domain.errors import Forbidden
from tests.conftest import Aws
from tests.edges.callers import CALLERS, OTHERS, Somebody, client_of, cognito
from tests.edges.requests import OBJECT, READS, REQUESTS, Sent
from tests.edges.stored import ID
from tests.edges.touched import Touched, seen
from tests.faults import fail, throttling
from tests.statuses import make_in

SECOND = "88888888-9a0e-4e6f-8a51-2f1c7f1f6a10"
UNKNOWN = "99999999-9a0e-4e6f-8a51-2f1c7f1f6a10"
AUDIT = "audit.read_across_owners"

ADMINS: dict[str, tuple[Somebody, str]] = {
    "iam": (CALLERS["iam"], f"iam-AIDAELSE, {CALLERS['iam'].owner}"),
    "cognito": (cognito("5f0c2f0e-caller", "users,admin"), ""),
    "local": (CALLERS["local"], CALLERS["local"].owner),
}
"""And the setting that makes them one."""
NO_ADMINS: dict[str, tuple[Somebody, str]] = {
    "iam": (CALLERS["iam"], OTHERS["iam"].owner),
    "cognito, no group": (CALLERS["cognito"], CALLERS["cognito"].owner),
    "cognito, another group": (cognito("5f0c2f0e-caller", "not-admin,administrators"), ""),
    "api-key": (CALLERS["api-key"], CALLERS["api-key"].owner),
    "local": (CALLERS["local"], ""),
}


@dataclass(frozen=True, slots=True)
class Desk:
    aws: Aws
    client: httpx2.Client
    caller: Somebody
    other: Somebody
    touched: Touched

    def ask(self, sent: Sent, owner: str, object_id: str = ID) -> httpx2.Response:
        self.touched.forget()
        return with_owner(sent, owner).by(self.client, object_id)


def with_owner(sent: Sent, owner: str) -> Sent:
    joint = "&" if "?" in sent.path else "?"
    return replace(sent, path=f"{sent.path}{joint}owner={owner}")


def fill(aws: Aws, owner: str) -> None:
    repository = aws.adapters().objects
    for object_id in (ID, SECOND):
        repository.add(make_in("ready", owner=owner, id=object_id))
    key = {"pk": {"S": f"{owner}#usage"}, "sk": {"S": "shard#0"}}
    counters = {"objects": {"N": "2"}, "bytes": {"N": "24"}}
    aws.dynamodb.put_item(TableName=aws.table, Item=key | counters)


def desk_of(make_still_app: Any, aws: Aws, somebody: Somebody, admin_owners: str) -> Iterator[Desk]:
    other = OTHERS[somebody.auth_mode]
    fill(aws, other.owner)
    with client_of(make_still_app(somebody.auth_mode, admin_owners=admin_owners), somebody) as client:
        yield Desk(aws, client, somebody, other, Touched(aws))


@pytest.fixture(params=ADMINS)
def admin(request: pytest.FixtureRequest, make_still_app: Any, aws: Aws) -> Iterator[Desk]:
    yield from desk_of(make_still_app, aws, *ADMINS[request.param])


@pytest.fixture(params=NO_ADMINS)
def nobody(request: pytest.FixtureRequest, make_still_app: Any, aws: Aws) -> Iterator[Desk]:
    yield from desk_of(make_still_app, aws, *NO_ADMINS[request.param])


def audited(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    fields = ("principal", "owner", "operation", "object_id", "correlation_id")
    lines = [vars(record) for record in caplog.records if record.message == AUDIT]
    return [{name: line.get(name) for name in fields} for line in lines]


@pytest.mark.parametrize("mode", ADMINS)
def test_an_admin_sees_what_the_owner_sees(make_still_app: Any, aws: Aws, mode: str) -> None:
    somebody, admin_owners = ADMINS[mode]
    other, app = OTHERS[mode], make_still_app(mode, admin_owners=admin_owners)
    fill(aws, other.owner)
    with client_of(app, other) as owner:
        own = {operation: seen(REQUESTS[operation].by(owner)) for operation in READS}
    with client_of(app, somebody) as client:
        read = {name: seen(with_owner(REQUESTS[name], other.owner).by(client)) for name in READS}

    assert read == own
    assert len({body for _, _, body in own.values()}) > 3


def test_an_admins_read_is_of_that_owner_alone_and_leaves_one_line(
    admin: Desk, caplog: pytest.LogCaptureFixture
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
                "object_id": ID if "{id}" in REQUESTS[operation].path else None,
                "correlation_id": answer.headers["Request-Id"],
            }
        ]


def test_the_line_is_there_before_the_read(admin: Desk, caplog: pytest.LogCaptureFixture) -> None:
    fail(admin.aws.dynamodb, "GetItem", throttling())
    with caplog.at_level("INFO"):
        answer = admin.ask(REQUESTS["readObject"], admin.other.owner)

    assert answer.status_code == 503
    assert len(audited(caplog)) == 1


def test_a_head_is_a_read_too(admin: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        answer = admin.ask(Sent(method="HEAD", path=OBJECT), admin.other.owner)

    assert answer.status_code == 200
    assert [line["operation"] for line in audited(caplog)] == ["readObject"]


def test_an_id_that_is_none_is_not_in_the_log(admin: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        answer = admin.ask(REQUESTS["readObject"], admin.other.owner, object_id="42%0Aaudit")

    assert answer.status_code == 404
    assert [line["object_id"] for line in audited(caplog)] == [None]
    assert admin.touched.operations() == []


def test_to_an_admin_too_an_owner_that_is_none_has_nothing(admin: Desk) -> None:
    statuses = {name: admin.ask(REQUESTS[name], "nobody-there").status_code for name in READS}

    assert statuses == {name: 404 if "{id}" in REQUESTS[name].path else 200 for name in statuses}


def test_without_the_parameter_an_admin_reads_its_own(admin: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        found = {name: REQUESTS[name].by(admin.client).status_code for name in READS}

    assert found == {name: 404 if "{id}" in REQUESTS[name].path else 200 for name in READS}
    assert set().union(*admin.touched.owners()) == {admin.caller.owner}
    assert audited(caplog) == []


def test_an_admins_cursor_goes_on_in_the_list_it_is_of(admin: Desk) -> None:
    first = admin.ask(Sent(method="GET", path="/v1/objects?limit=1"), admin.other.owner).json()
    goes_on = Sent(method="GET", path=f"/v1/objects?limit=1&cursor={first['next_cursor']}")
    second = admin.ask(goes_on, admin.other.owner).json()

    ids = [item["id"] for page in (first, second) for item in page["items"]]
    assert sorted(ids) == [ID, SECOND]
    assert goes_on.by(admin.client).json()["code"] == "invalid_cursor"
    assert admin.ask(goes_on, "nobody-there").json()["code"] == "invalid_cursor"


def test_nobody_else_may_and_learns_nothing(nobody: Desk, caplog: pytest.LogCaptureFixture) -> None:
    asked = [(nobody.other.owner, ID), (nobody.other.owner, UNKNOWN), ("nobody-there", ID)]
    for operation in READS:
        sent = REQUESTS[operation]
        with caplog.at_level("INFO"):
            outcomes = [(seen(nobody.ask(sent, *one)), nobody.touched.operations()) for one in asked]

        (status, _, body), operations = outcomes[0]
        assert (status, json.loads(body)["code"], operations) == (403, "forbidden", [])
        assert outcomes == [outcomes[0]] * 3
    assert audited(caplog) == []


def test_a_repeated_parameter_leads_nobody_elsewhere(nobody: Desk) -> None:
    own, other = nobody.caller.owner, nobody.other.owner
    answers = {
        pair: nobody.ask(REQUESTS["listObjects"], "&owner=".join(pair))
        for pair in ((own, other), (other, own))
    }

    assert answers[own, other].status_code == 403
    assert answers[other, own].json()["items"] == []
    assert set().union(*nobody.touched.owners()) == {own}


def test_ones_own_name_is_no_other_owner(nobody: Desk, caplog: pytest.LogCaptureFixture) -> None:
    honest = {name: seen(REQUESTS[name].by(nobody.client)) for name in READS}
    with caplog.at_level("INFO"):
        named = {name: seen(nobody.ask(REQUESTS[name], nobody.caller.owner)) for name in READS}

    assert named == honest
    assert audited(caplog) == []


MALFORMED = ["", "a%23b", "a/b", "x" * 65, "%C3%BC", "a%0A", "a%00", "iam-A,iam-B", "*", "%3Cscript%3E"]


def test_a_malformed_owner_is_refused_alike_for_an_admin(admin: Desk) -> None:
    check_malformed(admin)


def test_a_malformed_owner_is_refused_alike_for_everybody_else(nobody: Desk) -> None:
    check_malformed(nobody)


def check_malformed(desk: Desk) -> None:
    for operation in READS:
        outcomes = {owner: seen(desk.ask(REQUESTS[operation], owner)) for owner in MALFORMED}
        (status, _, body), *others = outcomes.values()
        problem = json.loads(body)

        assert (status, problem["code"]) == (422, "invalid_input")
        assert [error["pointer"] for error in problem["errors"]] == ["/query/owner"]
        assert others == [outcomes[""]] * len(others)
        assert desk.touched.operations() == []


def test_a_write_is_to_the_admins_own_whatever_the_parameter_says(
    admin: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    writes = [name for name, sent in REQUESTS.items() if sent.method != "GET"]
    with caplog.at_level("INFO"):
        answers = {name: admin.ask(REQUESTS[name], admin.other.owner).status_code for name in writes}
        touched = admin.touched.owners()

    assert answers.pop("createObject") == 201
    assert set(answers.values()) == {404}
    assert len(answers) == 5
    assert set().union(*touched) == {admin.caller.owner}
    assert audited(caplog) == []


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

"""Whatever a client writes into a request, it reaches its own things and no other's.

What is forged names another owner, who has an object of the same id, and who is
an admin where that can be set. Each forged request is compared with the honest
one in the same state: what AWS is asked for, whose keys that names, and the answer.
test_caller.py shows that no forged header makes the caller another principal.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import httpx2
import pytest

from tests.conftest import Aws
from tests.edges.callers import CALLERS, DEPLOYED, OTHERS, Somebody, client_of
from tests.edges.described import CONTRACTS
from tests.edges.forged import context_of, forged_fields, forged_headers, forged_query
from tests.edges.requests import READS, REQUESTS, Sent
from tests.edges.stored import ID, URL, Stored
from tests.edges.touched import Touched, seen
from tests.in_process import items_now, restore_items
from tests.shares import Share

#: Operations on nothing that has an owner.
NOBODYS = {"listKinds", "checkHealth", "checkReadiness", "readProblem"}
#: The beginnings of the names of AWS's operations that change something.
WRITES = ("Put", "Update", "Delete", "Transact", "Batch")
SENT_ALONE_PER_RUN = 25
#: The sample object awaits no payload, so these are refused once it was read.
OF_AN_UPLOAD = ("readUpload", "signParts", "completeUpload", "cancelUpload")


@dataclass(frozen=True, slots=True)
class Scene:
    aws: Aws
    client: httpx2.Client
    caller: Somebody
    victim: Somebody
    touched: Touched
    #: All that stands in the tables at first.
    items: Mapping[str, Any]

    def reset(self) -> None:
        """Leave the caller and the victim what they had at first, and nothing else."""
        restore_items(self.items)
        for found in self.aws.s3.list_objects_v2(Bucket=self.aws.bucket).get("Contents", []):
            self.aws.s3.delete_object(Bucket=self.aws.bucket, Key=found["Key"])
        self.touched.forget()

    def reset_if_written(self) -> None:
        if any(operation.startswith(WRITES) for operation in self.touched.operations()):
            self.reset()

    def outcome(self, sent: Sent, **forged: Any) -> tuple[Any, list[str], list[set[str]]]:
        """Return the answer as the client saw it, the calls to AWS, and the owners whose keys each named."""
        self.touched.forget()
        answer = sent.by(self.client, **forged)
        return seen(answer), self.touched.operations(), self.touched.owners()

    def check_owner(self, operation: str, outcome: tuple[Any, list[str], list[set[str]]]) -> None:
        (status, _, _), operations, owners = outcome
        if operation in NOBODYS:
            assert status == 200
            assert owners == [set()] * len(operations)
            return
        assert status == 409 if operation in OF_AN_UPLOAD else status < 400, operation
        assert operations
        if operation == "openLink":
            # A link is found by its hash alone.
            owners = owners[1:]
            operations = operations[1:]
        assert owners == [{self.caller.owner}] * len(operations), operation


@pytest.fixture(params=DEPLOYED)
def scene(request: pytest.FixtureRequest, make_still_app: Any, aws: Aws) -> Iterator[Scene]:
    caller, victim = CALLERS[request.param], OTHERS[request.param]
    app = make_still_app(caller.auth_mode, admin_owners=victim.owner)
    with client_of(app, caller) as client:
        yield Scene(aws, client, caller, victim, Touched(aws), add_samples(aws, caller, victim))


def add_samples(aws: Aws, caller: Somebody, victim: Somebody) -> Mapping[str, Any]:
    """Give the caller and the victim each the sample object, ready, and a webhook; return all items."""
    for somebody in (caller, victim):
        stored = Stored(aws, somebody.owner)
        stored.add("ready")
        stored.add_webhook()
        stored.add_delivery()
    # Both would have the same token, so only the caller has a link.
    Stored(aws, caller.owner).add_link()
    return items_now()


def test_the_requests_are_to_every_operation() -> None:
    assert set(REQUESTS) == set(CONTRACTS)


def test_all_forged_headers_together_and_repeated_change_nothing_on_any_route(scene: Scene) -> None:
    """Each of them names the victim, so whichever were believed, it would show."""
    headers = forged_headers(scene.victim)
    for operation, sent in REQUESTS.items():
        honest = scene.outcome(sent)
        scene.reset_if_written()
        forged = scene.outcome(sent, headers=[*headers, *reversed(headers)])
        scene.reset_if_written()

        scene.check_owner(operation, honest)
        assert forged == honest, operation


def test_each_forged_header_alone_changes_nothing_on_any_route(scene: Scene, share: Share) -> None:
    cases = list(product(REQUESTS, forged_headers(scene.victim)))
    for operation, (name, value) in share.of(cases, SENT_ALONE_PER_RUN):
        honest = scene.outcome(REQUESTS[operation])
        scene.reset_if_written()
        forged = scene.outcome(REQUESTS[operation], headers=[(name, value)])
        scene.reset_if_written()

        assert forged == honest, (operation, name)


def test_a_forged_query_changes_nothing_on_any_route(scene: Scene) -> None:
    """`owner` means something to a read, so it is left out there. test_isolation.py shows who may name it."""
    everything = forged_query(scene.victim)
    without_owner = everything.replace(f"owner={scene.victim.owner}&", "", 1)
    for operation, sent in REQUESTS.items():
        query = without_owner if operation in READS else everything
        honest = scene.outcome(sent)
        scene.reset_if_written()
        forged = scene.outcome(replace(sent, path=f"{sent.path}?{query}"))
        scene.reset_if_written()

        (status, _, body), operations, _ = forged
        is_refused = (status, operations) == (422, []) and scene.victim.owner not in body
        assert is_refused or forged == honest, operation


#: One mode is enough, because bodies and paths are read alike in every mode.
IN_ONE_MODE = pytest.mark.parametrize("scene", ["iam"], indirect=True)
JSON_BODIES = [operation for operation, sent in REQUESTS.items() if sent.json is not None]


@IN_ONE_MODE
def test_a_forged_field_in_a_body_is_refused_before_anything_is_asked_for(scene: Scene) -> None:
    for operation in JSON_BODIES:
        for name, value in forged_fields(scene.victim).items():
            sent = REQUESTS[operation]
            (status, _, body), operations, _ = scene.outcome(replace(sent, json=sent.json | {name: value}))

            assert (operation, name, status, operations) == (operation, name, 422, [])
            assert scene.victim.owner not in body


@IN_ONE_MODE
def test_forged_attributes_and_labels_are_kept_as_any_others(scene: Scene) -> None:
    attributes = forged_fields(scene.victim)
    labels = {"owner": scene.victim.owner, "requestContext": scene.victim.owner}
    forged = {"attributes": attributes, "labels": labels}

    for method, url in (("POST", "/v1/objects"), ("PATCH", URL)):
        scene.touched.forget()
        body = forged | ({"kind": "record", "name": "order 42"} if method == "POST" else {})
        answer = scene.client.request(method, url, json=body)

        assert answer.is_success
        assert answer.json()["attributes"] | attributes == answer.json()["attributes"]
        assert partitions(scene) == {scene.caller.owner}


@IN_ONE_MODE
def test_a_payload_that_is_a_forged_event_is_only_a_payload(scene: Scene) -> None:
    event = json.dumps({"requestContext": context_of(scene.victim), **forged_fields(scene.victim)}).encode()
    created = scene.client.post(
        "/v1/objects", json={"kind": "file", "name": "n", "payload": {"media_type": "text/plain", "size": 1}}
    ).json()
    scene.touched.forget()
    answer = scene.client.put(
        f"/v1/objects/{created['id']}/payload", content=event, headers={"Content-Type": "application/json"}
    )

    [found] = scene.aws.s3.list_objects_v2(Bucket=scene.aws.bucket)["Contents"]
    assert answer.status_code == 202
    assert found["Key"].startswith(f"payloads/{scene.caller.owner}/")
    assert partitions(scene) == {scene.caller.owner}


def partitions(scene: Scene) -> set[str]:
    """Return the partitions of all items that were asked for or written, and of all payloads."""
    return set().union(*scene.touched.owners())


@IN_ONE_MODE
def test_a_path_that_names_an_owner_leads_nowhere(scene: Scene) -> None:
    owner = scene.victim.owner
    paths = [
        f"/v1/{owner}/objects",
        f"/v1/{owner}/objects/{ID}",
        f"/v1/objects/{owner}/{ID}",
        f"/v1/objects/{owner}%23{ID}",
        f"/v1/objects/{ID};owner={owner}",
        f"/v1/objects/..%2F{owner}%23{ID}",
        f"/v1/objects/{ID}%00{owner}",
        f"/v1/objects/%7B%22requestContext%22:%22{owner}%22%7D",
    ]
    for path in paths:
        scene.touched.forget()
        answer = scene.client.get(path)

        assert (path, answer.status_code) == (path, 404)
        assert scene.touched.operations() == []


@IN_ONE_MODE
def test_an_artifacts_name_that_names_an_owner_is_no_artifact(scene: Scene) -> None:
    owner = scene.victim.owner
    for name in (f"..%2F..%2F..%2F{owner}%2F{ID}%2F1%2Fprofile.json", f"{owner}%23{ID}", "%2E%2E", owner):
        scene.touched.forget()
        answer = scene.client.get(f"{URL}/artifacts/{name}")

        assert (name, answer.status_code) == (name, 404)
        assert partitions(scene) <= {scene.caller.owner}

"""Whatever a client writes into a request, its owner stays who API Gateway says.

What is forged names another owner, who has an object of the same id, and who is
an admin where that can be set. Each forged request is compared with the honest
one in the same state: what AWS is asked for, whose keys that names, and the answer.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from tests.conftest import Aws
from tests.edges.callers import CALLERS, DEPLOYED, OTHERS, Somebody, client_of
from tests.edges.described import CONTRACTS
from tests.edges.requests import READS, REQUESTS, Sent
from tests.edges.stored import ID, URL
from tests.edges.touched import Touched, seen
from tests.statuses import make_in

NOBODYS = {"listKinds", "checkHealth", "checkReadiness", "readProblem"}
"""Operations on nothing that has an owner."""
WRITES = ("Put", "Update", "Delete", "Transact", "Batch")
"""How AWS's operations begin that change something."""
EACH_ALONE = [("iam", operation) for operation in REQUESTS] + [
    (mode, operation) for mode in ("cognito", "api-key") for operation in ("readObject", "createObject")
]
"""On every route in one mode, the quickest; in the others on one for each way to learn the owner."""


def context_of(victim: Somebody) -> dict[str, Any]:
    """As API Gateway would vouch for them, in every auth mode at once."""
    name = victim.owner.partition("-")[2]
    claims = {"sub": name, "cognito:groups": "admin", "cognito:username": name}
    identity = {"caller": f"{name}:session", "user": name, "apiKeyId": name, "apiKey": name}
    return {"identity": identity, "authorizer": {"claims": claims, "principalId": name}}


def token_of(victim: Somebody) -> str:
    """Unsigned, as `alg: none` wants it (RFC 7519, section 6)."""
    parts = ({"alg": "none", "typ": "JWT"}, context_of(victim)["authorizer"]["claims"])
    encoded = (urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return f"{'.'.join(encoded)}."


def forged_headers(victim: Somebody) -> list[tuple[str, str]]:
    owner, name, token = victim.owner, victim.owner.partition("-")[2], token_of(victim)
    context = json.dumps(context_of(victim))
    claims = json.dumps(context_of(victim)["authorizer"]["claims"])
    event = json.dumps({"requestContext": context_of(victim)})
    signature = f"AWS4-HMAC-SHA256 Credential={name}/20260301/us-east-1/execute-api/aws4_request"
    return [
        ("X-Owner", name),
        ("x-owner", owner),
        ("X-OWNER", owner),
        ("X_Owner", owner),
        ("X-Owner-Id", owner),
        ("Owner", owner),
        ("X-Principal", owner),
        ("X-Principal-Id", owner),
        ("X-Subject", name),
        ("sub", name),
        ("X-User", name),
        ("X-User-Id", name),
        ("X-Username", name),
        ("X-Remote-User", name),
        ("REMOTE_USER", name),
        ("X-Forwarded-User", name),
        ("X-Forwarded-Preferred-Username", name),
        ("X-Forwarded-Groups", "admin"),
        ("X-Auth-Request-User", name),
        ("X-Auth-Request-Groups", "admin"),
        ("X-Authenticated-User", name),
        ("X-WebAuth-User", name),
        ("X-MS-Client-Principal-Id", name),
        ("X-Goog-Authenticated-User-Id", name),
        ("Cf-Access-Authenticated-User", name),
        ("X-Tenant-Id", name),
        ("X-Account-Id", name),
        ("X-Impersonate-User", name),
        ("Impersonate-User", name),
        ("X-On-Behalf-Of", name),
        ("X-Groups", "admin"),
        ("X-Role", "admin"),
        ("X-Admin", "true"),
        ("cognito:groups", "admin"),
        ("cognito:username", name),
        ("X-Cognito-Groups", '["admin"]'),
        ("X-Cognito-Identity-Id", name),
        ("X-Claims", claims),
        ("X-Jwt-Claims", claims),
        ("X-Amzn-Oidc-Identity", name),
        ("X-Amzn-Oidc-Data", token),
        ("X-Amzn-Oidc-Accesstoken", token),
        ("X-Amzn-Request-Context", context),
        ("X-Amzn-Lambda-Context", context),
        ("X-Amzn-Apigateway-Event", event),
        ("X-Amz-Caller", f"{name}:session"),
        ("X-Amz-Security-Token", name),
        ("X-Amz-Source-Account", name),
        ("X-Api-Key", name),
        ("X-Api-Key-Id", name),
        ("apiKeyId", name),
        ("Authorization", token),
        ("authorization", f"Bearer {token}"),
        ("AUTHORIZATION", signature),
        ("Proxy-Authorization", f"Bearer {token}"),
        ("X-Access-Token", token),
        ("X-Id-Token", token),
        ("Cookie", f"owner={owner}; principal={owner}; token={token}"),
        ("Forwarded", f"for={name};by={owner};host=api.example.com"),
        ("X-Forwarded-For", owner),
        ("X-Forwarded-Prefix", f"/{owner}"),
        ("X-Original-Url", f"/v1/objects?owner={owner}"),
        ("X-Original-Uri", f"/v1/objects?owner={owner}"),
        ("X-Rewrite-Url", f"/v1/objects?owner={owner}"),
        ("X-Auth-Mode", "local"),
        ("AUTH_MODE", "local"),
        ("ADMIN_OWNERS", owner),
        ("requestContext", context),
        ("Request-Context", context),
        ("aws.event", event),
    ]


@dataclass(frozen=True, slots=True)
class Scene:
    aws: Aws
    client: httpx2.Client
    caller: Somebody
    victim: Somebody
    touched: Touched

    def reset(self) -> None:
        """The caller and the victim each have the sample object, ready, and nothing else."""
        self._clear()
        repository = self.aws.adapters().objects
        for somebody in (self.caller, self.victim):
            repository.add(make_in("ready", owner=somebody.owner))
        self.touched.forget()

    def reset_if_written(self) -> None:
        if any(operation.startswith(WRITES) for operation in self.touched.operations()):
            self.reset()

    def _clear(self) -> None:
        for item in self.aws.dynamodb.scan(TableName=self.aws.table)["Items"]:
            key = {name: item[name] for name in ("pk", "sk")}
            self.aws.dynamodb.delete_item(TableName=self.aws.table, Key=key)
        for found in self.aws.s3.list_objects_v2(Bucket=self.aws.bucket).get("Contents", []):
            self.aws.s3.delete_object(Bucket=self.aws.bucket, Key=found["Key"])

    def outcome(self, sent: Sent, **forged: Any) -> tuple[Any, list[str], list[set[str]]]:
        """What the client saw, which calls were made, and whose keys each of them named."""
        self.touched.forget()
        answer = sent.by(self.client, **forged)
        return seen(answer), self.touched.operations(), self.touched.owners()

    def check_owner(self, operation: str, outcome: tuple[Any, list[str], list[set[str]]]) -> None:
        (status, _, _), operations, owners = outcome
        if operation in NOBODYS:
            assert status == 200
            assert owners == [set()] * len(operations)
            return
        assert status < 400, operation
        assert operations
        assert owners == [{self.caller.owner}] * len(operations), operation


@pytest.fixture(params=DEPLOYED)
def scene(request: pytest.FixtureRequest, make_still_app: Any, aws: Aws) -> Iterator[Scene]:
    caller, victim = CALLERS[request.param], OTHERS[request.param]
    app = make_still_app(caller.auth_mode, admin_owners=victim.owner)
    with client_of(app, caller) as client:
        scene = Scene(aws, client, caller, victim, Touched(aws))
        scene.reset()
        yield scene


def test_the_requests_are_to_every_operation() -> None:
    assert set(REQUESTS) == set(CONTRACTS)


def test_the_forged_headers_are_many_and_all_different() -> None:
    headers = forged_headers(OTHERS["cognito"])

    assert len(headers) >= 50
    assert len(set(headers)) == len({name for name, _ in headers}) == len(headers)


def test_all_forged_headers_together_and_repeated_change_nothing_on_any_route(scene: Scene) -> None:
    """Each of them names the victim, so whichever were believed, it would show."""
    headers = forged_headers(scene.victim)
    for operation, sent in REQUESTS.items():
        honest = scene.outcome(sent)
        scene.reset()
        forged = scene.outcome(sent, headers=[*headers, *reversed(headers)])
        scene.reset()

        scene.check_owner(operation, honest)
        assert forged == honest, operation


@pytest.mark.parametrize(("scene", "operation"), EACH_ALONE, indirect=["scene"])
def test_each_forged_header_alone_changes_nothing(scene: Scene, operation: str) -> None:
    sent = REQUESTS[operation]
    honest = scene.outcome(sent)
    forged = {}
    for name, value in forged_headers(scene.victim):
        scene.reset_if_written()
        forged[name] = scene.outcome(sent, headers=[(name, value)])

    scene.check_owner(operation, honest)
    assert {name for name, outcome in forged.items() if outcome != honest} == set()


def test_each_is_sent_alone_in_every_mode() -> None:
    assert {mode for mode, _ in EACH_ALONE} == set(DEPLOYED)


def test_a_header_that_is_believed_would_be_found(make_still_app: Any, aws: Aws) -> None:
    """The local mode believes one, so there the same comparison must fail, and for that one only."""
    caller, victim = CALLERS["local"], OTHERS["local"]
    with client_of(make_still_app("local"), replace(caller, headers={})) as client:
        scene = Scene(aws, client, replace(caller, owner="local-me"), victim, Touched(aws))
        scene.reset()
        honest = scene.outcome(REQUESTS["readObject"])
        believed = {
            name
            for name, value in forged_headers(victim)
            if scene.outcome(REQUESTS["readObject"], headers=[(name, value)]) != honest
        }

    scene.check_owner("readObject", honest)
    assert {name.lower() for name in believed} == {"x-owner"}


def as_form(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """`a[b][c]=d`, as some frameworks read it, and `a.b.c=d`, as others do."""
    if not isinstance(value, Mapping):
        yield at, str(value)
        return
    for name, inner in value.items():
        yield from as_form(inner, f"{at}[{name}]")
        yield from as_form(inner, f"{at}.{name}")


def forged_fields(victim: Somebody) -> dict[str, Any]:
    context = context_of(victim)
    event = {"requestContext": context, "headers": {"X-Owner": victim.owner}}
    return (
        {"owner": victim.owner, "principal": victim.owner, "event": event, "aws.event": event}
        | dict.fromkeys(("requestContext", "request_context", "context"), context)
        | context
    )


def forged_query(victim: Somebody) -> str:
    context = context_of(victim)
    bare = {**context["identity"], **context["authorizer"], **context["authorizer"]["claims"]}
    fields = {**forged_fields(victim), **bare, "x-owner": victim.owner, "admin": "true"}
    pairs = [pair for name, value in fields.items() for pair in as_form(value, name)]
    pairs += [(name, json.dumps(value)) for name, value in fields.items() if isinstance(value, Mapping)]
    return urlencode(pairs)


def test_a_forged_query_changes_nothing_on_any_route(scene: Scene) -> None:
    """`owner` means something to a read; who may say it, test_reading_across_owners.py shows."""
    everything = forged_query(scene.victim)
    without_owner = everything.replace(f"owner={scene.victim.owner}&", "", 1)
    for operation, sent in REQUESTS.items():
        query = without_owner if operation in READS else everything
        honest = scene.outcome(sent)
        scene.reset()
        forged = scene.outcome(replace(sent, path=f"{sent.path}?{query}"))
        scene.reset()

        assert forged == honest, operation


JSON_BODIES = [operation for operation, sent in REQUESTS.items() if sent.json is not None]


def test_a_forged_field_in_a_body_is_refused_before_anything_is_asked_for(scene: Scene) -> None:
    for operation in JSON_BODIES:
        for name, value in forged_fields(scene.victim).items():
            sent = REQUESTS[operation]
            (status, _, body), operations, _ = scene.outcome(replace(sent, json=sent.json | {name: value}))

            assert (operation, name, status, operations) == (operation, name, 422, [])
            assert scene.victim.owner not in body


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
    """Of all items that were asked for or written, and of all payloads."""
    return set().union(*scene.touched.owners())


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


def test_an_artifacts_name_that_names_an_owner_is_no_artifact(scene: Scene) -> None:
    owner = scene.victim.owner
    for name in (f"..%2F..%2F..%2F{owner}%2F{ID}%2F1%2Fprofile.json", f"{owner}%23{ID}", "%2E%2E", owner):
        scene.touched.forget()
        answer = scene.client.get(f"{URL}/artifacts/{name}")

        assert (name, answer.status_code) == (name, 404)
        assert partitions(scene) <= {scene.caller.owner}

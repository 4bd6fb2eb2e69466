"""Who the caller is: what API Gateway vouches for, and nothing that a client sends.

The rules of each AuthMode stand first. Then each route is shown to ask for the
caller, unless it is named as open.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.responses import PlainTextResponse
from starlette.routing import Host

from app.api.app import create_app
from app.api.caller import Caller, OwnerRead, Principal, principal_of
from app.api.services import ApiServices
from app.config import ApiSettings, AuthMode, ConfigurationError
from app.domain.errors import Unauthenticated
from tests.edges.callers import CALLERS, DEPLOYED, OTHERS
from tests.edges.conftest import settings_for, through_lambda
from tests.edges.described import CONTRACTS, document_of
from tests.edges.doors import proxy_event
from tests.edges.forged import forged_headers
from tests.edges.requests import READS, REQUESTS
from tests.events import load

IAM = {"caller": "AIDAEXAMPLE:session"}
KEY = {"apiKeyId": "k1"}
CLAIMS = {"claims": {"sub": "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"}}

#: The console and the documentation: of the app itself, and without an operation.
OPEN_PATHS = {"/", "/console/{digest}/{name}", "/docs", "/docs/assets", "/openapi.json"}
CALLER = get_args(Caller)[1].dependency
OWNER_READ = get_args(OwnerRead)[1].dependency


def request_with(
    auth_mode: str,
    *,
    identity: Mapping[str, Any] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **settings: Any,
) -> Request:
    event = proxy_event("GET", "/v1/objects", headers=headers, identity=identity or {})
    event["requestContext"]["authorizer"] = authorizer
    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]

    app = SimpleNamespace(state=SimpleNamespace(settings=settings_for(auth_mode, **settings)))
    return Request({"type": "http", "headers": raw, "aws.event": event, "app": app})


def owner(*given: Any, **more: Any) -> str:
    return principal_of(request_with(*given, **more)).owner


@pytest.mark.parametrize(
    ("auth_mode", "event", "expected"),
    [
        ("iam", "api_iam", "iam-AIDAEXAMPLE"),
        ("cognito", "api_cognito", "cognito-5f0c2f0e-70d1-4c4e-9a53-1f0d9c5e5b0e"),
        ("api-key", "api_key", "key-abc123"),
    ],
)
def test_an_owner_is_named_by_what_api_gateway_vouches_for(auth_mode: str, event: str, expected: str) -> None:
    """The unique id without the session, the subject, or the id of the key makes the name."""
    context = load(event)["requestContext"]

    found = owner(auth_mode, identity=context["identity"], authorizer=context.get("authorizer"))

    assert found == expected


def test_a_rotated_key_owns_what_the_setting_says() -> None:
    assert owner("api-key", identity=KEY, key_owners='{"k1": "key-k0"}') == "key-k0"


def test_only_the_local_mode_believes_a_header() -> None:
    assert owner("local") == "local-me"
    assert owner("local", headers={"X-Owner": "you"}) == "local-you"
    assert owner("api-key", identity=KEY, headers={"X-Owner": "you"}) == "key-k1"


@pytest.mark.parametrize(
    ("auth_mode", "given"),
    [
        ("iam", {"identity": KEY}),
        ("iam", {"identity": {"caller": None}}),
        ("iam", {"authorizer": CLAIMS}),
        ("cognito", {"identity": IAM | KEY}),
        ("cognito", {"authorizer": {"claims": None}}),
        ("cognito", {"authorizer": {"claims": {"sub": "a#b"}}}),
        ("api-key", {"identity": IAM}),
        ("api-key", {"identity": {"apiKey": "secret", "apiKeyId": ""}}),
        ("api-key", {"headers": {"X-Owner": "you", "x-api-key": "k1"}}),
        ("local", {"headers": {"X-Owner": "a#b"}}),
        ("local", {"headers": {"X-Owner": "x" * 64}}),
    ],
)
def test_nobody_else_is_anybody(auth_mode: str, given: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        owner(auth_mode, **given)


def principal_with(mode: AuthMode, header: tuple[str, str] | None = None) -> Principal:
    """Return who the caller is taken for, where everything else in the request is honest."""
    caller, victim = CALLERS[mode], OTHERS[mode]
    request = request_with(
        mode,
        identity=caller.vouched.get("identity"),
        authorizer=caller.vouched.get("authorizer"),
        headers=dict([header]) if header else {},
        admin_owners=victim.owner,
    )
    return principal_of(request)


def believed(mode: AuthMode) -> set[str]:
    """Return the forged headers that make the caller another principal."""
    honest, headers = principal_with(mode), forged_headers(OTHERS[mode])
    return {name for name, value in headers if principal_with(mode, (name, value)) != honest}


@pytest.mark.parametrize("mode", DEPLOYED)
def test_no_forged_header_makes_the_caller_another_principal(mode: AuthMode) -> None:
    assert principal_with(mode) == Principal(CALLERS[mode].owner)
    assert believed(mode) == set()


def test_a_header_that_is_believed_would_be_found() -> None:
    """The local mode believes one."""
    assert {name.lower() for name in believed("local")} == {"x-owner"}


def test_the_forged_headers_are_many_and_all_different() -> None:
    headers = forged_headers(OTHERS["cognito"])

    assert len(headers) >= 50
    assert len(set(headers)) == len({name for name, _ in headers}) == len(headers)


def is_admin(*given: Any, **more: Any) -> bool:
    return principal_of(request_with(*given, **more)).is_admin


def in_groups(claim: Any) -> dict[str, Any]:
    return {"claims": {**CLAIMS["claims"], "cognito:groups": claim}}


@pytest.mark.parametrize(
    "claim",
    [
        "admin",
        "admin,users",
        "users,admin",
        "[admin users]",
        "[users, admin]",
        '["users", "admin"]',
        "[admin]",
        ["users", "admin"],
    ],
    ids=str,
)
def test_a_member_of_the_group_is_an_admin_however_the_claim_is_written(claim: Any) -> None:
    assert is_admin("cognito", authorizer=in_groups(claim))


@pytest.mark.parametrize(
    "claim",
    [
        *(None, "", "users", "not-admin", "administrators", "Admin", "ADMIN", "super.admin", "admin-eu"),
        *(
            "not-admin,administrators",
            "[not-admin administrators]",
            '["administrators"]',
            "[]",
            "[",
            "admin]",
        ),
        *("my admin", "admin;users", "[[admin]", '[["admin"]]', '{"admin": true}', ["administrators"]),
        *([["admin"]], {"admin": True}, True, 1),
    ],
    ids=str,
)
def test_no_other_group_makes_an_admin(claim: Any) -> None:
    assert not is_admin("cognito", authorizer=in_groups(claim))


def test_an_iam_caller_is_an_admin_when_its_owner_is_named() -> None:
    assert is_admin("iam", identity=IAM, admin_owners="iam-AIDAELSE, iam-AIDAEXAMPLE")
    assert not is_admin("iam", identity=IAM)
    for named in ("iam-AIDAEXAMPL", "iam-AIDAEXAMPLE2", "AIDAEXAMPLE", "IAM-AIDAEXAMPLE", "iam-AIDAELSE"):
        assert not is_admin("iam", identity=IAM, admin_owners=named)


def test_locally_it_can_be_tried() -> None:
    assert is_admin("local", admin_owners="local-me")
    assert not is_admin("local", headers={"X-Owner": "you"}, admin_owners="local-me")


def test_each_mode_has_one_way_to_make_an_admin_and_api_keys_have_none() -> None:
    everything = IAM | KEY
    groups = in_groups("admin")

    assert not is_admin("iam", identity=everything, authorizer=groups)
    assert not is_admin("local", identity=everything, authorizer=groups)
    assert not is_admin("cognito", authorizer=CLAIMS, admin_owners=owner("cognito", authorizer=CLAIMS))
    assert not is_admin("api-key", identity=everything, authorizer=groups, admin_owners="key-k1")
    assert not is_admin(
        "api-key", identity=KEY, key_owners='{"k1": "iam-AIDAEXAMPLE"}', admin_owners="iam-AIDAEXAMPLE"
    )


@pytest.mark.parametrize(
    "named", ["iam-A,arn:aws:iam::1:user/b", "a#b", "x" * 65, "*", "iam-A iam-B", "iam-A\niam-B"]
)
def test_an_admin_that_can_be_no_owner_stops_the_start(named: str) -> None:
    environment = {
        "TABLE_NAME": "objects",
        "BUCKET_NAME": "payloads",
        "AUTH_MODE": "iam",
        "ADMIN_OWNERS": named,
    }
    with pytest.raises(ConfigurationError, match="ADMIN_OWNERS"):
        ApiSettings.from_environment(environment)


def test_no_admin_needs_to_be_named() -> None:
    for named in ("", " ", ","):
        assert settings_for("iam", admin_owners=named).admin_owners == frozenset()


def undeclared(app: FastAPI) -> set[str]:
    """Return the routes that are neither open nor ask for the caller.

    A mounted app counts as one route, because it may answer anything below it.
    """
    return {
        str(route.path)
        for route in iter_route_contexts(app.routes)
        if not (is_open(route) or is_declared(route))
    }


def has_frontend(app: FastAPI) -> bool:
    """FastAPI keeps what `app.frontend` adds apart from the routes."""
    return any(True for _ in app.router._iter_low_priority_routes())


def is_open(route: RouteContext) -> bool:
    known = CONTRACTS.get(getattr(route, "operation_id", None) or "")
    return known.is_open if known else route.path in OPEN_PATHS


def is_declared(route: RouteContext) -> bool:
    dependant = getattr(route, "dependant", None)
    return dependant is not None and CALLER in dependencies(dependant)


def dependencies(dependant: Dependant) -> Iterator[Any]:
    for needed in dependant.dependencies:
        yield needed.call
        yield from dependencies(needed)


def test_every_route_has_a_principal_or_is_named_as_open(make_app: Any) -> None:
    app = make_app("api-key")

    assert undeclared(app) == set()
    assert not has_frontend(app)


def test_what_is_named_as_open_has_none_and_is_there(make_app: Any) -> None:
    routes = list(iter_route_contexts(make_app("api-key").routes))
    named = [route for route in routes if is_open(route)]

    assert {route.path for route in named} == OPEN_PATHS | {"/healthz", "/l/{token}", "/problems/{code}"}
    assert not [route.path for route in named if is_declared(route)]
    assert len(routes) == len(CONTRACTS) + len(OPEN_PATHS)


def test_a_route_without_one_is_found_wherever_it_is(services: ApiServices) -> None:
    app = create_app(services, settings_for("api-key"))
    router = APIRouter(dependencies=[Depends(lambda: "somebody")])
    router.get("/inner")(greet_anybody)
    app.get("/plain")(greet_anybody)
    app.include_router(router, prefix="/outer")
    app.add_route("/starlette", lambda _: PlainTextResponse("hello"))
    app.mount("/mounted", FastAPI())
    app.websocket("/socket")(speak)

    assert undeclared(app) == {"/plain", "/outer/inner", "/starlette", "/mounted", "/socket"}


def test_a_whole_host_is_found_too(services: ApiServices) -> None:
    app = create_app(services, settings_for("api-key"))
    app.router.routes.append(Host("other.example.com", FastAPI()))

    assert undeclared(app) == {"None"}


def test_a_frontend_is_found_too(services: ApiServices, tmp_path: Path) -> None:
    app = create_app(services, settings_for("api-key"))
    app.frontend("/console", directory=tmp_path)

    assert has_frontend(app)


def test_a_route_that_asks_for_the_principal_anywhere_is_declared(services: ApiServices) -> None:
    app = create_app(services, settings_for("api-key"))
    router = APIRouter(dependencies=[Depends(CALLER)])
    router.get("/router")(greet_anybody)
    app.include_router(router)
    app.get("/direct")(greet)

    assert undeclared(app) == set()


async def speak(socket: WebSocket) -> None:
    await socket.accept()


async def greet_anybody() -> str:
    return "hello"


async def greet(caller: Caller) -> str:
    return caller.owner


@pytest.mark.parametrize("auth_mode", DEPLOYED)
def test_nobody_is_let_in_where_a_principal_is_declared(make_app: Any, auth_mode: AuthMode) -> None:
    """Nobody gets in if a method is ever deployed without API Gateway's authorizer."""
    with through_lambda(make_app(auth_mode), vouched={"identity": {}}) as client:
        statuses = {name: sent.by(client).status_code for name, sent in REQUESTS.items()}

    # There is no link that could be opened.
    allowed = {"openLink": 404}
    assert statuses == {
        name: allowed.get(name, 200) if known.is_open else 401 for name, known in CONTRACTS.items()
    }


def test_reads_of_an_owners_things_and_no_others_can_be_of_another_owner(make_app: Any) -> None:
    reading = {
        route.operation_id
        for route in iter_route_contexts(make_app("api-key").routes)
        if getattr(route, "operation_id", None) and OWNER_READ in dependencies(route.dependant)
    }

    assert reading == set(READS)


@pytest.mark.parametrize("auth_mode", get_args(AuthMode))
def test_the_document_tells_of_the_parameter_and_the_refusal(auth_mode: AuthMode) -> None:
    for path in document_of(auth_mode)["paths"].values():
        for method, operation in path.items():
            is_read = operation["operationId"] in READS
            names = {parameter["name"] for parameter in operation.get("parameters", ())}

            assert ("owner" in names) is is_read
            assert not is_read or {"403", "422"} <= set(operation["responses"])
            assert not is_read or method == "get"

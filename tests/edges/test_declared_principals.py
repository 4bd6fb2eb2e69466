"""No route is without a principal, unless it is named as open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.responses import PlainTextResponse
from starlette.routing import Host

from app.api.caller import Caller, OwnerRead
from app.config import AuthMode
from tests.edges.callers import DEPLOYED
from tests.edges.conftest import through_lambda
from tests.edges.described import CONTRACTS, document_of
from tests.edges.requests import READS, REQUESTS

OPEN_PATHS = {"/", "/docs", "/docs/assets", "/openapi.json"}
"""The documentation: of the app itself, and without an operation."""
CALLER = get_args(Caller)[1].dependency
OWNER_READ = get_args(OwnerRead)[1].dependency


def undeclared(app: FastAPI) -> set[str]:
    """What is mounted counts as one route: an app of its own may answer anything below it."""
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

    assert {route.path for route in named} == OPEN_PATHS | {"/healthz", "/problems/{code}"}
    assert not [route.path for route in named if is_declared(route)]
    assert len(routes) == len(CONTRACTS) + len(OPEN_PATHS)


def test_a_route_without_one_is_found_wherever_it_is(make_app: Any) -> None:
    app = make_app("api-key")
    router = APIRouter(dependencies=[Depends(lambda: "somebody")])
    router.get("/inner")(greet_anybody)
    app.get("/plain")(greet_anybody)
    app.include_router(router, prefix="/outer")
    app.add_route("/starlette", lambda _: PlainTextResponse("hello"))
    app.mount("/mounted", FastAPI())
    app.websocket("/socket")(speak)

    assert undeclared(app) == {"/plain", "/outer/inner", "/starlette", "/mounted", "/socket"}


def test_a_whole_host_is_found_too(make_app: Any) -> None:
    app = make_app("api-key")
    app.router.routes.append(Host("other.example.com", FastAPI()))

    assert undeclared(app) == {"None"}


def test_a_frontend_is_found_too(make_app: Any, tmp_path: Path) -> None:
    app = make_app("api-key")
    app.frontend("/console", directory=tmp_path)

    assert has_frontend(app)


def test_a_route_that_asks_for_the_principal_anywhere_is_declared(make_app: Any) -> None:
    app = make_app("api-key")
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


@pytest.mark.parametrize("auth_mode", DEPLOYED)
def test_nobody_is_let_in_where_a_principal_is_declared(make_app: Any, auth_mode: AuthMode) -> None:
    """Should a method ever be deployed without API Gateway's authorizer."""
    with through_lambda(make_app(auth_mode), vouched={"identity": {}}) as client:
        statuses = {name: sent.by(client).status_code for name, sent in REQUESTS.items()}

    assert statuses == {name: 200 if known.is_open else 401 for name, known in CONTRACTS.items()}

"""What is not about one object: kinds, health, documentation, problems."""

import ast
import inspect
import re
from typing import get_args

import httpx2
import pytest
from starlette.testclient import TestClient

from app.api import routes
from app.api.app import create_app
from app.api.problems.catalogue import ANSWERS, HTTP_ANSWERS
from app.api.schemas.responses import PublicStatus
from app.api.services import ApiServices
from app.domain import errors
from app.domain.errors import WharfError
from app.domain.kinds import KINDS
from app.domain.values import Status
from tests.edges.conftest import settings_for, through_lambda

INTERNAL = {errors.OutOfTime, errors.UnknownMessage}
"""Leaves that only a message can meet."""


def leaves(branch: type[WharfError]) -> set[type[WharfError]]:
    below = branch.__subclasses__()
    return set().union(*(leaves(leaf) for leaf in below)) if below else {branch}


def test_every_leaf_of_the_error_tree_has_an_answer() -> None:
    assert leaves(WharfError) - INTERNAL == set(ANSWERS)


def test_the_drawn_error_tree_is_the_real_one() -> None:
    drawn = set(re.findall(r"^ +[-+·] (\w+)", errors.__doc__ or "", re.MULTILINE))

    assert drawn == {leaf.__name__ for leaf in tree(WharfError)} - {WharfError.__name__}


def tree(branch: type[WharfError]) -> set[type[WharfError]]:
    return {branch}.union(*(tree(leaf) for leaf in branch.__subclasses__()))


def test_codes_are_snake_case_and_stand_for_one_status() -> None:
    answers = [*ANSWERS.values(), *HTTP_ANSWERS.values()]

    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", answer.code) for answer in answers)
    assert len({(answer.code, answer.status) for answer in answers}) == len({a.code for a in answers})


def test_the_public_statuses_are_the_statuses_without_the_tombstone() -> None:
    assert set(get_args(PublicStatus)) == {status.value for status in Status} - {"deleted"}


def test_every_kind_is_listed_with_its_rules(client: httpx2.Client) -> None:
    kinds = {kind["name"]: kind for kind in client.get("/v1/kinds").json()["items"]}

    assert set(kinds) == set(KINDS)
    assert kinds["record"] | {"description": ""} == {
        "name": "record",
        "description": "",
        "attributes_schema": kinds["record"]["attributes_schema"],
        "has_payload": False,
        "media_types": None,
        "size_limit": None,
        "unpacked_limit": None,
    }
    assert kinds["dataset"]["size_limit"] == 1024**3
    assert "text/csv" in kinds["dataset"]["media_types"]


def test_health_is_answered(client: httpx2.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1", "/v1/objects/", "/v1/objects/x/nothing", "/docs/assets/no"]
)
def test_an_unknown_path_is_a_problem_too(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"


def test_a_method_that_is_not_there_is_a_problem_too(client: httpx2.Client) -> None:
    answer = client.delete("/v1/kinds")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_documentation_needs_no_internet_access(client: httpx2.Client) -> None:
    page = client.get("/docs").text

    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) == 3
    assert "http" not in page.replace("http-equiv", "")
    for link in links:
        # The Lambda door serves below the stage, which API Gateway takes off the path again.
        assert client.get(link.removeprefix("/dev")).status_code == 200


def test_links_carry_the_stage_that_api_gateway_serves_below(services: ApiServices) -> None:
    with through_lambda(create_app(services, settings_for("api-key"))) as client:
        page = client.get("/docs").text
        created = client.post("/v1/objects", json={"kind": "record", "name": "n"})
        start = client.get("/")
        problem = client.get("/nothing").json()

    assert "'/dev/openapi.json'" in page
    assert created.headers["Location"].startswith("/dev/v1/objects/")
    assert start.headers["Location"] == "/dev/docs"
    assert problem["type"] == "/dev/problems/not_found"


def test_the_start_page_leads_to_the_documentation(client: httpx2.Client) -> None:
    answer = client.get("/")

    assert answer.status_code == 307
    assert answer.headers["Location"].endswith("/docs")


def test_openapi_describes_the_union_of_kinds(client: httpx2.Client) -> None:
    document = client.get("/openapi.json").json()

    body = document["paths"]["/v1/objects"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert document["openapi"].startswith("3.1")
    assert set(body["discriminator"]["mapping"]) == set(KINDS)


def test_a_fault_of_the_service_is_a_problem_with_the_request_id(services: ApiServices) -> None:
    app = create_app(services, settings_for("local"))
    del app.state.services
    answer = TestClient(app, raise_server_exceptions=False).get("/v1/objects")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.json()["request_id"] == answer.headers["Request-Id"]


@pytest.mark.parametrize("path", ["/healthz", "/v1/objects?limit=0", "/nothing"])
def test_the_log_of_a_request_has_the_id_of_its_answer(
    client: httpx2.Client, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    with caplog.at_level("INFO"):
        answer = client.get(path)

    [logged] = [record for record in caplog.records if record.message == "request.done"]
    assert vars(logged)["correlation_id"] == answer.headers["Request-Id"]
    assert vars(logged)["status"] == answer.status_code


def test_no_route_holds_a_rule() -> None:
    """Signature, one call, one conversion: a function with more statements does something else."""
    modules = [module for _, module in inspect.getmembers(routes, inspect.ismodule)]
    functions = [
        node
        for module in modules
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.FunctionDef)
    ]
    assert functions
    assert max(len(function.body) for function in functions) <= 8

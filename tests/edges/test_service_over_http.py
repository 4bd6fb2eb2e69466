"""Requests that are not about one object: kinds, health, documentation, problems."""

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
from app.api.schemas.objects import PublicStatus
from app.api.services import ApiServices
from app.domain import errors
from app.domain.errors import WharfError
from app.domain.kinds import KINDS
from app.domain.objects.values import Status
from tests.conftest import Aws
from tests.edges.conftest import settings_for, through_lambda
from tests.services import services_on

#: Leaves that only a message, or an operator who replays, can meet.
INTERNAL = {errors.OutOfTime, errors.StillAtFault, errors.UnknownMessage, errors.WorkerFault}
#: No leaf, because the worker has one of its own below it.
ANSWERED_AS_WELL = {errors.Unavailable}


def leaves(branch: type[WharfError]) -> set[type[WharfError]]:
    below = branch.__subclasses__()
    return set().union(*(leaves(leaf) for leaf in below)) if below else {branch}


def test_every_leaf_of_the_error_tree_has_an_answer() -> None:
    assert leaves(WharfError) - INTERNAL | ANSWERED_AS_WELL == set(ANSWERS), (
        "Each leaf is in ANSWERS in app/api/problems/catalogue.py, or in INTERNAL here."
    )


def test_the_drawn_error_tree_is_the_real_one() -> None:
    drawn = set(re.findall(r"^ +[-+·] (\w+)", errors.__doc__ or "", re.MULTILINE))

    assert drawn == {leaf.__name__ for leaf in tree(WharfError)} - {WharfError.__name__}, (
        "The tree is drawn in the docstring of app/domain/errors.py."
    )


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
        "seconds_limit": None,
    }
    assert kinds["dataset"]["size_limit"] == 1024**3
    assert kinds["dataset"]["unpacked_limit"] == 2288 * 1024**2
    assert kinds["dataset"]["seconds_limit"] == 225
    assert "text/csv" in kinds["dataset"]["media_types"]


def test_a_worker_with_less_time_takes_smaller_files_and_says_so(aws: Aws) -> None:
    """A worker keeps what its limits promise, so a larger file is refused before it is uploaded."""
    app = create_app(services_on(aws, lease_seconds=10), settings_for("api-key"))
    with through_lambda(app) as client:
        [limit] = [
            kind["size_limit"] for kind in client.get("/v1/kinds").json()["items"] if kind["name"] == "file"
        ]
        body = {"kind": "file", "name": "a", "payload": {"media_type": "text/plain", "size": limit}}
        taken = client.post("/v1/objects", json=body)
        body["payload"] = {"media_type": "text/plain", "size": limit + 1}
        refused = client.post("/v1/objects", json=body)

    assert limit == 225_000_000
    assert (taken.status_code, refused.status_code) == (201, 422)
    assert refused.json()["errors"][0]["pointer"] == "/payload/size"


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
        problem = client.get("/nothing").json()

    assert "'/dev/openapi.json'" in page
    assert created.headers["Location"].startswith("/dev/v1/objects/")
    assert problem["type"] == "/dev/problems/not_found"


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

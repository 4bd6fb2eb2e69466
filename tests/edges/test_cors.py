"""Browser clients of other origins, from the settings (WHATWG Fetch, "CORS protocol")."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from app.api.app import create_app
from app.api.services import ApiServices
from tests.conftest import Aws
from tests.edges.conftest import settings_for, through_lambda
from tests.edges.stored import URL, behind
from tests.faults import fail, throttling

PAGE = "https://shop.example"
OTHER_PAGE = "https://admin.example"
STRANGER = "https://stranger.example"
Open = Callable[[str], AbstractContextManager[httpx2.Client]]


@pytest.fixture(params=["asgi", "lambda"])
def open_door(request: pytest.FixtureRequest, services: ApiServices) -> Open:
    """A door to an app that allows these origins."""

    def asgi(origins: str) -> AbstractContextManager[httpx2.Client]:
        app = create_app(services, settings_for("local", cors_origins=origins))
        return TestClient(app, follow_redirects=False)

    def lambda_(origins: str) -> AbstractContextManager[httpx2.Client]:
        return through_lambda(create_app(services, settings_for("api-key", cors_origins=origins)))

    return asgi if request.param == "asgi" else lambda_


@pytest.fixture
def client(open_door: Open) -> Iterator[httpx2.Client]:
    with open_door(f"{PAGE}, {OTHER_PAGE}") as client:
        yield client


def preflight(
    client: httpx2.Client, method: str, *headers: str, path: str = URL, origin: str = PAGE
) -> httpx2.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = ", ".join(headers)
    return client.options(path, headers=asked)


def names(answer: httpx2.Response, header: str) -> set[str]:
    return {name.strip().lower() for name in answer.headers.get(header, "").split(",")} - {""}


def cors_headers(answer: httpx2.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-")}


def test_a_page_may_use_every_method(client: httpx2.Client) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        answer = preflight(client, method)

        assert (method, answer.status_code) == (method, 200)
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert method.lower() in names(answer, "Access-Control-Allow-Methods")
        assert "Origin" in answer.headers["Vary"]
        assert answer.headers["Request-Id"]


def test_a_page_may_send_every_header_that_the_service_reads(client: httpx2.Client) -> None:
    read = ["Idempotency-Key", "If-Match", "If-None-Match", "Prefer", "Content-Type", "Authorization"]
    read += ["X-Api-Key"]

    answer = preflight(client, "PATCH", *read)

    assert answer.status_code == 200
    assert set(map(str.lower, read)) <= names(answer, "Access-Control-Allow-Headers")


def test_a_preflight_may_be_kept_for_a_while(client: httpx2.Client) -> None:
    assert int(preflight(client, "PATCH").headers["Access-Control-Max-Age"]) > 0


def test_a_page_of_another_origin_may_not(client: httpx2.Client) -> None:
    for origin in (STRANGER, "http://shop.example", f"{PAGE}.evil.example", "null"):
        asked = preflight(client, "PATCH", origin=origin)
        read = client.get("/v1/kinds", headers={"Origin": origin})

        assert (origin, asked.status_code) == (origin, 400)
        assert "Access-Control-Allow-Origin" not in asked.headers
        assert "Access-Control-Allow-Origin" not in read.headers


def test_each_configured_origin_is_answered_as_itself(client: httpx2.Client) -> None:
    allowed = {
        origin: client.get("/v1/kinds", headers={"Origin": origin}).headers["Access-Control-Allow-Origin"]
        for origin in (PAGE, OTHER_PAGE)
    }

    assert allowed == {PAGE: PAGE, OTHER_PAGE: OTHER_PAGE}


def test_a_page_can_read_every_header_that_the_service_sends(client: httpx2.Client) -> None:
    answer = client.post("/v1/objects", json={"kind": "record", "name": "n"}, headers={"Origin": PAGE})

    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert names(answer, "Access-Control-Expose-Headers") >= {
        "etag",
        "location",
        "request-id",
        "retry-after",
        "idempotency-replayed",
    }


def errors(client: httpx2.Client, aws: Aws) -> Iterator[httpx2.Response]:
    """One of every kind, from the innermost to the outermost that refuses."""
    behind(client, aws).add("processing")
    send = partial(client.request, headers={"Origin": PAGE})
    yield send("GET", "/nothing")
    yield send("BREW", URL)
    yield send("POST", f"{URL}/reprocess")
    yield send("PATCH", URL, json={"colour": 1})
    yield send("POST", "/v1/objects", content=b"{")
    yield send("PUT", f"{URL}/payload", content=b"x" * (4 * 1024 * 1024 + 1))
    yield client.delete(URL, headers={"Origin": PAGE, "If-Match": '"7"'})
    yield client.get(URL, headers={"Origin": PAGE, "Accept": "text/html"})
    fail(aws.dynamodb, "GetItem", throttling())
    yield send("GET", URL)


def test_a_page_can_read_errors_too(client: httpx2.Client, aws: Aws) -> None:
    answers = list(errors(client, aws))

    assert [answer.status_code for answer in answers] == [404, 405, 409, 422, 415, 413, 412, 406, 503]
    assert {answer.headers.get("Access-Control-Allow-Origin") for answer in answers} == {PAGE}
    assert all("retry-after" in names(answer, "Access-Control-Expose-Headers") for answer in answers)


def test_a_page_can_read_that_the_service_failed(services: ApiServices) -> None:
    """The page also reads the request id, which it needs to report the fault."""
    app = create_app(services, settings_for("local", cors_origins=PAGE))
    del app.state.services

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/v1/objects", headers={"Origin": PAGE})

    assert answer.status_code == 500
    assert answer.headers.get("Access-Control-Allow-Origin") == PAGE


def test_any_origin_may_be_allowed(open_door: Open) -> None:
    with open_door("*") as client:
        read = client.get("/v1/kinds", headers={"Origin": STRANGER})
        asked = preflight(client, "DELETE", origin=STRANGER)

    assert (read.headers["Access-Control-Allow-Origin"], asked.status_code) == ("*", 200)
    assert "Access-Control-Allow-Credentials" not in read.headers


def test_an_origin_may_have_any_port(open_door: Open) -> None:
    near = ["http://localhost.evil.example", "http://localhost:1.evil.example", "https://localhost:5173"]
    with open_door("http://localhost:*,https://shop.example") as client:
        allowed = {
            origin: client.get("/v1/kinds", headers={"Origin": origin}).headers.get(
                "Access-Control-Allow-Origin"
            )
            for origin in ("http://localhost:5173", "http://localhost", PAGE, *near)
        }

    assert {origin for origin, shown in allowed.items() if shown == origin} == {
        "http://localhost:5173",
        "http://localhost",
        PAGE,
    }


@pytest.mark.parametrize("origins", ["", " , "])
def test_none_is_allowed_when_none_is_configured(open_door: Open, origins: str) -> None:
    with open_door(origins) as client:
        answers = [client.get("/v1/kinds", headers={"Origin": PAGE}), preflight(client, "PATCH")]

    assert [cors_headers(answer) for answer in answers] == [set(), set()]


def test_a_request_of_no_page_is_answered_without(client: httpx2.Client) -> None:
    answer: Any = client.get("/v1/kinds")

    assert "Access-Control-Allow-Origin" not in answer.headers


def test_options_that_are_no_preflight_tell_the_methods(client: httpx2.Client) -> None:
    answer = client.options(URL, headers={"Origin": PAGE})

    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, PAGE)
    assert "PATCH" in answer.headers["Allow"]

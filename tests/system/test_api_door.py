"""The door of the API over real connections: only this machine's names, and only pages that may."""

import http.client
import json
from collections.abc import Mapping

import pytest

from app.api.middleware.security_headers import HEADERS
from app.local.aws.emulator import EVERYWHERE
from app.local.doors.api_door import ApiDoor
from app.local.doors.machine import Machine, Pages, name_in
from tests.system.conftest import Runtime

FOREIGN = ("https://evil.example", "http://localhost.evil.example", "null", "http://evil.example:8000")
OWN = ("http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:8080", "https://localhost")
BODY = json.dumps({"kind": "record", "name": "by a page"})


def ask(
    running: Runtime, method: str, path: str, headers: Mapping[str, str], body: str | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPConnection(running.host, running.port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", EVERYWHERE])
@pytest.mark.parametrize("path", ["/v1/objects", "/healthz", "/docs", "/metrics", "/nothing"])
def test_a_name_of_another_machine_is_answered_by_nothing(running: Runtime, host: str, path: str) -> None:
    status, headers, body = ask(running, "GET", path, {"Host": host})

    assert status == 421
    assert json.loads(body)["title"] == "The request is meant for another machine"
    assert set(HEADERS) <= set(headers)
    assert headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:8000", "127.0.0.1"])
def test_names_of_this_machine_are_served(running: Runtime, host: str) -> None:
    assert ask(running, "GET", "/v1/objects", {"Host": host})[0] == 200


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/v1/objects", "text/plain"),
        ("POST", "/v1/objects", "application/json"),
        ("GET", "/v1/objects", ""),
        ("GET", "/metrics", ""),
        ("DELETE", "/v1/objects/0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10", ""),
        ("OPTIONS", "/v1/objects", ""),
    ],
)
def test_a_foreign_page_is_refused_whatever_it_asks(
    running: Runtime, origin: str, method: str, path: str, kind: str
) -> None:
    asked = {"Origin": origin, "Content-Type": kind, "Access-Control-Request-Method": "POST"}
    status, headers, body = ask(running, method, path, asked, BODY)

    assert status == 403
    assert b"CORS_ORIGINS names the pages that may." in body
    assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize("origin", OWN)
def test_a_page_of_this_machine_may_call_from_any_port(running: Runtime, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = ask(running, "OPTIONS", "/v1/objects", asked)
    created = ask(
        running, "POST", "/v1/objects", {"Origin": origin, "Content-Type": "application/json"}, BODY
    )

    assert (preflight[0], created[0]) == (200, 201)
    assert preflight[1]["access-control-allow-origin"] == origin
    assert created[1]["access-control-allow-origin"] == origin


def test_the_apis_own_page_may_whatever_the_setting() -> None:
    """Swagger UI sends its Origin too."""

    async def app(*_: object) -> None:
        """Serve nothing."""

    door = ApiDoor(app, Machine(name_in("https://wharf.test")), Pages.of(["https://app.example"]))

    def is_served(host: str, origin: str) -> bool:
        headers = [(b"host", host.encode()), (b"origin", origin.encode())]
        return door.refusal({"type": "http", "headers": headers}) is None

    assert is_served("wharf.test:8000", "http://wharf.test:8000")
    assert is_served("wharf.test:8000", "https://app.example")
    assert not is_served("wharf.test:8000", "http://wharf.test:8001")
    assert not is_served("wharf.test:8000", "http://localhost:5173")
    assert not is_served("evil.example", "http://evil.example")

"""Every answer tells a browser to do as little with it as will do; none tells what it was made with."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from app.api.app import VERSION, create_app
from app.api.middleware.security_headers import HEADERS, NOTHING, ONLY_HTTPS
from app.api.services import ApiServices
from tests.conftest import Aws
from tests.edges.conftest import settings_for, through_lambda
from tests.edges.stored import URL, behind
from tests.edges.test_methods_over_http import ALLOWED
from tests.edges.test_problem_pages import PROVOKED

#: Paths that a browser shows as pages. The answers of all others may load and run nothing.
PAGES = {"/", "/docs", "/problems/not_found"}
BANNERS = ("server", "x-powered-by", "via", "x-aspnet-version", "x-generator")


def policy(answer: httpx2.Response) -> dict[str, list[str]]:
    """Sources by directive (Content Security Policy Level 3)."""
    directives = [part.split() for part in answer.headers["Content-Security-Policy"].split(";")]
    return {name: sources for name, *sources in directives}


def check(answer: httpx2.Response) -> None:
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] in ("private, no-cache", "no-store")
    assert policy(answer)["default-src"] == policy(answer)["frame-ancestors"] == ["'none'"]
    assert "'unsafe-inline'" not in headers["Content-Security-Policy"]
    assert all(len(headers.get_list(name)) == 1 for name in HEADERS)
    assert all(len(headers.get_list(name)) <= 1 for name in ONLY_HTTPS)


def answers(client: httpx2.Client) -> Iterator[httpx2.Response]:
    """Yield the answers of every route to every method, of what is not there, and of files."""
    for path, methods in ALLOWED.items():
        for method in {*methods, "HEAD", "OPTIONS", "BREW"}:
            yield client.request(method, path)
    for path in ("/nothing", "/docs/assets/nothing", f"{URL}x", "/v1/objects?limit=0"):
        yield from (client.get(path), client.head(path), client.options(path))


def test_every_answer_has_them(client: httpx2.Client, aws: Aws) -> None:
    behind(client, aws).add("ready")
    statuses = set()

    for answer in answers(client):
        check(answer)
        statuses.add(answer.status_code)
        if answer.request.url.path not in PAGES or answer.is_error or answer.status_code == 204:
            assert answer.headers["Content-Security-Policy"] == NOTHING
    assert {200, 204, 404, 405, 415, 422} <= statuses


@pytest.mark.parametrize("code", PROVOKED)
def test_every_problem_has_them(client: httpx2.Client, aws: Aws, code: str) -> None:
    stored = behind(client, aws)
    stored.add("pending")

    check(PROVOKED[code](client, stored))


def test_an_answer_that_nobody_expected_has_them(services: ApiServices) -> None:
    app = create_app(services, settings_for("local"))
    del app.state.services

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/v1/objects")

    assert answer.status_code == 500
    check(answer)


def test_what_a_browser_asks_before_has_them(services: ApiServices) -> None:
    origin = "https://shop.example"
    app = create_app(services, settings_for("local", cors_origins=origin))
    with TestClient(app) as client:
        for asking in (origin, "https://stranger.example"):
            headers = {"Origin": asking, "Access-Control-Request-Method": "PATCH"}
            check(client.options(URL, headers=headers))


def test_https_is_insisted_on_only_behind_api_gateway(services: ApiServices) -> None:
    """A browser that was told to insist on HTTPS could not come back where there is no certificate."""
    app = create_app(services, settings_for("api-key"))
    with TestClient(app) as plain:
        assert "Strict-Transport-Security" not in plain.get("/healthz").headers
    with through_lambda(app) as deployed:
        for path in ("/healthz", "/nothing", "/docs", "/docs/assets/swagger-ui.css"):
            seconds = re.fullmatch(r"max-age=(\d+)", deployed.get(path).headers["Strict-Transport-Security"])

            assert seconds
            assert int(seconds[1]) >= 365 * 24 * 3600


def inline(kind: str, page: str) -> list[str]:
    return re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)


@pytest.mark.parametrize(("path", "scripts", "styles"), [("/docs", 1, 0), ("/problems/not_found", 0, 1)])
def test_a_page_may_be_what_it_is_and_nothing_else(
    client: httpx2.Client, path: str, scripts: int, styles: int
) -> None:
    """Each inline part is allowed by its hash, so one that is injected is not."""
    answer = client.get(path)
    allowed = policy(answer)

    for kind, count in (("script", scripts), ("style", styles)):
        parts = inline(kind, answer.text)
        hashes = {f"'sha256-{b64encode(sha256(part.encode()).digest()).decode()}'" for part in parts}
        assert len(parts) == count
        assert hashes == {source for source in allowed.get(f"{kind}-src", []) if "sha256" in source}
    assert allowed["base-uri"] == allowed["form-action"] == ["'none'"]
    assert not re.search(r"\son\w+=|style=|javascript:", answer.text)
    allowed.pop("connect-src", None)
    assert {s for sources in allowed.values() for s in sources if "sha256" not in s} <= {
        "'none'",
        "'self'",
        "data:",
    }


def test_the_documentation_may_load_its_own_files_and_ask_its_own_api(client: httpx2.Client) -> None:
    allowed = policy(client.get("/docs"))

    assert all("'self'" in allowed[name] for name in ("script-src", "style-src", "img-src", "connect-src"))


def test_the_documentation_may_follow_a_redirect_to_the_bucket_and_to_no_other_host(
    client: httpx2.Client, aws: Aws
) -> None:
    behind(client, aws).add("ready")
    url = urlsplit(client.get(f"{URL}/payload").headers["Location"])

    assert policy(client.get("/docs"))["connect-src"] == ["'self'", f"{url.scheme}://{url.netloc}"]


def test_what_an_answer_sets_itself_it_keeps(client: httpx2.Client, aws: Aws) -> None:
    behind(client, aws).add("ready")

    assert client.get(f"{URL}/payload").headers.get_list("Cache-Control") == ["no-store"]
    assert client.get(URL).headers.get_list("Cache-Control") == ["private, no-cache"]


def test_an_answer_that_was_kept_is_asked_for_again_at_no_cost(client: httpx2.Client, aws: Aws) -> None:
    behind(client, aws).add("ready")
    tag = client.get(URL).headers["ETag"]

    again = client.get(URL, headers={"If-None-Match": tag})

    assert (again.status_code, again.headers["Cache-Control"]) == (304, "private, no-cache")
    check(again)


def test_no_answer_tells_what_it_was_made_with(client: httpx2.Client, aws: Aws) -> None:
    """No header, page, problem or document names a version but our own."""
    behind(client, aws).add("ready")
    made_with = {
        f"{name}/{version(name)}" for name in ("fastapi", "starlette", "uvicorn", "mangum", "pydantic")
    }
    for answer in answers(client):
        assert not set(BANNERS) & set(answer.headers)
        if "/docs/assets/" not in answer.request.url.path:
            shown = f"{answer.headers} {answer.text}".lower()
            assert not [name for name in made_with if name in shown]
            assert not re.search(r"fastapi|starlette|uvicorn|mangum|pydantic|python", shown)

    assert client.get("/openapi.json").json()["info"]["version"] == VERSION

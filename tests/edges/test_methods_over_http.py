"""HEAD wherever GET is; 405 with every method that is allowed; OPTIONS everywhere."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from app.api.app import create_app
from app.api.services import ApiServices
from tests.conftest import Aws
from tests.edges.conftest import settings_for, through_lambda
from tests.edges.doors import proxy_event
from tests.edges.requests import REQUESTS, filled
from tests.edges.stored import DELIVERY, ID, URL, Stored, behind
from tests.linked import LINK, TOKEN

FILE = "/docs/assets/swagger-ui.css"
#: Paths that are in no contract: pages for people, and the contract itself.
PAGES = ("/", "/docs", FILE, "/openapi.json")


def allowed() -> dict[str, set[str]]:
    """Return every path, and what a client may do there: what the requests to every operation do."""
    found = {path: {"GET"} for path in PAGES}
    for sent in REQUESTS.values():
        found.setdefault(filled(sent.path), set()).add(sent.method)
    return found


ALLOWED = allowed()
READABLE = [path for path, methods in ALLOWED.items() if "GET" in methods]
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "PROPFIND"}
ROUTES = [path for path in ALLOWED if path != FILE]


def allowed_at(path: str) -> set[str]:
    methods = ALLOWED[path]
    return methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())


def allow(answer: httpx2.Response) -> set[str]:
    return set(answer.headers["Allow"].split(", "))


@pytest.fixture
def stored(client: httpx2.Client, aws: Aws) -> Stored:
    stored = behind(client, aws)
    stored.add("ready")
    stored.add_webhook()
    stored.add_delivery()
    stored.add_link()
    return stored


def test_every_path_of_the_document_is_in_the_table(client: httpx2.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    examples = {
        "{object_id}": ID,
        "{webhook_id}": ID,
        "{delivery_id}": DELIVERY,
        "{link_id}": LINK,
        "{token}": TOKEN,
        "{name}": "profile.json",
        "{code}": "not_found",
    }
    described = {
        re.sub(r"\{\w+\}", lambda found: examples[found[0]], path): set(map(str.upper, paths[path]))
        for path in paths
    }
    assert described | {path: {"GET"} for path in PAGES} == ALLOWED


#: Headers that differ between two answers to the same question: a presigned URL holds its moment.
VARYING = {"date", "location", "request-id"}


@pytest.mark.usefixtures("stored")
def test_head_is_get_without_the_content(client: httpx2.Client) -> None:
    for path in READABLE:
        got, headed = client.get(path), client.head(path)

        assert (path, headed.status_code, headed.content) == (path, got.status_code, b"")
        assert set(headed.headers) == set(got.headers)
        for name in set(got.headers) - VARYING:
            assert headed.headers[name] == got.headers[name]


def test_head_of_a_problem_has_no_content_either(client: httpx2.Client) -> None:
    for path in ("/nothing", "/problems/nothing", f"{URL}x", "/v1/objects?limit=0"):
        got, headed = client.get(path), client.head(path)

        assert (path, headed.status_code, headed.content) == (path, got.status_code, b"")
        assert headed.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", [f"{URL}/payload", f"{URL}/artifacts/profile.json", f"/l/{TOKEN}"])
@pytest.mark.usefixtures("stored")
def test_head_of_a_download_leads_to_a_url_signed_for_head(client: httpx2.Client, path: str) -> None:
    """S3 refuses HEAD on a URL that was signed for GET; method and all else are under the signature."""
    got, headed = client.get(path), client.head(path)

    signatures = [
        parse_qs(urlsplit(answer.headers["Location"]).query)["X-Amz-Signature"] for answer in (got, headed)
    ]
    assert (got.status_code, headed.status_code) in {(307, 307), (303, 303)}
    assert signatures[0] != signatures[1]


def test_another_method_is_refused_with_all_that_are_allowed(client: httpx2.Client) -> None:
    for path in ROUTES:
        for method in METHODS - allowed_at(path):
            answer = client.request(method, path)

            assert (path, method, answer.status_code) == (path, method, 405)
            assert allow(answer) == allowed_at(path)
            if method != "HEAD":
                assert answer.json()["code"] == "method_not_allowed"


def test_options_are_told(client: httpx2.Client) -> None:
    for path in ROUTES:
        answer = client.options(path)

        assert (path, answer.status_code, answer.content) == (path, 204, b"")
        assert allow(answer) == allowed_at(path)


@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
def test_a_file_can_only_be_read(client: httpx2.Client, method: str) -> None:
    """Files are served by an app of their own, mounted below their path."""
    assert allow(client.request(method, FILE)) == allowed_at(FILE)


def test_allow_names_each_method_once(client: httpx2.Client) -> None:
    named = client.options(URL).headers["Allow"].split(", ")

    assert len(named) == len(set(named))


def test_at_a_path_that_is_not_there_no_method_is(client: httpx2.Client) -> None:
    for path in ("/nothing", "/v1", "/v1/objects/", f"{URL}/nothing", "/docs/"):
        for method in ("OPTIONS", "PUT", "BREW"):
            answer = client.request(method, path)

            assert (path, method, answer.status_code) == (path, method, 404)
            assert answer.json()["code"] == "not_found"


def test_options_need_no_caller(services: ApiServices) -> None:
    """A browser asks before it has shown who it is."""
    app = create_app(services, settings_for("iam"))
    with through_lambda(app) as client:
        answers = {path: client.options(path).status_code for path in ALLOWED}

    assert answers == dict.fromkeys(ALLOWED, 204)


def test_the_door_of_these_tests_names_a_caller_in_api_key_mode_only() -> None:
    """The test above is therefore one of nobody."""
    assert proxy_event("GET", "/")["requestContext"]["identity"]["caller"] is None

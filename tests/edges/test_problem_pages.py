"""Each problem's `type` leads to a page that says what it means and what to do."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from starlette.testclient import TestClient

from app.api.app import create_app
from app.api.problems.catalogue import ANSWERS, GATEWAY_ANSWERS, HTTP_ANSWERS, PAGES
from app.api.problems.details import ProblemOut
from app.api.services import ApiServices
from app.domain.feed import Place
from app.domain.webhooks.deliveries import Outcome
from app.services.changes.following import FeedQuery
from app.services.cursors import encode_cursor
from tests.conftest import NOW, Aws
from tests.edges.conftest import settings_for
from tests.edges.requests import SUBSCRIPTION
from tests.edges.stored import DELIVERY, URL, WEBHOOK_URL, Stored, behind
from tests.faults import answering, fail, throttling
from tests.linked import make_link, put_links
from tests.services import services_on


def test_every_code_in_the_table_has_a_page(client: httpx2.Client) -> None:
    codes = {answer.code for answer in (*ANSWERS.values(), *HTTP_ANSWERS.values())}

    for code in codes:
        page = client.get(f"/problems/{code}")

        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        shown = unescape(re.sub("<[^>]*>", "", page.text))
        assert PAGES[code].title in shown
        assert PAGES[code].advice.replace("`", "") in shown
        assert f"Code {code}, status {PAGES[code].status}." in shown


def test_what_is_code_in_a_text_is_shown_as_code(client: httpx2.Client) -> None:
    page = client.get("/problems/unavailable").text

    assert "Wait for the seconds in <code>Retry-After</code>." in page
    for code, answer in PAGES.items():
        assert "`" not in client.get(f"/problems/{code}").text.split("<h2>")[0]
        assert answer.advice.count("`") % 2 == 0


@pytest.mark.parametrize("code", PAGES)
def test_a_page_shows_an_example_of_the_problem(client: httpx2.Client, code: str) -> None:
    page = client.get(f"/problems/{code}").text

    example = json.loads(unescape(page.split("<pre><code>")[1].split("</code></pre>")[0]))
    ProblemOut.model_validate(example)
    assert (example["code"], example["status"]) == (code, PAGES[code].status)
    # The Lambda door serves below the stage, which API Gateway takes off the path again.
    assert example["type"].removeprefix("/dev") == f"/problems/{code}"
    assert example["type"] == client.get("/v1/nothing").json()["type"].replace("not_found", code)


def test_a_page_needs_nothing_from_elsewhere(client: httpx2.Client) -> None:
    page = client.get("/problems/not_found").text

    assert "http" not in page
    assert "<script" not in page


def test_a_code_that_is_none_has_no_page(client: httpx2.Client) -> None:
    for code in ("nothing", "NOT_FOUND", "not_found.html", "<b>", "%00", "ü"):
        answer = client.get(f"/problems/{code}")

        assert (code, answer.status_code, answer.json()["code"]) == (code, 404, "not_found")


def test_there_is_no_page_of_all_codes(client: httpx2.Client) -> None:
    answer = client.get("/problems")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def create(client: httpx2.Client, key: str = "", name: str = "n") -> httpx2.Response:
    headers = {"Idempotency-Key": key}
    return client.post("/v1/objects", json={"kind": "record", "name": name}, headers=headers)


def reuse_a_key(client: httpx2.Client, _: Stored) -> httpx2.Response:
    create(client, "k")
    return create(client, "k", "another")


def reuse_the_key_of_a_deleted_object(client: httpx2.Client, _: Stored) -> httpx2.Response:
    created = create(client, "k").json()
    client.delete(f"/v1/objects/{created['id']}")
    return create(client, "k")


def be_overtaken(client: httpx2.Client, stored: Stored) -> httpx2.Response:
    fail(stored.aws.dynamodb, "PutItem", answering(400, "ConditionalCheckFailedException"), times=9)
    return client.patch(URL, json={"name": "new"})


def be_throttled(client: httpx2.Client, stored: Stored) -> httpx2.Response:
    fail(stored.aws.dynamodb, "GetItem", throttling())
    return client.get(URL)


def change_too_often(client: httpx2.Client, stored: Stored) -> httpx2.Response:
    last = stored.add_record(id=RECORD, version=10_000)
    return client.patch(f"/v1/objects/{last.id}", json={"name": "new"})


def complete_too_soon(client: httpx2.Client, _: Stored) -> httpx2.Response:
    payload = {"media_type": "text/csv", "size": 40, "multipart": True}
    created = client.post("/v1/objects", json={"kind": "file", "name": "n", "payload": payload})
    return client.post(f"/v1/objects/{created.json()['id']}/upload/complete")


def come_back_after_a_month(client: httpx2.Client, stored: Stored) -> httpx2.Response:
    place = Place((7,), NOW - timedelta(days=31))
    return client.get(
        "/v1/events", params={"after": encode_cursor(str(place), FeedQuery(stored.owner).scope)}
    )


def use_a_record(request: Callable[[httpx2.Client, str], httpx2.Response]) -> "Provoke":
    def provoke(client: httpx2.Client, stored: Stored) -> httpx2.Response:
        return request(client, f"/v1/objects/{stored.add_record(id=RECORD).id}")

    return provoke


def subscribe_too_often(client: httpx2.Client, _: Stored) -> httpx2.Response:
    answers = [client.post("/v1/webhooks", json=SUBSCRIPTION) for _ in range(17)]
    assert {answer.status_code for answer in answers[:16]} == {201}
    return answers[16]


def share_too_often(client: httpx2.Client, stored: Stored) -> httpx2.Response:
    shared = stored.add("ready", id=RECORD)
    links = [
        make_link(owner=stored.owner, object_id=RECORD, id=str(uuid4()), token_hash=f"{number:064x}")
        for number in range(100)
    ]
    # A transaction has room for a hundred items, and each link has two.
    for start in range(0, 100, 40):
        put_links(stored.aws.adapters().links, *links[start : start + 40])
    return client.post(f"/v1/objects/{shared.id}/links", json={})


def rotate_too_often(client: httpx2.Client, stored: Stored) -> httpx2.Response:
    stored.add_webhook()
    answers = [client.post(f"{WEBHOOK_URL}/rotate-secret") for _ in range(4)]
    assert {answer.status_code for answer in answers[:3]} == {200}
    return answers[3]


def send_a_test_to_what_is_disabled(client: httpx2.Client, stored: Stored) -> httpx2.Response:
    stored.add_webhook()
    client.patch(WEBHOOK_URL, json={"enabled": False})
    return client.post(f"{WEBHOOK_URL}/test")


def replay_what_was_purged(client: httpx2.Client, stored: Stored) -> httpx2.Response:
    stored.add_webhook()
    stored.add_delivery(event=None, outcome=Outcome.DELIVERED, due_at=None)
    return client.post(f"{WEBHOOK_URL}/deliveries/{DELIVERY}/replay")


Provoke = Callable[[httpx2.Client, Stored], httpx2.Response]
RECORD = "11111111-9a0e-4e6f-8a51-2f1c7f1f6a10"
LARGE = b"x" * (4 * 1024 * 1024 + 1)
JSON = {"Content-Type": "application/json"}

#: Every problem that a caller can bring about; the sample object is pending.
PROVOKED: dict[str, Provoke] = {
    "invalid_input": lambda client, _: client.patch(URL, json={"colour": 1}),
    "invalid_cursor": lambda client, _: client.get("/v1/objects?cursor=x"),
    "cursor_expired": come_back_after_a_month,
    "invalid_idempotency_key": lambda client, _: create(client, "k" * 256),
    "invalid_precondition": lambda client, _: client.get(URL, headers={"If-None-Match": "3"}),
    "invalid_media_type": lambda client, _: client.put(
        f"{URL}/payload", content=b"x", headers={"Content-Type": "none"}
    ),
    "encoded_body": lambda client, _: client.patch(URL, json={}, headers={"Content-Encoding": "gzip"}),
    "partial_body": lambda client, _: client.put(
        f"{URL}/payload", content=b"x", headers={"Content-Type": "a/b", "Content-Range": "bytes 0-0/2"}
    ),
    "idempotency_key_reused": reuse_a_key,
    "not_found": lambda client, _: client.get("/nothing"),
    "object_deleted": reuse_the_key_of_a_deleted_object,
    "wrong_state": lambda client, _: client.post(f"{URL}/reprocess"),
    "too_many_changes": change_too_often,
    "parts_missing": complete_too_soon,
    "no_payload_allowed": use_a_record(lambda client, url: client.post(f"{url}/reprocess")),
    "version_mismatch": lambda client, _: client.delete(URL, headers={"If-Match": '"7"'}),
    "payload_not_ready": lambda client, _: client.get(f"{URL}/payload"),
    "concurrent_change": be_overtaken,
    "unavailable": be_throttled,
    "too_many_webhooks": subscribe_too_often,
    "too_many_links": share_too_often,
    "too_many_secrets": rotate_too_often,
    "webhook_disabled": send_a_test_to_what_is_disabled,
    "event_gone": replay_what_was_purged,
    "malformed_json": lambda client, _: client.post("/v1/objects", content=b"{", headers=JSON),
    "method_not_allowed": lambda client, _: client.put("/v1/kinds"),
    "not_acceptable": lambda client, _: client.get(URL, headers={"Accept": "text/html"}),
    "body_too_large": lambda client, _: client.post("/v1/objects", content=LARGE, headers=JSON),
    "unsupported_media_type": lambda client, _: client.post("/v1/objects", content=b"{}"),
}

WITH_A_LIMIT = {"quota_exceeded"}
WITHOUT_WEBHOOKS = {"webhooks_off"}
NOT_BY_A_CALLER = {"unauthenticated", "internal_error"}
BY_API_GATEWAY = {answer.code for answer in GATEWAY_ANSWERS}


def test_every_problem_is_provoked() -> None:
    assert set(PROVOKED) | WITH_A_LIMIT | WITHOUT_WEBHOOKS | NOT_BY_A_CALLER | BY_API_GATEWAY == set(PAGES)


@pytest.mark.parametrize("code", PROVOKED)
def test_the_type_of_a_problem_leads_to_its_page(client: httpx2.Client, aws: Aws, code: str) -> None:
    stored = behind(client, aws)
    stored.add("pending")

    answer = PROVOKED[code](client, stored)

    check(client, answer, code)


def check(client: httpx2.Client, answer: httpx2.Response, code: str) -> None:
    problem = answer.json()
    assert (problem["code"], answer.status_code) == (code, PAGES[code].status)
    assert (problem["title"], problem["status"]) == (PAGES[code].title, answer.status_code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["Request-Id"]
    assert problem["detail"]
    assert ("errors" in problem) is (code == "invalid_input")
    assert ("Retry-After" in answer.headers) is (code == "unavailable")
    # The Lambda door serves below the stage, which API Gateway takes off the path again.
    assert client.get(problem["type"].removeprefix("/dev")).status_code == 200


def test_nobodys_problem_has_a_page_too(services: ApiServices) -> None:
    with TestClient(create_app(services, settings_for("iam"))) as nobody:
        check(nobody, nobody.get("/v1/objects"), "unauthenticated")


def test_the_problem_of_a_limit_has_a_page_too(aws: Aws) -> None:
    limited = services_on(aws, max_bytes=1)
    with TestClient(create_app(limited, settings_for("local"))) as client:
        payload = {"media_type": "text/csv", "size": 40}
        answer = client.post("/v1/objects", json={"kind": "dataset", "name": "n", "payload": payload})

        check(client, answer, "quota_exceeded")


def test_the_problem_of_a_stack_without_webhooks_has_a_page_too(aws: Aws) -> None:
    without = services_on(aws, webhooks_table_name="")
    with TestClient(create_app(without, settings_for("local"))) as client:
        check(client, client.get("/v1/webhooks"), "webhooks_off")


def test_the_services_own_problem_has_a_page_too(services: ApiServices) -> None:
    app = create_app(services, settings_for("local"))
    del app.state.services

    with TestClient(app, raise_server_exceptions=False) as client:
        check(client, client.get("/v1/objects"), "internal_error")


def test_an_asset_that_is_none_is_a_problem_like_any_other(client: httpx2.Client) -> None:
    for path in ("%00", "..%2f..%2fapp.py", "a" * 300, "%ff", "."):
        answer = client.get(f"/docs/assets/{path}")

        assert (path, answer.status_code) == (path, 404)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert client.get(answer.json()["type"].removeprefix("/dev")).status_code == 200


def test_no_page_shows_what_its_text_would_mean_as_html(client: httpx2.Client) -> None:
    """`"` and `<` in titles and advice are text."""
    for code, answer in PAGES.items():
        page = client.get(f"/problems/{code}").text

        assert page.count("<p>") == 2, code
        assert "<" not in unescape(page.split("<h1>")[1].split("</h1>")[0]) or "<" in answer.title


def test_the_codes_are_in_the_source_of_one_table_only() -> None:
    """A title that is written twice will be changed once."""
    api = Path(__file__).parents[2] / "app" / "api"
    holders = {
        source.name for source in api.rglob("*.py") if "The object was deleted" in source.read_text("utf-8")
    }

    assert holders == {"catalogue.py"}

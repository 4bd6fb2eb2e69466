"""Status, headers and shape of what is said about webhooks; each exchange is checked against the document."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook as Verifier

from app.domain.webhooks.deliveries import Attempt, Outcome
from tests.conftest import NOW, Aws
from tests.edges.requests import SUBSCRIPTION
from tests.edges.stored import DELIVERY, URL, WEBHOOK_URL, Stored, behind
from tests.subscribed import make_event

MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def stored(client: httpx2.Client, aws: Aws) -> Stored:
    stored = behind(client, aws)
    stored.add_webhook()
    return stored


def looks(aws: Aws) -> Iterator[str]:
    """Yield which endpoints the sender is asked to look at."""
    found = aws.sqs.receive_message(QueueUrl=aws.sender_queue_url, MaxNumberOfMessages=10)
    yield from (message["Body"] for message in found.get("Messages", []))


def test_a_webhook_is_created_with_a_secret_that_no_other_answer_shows(client: httpx2.Client) -> None:
    created = client.post("/v1/webhooks", json=SUBSCRIPTION)
    shown = client.get(created.headers["Location"].removeprefix("/dev"))

    assert (created.status_code, created.headers["ETag"]) == (201, '"1"')
    assert Verifier(created.json()["secret"])
    assert created.json()["enabled"] is True
    assert shown.json() == {name: value for name, value in created.json().items() if name != "secret"}
    assert shown.headers["ETag"] == '"1"'


def test_a_repeated_create_shows_the_secret_again(client: httpx2.Client) -> None:
    first, second = (
        client.post("/v1/webhooks", json=SUBSCRIPTION, headers={"Idempotency-Key": "one"}) for _ in range(2)
    )
    other = client.post(
        "/v1/webhooks", json={"url": "https://b.example/"}, headers={"Idempotency-Key": "one"}
    )

    assert first.json() == second.json()
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_the_key_of_a_deleted_webhook_is_used_up(client: httpx2.Client) -> None:
    key = {"Idempotency-Key": "one"}
    created = client.post("/v1/webhooks", json=SUBSCRIPTION, headers=key).json()
    client.delete(f"/v1/webhooks/{created['id']}")

    again = client.post("/v1/webhooks", json=SUBSCRIPTION, headers=key)

    assert (again.status_code, again.json()["code"]) == (409, "object_deleted")


def test_a_deleted_webhook_makes_room_for_another(client: httpx2.Client) -> None:
    created = [client.post("/v1/webhooks", json=SUBSCRIPTION) for _ in range(16)]
    client.delete(f"/v1/webhooks/{created[0].json()['id']}")

    answers = [client.post("/v1/webhooks", json=SUBSCRIPTION).status_code for _ in range(2)]

    assert answers == [201, 409]
    assert len(client.get("/v1/webhooks").json()["items"]) == 16


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example/",
        "https://127.0.0.1/",
        "https://user:pass@app.example/",
        "https://app.example/#part",
        "https://app.example/\n",
        f"https://app.example/{'x' * 2048}",
    ],
)
def test_a_url_that_leads_inside_is_refused(client: httpx2.Client, url: str) -> None:
    refused = client.post("/v1/webhooks", json={"url": url})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/url")
    assert url not in refused.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"types": ["object.eaten"]},
        {"types": ["webhook.test"]},
        {"kinds": ["song"]},
        {"labels": {"a:b": "c"}},
        {"secret": "whsec_mine"},
        {"description": "x" * 257},
    ],
)
def test_what_no_event_can_have_is_refused(client: httpx2.Client, wrong: dict[str, Any]) -> None:
    assert client.post("/v1/webhooks", json=SUBSCRIPTION | wrong).status_code == 422


@pytest.mark.usefixtures("stored")
def test_a_patch_leaves_no_more_labels_than_a_new_webhook_may_have(client: httpx2.Client) -> None:
    most = {f"k{number}": "v" for number in range(32)}
    first = client.patch(WEBHOOK_URL, json={"labels": most})
    more = client.patch(WEBHOOK_URL, json={"labels": {"another": "v"}})
    instead = client.patch(WEBHOOK_URL, json={"labels": {"another": "v", "k0": None}})

    assert (first.status_code, more.status_code, instead.status_code) == (200, 422, 200)
    assert more.json()["errors"] == [{"pointer": "/labels", "detail": "At most 32 labels are allowed."}]


@pytest.mark.usefixtures("stored")
def test_a_patch_merges_and_null_removes(client: httpx2.Client) -> None:
    first = client.patch(WEBHOOK_URL, json={"types": ["object.ready"], "labels": {"a": "1", "b": "2"}})
    second = client.patch(WEBHOOK_URL, content=b'{"types": null, "labels": {"a": null}}', headers=MERGE_PATCH)

    assert (first.json()["types"], first.json()["labels"]) == (["object.ready"], {"a": "1", "b": "2"})
    assert (second.json()["types"], second.json()["labels"]) == ([], {"b": "2"})
    assert second.headers["ETag"] == '"3"'


@pytest.mark.usefixtures("stored")
def test_a_change_can_depend_on_the_version(client: httpx2.Client) -> None:
    old = {"If-Match": '"7"'}
    answers = [
        client.patch(WEBHOOK_URL, json={"enabled": False}, headers=old),
        client.post(f"{WEBHOOK_URL}/rotate-secret", headers=old),
        client.delete(WEBHOOK_URL, headers=old),
    ]

    assert {answer.status_code for answer in answers} == {412}
    assert {answer.headers["ETag"] for answer in answers} == {'"1"'}


@pytest.mark.usefixtures("stored")
def test_it_is_switched_off_and_on(client: httpx2.Client, aws: Aws) -> None:
    off = client.patch(WEBHOOK_URL, json={"enabled": False}).json()
    on = client.patch(WEBHOOK_URL, json={"enabled": True}).json()

    assert (off["enabled"], off["disabled"]["reason"]) == (False, "by_owner")
    assert (on["enabled"], on["disabled"]) == (True, None)
    assert len(list(looks(aws))) == 1


@pytest.mark.usefixtures("stored")
def test_deleting_can_be_repeated(client: httpx2.Client) -> None:
    assert [client.delete(WEBHOOK_URL).status_code for _ in range(2)] == [204, 204]
    assert client.get(WEBHOOK_URL).status_code == 404


@pytest.mark.usefixtures("stored")
def test_each_secret_signs_for_a_day_after_it_was_replaced(client: httpx2.Client) -> None:
    rotated = client.post(f"{WEBHOOK_URL}/rotate-secret").json()

    current, replaced = rotated["secrets"]
    assert current["expires_at"] is None
    assert replaced["expires_at"] is not None
    assert rotated["secret"].startswith("whsec_")


def test_the_log_tells_what_the_endpoint_said(client: httpx2.Client, stored: Stored) -> None:
    said = Attempt(at=NOW, seconds=0.25, status=500, answer="no\n")
    stored.add_delivery(attempts=2, last=said, due_at=NOW + timedelta(minutes=2))

    [entry] = client.get(f"{WEBHOOK_URL}/deliveries").json()["items"]

    assert (entry["id"], entry["status"], entry["attempts"]) == (DELIVERY, "pending", 2)
    assert entry["event"]["id"] == make_event()["id"]
    assert entry["last_attempt"] == {
        "at": "2026-03-01T09:30:00.000Z",
        "seconds": 0.25,
        "status": 500,
        "error": None,
        "answer": "no\n",
    }
    assert entry["next_attempt_at"] == "2026-03-01T09:32:00.000Z"


def test_the_log_is_read_in_pages_the_newest_first(client: httpx2.Client, stored: Stored) -> None:
    for minute in range(5):
        stored.add_delivery(event_id=f"x:{minute}", time=NOW + timedelta(minutes=minute))
    stored.add_delivery(event_id="x:9", outcome=Outcome.DELIVERED, due_at=None)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(f"{WEBHOOK_URL}/deliveries?limit=2&status=pending{cursor}").json()
        seen += [entry["event"]["id"] for entry in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"

    assert seen == ["x:4", "x:3", "x:2", "x:1", "x:0"]


def test_a_test_is_in_the_log_at_once(client: httpx2.Client, stored: Stored) -> None:
    queued = client.post(f"{WEBHOOK_URL}/test")
    [entry] = client.get(f"{WEBHOOK_URL}/deliveries").json()["items"]

    assert queued.status_code == 202
    assert queued.json() == {"delivery_id": entry["id"]}
    assert entry["event"]["type"] == "webhook.test"
    assert len(list(looks(stored.aws))) == 1


def test_what_was_delivered_is_sent_again(client: httpx2.Client, stored: Stored) -> None:
    stored.add_delivery(outcome=Outcome.DELIVERED, due_at=None)

    again = client.post(f"{WEBHOOK_URL}/deliveries/{DELIVERY}/replay")
    [entry] = client.get(f"{WEBHOOK_URL}/deliveries").json()["items"]

    assert (again.status_code, again.json()) == (202, {"delivery_id": DELIVERY})
    assert entry["status"] == "pending"
    assert len(list(looks(stored.aws))) == 1


def test_what_a_stretch_of_time_holds_is_counted_then_sent_again(
    client: httpx2.Client, stored: Stored
) -> None:
    for minute in range(3):
        outcome = Outcome.FAILED if minute else Outcome.DELIVERED
        stored.add_delivery(
            event_id=f"x:{minute}", time=NOW + timedelta(minutes=minute), outcome=outcome, due_at=None
        )
    body = {"after": "2026-03-01T09:29:59Z", "until": "2026-03-01T10:31:00+01:00", "status": "failed"}

    counted = client.post(f"{WEBHOOK_URL}/replay", json=body | {"dry_run": True})
    sent = client.post(f"{WEBHOOK_URL}/replay", json=body)

    assert (counted.status_code, counted.json()) == (200, {"count": 1, "next_after": None})
    assert (sent.status_code, sent.json()) == (202, {"count": 1, "next_after": None})
    statuses = [entry["status"] for entry in client.get(f"{WEBHOOK_URL}/deliveries").json()["items"]]
    assert statuses == ["failed", "pending", "delivered"]


@pytest.mark.parametrize(
    "moment", ["yesterday", "2026-03-01", "2026-03-01T09:00:00", "0001-01-01T00:00:00+23:59"]
)
@pytest.mark.usefixtures("stored")
def test_a_moment_has_a_zone(client: httpx2.Client, moment: str) -> None:
    answer = client.post(f"{WEBHOOK_URL}/replay", json={"after": moment, "until": "2026-03-01T10:00:00Z"})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/after")


@pytest.mark.usefixtures("stored")
def test_a_stretch_that_ends_before_it_begins_holds_nothing(client: httpx2.Client) -> None:
    body = {"after": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}

    assert client.post(f"{WEBHOOK_URL}/replay", json=body).json() == {"count": 0, "next_after": None}


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/v1/objects/42", "object"),
        ("/v1/webhooks/42", "webhook"),
        (f"{URL}/links/42", "link"),
    ],
)
def test_an_id_that_is_none_is_of_nothing_of_its_kind(client: httpx2.Client, path: str, what: str) -> None:
    answer = client.request("DELETE", path)

    assert (answer.status_code, answer.json()["detail"]) == (404, f"There is no such {what}.")

"""Payloads, artifacts and history of an object that is ready."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact, Payload, Result
from tests.conftest import NOW, Aws, make_object
from tests.services import add_to_history

LATER = NOW + timedelta(minutes=5)
NAME = 'Ürlaub "2026"; a/b.csv'
URL = "/v1/objects/0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"


SUMMARY = {"format": "csv", "rows": 3, "columns": 2}


@pytest.fixture
def owner(client: httpx2.Client) -> str:
    """Return the owner that the door gives to the caller."""
    client.post("/v1/objects", json={"kind": "record", "name": "mine"})
    return "local-me" if "TestClient" in type(client).__name__ else "key-abc123"


@pytest.fixture
def ready(aws: Aws, owner: str) -> StoredObject:
    objects = aws.adapters().objects
    pending = make_object(owner=owner, name=NAME)
    claimed = pending.claim(now=NOW, lease_until=LATER)
    artifact = Artifact("profile.json", "application/json", 2, "b" * 64)
    payload = Payload("text/csv", 12, "a" * 64, 1)
    ready = claimed.accept(payload, Result(SUMMARY, (artifact,)), now=NOW)
    objects.add(ready)
    events = [event_of(None, pending), event_of(pending, claimed), event_of(claimed, ready)]
    history = aws.adapters().history
    for event in events:
        assert event is not None
        add_to_history(history, event)
    return ready


@pytest.mark.usefixtures("ready")
def test_a_ready_object_shows_payload_and_result(client: httpx2.Client) -> None:
    found = client.get(URL).json()

    assert found["payload"] == {"media_type": "text/csv", "size": 12, "sha256": "a" * 64, "revision": 1}
    assert found["result"] == {
        "summary": SUMMARY,
        "artifacts": [
            {"name": "profile.json", "media_type": "application/json", "size": 2, "sha256": "b" * 64}
        ],
    }


@pytest.mark.usefixtures("ready")
def test_a_list_shows_the_summary_without_artifacts(client: httpx2.Client) -> None:
    (item,) = client.get("/v1/objects?kind=dataset").json()["items"]

    assert item["result"] == {"summary": SUMMARY}


def test_a_payload_download_redirects_to_a_short_lived_url(
    client: httpx2.Client, ready: StoredObject
) -> None:
    answer = client.get(f"{URL}/payload")

    url = urlsplit(answer.headers["Location"])
    query = parse_qs(url.query)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (307, "no-store")
    assert url.path.endswith(f"payloads/{ready.owner}/{ready.id}/1")
    assert query["response-content-disposition"] == [
        "attachment; filename*=UTF-8''%C3%9Crlaub%20%222026%22%3B%20a%2Fb.csv"
    ]
    assert query["response-content-type"] == ["text/csv"]
    assert query["response-cache-control"] == ["no-store"]
    assert query["X-Amz-Expires"] == ["300"]


@pytest.mark.usefixtures("ready")
def test_a_client_that_wants_json_gets_the_url_as_json(client: httpx2.Client) -> None:
    answer = client.get(f"{URL}/payload", headers={"Accept": "application/json"})

    assert answer.status_code == 200
    assert set(answer.json()) == {"url", "expires_at"}


def test_an_artifact_can_be_downloaded(client: httpx2.Client, ready: StoredObject) -> None:
    answer = client.get(f"{URL}/artifacts/profile.json")

    assert answer.status_code == 307
    assert f"artifacts/{ready.owner}/{ready.id}/1/profile.json?" in answer.headers["Location"]


@pytest.mark.usefixtures("ready")
def test_an_unknown_artifact_is_not_found(client: httpx2.Client) -> None:
    answer = client.get(f"{URL}/artifacts/secret.json")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_there_is_no_payload_before_one_is_ready(client: httpx2.Client) -> None:
    body = {"kind": "file", "name": "n", "payload": {"media_type": "a/b", "text": "x"}}
    created = client.post("/v1/objects", json=body).json()

    answer = client.get(f"/v1/objects/{created['id']}/payload")

    assert (answer.status_code, answer.json()["code"]) == (409, "payload_not_ready")


def test_a_record_has_no_payload(client: httpx2.Client) -> None:
    created = client.post("/v1/objects", json={"kind": "record", "name": "n"}).json()

    answer = client.get(f"/v1/objects/{created['id']}/payload")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.usefixtures("ready")
def test_history_is_oldest_first_and_pages_to_the_end(client: httpx2.Client) -> None:
    first = client.get(f"{URL}/history?limit=2").json()
    second = client.get(f"{URL}/history", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    types = [event["type"] for event in first["items"] + second["items"]]
    assert types == ["object.created", "object.processing", "object.ready"]
    assert second["next_cursor"] is None


@pytest.mark.usefixtures("ready")
def test_a_history_cursor_belongs_to_one_object(client: httpx2.Client) -> None:
    other = client.post("/v1/objects", json={"kind": "record", "name": "other"}).json()["id"]
    cursor = client.get(f"{URL}/history?limit=1").json()["next_cursor"]

    answer = client.get(f"/v1/objects/{other}/history?cursor={cursor}")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")

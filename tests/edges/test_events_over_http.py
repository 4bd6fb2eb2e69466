"""The feed over HTTP: its shape, its parameters, and who may read it."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.domain.usage import NOTHING
from app.storage.recording import CountedEvent
from tests.conftest import NOW, Aws, make_object
from tests.edges.stored import URL, Stored, behind
from tests.statuses import make_record

RECORD = "11111111-9a0e-4e6f-8a51-2f1c7f1f6a10"


@pytest.fixture
def stored(client: httpx2.Client, aws: Aws) -> Stored:
    """A data set that was claimed, a record, and another owner's object."""
    stored = behind(client, aws)
    born = make_object(owner=stored.owner)
    record(aws, None, born)
    record(aws, None, make_record(owner=stored.owner, id=RECORD))
    record(aws, born, born.claim(now=NOW, lease_until=NOW))
    record(aws, None, make_object(owner="local-somebody-else"))
    return stored


def record(aws: Aws, before: StoredObject | None, changed: StoredObject) -> None:
    event = event_of(before, changed)
    assert event is not None
    aws.adapters().recorder.record([CountedEvent(event, NOTHING)], shard=0)


def read(client: httpx2.Client, **parameters: Any) -> dict[str, Any]:
    answer = client.get("/v1/events", params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def ids(client: httpx2.Client, **parameters: Any) -> list[str]:
    return [
        event["id"].replace(URL[-36:], "dataset").replace(RECORD, "record")
        for event in read(client, **parameters)["items"]
    ]


@pytest.mark.usefixtures("stored")
def test_it_holds_the_events_of_all_the_callers_objects_in_their_order(client: httpx2.Client) -> None:
    page = read(client)

    assert set(page) == {"items", "next_after", "has_more"}
    assert ids(client) == ["dataset:1", "record:1", "dataset:2"]
    assert not page["has_more"]


@pytest.mark.usefixtures("stored")
def test_an_event_is_the_same_as_in_the_history(client: httpx2.Client, aws: Aws, stored: Stored) -> None:
    stored.add("processing")

    history = client.get(f"{URL}/history").json()["items"]

    assert [event for event in read(client)["items"] if event["subject"] == URL[-36:]] == history


@pytest.mark.usefixtures("stored")
def test_the_event_of_a_deletion_is_as_the_document_says(
    client: httpx2.Client, aws: Aws, stored: Stored
) -> None:
    ready = stored.add("ready")
    record(aws, ready, ready.delete(now=NOW, cause=ready.cause))

    last = read(client)["items"][-1]

    assert (last["type"], last["data"]["status"]) == ("object.deleted", "deleted")


def walk(client: httpx2.Client, **parameters: Any) -> Iterator[dict[str, Any]]:
    page = read(client, **parameters)
    yield page
    while page["has_more"]:
        page = read(client, **parameters | {"after": page["next_after"]})
        yield page


@pytest.mark.usefixtures("stored")
def test_its_pages_follow_one_another(client: httpx2.Client) -> None:
    pages = list(walk(client, limit=1))

    assert [[event["id"] for event in page["items"]] for page in pages] == [
        [one["id"]] for one in read(client)["items"]
    ]


@pytest.mark.usefixtures("stored")
def test_latest_is_behind_them_all(client: httpx2.Client, aws: Aws, stored: Stored) -> None:
    page = read(client, after="latest")
    assert page["items"] == []

    record(aws, None, make_record(owner=stored.owner, id="22222222-9a0e-4e6f-8a51-2f1c7f1f6a10"))

    assert len(read(client, after=page["next_after"])["items"]) == 1


@pytest.mark.usefixtures("stored")
def test_filters_by_type_and_kind_combine(client: httpx2.Client) -> None:
    assert ids(client, types="object.created") == ["dataset:1", "record:1"]
    assert ids(client, types=["object.created", "object.processing"], kind="dataset") == [
        "dataset:1",
        "dataset:2",
    ]
    assert ids(client, types="object.created,object.processing") == ["dataset:1", "record:1", "dataset:2"]
    assert ids(client, kind="record") == ["record:1"]
    assert ids(client, types="object.ready") == []


@pytest.mark.usefixtures("stored")
def test_a_cursor_goes_with_its_filters(client: httpx2.Client) -> None:
    cursor = read(client, types=["object.ready", "object.created"])["next_after"]

    assert read(client, types="object.created,object.ready", after=cursor)["items"] == []
    refused = client.get("/v1/events", params={"types": "object.created", "after": cursor})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("types=object.lost", "/query/types"),
        ("types=", "/query/types"),
        ("types=object.created,", "/query/types"),
        ("kind=unknown", "/query/kind"),
        ("limit=0", "/query/limit"),
        ("limit=101", "/query/limit"),
        ("limit=1_0", "/query/limit"),
        ("wait=1_0", "/query/wait"),
        ("wait=-1", "/query/wait"),
        ("wait=1.5", "/query/wait"),
        ("after=x&after=y", "/query/after"),
        ("cursor=x", "/query/cursor"),
        (f"after={'x' * 1501}", "/query/after"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(client: httpx2.Client, query: str, pointer: str) -> None:
    refused = client.get(f"/v1/events?{query}")

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    assert {error["pointer"].rstrip("/0123456789") for error in refused.json()["errors"]} == {pointer}


@pytest.mark.parametrize("after", ["x", "LATEST", "latest0", "AAAAAAAAAAAAAAAA"])
def test_a_cursor_that_is_none_is_refused(client: httpx2.Client, after: str) -> None:
    refused = client.get("/v1/events", params={"after": after})

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")

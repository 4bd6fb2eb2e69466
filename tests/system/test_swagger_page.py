"""Every operation is tried in the page of the document, in a real browser, against the running service."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request

from scripts.build.openapi import document
from tests.system.chromium import chromium
from tests.system.client import Client, send
from tests.system.conftest import Runtime
from tests.system.parts_client import MIB, Uploader

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).with_name("pages") / "try_out.js"
CSV = "a,b\n1,2\n"
#: An address that the service may not send to, which does not matter here.
HOOK = {"url": "https://app.example/wharf", "types": ["object.ready"]}
BETWEEN = {"after": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z", "dry_run": True}
#: Bodies of operations whose first example is not what a person would send.
BODIES: dict[str, Any] = {
    "replayDeliveries": {"body": json.dumps(BETWEEN)},
    "putPayload": {"contentType": "text/csv"},
    "createLink": {"body": json.dumps({"artifact": "profile.json"})},
}
IN_PARTS = ("readUpload", "signParts", "completeUpload", "cancelUpload")
OPERATIONS = [op["operationId"] for item in document()["paths"].values() for op in item.values()]


@pytest.fixture(scope="module")
def page(running: Runtime) -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{running.url}/docs")
        yield page


@pytest.fixture(scope="module")
def client(running: Runtime) -> Client:
    return Client(running.url, {})


def filled_in(operation: str, client: Client) -> dict[str, Any]:
    """Return what a person would fill in: what the page's own example does not hold."""
    parameters = {
        parameter["name"]
        for item in document()["paths"].values()
        for op in item.values()
        if op["operationId"] == operation
        for parameter in op.get("parameters", [])
        if parameter["in"] == "path"
    }
    given: dict[str, Any] = {}
    if operation in IN_PARTS:
        given["object_id"] = awaited_in_parts(client)
        if operation == "completeUpload":
            list(Uploader(client.url, {}, given["object_id"]).send_missing())
    elif parameters & {"object_id", "token"}:
        payload = {"media_type": "text/csv", "text": CSV}
        created = client.create({"kind": "dataset", "name": "a.csv", "payload": payload})
        given["object_id"] = created.json()["id"]
        client.wait_until_settled(given["object_id"])
    if parameters & {"link_id", "token"}:
        link = client.post(f"/v1/objects/{given['object_id']}/links", b"{}").json()
        given |= {"link_id": link["id"], "token": link["url"].rpartition("/")[2]}
    if "webhook_id" in parameters:
        hook = client.post("/v1/webhooks", json.dumps(HOOK).encode())
        given["webhook_id"] = hook.json()["id"]
    if "delivery_id" in parameters:
        tested = client.post(f"/v1/webhooks/{given['webhook_id']}/test", b"")
        given["delivery_id"] = tested.json()["delivery_id"]
    if "name" in parameters:
        given["name"] = "profile.json"
    if "code" in parameters:
        given["code"] = "not_found"
    return {name: given[name] for name in parameters}


def awaited_in_parts(client: Client) -> str:
    """Create an object that awaits a payload in two parts, and return its id."""
    payload = {"media_type": "application/octet-stream", "size": 9 * MIB, "multipart": True}
    created = client.create({"kind": "file", "name": "film.bin", "payload": payload})
    return str(created.json()["id"])


def tried(page: Page, operation: str, **filled: Any) -> Any:
    return page.evaluate(
        f"(() => {{ {SCRIPT.read_text()} return tryOut({json.dumps(operation)}, {json.dumps(filled)}); }})()"
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_can_be_tried(page: Page, client: Client, operation: str) -> None:
    given = filled_in(operation, client)

    found = tried(page, operation, parameters=given, **BODIES.get(operation, {}))

    if "webhook_id" in given:  # an owner may have sixteen
        send("DELETE", f"{client.url}/v1/webhooks/{given['webhook_id']}")
    assert found["status"][:1] == "2", found


@pytest.mark.parametrize("operation", ["downloadPayload", "downloadArtifact"])
def test_a_download_is_told_and_not_followed(page: Page, client: Client, operation: str) -> None:
    """A browser would send the caller's API key along to the bucket."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    found = tried(page, operation, parameters=filled_in(operation, client))
    page.remove_listener("request", note)

    assert found["status"] == "200"
    assert any(url.startswith(f"{client.url}/v1/objects/") for url in asked)
    assert [url for url in asked if not url.startswith(client.url)] == []


def test_a_chosen_file_is_sent_as_bytes(page: Page, client: Client) -> None:
    given = filled_in("putPayload", client)

    found = tried(page, "putPayload", parameters=given, contentType="application/octet-stream", file="c\n3\n")

    assert found["status"] == "202", found
    settled = client.wait_until_settled(given["object_id"])
    assert (settled["payload"]["media_type"], settled["payload"]["size"]) == ("text/csv", 4)

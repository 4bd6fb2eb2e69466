"""Share links and pictures in lists on the running stack, over real HTTP."""

import json
from typing import Any
from urllib.request import Request, urlopen

import pytest

from app.local.settings import LOG_FILE
from tests.system.client import Answer, Client, eventually, send
from tests.system.conftest import Runtime

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
PICTURES = 3
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(scope="module")
def client(running: Runtime) -> Client:
    return Client(running.url, {"X-Owner": "links"})


def create(client: Client, kind: str, name: str, payload: dict[str, str]) -> str:
    created = client.create({"kind": kind, "name": name, "payload": payload}).json()
    assert client.wait_until_settled(created["id"])["status"] == "ready"
    return str(created["id"])


@pytest.fixture(scope="module")
def pictures(client: Client) -> list[str]:
    payload = {"media_type": "image/png", "base64": DOT}
    return [create(client, "image", f"{number}.png", payload) for number in range(PICTURES)]


def share(client: Client, object_id: str, **body: Any) -> Any:
    answer = client.post(f"/v1/objects/{object_id}/links", json.dumps(body).encode())
    assert answer.status == 201, answer.body
    return answer.json()


def delete(client: Client, path: str) -> Answer:
    return send("DELETE", client.url + path, headers=client.headers)


def test_anybody_opens_a_link_until_it_is_revoked(
    running: Runtime, client: Client, pictures: list[str]
) -> None:
    link = share(client, pictures[0], artifact="thumbnail.webp", disposition="inline")
    opened = send("GET", link["url"])
    revoked = delete(client, f"/v1/objects/{pictures[0]}/links/{link['id']}")
    closed = send("GET", link["url"])

    assert (opened.status, opened.body) == (200, client.artifact(pictures[0], "thumbnail.webp"))
    assert opened.headers["Content-Type"] == "image/webp"
    assert opened.headers["Content-Disposition"].startswith("inline")
    assert (revoked.status, closed.status, closed.json()["code"]) == (204, 404, "not_found")
    log = (running.data_dir / LOG_FILE).read_text()
    assert log.count(f'"link_id":"{link["id"]}"') + log.count(f'"link_id": "{link["id"]}"') >= 3
    assert link["url"].rpartition("/")[2] not in log + running.output()


def test_a_link_ends_with_its_time_and_with_its_object(client: Client) -> None:
    shared = create(client, "file", "hostile.svg", {"media_type": "image/svg+xml", "text": SVG})
    short, long = share(client, shared, expires_in=1), share(client, shared)
    opened = send("GET", long["url"])

    assert opened.body == SVG.encode()
    assert opened.headers["Content-Disposition"].startswith("attachment")
    assert eventually(lambda: send("GET", short["url"]).status == 404)
    assert delete(client, f"/v1/objects/{shared}").status == 204
    assert send("GET", long["url"]).status == 404


def test_a_gallery_is_one_request_and_a_picture_each(client: Client, pictures: list[str]) -> None:
    listed = client.get("/v1/objects?kind=image&artifact=thumbnail.webp").json()["items"]

    assert {item["id"] for item in listed} == set(pictures)
    for item in listed:
        with urlopen(Request(item["artifact"]["url"]), timeout=60) as answer:
            assert answer.read() == client.artifact(item["id"], "thumbnail.webp")

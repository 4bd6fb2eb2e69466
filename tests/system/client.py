"""A client as a user would write it: it speaks HTTP and imports none of the service's code."""

import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

READY_SECONDS = 120
SETTLES_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def send(
    method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send a request, follow redirects, and return the answer, also if it is an error."""
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return Answer(refused.code, dict(refused.headers), refused.read())


@dataclass(frozen=True, slots=True)
class Client:
    """A client of one API, for one caller."""

    url: str
    #: Headers of every request to the API, and of none to S3.
    headers: Mapping[str, str]

    def get(self, path: str) -> Answer:
        return send("GET", self.url + path, headers=self.headers)

    def create(self, body: Mapping[str, Any], **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post("/v1/objects", json.dumps(body).encode(), **given)

    def post(self, path: str, body: bytes, **headers: str) -> Answer:
        content = {"Content-Type": "application/json"}
        return send("POST", self.url + path, body=body, headers={**self.headers, **content, **headers})

    def upload(self, kind: str, name: str, media_type: str, payload: bytes, *, checksum: bool = True) -> str:
        """Create an object, upload its payload to the presigned URL, and return the object's id."""
        declared: dict[str, Any] = {"media_type": media_type, "size": len(payload)}
        if checksum:
            declared["sha256"] = hashlib.sha256(payload).hexdigest()
        created = self.create({"kind": kind, "name": name, "payload": declared})
        assert created.status == 201, created.body
        upload = created.json()["upload"]
        stored = send(upload["method"], upload["url"], body=payload, headers=upload["headers"])
        assert stored.status == 200, stored.body
        return str(created.json()["id"])

    def wait_until_settled(self, object_id: str) -> Any:
        give_up = time.monotonic() + READY_SECONDS
        status = "unknown"
        while time.monotonic() < give_up:
            answer = self.get(f"/v1/objects/{object_id}")
            # On a busy machine the emulator may be too slow for the API, which then asks to come back.
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                assert answer.status == HTTPStatus.OK, answer.body
                found = answer.json()
                status = found["status"]
                if status not in {"pending", "processing"}:
                    return found
            time.sleep(0.05)
        raise AssertionError(f"{object_id} is still {status}")

    def artifact(self, object_id: str, name: str) -> bytes:
        answer = self.get(f"/v1/objects/{object_id}/artifacts/{name}")
        assert answer.status == 200, answer.body
        return answer.body

    def history(self, object_id: str) -> list[str]:
        """Return the types of the object's events, oldest first."""
        items = self.get(f"/v1/objects/{object_id}/history").json()["items"]
        return [event["type"] for event in items]

    def wait_for_history(self, object_id: str, *types: str) -> None:
        give_up = time.monotonic() + READY_SECONDS
        while (found := self.history(object_id)) != list(types):
            assert time.monotonic() < give_up, found
            time.sleep(0.05)


def eventually(is_so: Callable[[], bool], within: float = SETTLES_SECONDS) -> bool:
    """True if the condition comes true within that many seconds."""
    give_up = time.monotonic() + within
    while not (found := is_so()) and time.monotonic() < give_up:
        time.sleep(0.1)
    return found

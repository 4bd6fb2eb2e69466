"""Create, read, list, change and delete objects, and wait until one is done."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from wharf_client.errors import ObjectNotReady, TimedOut
from wharf_client.flows.asking import ask, json_of
from wharf_client.models import CreatedObject, Object, Page
from wharf_client.retries import Retries, retry_after
from wharf_client.steps import Call, Flow, Pause

UNFINISHED = frozenset({"pending", "processing"})
#: The wait that a request asks for; the service grants what it allows.
WAIT_SECONDS = 20
#: The pause where the service neither waits nor says when to ask again.
ASK_AGAIN_SECONDS = 1.0


def request(
    method: str,
    path: str,
    retries: Retries,
    *,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    waits_seconds: float = 0,
) -> Flow[Any]:
    """Return the JSON of the answer, or None if it has no content."""
    given = {name: value for name, value in (query or {}).items() if value is not None}
    answer = yield from ask(Call(method, path, given, headers or {}, body, waits_seconds), retries)
    return json_of(answer)


def path_of(object_id: str) -> str:
    return f"/v1/objects/{quote(object_id, safe='')}"


def create(body: Mapping[str, Any], key: str | None, retries: Retries) -> Flow[CreatedObject]:
    """Create an object, once, however often the request is repeated."""
    headers = {"Idempotency-Key": key or str(uuid4())}
    created: CreatedObject = yield from request("POST", "/v1/objects", retries, headers=headers, body=body)
    return created


def read(object_id: str, retries: Retries) -> Flow[Object]:
    stored: Object = yield from request("GET", path_of(object_id), retries)
    return stored


def page(query: Mapping[str, Any], retries: Retries) -> Flow[Page]:
    found: Page = yield from request("GET", "/v1/objects", retries, query=query)
    return found


def update(object_id: str, changes: Mapping[str, Any], version: int | None, retries: Retries) -> Flow[Object]:
    changed: Object = yield from request(
        "PATCH", path_of(object_id), retries, headers=if_match(version), body=changes
    )
    return changed


def delete(object_id: str, version: int | None, retries: Retries) -> Flow[None]:
    yield from request("DELETE", path_of(object_id), retries, headers=if_match(version))


def reprocess(object_id: str, retries: Retries) -> Flow[Object]:
    begun: Object = yield from request("POST", f"{path_of(object_id)}/reprocess", retries)
    return begun


def if_match(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}


def wait(object_id: str, timeout: float | None, retries: Retries) -> Flow[Object]:
    """Return the object once it is ready. Raises ObjectNotReady if it ends otherwise, or TimedOut."""
    give_up = None if timeout is None else time.monotonic() + timeout
    stored = yield from read(object_id, retries)
    while stored["status"] in UNFINISHED:
        left = WAIT_SECONDS if give_up is None else give_up - time.monotonic()
        if left <= 0:
            raise TimedOut(f"{object_id} is still {stored['status']} after {timeout:g} seconds.")
        stored = yield from _next_version(stored, min(WAIT_SECONDS, max(1, int(left))), left, retries)
    if stored["status"] != "ready":
        raise ObjectNotReady(stored)
    return stored


def _next_version(stored: Object, seconds: int, left: float, retries: Retries) -> Flow[Object]:
    """Return the object after its next change, or as it is when the service has waited long enough."""
    headers = {"If-None-Match": f'"{stored["version"]}"', "Prefer": f"wait={seconds}"}
    call = Call("GET", path_of(stored["id"]), headers=headers, waits_seconds=seconds)
    answer = yield from ask(call, retries)
    found: Object = json_of(answer) if answer.status == 200 else stored
    if "preference-applied" not in answer.headers and found["status"] in UNFINISHED:
        asked = retry_after(answer.headers)
        yield Pause(max(0.0, min(ASK_AGAIN_SECONDS if asked is None else asked, left)))
    return found

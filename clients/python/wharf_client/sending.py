"""Turns steps into the arguments of httpx2 and its answers into values, for both clients."""

import re
from collections.abc import Mapping
from typing import Any

import httpx2

from wharf_client.errors import WharfError
from wharf_client.steps import Answer, Call, Fetch, Send

TIMEOUT = httpx2.Timeout(60, connect=10)
#: The time for an answer, beyond the time that the service was asked to wait.
ANSWER_SECONDS = 30.0
PARTIAL_CONTENT = 206
#: The beginning of the text of an OSError.
ERROR_NUMBER = re.compile(r"\A\[(?:Errno|WinError) -?\d+\] ")


def base_url(url: str) -> str:
    """Return the address without a slash at its end. Raises WharfError if it is not one of HTTP."""
    try:
        found = httpx2.URL(url)
    except httpx2.InvalidURL as fault:
        raise WharfError(f"{url!r} is not a URL: {fault}") from None
    if found.scheme not in ("http", "https") or not found.host:
        raise WharfError(f"The URL of the service must begin with http:// or https://, not {url!r}.")
    return url.rstrip("/")


def caller_headers(
    api_key: str | None, token: str | None, headers: Mapping[str, str] | None
) -> dict[str, str]:
    known = {"Accept": "application/json", "User-Agent": "wharf-client"}
    if api_key:
        known["x-api-key"] = api_key
    if token:
        known["Authorization"] = f"Bearer {token}"
    return {**known, **(headers or {})}


def declared(
    kind: str,
    name: str,
    attributes: Mapping[str, Any] | None,
    labels: Mapping[str, str] | None,
    payload: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the body of a create, without what was not given."""
    optional = {"attributes": attributes, "labels": labels, "payload": payload}
    return {"kind": kind, "name": name} | {field: value for field, value in optional.items() if value}


def list_query(
    kind: str | None, status: str | None, labels: Mapping[str, str] | None, page_size: int
) -> dict[str, Any]:
    label = [f"{key}:{value}" for key, value in (labels or {}).items()]
    return {"kind": kind, "status": status, "label": label or None, "limit": page_size}


def call_arguments(call: Call) -> dict[str, Any]:
    arguments: dict[str, Any] = {"method": call.method, "url": call.path, "headers": call.headers}
    if call.query:
        arguments["params"] = call.query
    if call.body is not None:
        arguments["json"] = call.body
    if call.waits_seconds:
        arguments["timeout"] = httpx2.Timeout(call.waits_seconds + ANSWER_SECONDS, connect=10)
    return arguments


def send_arguments(send: Send) -> dict[str, Any]:
    """Return the request with a Content-Length. S3 refuses bodies in chunks, which are sent without it."""
    signed = {name: value for name, value in send.headers.items() if name.lower() != "content-length"}
    headers = {**signed, "Content-Length": str(send.piece.size)}
    return {"method": send.method, "url": send.url, "headers": headers}


def range_from(offset: int) -> dict[str, str]:
    # The body must not be compressed, because the bytes are counted and hashed as they are stored.
    return {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})


def seek(fetch: Fetch, response: httpx2.Response) -> None:
    """Go to the place in the file where the answer belongs, which is its start if it is not partial."""
    fetch.into.seek(fetch.offset if response.status_code == PARTIAL_CONTENT else 0)
    fetch.into.truncate()


def answer(response: httpx2.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.content)


def reason(fault: httpx2.TransportError) -> str:
    """Return the fault in words, without the number that an operating system has for it."""
    return ERROR_NUMBER.sub("", str(fault)) or type(fault).__name__

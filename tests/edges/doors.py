"""The two doors to the HTTP API: ASGI, as uvicorn calls it, and API Gateway's REST proxy event."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import httpx2

from tests.events import load

STAGE = "dev"
API_KEY_ID = "abc123"


def proxy_event(
    method: str,
    path: str,
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    identity: Mapping[str, Any] | None = None,
    stage: str = STAGE,
) -> dict[str, Any]:
    """Return a request as API Gateway sends it with binary media types `*/*`: every body in base64."""
    repeated = parse_qs(query, keep_blank_values=True)
    headers = dict(headers or {})
    event = load("api_key") | {
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in repeated.items()} or None,
        "multiValueQueryStringParameters": repeated or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "body": b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }
    event["requestContext"] |= {
        "httpMethod": method,
        "path": f"/{stage}{path}" if stage else path,
        "stage": stage or "dev",
        "requestId": str(uuid4()),
    }
    if identity is not None:
        event["requestContext"]["identity"] = identity
    return event


@dataclass(frozen=True, slots=True)
class LambdaTransport(httpx2.BaseTransport):
    """Hands each request to a Lambda handler, as API Gateway does, limits included."""

    handler: Callable[[Any, Any], dict[str, Any]]
    largest_event_bytes: int = 6 * 1024 * 1024
    stage: str = STAGE
    #: Fields of `requestContext` by which API Gateway names the caller; without them it is API_KEY_ID's.
    vouched: Mapping[str, Any] = field(default_factory=dict)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        event = proxy_event(
            request.method,
            request.url.path,
            query=request.url.query.decode(),
            headers={name: values[-1] for name, values in _sent(request).items()},
            body=request.read(),
            stage=self.stage,
        )
        event["multiValueHeaders"] = _sent(request)
        event["requestContext"] |= self.vouched
        if len(json.dumps(event)) > self.largest_event_bytes:
            return httpx2.Response(413, json={"message": "Request Too Long"})
        answer = self.handler(event, None)
        body = answer["body"].encode()
        headers = [(name, value) for name, values in _headers(answer).items() for value in values]
        return httpx2.Response(
            answer["statusCode"],
            headers=headers,
            content=b64decode(body) if answer["isBase64Encoded"] else body,
        )


def _sent(request: httpx2.Request) -> dict[str, list[str]]:
    """Names as the client wrote them, and each of repeated ones."""
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.raw:
        headers.setdefault(name.decode(), []).append(value.decode())
    return headers


def _headers(answer: Mapping[str, Any]) -> dict[str, list[str]]:
    single = {name: [value] for name, value in answer.get("headers", {}).items()}
    return single | dict(answer.get("multiValueHeaders", {}))

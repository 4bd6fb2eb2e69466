"""Checks each exchange of a test against the OpenAPI document of the app that answered.

Of an answer: its status, media type, headers and body are documented. Of a request
that was taken: so is its body, so that the document never asks for too much.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, cast
from urllib.parse import unquote

import httpx2
from fastapi import FastAPI
from jsonschema_rs import Draft202012Validator

from app.api.app import create_app
from app.api.contracts import contracts_of
from app.api.services import ApiServices
from app.config import ApiSettings, AuthMode

Json = dict[str, Any]
#: The headers that the document speaks of; others belong to HTTP or to CORS.
OURS = {"allow", "cache-control", "etag", "idempotency-replayed", "location", "request-id", "retry-after"}
#: Each validates by one schema, whose id is the key: `document_of` keeps its documents for the whole run.
VALIDATORS: dict[int, Callable[[Any], None]] = {}
NOT_DESCRIBED = re.compile(r"/(docs.*|openapi\.json|console.*)?")


@cache
def bare_app(auth_mode: AuthMode, cors_origins: str = "") -> FastAPI:
    """Return an app without services, which can be described but not called."""
    settings = ApiSettings(
        table_name="objects",
        bucket_name="payloads",
        queue_url="-",
        auth_mode=auth_mode,
        cors_origins=cors_origins,
    )
    return create_app(cast(ApiServices, None), settings)


@cache
def document_of(auth_mode: AuthMode) -> Json:
    return bare_app(auth_mode).openapi()


CONTRACTS = contracts_of(bare_app("api-key").routes)


class Described:
    """A hook for an HTTP client: fails the test that meets what the document does not tell."""

    def __init__(self, auth_mode: AuthMode) -> None:
        self._document = document_of(auth_mode)
        self._paths = {_pattern(path): item for path, item in self._document["paths"].items()}

    def __call__(self, answer: httpx2.Response) -> None:
        path = unquote(answer.request.url.raw_path.decode().partition("?")[0])
        if NOT_DESCRIBED.fullmatch(path):
            return
        answer.read()
        documented = self._answer(answer.request.method, path, answer.status_code)
        self._check_headers(answer, documented)
        self._check_body(answer, documented)
        if answer.is_success:
            self._check_request(answer.request, path)

    def _item(self, path: str) -> Json | None:
        return next((item for pattern, item in self._paths.items() if pattern.fullmatch(path)), None)

    def _answer(self, method: str, path: str, status: int) -> Json:
        item = self._item(path)
        operation = None if item is None else item.get("get" if method == "HEAD" else method.lower())
        if operation is not None:
            assert str(status) in operation["responses"], f"{method} {path} does not document {status}"
            answer: Json = operation["responses"][str(status)]
            return answer
        if method == "OPTIONS" and status in (200, 204):
            return {"headers": {"Request-Id": {}, "Cache-Control": {}, "Allow": {}}}
        refusal: Json = self._document["components"]["responses"][
            "NotFound" if item is None else "MethodNotAllowed"
        ]
        return refusal

    def _check_headers(self, answer: httpx2.Response, documented: Json) -> None:
        headers = {name.lower(): self._resolved(header) for name, header in documented["headers"].items()}
        given = {name.lower() for name in answer.headers} & OURS
        assert given <= set(headers), f"undocumented: {given - set(headers)}"
        for name, header in headers.items():
            if header.get("required"):
                assert name in given, f"{name} is documented and missing"
            if name in given and "schema" in header:
                self._validate(header["schema"], answer.headers[name])

    def _check_body(self, answer: httpx2.Response, documented: Json) -> None:
        contents = documented.get("content", {})
        if answer.request.method == "HEAD" or not contents:
            assert not answer.content
            return
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type in contents, f"undocumented: {media_type}"
        if media_type.endswith("json"):
            self._validate(contents[media_type]["schema"], json.loads(answer.content))

    def _check_request(self, request: httpx2.Request, path: str) -> None:
        item = self._item(path)
        operation = {} if item is None else item.get(request.method.lower(), {})
        contents = operation.get("requestBody", {}).get("content", {})
        media_type = request.headers.get("content-type", "").partition(";")[0].lower()
        if contents and operation["operationId"] != "putPayload":  # it takes any type
            assert media_type in contents, f"taken, but undocumented: {media_type}"
            self._validate(contents[media_type]["schema"], json.loads(request.read()))

    def _validate(self, schema: Json, value: Any) -> None:
        # To write all schemas each time would take longer than the rest of an exchange.
        if id(schema) not in VALIDATORS:
            schemas = self._document["components"]["schemas"]
            VALIDATORS[id(schema)] = _validator(json.dumps({**schema, "components": {"schemas": schemas}}))
        VALIDATORS[id(schema)](value)

    def _resolved(self, header: Json) -> Json:
        if "$ref" not in header:
            return header
        found: Json = self._document["components"]["headers"][header["$ref"].rpartition("/")[2]]
        return found


@cache
def _validator(schema: str) -> Callable[[Any], None]:
    validator = Draft202012Validator(json.loads(schema), validate_formats=True)
    return validator.validate


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))

"""Around every request, in pure ASGI.

RequestMiddleware, outside: its id and trace, its line in the log, the stage prefix, HEAD
BodyLimitMiddleware, inside: the limit on its body, and an answer to every fault
"""

from typing import Any
from uuid import uuid4

from fastapi import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.middleware.request_log import AnsweredRequest, log_request
from app.api.middleware.tracing import trace_of
from app.api.problems.catalogue import HTTP_ANSWERS
from app.api.problems.document import problem
from app.api.problems.handlers import answer_fault
from app.domain.causes import Cause
from app.observability import begin_work, sample_details

BODY_LIMIT_BYTES = 4 * 1024 * 1024
DISCARD_LIMIT_BYTES = 16 * BODY_LIMIT_BYTES
"""A client that is still sending cannot read an answer: so much is read and thrown away."""
TOO_LARGE = (
    f"A request body has at most {BODY_LIMIT_BYTES} bytes. Larger payloads: declare the payload's "
    "media_type and size instead, and upload it to the URL in the answer."
)


class RequestMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cause = Cause(_request_id(scope), trace_of(scope))
        state = scope.setdefault("state", {})
        state.update(cause=cause, request_id=cause.correlation_id, method=scope["method"])
        _restore_stage(scope)
        _serve_head_as_get(scope)
        answered = AnsweredRequest(scope)
        sample_details()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [h for h in message["headers"] if h[0].lower() != b"request-id"]
                message["headers"] = [*headers, (b"request-id", cause.correlation_id.encode())]
            elif state["method"] == "HEAD":
                message = {**message, "body": b""}
            answered.note(message)
            await send(message)

        with begin_work(correlation_id=cause.correlation_id, trace_id=cause.trace_id) as work:
            try:
                await self._app(scope, answered.counted(receive), send_with_id)
            finally:
                log_request(answered, work)


class BodyLimitMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _declared_length(scope) > BODY_LIMIT_BYTES:
            await _discard(receive)
            refusal = problem(Request(scope), HTTP_ANSWERS[413], TOO_LARGE)
            await refusal(scope, receive, send)
            return
        await self._answer_faults(scope, _limited(receive), send)

    async def _answer_faults(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Here, because Starlette would answer them outside CORS, where a page cannot read the answer."""
        is_answered = False

        async def send_noted(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as fault:
            if is_answered or scope["type"] != "http":
                raise
            answer = answer_fault(Request(scope), fault)
            await answer(scope, receive, send)


def _request_id(scope: Scope) -> str:
    context = scope.get("aws.event", {}).get("requestContext", {})
    return str(context.get("requestId") or uuid4())


def _restore_stage(scope: Scope) -> None:
    """API Gateway serves below `/<stage>`, but hands over the path without it.

    Put back as the root path, so that links and the docs' assets are found;
    there is none behind a custom domain.
    """
    context: dict[str, Any] = scope.get("aws.event", {}).get("requestContext", {})
    whole, path = context.get("path") or "", scope.get("aws.event", {}).get("path") or ""
    if whole != path and whole.endswith(path):
        scope["root_path"] = whole.removesuffix(path)
        scope["path"] = scope["root_path"] + scope["path"]


def _serve_head_as_get(scope: Scope) -> None:
    """HEAD is answered like GET without the content (RFC 9110, section 9.3.2); servers leave that out."""
    if scope["method"] == "HEAD":
        scope["method"] = "GET"


def _declared_length(scope: Scope) -> int:
    values = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(values[0]) if values and values[0].isdigit() else 0


def _limited(receive: Receive) -> Receive:
    """Stop reading a body of undeclared length at the limit."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > BODY_LIMIT_BYTES:
            if message.get("more_body", False):
                await _discard(receive)
            raise HTTPException(413, TOO_LARGE)
        return message

    return receive_limited


async def _discard(receive: Receive) -> None:
    discarded = 0
    while discarded < DISCARD_LIMIT_BYTES:
        message = await receive()
        if not message.get("more_body", False):
            return
        discarded += len(message.get("body", b""))

"""Surround every request, in pure ASGI: give it an id and a trace, log it, restore the stage, serve HEAD."""

from typing import Any
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.middleware.request_log import AnsweredRequest, log_request
from app.domain.causes import Cause, Trace
from app.observability import begin_work, sample_details


class RequestMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cause = Cause(_request_id(scope), _trace_of(scope))
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


def _request_id(scope: Scope) -> str:
    context = scope.get("aws.event", {}).get("requestContext", {})
    return str(context.get("requestId") or uuid4())


def _trace_of(scope: Scope) -> Trace | None:
    """Return the trace in the headers: W3C's, else X-Ray's, which API Gateway adds."""
    headers = Headers(scope=scope)
    parents = headers.getlist("traceparent")
    state = ",".join(headers.getlist("tracestate")) or None
    by_w3c = Trace.from_w3c(parents[0], state) if len(parents) == 1 else None
    return by_w3c or Trace.from_xray(headers.get("x-amzn-trace-id", ""))


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

"""Surrounds every request: gives it an id and a trace, logs it, restores the stage and serves HEAD."""

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
        cause = _cause_of(scope)
        state = scope.setdefault("state", {})
        state.update(cause=cause, request_id=cause.correlation_id, method=scope["method"])
        _restore_stage(scope)
        # HEAD is answered like GET without the content (RFC 9110, section 9.3.2); no server does it for us.
        if state["method"] == "HEAD":
            scope["method"] = "GET"
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

        with begin_work(**cause.fields) as work:
            try:
                await self._app(scope, answered.counted(receive), send_with_id)
            finally:
                log_request(answered, work)


def _cause_of(scope: Scope) -> Cause:
    """Return API Gateway's id of the request, or a new one, and the trace in the headers.

    The trace is that of W3C's headers, else that of X-Ray's, which API Gateway adds.
    """
    context = scope.get("aws.event", {}).get("requestContext", {})
    headers = Headers(scope=scope)
    parents = headers.getlist("traceparent")
    state = ",".join(headers.getlist("tracestate")) or None
    by_w3c = Trace.from_w3c(parents[0], state) if len(parents) == 1 else None
    trace = by_w3c or Trace.from_xray(headers.get("x-amzn-trace-id", ""))
    return Cause(str(context.get("requestId") or uuid4()), trace)


def _restore_stage(scope: Scope) -> None:
    """Make `/<stage>` the root path, so that links and the assets of the docs are found.

    API Gateway serves below the stage, but leaves it out of the path that it hands
    over. Behind a custom domain there is no stage.
    """
    event = scope.get("aws.event", {})
    whole, path = event.get("requestContext", {}).get("path") or "", event.get("path") or ""
    if path == "/" and not whole.endswith("/"):
        whole += "/"
    if whole != path and whole.endswith(path):
        scope["root_path"] = whole.removesuffix(path)
        scope["path"] = scope["root_path"] + scope["path"]

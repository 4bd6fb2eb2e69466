"""The trace that a request is part of, by its headers: W3C's first, else X-Ray's, which API Gateway adds."""

from starlette.datastructures import Headers
from starlette.types import Scope

from app.domain.causes import Trace


def trace_of(scope: Scope) -> Trace | None:
    headers = Headers(scope=scope)
    parents = headers.getlist("traceparent")
    state = ",".join(headers.getlist("tracestate")) or None
    by_w3c = Trace.from_w3c(parents[0], state) if len(parents) == 1 else None
    return by_w3c or Trace.from_xray(headers.get("x-amzn-trace-id", ""))

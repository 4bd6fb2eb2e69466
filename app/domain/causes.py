"""The cause of a change: the request behind it, and the trace that the request is part of.

A trace arrives as `traceparent` and `tracestate` (W3C Trace Context) or as
`X-Amzn-Trace-Id` (AWS X-Ray Developer Guide, "Tracing header"), and is passed on in
both forms as it came: this service adds no span of its own.
"""

import re
from dataclasses import dataclass
from typing import Any, Self

TRACE_PARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-.*)?",
    re.ASCII,
)
#: Vendors must pass on this many characters (W3C Trace Context, section 3.3.1.5).
TRACE_STATE_CHARACTERS = 512
XRAY_ROOT = re.compile(r"1-(?P<epoch>[0-9a-f]{8})-(?P<unique>[0-9a-f]{24})", re.ASCII)
SPAN = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trace:
    """`trace_id` is 32, `parent_id` 16 lower-case hex digits; `state` is the W3C tracestate."""

    trace_id: str
    parent_id: str
    is_sampled: bool
    state: str | None = None

    @classmethod
    def from_w3c(cls, traceparent: str, tracestate: str | None = None) -> Self | None:
        """Return the trace, or None for an invalid header, which must be ignored (section 3.2.2)."""
        found = TRACE_PARENT.fullmatch(traceparent.strip())
        if found is None or found["version"] == "ff" or (found["version"] == "00" and found["more"]):
            return None
        if not int(found["trace"], 16) or not int(found["parent"], 16):
            return None
        is_sampled = bool(int(found["flags"], 16) & 1)
        # The state is passed on whole or not at all.
        state = tracestate or ""
        is_valid = 0 < len(state) <= TRACE_STATE_CHARACTERS and state.isascii() and state.isprintable()
        return cls(found["trace"], found["parent"], is_sampled, state if is_valid else None)

    @classmethod
    def from_xray(cls, header: str) -> Self | None:
        """Return the trace, or None if the header names no root."""
        parts = dict(part.strip().partition("=")[::2] for part in header.split(";"))
        root = XRAY_ROOT.fullmatch(parts.get("Root", ""))
        if root is None:
            return None
        trace_id = root["epoch"] + root["unique"]
        parent = parts.get("Parent", "")
        # X-Ray may leave the parent out, W3C may not. The end of the trace's id takes its place.
        parent_id = parent if SPAN.fullmatch(parent) and int(parent, 16) else trace_id[-16:]
        # The trace is passed on as `traceparent` too, in which no id may be all zeros.
        return cls(trace_id, parent_id, parts.get("Sampled") == "1") if int(parent_id, 16) else None

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.parent_id}-{int(self.is_sampled):02x}"

    @property
    def xray_header(self) -> str:
        root = f"1-{self.trace_id[:8]}-{self.trace_id[8:]}"
        return f"Root={root};Parent={self.parent_id};Sampled={int(self.is_sampled)}"


@dataclass(frozen=True, slots=True)
class Cause:
    """`correlation_id` is the id of the request, or an id that an operator's tool made."""

    correlation_id: str
    trace: Trace | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the log lines that belong to the request."""
        trace_id = None if self.trace is None else self.trace.trace_id
        return {"correlation_id": self.correlation_id, "trace_id": trace_id}

"""The answers that a client accepts (RFC 9110, section 12.5.1)."""

import re

from fastapi import Request

JSON = "application/json"
QUALITY_ZERO = re.compile(r"q=0(\.0{0,3})?")


def accepts_json(request: Request) -> bool:
    """True if JSON is acceptable. The most specific range decides; no header accepts anything."""
    acceptable = _acceptable(request)
    for media_range in (JSON, "application/problem+json", "application/*", "*/*"):
        if media_range in acceptable:
            return acceptable[media_range]
    return not acceptable


def asks_for_json(request: Request) -> bool:
    """True if JSON is named, so that the client wants it rather than anything else."""
    return _acceptable(request).get(JSON, False)


def _acceptable(request: Request) -> dict[str, bool]:
    """Return for each media range in `Accept` if it is acceptable at all."""
    accept = ",".join(request.headers.getlist("accept")).lower()
    ranges = [part.split(";") for part in accept.split(",") if part.strip()]
    return {
        media.strip(): not any(QUALITY_ZERO.fullmatch(parameter.strip()) for parameter in parameters)
        for media, *parameters in ranges
    }

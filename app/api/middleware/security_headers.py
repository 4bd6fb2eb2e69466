"""Headers by which a browser does less with an answer than it otherwise would, on every answer.

A route that sets one of them itself keeps it: the HTML pages allow what they are
made of, by hash; a download is not stored at all.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CACHE_CONTROL = "private, no-cache"
"""For its caller alone, and not without asking again: with `If-None-Match` that costs no content."""
NOTHING = "default-src 'none'; frame-ancestors 'none'"
HEADERS: Mapping[str, str] = {
    "cache-control": CACHE_CONTROL,
    "content-security-policy": NOTHING,
    # Pages of other origins read answers by CORS, which this does not touch; they cannot embed them.
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
ONLY_HTTPS: Mapping[str, str] = {"strict-transport-security": "max-age=31536000"}
"""Behind API Gateway, which speaks nothing else; the local server has no certificate."""
INLINE = {kind: re.compile(rf"<{kind}>(.*?)</{kind}>", re.DOTALL) for kind in ("script", "style")}

Raw = tuple[tuple[bytes, bytes], ...]


class SecurityHeadersMiddleware:
    """In pure ASGI, outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._local = _raw(HEADERS)
        self._deployed = _raw({**HEADERS, **ONLY_HTTPS})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = self._deployed if "aws.event" in scope else self._local

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                missing = (header for header in headers if header[0] not in given)
                message["headers"] = [*message["headers"], *missing]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def policy_of(page: str, **sources: str) -> dict[str, str]:
    """The header that lets an HTML page be what it is: its own scripts and styles, by hash, and `sources`.

    Sources are given by directive, with an underscore for the hyphen.
    """
    allowed = {name.replace("_", "-"): [value] for name, value in sources.items()}
    for kind, inline in INLINE.items():
        hashes = [f"'sha256-{_hash(text)}'" for text in inline.findall(page)]
        if hashes:
            allowed.setdefault(f"{kind}-src", []).extend(hashes)
    directives = [f"{name} {' '.join(values)}" for name, values in allowed.items()]
    policy = "; ".join([NOTHING, "base-uri 'none'", "form-action 'none'", *directives])
    return {"Content-Security-Policy": policy}


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _raw(headers: Mapping[str, str]) -> Raw:
    return tuple((name.encode(), value.encode()) for name, value in headers.items())

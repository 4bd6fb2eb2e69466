"""Headers on every answer that restrict what a browser does with it.

A route that sets one of these headers itself keeps its own: an HTML page allows its
scripts and styles by hash, and a download may not be stored at all.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Only the caller may store an answer, and must ask again each time. `If-None-Match` makes that cheap.
CACHE_CONTROL = "private, no-cache"
NOTHING = "default-src 'none'; frame-ancestors 'none'"
HEADERS: Mapping[str, str] = {
    "cache-control": CACHE_CONTROL,
    "content-security-policy": NOTHING,
    # Pages of other origins cannot embed answers. They still read them by CORS.
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
#: Sent behind API Gateway, which speaks only HTTPS. The local server has no certificate.
ONLY_HTTPS: Mapping[str, str] = {"strict-transport-security": "max-age=31536000"}
INLINE = {kind: re.compile(rf"<{kind}>(.*?)</{kind}>", re.DOTALL) for kind in ("script", "style")}

Raw = tuple[tuple[bytes, bytes], ...]


class SecurityHeadersMiddleware:
    """The outermost middleware."""

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
    """Return the header that allows a page its own scripts and styles, by hash, and `sources`.

    Sources are given by directive, such as `img_src` for `img-src`.
    """
    allowed = {name.replace("_", "-"): [value] for name, value in sources.items()}
    for kind, inline in INLINE.items():
        for text in inline.findall(page):
            digest = b64encode(sha256(text.encode()).digest()).decode()
            allowed.setdefault(f"{kind}-src", []).append(f"'sha256-{digest}'")
    directives = [f"{name} {' '.join(values)}" for name, values in allowed.items()]
    policy = "; ".join([NOTHING, "base-uri 'none'", "form-action 'none'", *directives])
    return {"Content-Security-Policy": policy}


def _raw(headers: Mapping[str, str]) -> Raw:
    return tuple((name.encode(), value.encode()) for name, value in headers.items())

"""The door of the API: answers to the names of this machine only, and to the pages that it may serve.

On AWS callers prove who they are. Here the API believes everybody who reaches it, which a page
of another site does from within the developer's browser.
"""

import json
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.middleware.security_headers import SecurityHeadersMiddleware
from app.local.doors.machine import Machine, Pages


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    title: str
    detail: str


WRONG_HOST = Refusal(
    421,
    "The request is meant for another machine",
    "Use 127.0.0.1 or localhost. PUBLIC_S3_URL gives this machine one more name.",
)
WRONG_PAGE = Refusal(
    403, "Pages of this origin may not call the API", "CORS_ORIGINS names the pages that may."
)


@dataclass(frozen=True, slots=True)
class ApiDoor:
    app: ASGIApp
    machine: Machine
    pages: Pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self.refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
            return
        body = {
            "type": "about:blank",
            "title": refusal.title,
            "status": refusal.status,
            "detail": refusal.detail,
        }
        answer = Response(
            json.dumps(body), refusal.status, {"Connection": "close"}, media_type="application/problem+json"
        )
        await SecurityHeadersMiddleware(answer)(scope, receive, send)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Return why a request is refused; None if it is not."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        address = (scope.get("server") or [None])[0]
        if len(headers.getlist("host")) != 1 or not self.machine.is_meant_by(host, address):
            return WRONG_HOST
        is_own = origin is not None and origin.lower().partition("://")[2] == host.lower()
        if origin is not None and not is_own and not self.pages.may_send(origin):
            return WRONG_PAGE
        return None

"""A stand-in for API Gateway with stage and sign-in: HTTP before the handler of the API function.

It vouches for callers as AWS does: a request that needs a caller and brings none is answered with 401,
and any other reaches the handler with the caller in its context.
"""

import asyncio
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import FastAPI

from app.api.lambda_adapter import create_handler
from tests.edges.doors import STAGE, proxy_event

#: Returns the fields of `requestContext` that name the caller, or None if the headers name nobody.
Vouch = Callable[[Mapping[str, str]], Mapping[str, Any] | None]
UNKNOWN = {"title": "The caller is unknown", "status": 401, "code": "unauthenticated"}


@dataclass
class Asked:
    """A request that has reached a server."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def serving(answer: Callable[[Asked], Reply], tls: Any = None) -> Iterator[int]:
    """Serve on 127.0.0.1, with TLS if there is a context for it, and yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = answer(Asked(self.command, self.path, headers, body))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def __getattr__(self, name: str) -> Callable[[], None]:
            """Take every method: the server looks for do_GET, do_POST and so on."""
            if not name.startswith("do_"):
                raise AttributeError(name)
            return self.answer

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def gateway(app: FastAPI, vouch: Vouch) -> Iterator[str]:
    """Serve the app as a stage of API Gateway does; yield the stage's address, without a slash at its end."""
    with ThreadPoolExecutor(max_workers=1) as function:
        # The event loop of the handler is that of the thread which makes it.
        handler = function.submit(create_handler, app).result()
        no_context: Any = None

        def answer(asked: Asked) -> Reply:
            path = asked.path.removeprefix(f"/{STAGE}")
            context = vouch(asked.headers)
            if path.startswith("/v1/") and context is None:
                return Reply(401, json.dumps(UNKNOWN).encode(), {"Content-Type": "application/problem+json"})
            event = proxy_event(
                asked.method,
                path,
                query=urlsplit(asked.target).query,
                headers=asked.headers,
                body=asked.body,
                identity={},
            )
            event["requestContext"] |= context or {}
            told = function.submit(handler, event, no_context).result()
            content = b64decode(told["body"]) if told["isBase64Encoded"] else told["body"].encode()
            headers = {**told.get("headers", {})}
            headers |= {name: values[-1] for name, values in told.get("multiValueHeaders", {}).items()}
            headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
            return Reply(told["statusCode"], content, headers)

        try:
            with serving(answer) as port:
                yield f"http://127.0.0.1:{port}/{STAGE}"
        finally:
            function.submit(lambda: asyncio.get_event_loop().close()).result()


def base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


@dataclass
class HostedSignIn:
    """A stand-in for the sign-in page of Cognito: the authorization code with PKCE (RFC 7636)."""

    client_id: str
    callbacks: set[str] = field(default_factory=set)
    #: The parameters of each sign-in whose code was not redeemed yet.
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    #: Access tokens that are valid.
    access: set[str] = field(default_factory=set)
    refresh: set[str] = field(default_factory=set)
    #: The grants that were asked for, with what became of them.
    grants: list[tuple[str, int]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        match asked.method, asked.path:
            case "GET", "/oauth2/authorize":
                return self._page(asked.query)
            case "POST", "/oauth2/token":
                status, given = self._redeem(asked.form)
                self.grants.append((asked.form.get("grant_type", ""), status))
                return self._json(status, given)
            case "POST", "/oauth2/revoke":
                self.refresh.discard(asked.form["token"])
                return self._json(200, {})
        return Reply(204 if asked.path == "/favicon.ico" else 404)

    def vouch(self, headers: Mapping[str, str]) -> Mapping[str, Any] | None:
        """Do what the gateway's authorizer does with a token."""
        if headers.get("authorization") not in self.access:
            return None
        return {"authorizer": {"claims": {"sub": "ann", "scope": "openid wharf/objects"}}}

    def _page(self, query: dict[str, str]) -> Reply:
        known = query.get("client_id") == self.client_id and query.get("redirect_uri") in self.callbacks
        wanted = {"response_type": "code", "code_challenge_method": "S256", "scope": "openid wharf/objects"}
        if not known or not wanted.items() <= query.items() or not query.get("code_challenge"):
            return Reply(400, b"This sign-in is not set up so.")
        code = token_urlsafe()
        self.codes[code] = query
        back = f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        no = f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        links = f'<a href="{escape(back)}">Sign in as Ann</a> <a href="{escape(no)}">Refuse</a>'
        return Reply(
            200, f"<!doctype html><title>Sign in</title>{links}".encode(), {"Content-Type": "text/html"}
        )

    def _redeem(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form.get("grant_type") == "refresh_token":
            is_right = form.get("refresh_token") in self.refresh
        else:
            begun = self.codes.pop(form.get("code", ""), {})
            challenge = base64url(sha256(form.get("code_verifier", "").encode()).digest())
            is_right = begun.get("code_challenge") == challenge
            is_right = is_right and begun["redirect_uri"] == form.get("redirect_uri")
        if not is_right or form.get("client_id") != self.client_id:
            return 400, {"error": "invalid_grant"}
        token = ".".join(base64url(part) for part in (b"{}", b'{"sub": "ann"}', token_urlsafe().encode()))
        self.access.add(token)
        if form["grant_type"] == "refresh_token":
            return 200, {"access_token": token, "expires_in": 3600}
        renewing = token_urlsafe()
        self.refresh.add(renewing)
        return 200, {"access_token": token, "refresh_token": renewing, "expires_in": 3600}

    def _json(self, status: int, content: dict[str, Any]) -> Reply:
        # Cognito lets every origin read the answers of these two.
        headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"}
        return Reply(status, json.dumps(content).encode(), headers)

"""The door of the emulator: lets in what this run has signed, and hands it on as it arrives.

It is the outermost ASGI application of the emulator's own process, so it adds no connection
and no copy of a body, and there is no way around it.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.credentials import Credentials

from app.domain.times import utc_now
from app.local.doors.disk import Disk
from app.local.doors.machine import Machine, Pages
from app.local.doors.signatures import Claim, Refused, Request, claim_of, verify

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: The paths at which the door tells how full the disk is, and what waits in the queues.
DISK_PATH = "/_wharf/disk"
QUEUES_PATH = "/_wharf/queues"
#: The longest body that is kept until its signature is known. Only S3 gets longer ones, and their hash first.
KEPT_BODY_BYTES = 64 * 1024 * 1024
#: How much of a refused body is read and dropped: a client cannot read an answer while it sends.
DISCARD_BYTES = 64 * 1024 * 1024
#: Headers that decide about a request, which may therefore hold each of them only once.
SINGLE = frozenset({"authorization", "content-length", "content-type", "host", "origin"})
WRITES = ("PutItem", "UpdateItem", "TransactWriteItems", "BatchWriteItem")
PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD, PUT",
    "access-control-allow-headers": "*",
    "access-control-max-age": "3600",
    "vary": "Origin",
}
GONE: Message = {"type": "http.disconnect"}


@dataclass(frozen=True, slots=True)
class AwsDoor:
    app: App
    credentials: Credentials
    machine: Machine
    #: The pages that may use presigned URLs.
    pages: Pages
    disk: Disk
    #: Counts the messages that wait in the emulator's queues.
    queues: Callable[[], Mapping[str, Any]] = dict
    clock: Callable[[], datetime] = utc_now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive)
        try:
            await self._serve(scope, body.receive, send)
        except Refused as refused:
            await body.discard(scope)
            await _refuse(scope, send, refused, self.pages)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope)
        self._check_where_it_comes_from(scope, request)
        if request.method == "OPTIONS":
            await _answer(send, 200, {**PREFLIGHT, "access-control-allow-origin": request.headers["origin"]})
            return
        claim = claim_of(request)
        body = await _whole(receive) if claim.needs_body else b""
        verify(request, claim, self.credentials, self.clock(), body)
        if claim.needs_body:
            receive = _again(body, receive)
        if request.path in {DISK_PATH, QUEUES_PATH}:
            told = self.disk.told() if request.path == DISK_PATH else self.queues()
            await _answer(send, 200, {"content-type": "application/json"}, json.dumps(told).encode())
            return
        with self._room_for(request, claim, len(body)):
            await self._hand_on(scope, receive, send, claim.body_sha256)

    def _check_where_it_comes_from(self, scope: Scope, request: Request) -> None:
        """Refuse other names of this machine, and pages. Only presigned URLs are for pages."""
        address = (scope.get("server") or [None])[0]
        if not self.machine.is_meant_by(request.headers.get("host", ""), address):
            raise Refused(403, "AccessDenied", "The Host is not this machine.")
        origin = request.headers.get("origin")
        is_presigned = "X-Amz-Signature=" in request.query
        if origin is not None and not (is_presigned and self.pages.may_send(origin)):
            raise Refused(403, "AccessDenied", "Pages of this origin may not use this.")
        if request.method == "OPTIONS" and origin is None:
            raise Refused(403, "AccessDenied", "OPTIONS is for pages only.")

    def _room_for(self, request: Request, claim: Claim, length: int) -> AbstractContextManager[None]:
        """Keep room for what the request stores. `length` is that of the body, if it was read already."""
        upload = parse_qs(request.query).get("uploadId", [""])[0] if claim.service == "s3" else ""
        if upload and request.method in {"POST", "DELETE"}:
            return self.disk.end_parts(upload)
        if claim.service == "s3" and request.method in {"PUT", "POST"}:
            if "content-length" not in request.headers:
                raise Refused(411, "MissingContentLength", "Say how long the body is.")
            size = int(request.headers["content-length"])
            if upload:
                return self.disk.expecting_part(upload, size)
            return self.disk.expecting(size, is_upload=claim.is_presigned)
        if request.headers.get("x-amz-target", "").endswith(WRITES):
            self.disk.add_record(length)
        return nullcontext()

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send, digest: str | None) -> None:
        """Hand a request on. If its body is not the one that was signed, the emulator never sees its end."""
        checked = _Checked(receive, digest)

        async def send_unless_refused(message: Message) -> None:
            if not checked.is_wrong:
                await send(message)

        await self.app(scope, checked.receive if digest else receive, send_unless_refused)
        if checked.is_wrong:
            raise Refused(400, "XAmzContentSHA256Mismatch", "The body is not the one that was signed.")


class _Body:
    """A body as it arrives. The rest of it can be dropped."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_over = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._is_over = not message.get("more_body", False)
        return message

    async def discard(self, scope: Scope) -> None:
        """Read and drop what a client sends. The server itself gives leave to a client that waits for it."""
        headers = {name.lower(): value for name, value in scope["headers"]}
        is_sent = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
        discarded = 0
        while is_sent and not self._is_over and discarded < DISCARD_BYTES:
            discarded += len((await self.receive()).get("body", b""))


class _Checked:
    """A body whose hash is computed as it arrives."""

    def __init__(self, receive: Receive, digest: str | None) -> None:
        self._receive = receive
        self._wanted = digest
        self._hash = hashlib.sha256()
        self.is_wrong = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._hash.update(message.get("body", b""))
            if not message.get("more_body", False) and self._hash.hexdigest() != self._wanted:
                self.is_wrong = True
                return GONE
        return message


def request_of(scope: Scope) -> Request:
    """Return the parts of a request that are signed. Raises Refused if a header that decides is repeated."""
    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        if name in headers and (name in SINGLE or name.startswith("x-amz-")):
            raise Refused(400, "InvalidRequest", f"There are two headers {name}.")
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    query = scope["query_string"].decode("latin-1")
    return Request(scope["method"], scope["raw_path"].decode("latin-1"), query, headers)


async def _whole(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, "IncompleteBody", "The client is gone.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > KEPT_BODY_BYTES:
            raise Refused(413, "EntityTooLarge", "Declare X-Amz-Content-SHA256.")
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that begins with a body that was received already."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


async def _refuse(scope: Scope, send: Send, refused: Refused, pages: Pages) -> None:
    """Answer in one of the three forms in which clients of AWS look for a reason."""
    asked = {name.lower(): value for name, value in scope["headers"]}
    headers = {"connection": "close", "content-type": "application/xml"}
    body = f"<Error><Code>{escape(refused.code)}</Code><Message>{escape(str(refused))}</Message></Error>"
    origin = asked.get(b"origin", b"").decode("latin-1")
    if pages.may_send(origin):
        headers["access-control-allow-origin"] = origin
    if b"x-amz-target" in asked:
        headers["content-type"] = "application/x-amz-json-1.0"
        body = json.dumps({"__type": refused.code, "message": str(refused)})
    elif asked.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
        body = f"<ErrorResponse>{body}</ErrorResponse>"
    await _answer(send, refused.status, headers, b"" if scope["method"] == "HEAD" else body.encode())


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
    fields = {**headers, "content-length": str(len(body))}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})

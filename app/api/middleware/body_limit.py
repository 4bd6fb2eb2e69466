"""The innermost middleware: it limits the body of a request, and answers every fault."""

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems.catalogue import HTTP_ANSWERS
from app.api.problems.details import problem
from app.api.problems.handlers import answer_fault

BODY_LIMIT_BYTES = 4 * 1024 * 1024
#: How much of a body that is too large is read and dropped: a client cannot read an answer while it sends.
DISCARD_LIMIT_BYTES = 16 * BODY_LIMIT_BYTES
TOO_LARGE = (
    f"A request body has at most {BODY_LIMIT_BYTES} bytes. Larger payloads: declare the payload's "
    "media_type and size instead, and upload it to the URL in the answer."
)


class BodyLimitMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > BODY_LIMIT_BYTES:
            await _discard(receive)
            refusal = problem(Request(scope), HTTP_ANSWERS[413], TOO_LARGE)
            await refusal(scope, receive, send)
            return
        await self._answer_faults(scope, _limited(receive), send)

    async def _answer_faults(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer faults inside CORS. Starlette answers them outside, where a page cannot read the answer."""
        is_answered = False

        async def send_noted(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as fault:
            if is_answered:
                raise
            answer = answer_fault(Request(scope), fault)
            await answer(scope, receive, send)


def _limited(receive: Receive) -> Receive:
    """Return `receive`, which then refuses to read a body of undeclared length beyond the limit."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > BODY_LIMIT_BYTES:
            if message.get("more_body", False):
                await _discard(receive)
            raise HTTPException(413, TOO_LARGE)
        return message

    return receive_limited


async def _discard(receive: Receive) -> None:
    """Read and drop the rest of a body, up to DISCARD_LIMIT_BYTES."""
    discarded = 0
    while discarded < DISCARD_LIMIT_BYTES:
        message = await receive()
        if not message.get("more_body", False):
            return
        discarded += len(message.get("body", b""))

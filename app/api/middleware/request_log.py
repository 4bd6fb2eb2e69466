"""The one line that a request leaves in the log, and what it measures.

The line holds none of the client's own words. It names the operation, because a
path may hold anything, and an object only if the path holds an id.
"""

import os
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope

from app.api.http.methods import LOGGED
from app.observability import Work, measure
from app.observability.metrics import (
    ANSWER_SECONDS,
    FAILED_REQUESTS,
    PROBLEMS,
    REPLAYS,
    REQUEST_SECONDS,
    REQUESTS,
)

UNROUTED = "none"
#: Set by Lambda (Lambda Developer Guide, "Defined runtime environment variables").
FUNCTION_VERSION = "AWS_LAMBDA_FUNCTION_VERSION"
OUTCOMES = {4: "refused", 5: "failed"}


@dataclass(slots=True)
class AnsweredRequest:
    """A request, and what is noted of it while it is answered. Sizes are of bodies, in bytes."""

    scope: Scope
    #: 0 if an exception left the request without an answer.
    status: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    is_replay: bool = False

    def counted(self, receive: Receive) -> Receive:
        """Return `receive`, which then counts the bytes of the body."""

        async def receive_counted() -> Message:
            message = await receive()
            self.request_bytes += len(message.get("body", b""))
            return message

        return receive_counted

    def note(self, message: Message) -> None:
        """Note a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.is_replay = any(name.lower() == b"idempotency-replayed" for name, _ in message["headers"])
        self.response_bytes += len(message.get("body", b""))

    @property
    def operation(self) -> str:
        """The id of the operation that was called, or `none` if the path or the method has none."""
        route = self.scope.get("route")
        is_called = self.scope["method"] in (getattr(route, "methods", None) or ())
        return (is_called and getattr(route, "operation_id", None)) or UNROUTED


def log_request(answered: AnsweredRequest, work: Work) -> None:
    state, operation = answered.scope["state"], answered.operation
    outcome = OUTCOMES.get(answered.status // 100, "ok" if answered.status else "failed")
    seconds = work.seconds
    samples = [
        REQUESTS(1, operation=operation, outcome=outcome),
        REQUEST_SECONDS(seconds, operation=operation),
        ANSWER_SECONDS(seconds),
    ]
    # A deployment is rolled back by its own version's failures, which Lambda does not count as errors.
    if version := os.environ.get(FUNCTION_VERSION):
        samples.append(FAILED_REQUESTS(int(outcome == "failed"), function_version=version))
    if code := state.get("problem_code"):
        samples.append(PROBLEMS(1, code=code))
    if answered.is_replay:
        samples.append(REPLAYS(1))
    measure(
        "request.done",
        *samples,
        method=state["method"] if state["method"] in LOGGED else UNROUTED,
        status=answered.status,
        request_bytes=answered.request_bytes,
        response_bytes=answered.response_bytes,
        **work.costs(),
    )

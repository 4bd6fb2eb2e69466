"""The one line that a request leaves in the log, and what it measures.

Nothing of it is the client's own words: the operation stands for the path, which may
hold anything, and an id is told only where it is one.
"""

from collections.abc import Iterator

from starlette.types import Message, Receive, Scope

from app.api.http.methods import LOGGED
from app.observability import Work, measure
from app.observability.metrics import PROBLEMS, REPLAYS, REQUEST_SECONDS, REQUESTS, Sample

UNROUTED = "none"
OUTCOMES = {4: "refused", 5: "failed"}


class AnsweredRequest:
    """What is noted of a request while it is answered. Sizes are of bodies, in bytes."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.status = 0
        self.request_bytes = 0
        self.response_bytes = 0
        self.is_replay = False

    def counted(self, receive: Receive) -> Receive:
        async def receive_counted() -> Message:
            message = await receive()
            self.request_bytes += len(message.get("body", b""))
            return message

        return receive_counted

    def note(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.is_replay = any(name.lower() == b"idempotency-replayed" for name, _ in message["headers"])
        self.response_bytes += len(message.get("body", b""))

    @property
    def operation(self) -> str:
        """The id of the operation that was called; `none` where a path or a method has none."""
        route = self.scope.get("route")
        is_called = self.scope["method"] in (getattr(route, "methods", None) or ())
        return (is_called and getattr(route, "operation_id", None)) or UNROUTED

    @property
    def method(self) -> str:
        method: str = self.scope["state"]["method"]
        return method if method in LOGGED else UNROUTED

    @property
    def outcome(self) -> str:
        """An exception that was not even answered leaves the status 0."""
        return OUTCOMES.get(self.status // 100, "ok" if self.status else "failed")

    @property
    def code(self) -> str | None:
        """Of the problem that it was answered with."""
        code: str | None = self.scope["state"].get("problem_code")
        return code


def log_request(answered: AnsweredRequest, work: Work) -> None:
    measure(
        "request.done",
        *_samples(answered, work),
        method=answered.method,
        status=answered.status,
        request_bytes=answered.request_bytes,
        response_bytes=answered.response_bytes,
        **work.costs(),
    )


def _samples(answered: AnsweredRequest, work: Work) -> Iterator[Sample]:
    operation = answered.operation
    yield REQUESTS(1, operation=operation, outcome=answered.outcome)
    yield REQUEST_SECONDS(work.seconds, operation=operation)
    if answered.code is not None:
        yield PROBLEMS(1, code=answered.code)
    if answered.is_replay:
        yield REPLAYS(1)

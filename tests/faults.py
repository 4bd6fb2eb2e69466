"""AWS at its worst, by botocore's own events: no collaborator is replaced.

    fail(client, "GetObject", answering(503))   the next call gets this instead of an answer
    lose_reply(client, "PutItem")               the next call is made twice: its first reply got lost
    before(client, "PutItem", act)              somebody else acts just before the next call
    after(client, "PutEvents", change)          the next call answers something else
    calls = calls_of(client)                    every call from now on, with its parameters

The fixtures that give the clients undo all of it after each test.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NoReturn

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

URL = "https://aws.test/"
ANY = ""

Fault = Callable[[], tuple[AWSResponse, dict[str, Any]]]

_hooked: list[Callable[[], None]] = []


def answering(status: int, code: str = "InternalError") -> Fault:
    error = {"Code": code, "Message": "Not now."}
    parsed = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
    return lambda: (AWSResponse(URL, status, HTTPHeaders(), None), parsed)


def throttling() -> Fault:
    return answering(400, "ThrottlingException")


def cancelling(*reasons: str) -> Fault:
    """A transaction that was cancelled, with a reason for each of its items; `None` is none."""

    def cancel() -> tuple[AWSResponse, dict[str, Any]]:
        response, parsed = answering(400, "TransactionCanceledException")()
        return response, {**parsed, "CancellationReasons": [{"Code": reason} for reason in reasons]}

    return cancel


def not_connecting() -> NoReturn:
    raise EndpointConnectionError(endpoint_url=URL)


def connecting_too_slowly() -> NoReturn:
    raise ConnectTimeoutError(endpoint_url=URL)


def not_replying() -> NoReturn:
    raise ReadTimeoutError(endpoint_url=URL)


def fail(client: Any, operation: str, fault: Fault, *, spared: int = 0, times: int = 1) -> None:
    """Fail as after the SDK's last try: nothing is sent, nothing is waited for."""
    faults = iter([*[None] * spared, *[fault] * times])

    def strike(**_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        struck = next(faults, None)
        return struck and struck()

    _hook(client, "before-call", operation, strike)


def conflict(client: Any, *, times: int = 1) -> None:
    """Cancel transactions because somebody else writes their last item."""
    turns = iter(range(times))

    def strike(params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        if next(turns, None) is None:
            return None
        items = len(json.loads(params["body"])["TransactItems"])
        return cancelling(*["None"] * (items - 1), "TransactionConflict")()

    _hook(client, "before-call", "TransactWriteItems", strike)


def lose_reply(client: Any, operation: str, *, spared: int = 0) -> None:
    """Make the SDK repeat a call that was carried out, but for the first ones that are spared."""
    seconds_to_wait = iter([*[None] * spared, 0])

    def send_again(**_: Any) -> int | None:
        return next(seconds_to_wait, None)

    _hook(client, "needs-retry", operation, send_again)


@dataclass(frozen=True, slots=True)
class Call:
    operation: str
    parameters: dict[str, Any]


def calls_of(client: Any) -> list[Call]:
    """Return a list to which each call is added. A presigned URL is only signed, so it is not a call."""
    calls: list[Call] = []

    def note(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["parameters"] = deepcopy(params)

    def keep(model: Any, context: dict[str, Any], **_: Any) -> None:
        calls.append(Call(model.name, context["parameters"]))

    _hook(client, "before-parameter-build", ANY, note)
    _hook(client, "before-call", ANY, keep)
    return calls


def sent_by(client: Any, operation: str) -> list[AWSPreparedRequest]:
    """Return a list to which each request on the wire is added, the SDK's repeats included."""
    sent: list[AWSPreparedRequest] = []
    _hook(client, "before-send", operation, lambda request, **_: sent.append(request))
    return sent


def before(client: Any, operation: str, act: Callable[[], object], *, times: int = 1) -> None:
    """Let somebody else act just before a call is made."""
    turns = iter(range(times))

    def interrupt(**_: Any) -> None:
        if next(turns, None) is not None:
            act()

    _hook(client, "before-call", operation, interrupt)


def after(
    client: Any,
    operation: str,
    change: Callable[[dict[str, Any]], object],
    *,
    spared: int = 0,
    times: int = 1,
) -> None:
    """Change what a call answered, but for the first ones that are spared."""
    turns = iter([*[False] * spared, *[True] * times])

    def rewrite(parsed: dict[str, Any], **_: Any) -> None:
        if next(turns, False):
            change(parsed)

    _hook(client, "after-call", operation, rewrite)


def _hook(client: Any, event: str, operation: str, handler: Callable[..., object]) -> None:
    service = client.meta.service_model.service_id.hyphenize()
    name = ".".join(part for part in (event, service, operation) if part)
    client.meta.events.register(name, handler)
    _hooked.append(lambda: client.meta.events.unregister(name, handler))


def unhook_all() -> None:
    """The clients are shared: what one test does to them must end with it."""
    while _hooked:
        _hooked.pop()()

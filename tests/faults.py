"""AWS at its worst, by botocore's own events: no collaborator is replaced.

fail(client, "GetObject", answering(503))   the next call gets this instead of an answer
lose_reply(client, "PutItem")               the next call is made twice: its first reply got lost
calls = calls_of(client)                    every call from now on, with its parameters
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NoReturn

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

URL = "https://aws.test/"

Fault = Callable[[], tuple[AWSResponse, dict[str, Any]]]


def answering(status: int, code: str = "InternalError") -> Fault:
    error = {"Code": code, "Message": "Not now."}
    parsed = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
    return lambda: (AWSResponse(URL, status, HTTPHeaders(), None), parsed)


def throttling() -> Fault:
    return answering(400, "ThrottlingException")


def not_connecting() -> NoReturn:
    raise EndpointConnectionError(endpoint_url=URL)


def connecting_too_slowly() -> NoReturn:
    raise ConnectTimeoutError(endpoint_url=URL)


def not_replying() -> NoReturn:
    raise ReadTimeoutError(endpoint_url=URL)


def fail(client: Any, operation: str, fault: Fault, *, times: int = 1) -> None:
    """As after the SDK's last try: nothing is sent, nothing is waited for."""
    faults = iter([fault] * times)

    def strike(**_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        struck = next(faults, None)
        return struck and struck()

    client.meta.events.register(f"before-call.{_service(client)}.{operation}", strike)


def lose_reply(client: Any, operation: str, *, spared: int = 0) -> None:
    """Make the SDK repeat a call that was carried out, but for the first ones that are spared."""
    seconds_to_wait = iter([*[None] * spared, 0])

    def send_again(**_: Any) -> int | None:
        return next(seconds_to_wait, None)

    client.meta.events.register(f"needs-retry.{_service(client)}.{operation}", send_again)


@dataclass(frozen=True, slots=True)
class Call:
    operation: str
    parameters: dict[str, Any]


def calls_of(client: Any) -> list[Call]:
    """What is signed only, as a presigned URL is, is no call."""
    calls: list[Call] = []

    def note(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["parameters"] = deepcopy(params)

    def keep(model: Any, context: dict[str, Any], **_: Any) -> None:
        calls.append(Call(model.name, context["parameters"]))

    client.meta.events.register(f"before-parameter-build.{_service(client)}", note)
    client.meta.events.register(f"before-call.{_service(client)}", keep)
    return calls


def sent_by(client: Any, operation: str) -> list[AWSPreparedRequest]:
    """What goes over the wire, the SDK's repeats as well."""
    sent: list[AWSPreparedRequest] = []
    client.meta.events.register(
        f"before-send.{_service(client)}.{operation}", lambda request, **_: sent.append(request)
    )
    return sent


def before(client: Any, operation: str, act: Callable[[], object], *, times: int = 1) -> None:
    """Let somebody else act just before a call is made."""
    turns = iter(range(times))

    def interrupt(**_: Any) -> None:
        if next(turns, None) is not None:
            act()

    client.meta.events.register(f"before-call.{_service(client)}.{operation}", interrupt)


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

    client.meta.events.register(f"after-call.{_service(client)}.{operation}", rewrite)


def _service(client: Any) -> str:
    name: str = client.meta.service_model.service_id.hyphenize()
    return name

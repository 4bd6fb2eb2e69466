"""AWS at its worst, by botocore's own events: no collaborator is replaced.

fail(client, "GetObject", answering(503))   the next call gets this instead of an answer
lose_reply(client, "PutItem")               the next call is made twice: its first reply got lost
calls = calls_of(client)                    every call from now on, with its parameters
"""

import io
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NoReturn

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

Fault = Callable[[AWSPreparedRequest], AWSResponse]


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answering(status: int, body: bytes = b"") -> Fault:
    def answer(request: AWSPreparedRequest) -> AWSResponse:
        return AWSResponse(request.url, status, {}, _Body(body))

    return answer


def throttling() -> Fault:
    """As the JSON protocols say it: DynamoDB, SQS, EventBridge."""
    return answering(400, b'{"__type":"ThrottlingException","message":"Rate exceeded"}')


def not_connecting(request: AWSPreparedRequest) -> NoReturn:
    raise EndpointConnectionError(endpoint_url=request.url)


def connecting_too_slowly(request: AWSPreparedRequest) -> NoReturn:
    raise ConnectTimeoutError(endpoint_url=request.url)


def not_replying(request: AWSPreparedRequest) -> NoReturn:
    raise ReadTimeoutError(endpoint_url=request.url)


def fail(client: Any, operation: str, fault: Fault, *, times: int = 1) -> None:
    """The SDK does not try again by itself: its waiting is not what is tested."""
    service = _service(client)
    client.meta.events.unregister(f"needs-retry.{service}", unique_id=f"retry-config-{service}")
    faults = iter([fault] * times)

    def strike(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        struck = next(faults, None)
        return struck and struck(request)

    client.meta.events.register(f"before-send.{service}.{operation}", strike)


def lose_reply(client: Any, operation: str, *, after: int = 0) -> None:
    """Make the SDK repeat one call that was carried out, after so many that were not repeated."""
    seconds_to_wait = iter([*[None] * after, 0])

    def send_again(**_: Any) -> int | None:
        return next(seconds_to_wait, None)

    client.meta.events.register(f"needs-retry.{_service(client)}.{operation}", send_again)


@dataclass(frozen=True, slots=True)
class Call:
    operation: str
    parameters: dict[str, Any]


def calls_of(client: Any) -> list[Call]:
    calls: list[Call] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append(Call(model.name, deepcopy(params)))

    client.meta.events.register(f"before-parameter-build.{_service(client)}", note)
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


def after(client: Any, operation: str, change: Callable[[dict[str, Any]], object], *, times: int = 1) -> None:
    """Change what a call answered."""
    turns = iter(range(times))

    def rewrite(parsed: dict[str, Any], **_: Any) -> None:
        if next(turns, None) is not None:
            change(parsed)

    client.meta.events.register(f"after-call.{_service(client)}.{operation}", rewrite)


def _service(client: Any) -> str:
    name: str = client.meta.service_model.service_id.hyphenize()
    return name

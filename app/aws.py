"""What every AWS adapter shares: how clients are made, and which faults pass by themselves."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection

from app.domain.errors import Unavailable
from app.observability import current_work, logger

#: Threads of the local server; each may hold one connection.
THREADS = 16
#: How often `insist` makes a call. Before the third it waits up to four times as long as before the second.
TRIES = 3
FIRST_PAUSE_SECONDS = 0.2

PASSING_CODES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)

CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 3},
    connect_timeout=2,
    read_timeout=10,
    max_pool_connections=THREADS,
    parameter_validation=False,
    user_agent="wharf",
    signature_version="v4",
)
# A checksum is sent where this service asks for one, not by default.
S3_CONFIG = CONFIG.merge(
    Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
)


Answer = TypeVar("Answer")


class Clients:
    """Makes all clients on one session, one after another: both are costly to build."""

    def __init__(self, *, insists: bool = False) -> None:
        """`insists` says that whoever makes a call repeats it: the SDK, which waits for seconds, does not."""
        self._session = boto3.session.Session()
        self._config = Config(retries={"mode": "standard", "total_max_attempts": 1}) if insists else Config()

    def client(self, service: str, **options: Any) -> Any:
        config = (S3_CONFIG if service == "s3" else CONFIG).merge(self._config)
        client = self._session.client(service, config=config, **options)  # type: ignore[call-overload]  # one of many literals
        # Each call counts for the unit of work that makes it. Presigning makes no call.
        events = client.meta.events
        # Not `before-call`: its handlers may answer in the place of AWS.
        events.register("before-parameter-build", _begin_call)
        events.register("request-created", _count_attempt)
        events.register("after-call", _end_call)
        events.register("after-call-error", _end_call)
        return client


def _begin_call(context: dict[str, Any], **_: Any) -> None:
    context["began"] = perf_counter()


def _count_attempt(request: Any, **_: Any) -> None:
    """Count the attempt here: a call that ends without an answer does not tell its retries."""
    request.context["attempts"] = request.context.get("attempts", 0) + 1


def _end_call(
    context: dict[str, Any], event_name: str, parsed: Mapping[str, Any] | None = None, **_: Any
) -> None:
    seconds = perf_counter() - context["began"]
    metadata = (parsed or {}).get("ResponseMetadata", {})
    retries = max(0, context.get("attempts", 0) - 1)
    logger.debug(
        "aws.called",
        call=event_name.partition(".")[2],
        seconds=round(seconds, 4),
        retries=retries,
        status=metadata.get("HTTPStatusCode"),
    )
    work = current_work.get()
    if work is not None:
        work.count_call(seconds, retries=retries)


@contextmanager
def passing_faults() -> Iterator[None]:
    """Turn throttling, outages and time-outs of AWS into Unavailable. Let every other fault through."""
    try:
        yield
    except (NoConnection, HTTPClientError, IncompleteReadError) as fault:
        raise Unavailable(f"AWS does not answer: {type(fault).__name__}") from fault
    except ClientError as fault:
        status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status < 500 and error_code(fault) not in PASSING_CODES:
            raise
        raise Unavailable(f"AWS is busy: {error_code(fault)}") from fault


def insist(call: Callable[[], Answer]) -> Answer:
    """Make a call that may be repeated, up to three times in a second. Raise what the last one raised."""
    for longest in (FIRST_PAUSE_SECONDS * 4**number for number in range(TRIES - 1)):
        try:
            return call()
        except Unavailable:
            time.sleep(random.uniform(0, longest))  # noqa: S311  # so that not all come back at once
    return call()


@contextmanager
def all_faults() -> Iterator[None]:
    """Turn every fault of AWS into Unavailable, for a check that only asks whether AWS answers."""
    with passing_faults():
        try:
            yield
        except ClientError as fault:
            raise Unavailable(f"AWS refuses: {error_code(fault)}") from fault


def error_code(fault: ClientError) -> str:
    return fault.response.get("Error", {}).get("Code", "")

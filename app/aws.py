"""Makes the clients of every AWS adapter, and tells which faults of AWS are transient."""

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from threading import Lock
from time import perf_counter
from typing import Any, TypeVar

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from app.domain.errors import Unavailable
from app.observability import current_work, logger
from app.quick_start import IS_AWAITED

#: Threads of the local server; each may hold one connection.
THREADS = 16
#: The longest pauses before `insist` makes a call again. Most faults are gone at the next try.
PAUSES_SECONDS = (0.005, 0.05, 0.3)
TRIES = 1 + len(PAUSES_SECONDS)
#: After this time `insist` does not repeat a call any more.
INSISTS_SECONDS = 2

TRANSIENT_CODES = frozenset(
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
#: The configuration for calls that `insist` repeats. The SDK would repeat them too, but after seconds.
INSISTING = Config(
    retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=1, read_timeout=INSISTS_SECONDS
)
# A checksum is sent where this service asks for one, not by default.
S3_CONFIG = CONFIG.merge(
    Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
)
# Otherwise presigned URLs name S3's global host. It redirects requests for a new bucket of
# another region, and refuses those for regions newer than 2019 (Amazon S3 User Guide,
# "Virtual hosting of general purpose buckets").
REGIONAL_S3_CONFIG = S3_CONFIG.merge(
    Config(s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})
)
#: Variables that lead S3's client to another address, where no host is named after a bucket.
ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")


Returned = TypeVar("Returned")


class Clients:
    """Makes all clients on one session, one after another: both are costly to build."""

    def __init__(self, *, callers_repeat: bool = False) -> None:
        """`callers_repeat` says that who makes a call repeats it by `insist`, so that the SDK need not."""
        self._session = botocore.session.get_session()
        self._config = INSISTING if callers_repeat else Config()
        self._clients: list[Any] = []

    def client(self, service: str, **options: Any) -> Any:
        """Return a client. While a request waits for the start, it is made when it is first used."""
        make = partial(self._make, service, options)
        return LaterClient(make) if IS_AWAITED else make()

    def _make(self, service: str, options: Mapping[str, Any]) -> Any:
        config = CONFIG
        if service == "s3":
            has_endpoint = "endpoint_url" in options or any(os.environ.get(name) for name in ENDPOINTS)
            config = S3_CONFIG if has_endpoint else REGIONAL_S3_CONFIG
        client: Any = self._session.create_client(service, config=config.merge(self._config), **options)
        # Each call counts for the unit of work that makes it. Presigning makes no call.
        events = client.meta.events
        # Not `before-call`: its handlers may answer in the place of AWS.
        events.register("before-parameter-build", lambda context, **_: context.update(began=perf_counter()))
        events.register("request-created", _count_attempt)
        events.register("after-call", _end_call)
        events.register("after-call-error", _end_call)
        self._clients.append(client)
        return client

    def drop_connections(self) -> None:
        """Close every open connection. The next call opens a new one."""
        for client in self._clients:
            client.close()


class LaterClient:
    """Makes a client when something is first asked of it. A first request needs one or two of four."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make_once = make
        self._lock = Lock()
        self._client: Any = None

    def __getattr__(self, name: str) -> Any:
        # botocore's session makes one client at a time.
        with self._lock:
            self._client = self._client or self._make_once()
        return getattr(self._client, name)


def credentials_end(client: Any) -> datetime | None:
    """Return when the credentials that sign for a client end. None if they last, or do not say."""
    credentials = client._get_credentials()  # botocore has no public name for them
    # Credentials that are about to end are replaced here, not between this answer and the signature.
    credentials.get_frozen_credentials()
    return getattr(credentials, "_expiry_time", None)


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
        work.aws_calls += 1
        work.aws_retries += retries
        work.aws_seconds += seconds


@contextmanager
def transient_faults() -> Iterator[None]:
    """Turn throttling, outages and time-outs of AWS into Unavailable. Let every other fault through."""
    try:
        yield
    except (NoConnection, HTTPClientError, IncompleteReadError, ResponseParserError) as fault:
        raise Unavailable(f"AWS does not answer: {type(fault).__name__}") from fault
    except ClientError as fault:
        status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status < 500 and error_code(fault) not in TRANSIENT_CODES:
            raise
        raise Unavailable(f"AWS is busy: {error_code(fault)}") from fault


def insist(call: Callable[[], Returned], *, clock: Callable[[], float] = time.monotonic) -> Returned:
    """Make a call that may be repeated, and repeat it up to three times within INSISTS_SECONDS.

    Raise what the last one raised. A call that hangs ends by its timeout, and is not repeated then.
    """
    give_up = clock() + INSISTS_SECONDS
    for longest in PAUSES_SECONDS:
        try:
            return call()
        except Unavailable:
            pause = random.uniform(0, longest)  # noqa: S311  # so that not all come back at once
            if clock() + pause >= give_up:
                raise
            time.sleep(pause)
    return call()


@contextmanager
def all_faults() -> Iterator[None]:
    """Turn every fault of AWS into Unavailable, for a check that only asks whether AWS answers."""
    with transient_faults():
        try:
            yield
        except ClientError as fault:
            raise Unavailable(f"AWS refuses: {error_code(fault)}") from fault


def error_code(fault: ClientError) -> str:
    return fault.response.get("Error", {}).get("Code", "")

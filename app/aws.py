"""What every AWS adapter shares: how clients are made, and which faults pass by themselves."""

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
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
#: The longest pauses before `insist` makes a call again.
PAUSES_SECONDS = (0.02, 0.1, 0.5)
TRIES = 1 + len(PAUSES_SECONDS)

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
# Otherwise presigned URLs name S3's global host. It redirects requests for a new bucket of
# another region, and refuses those for regions newer than 2019 (Amazon S3 User Guide,
# "Virtual hosting of general purpose buckets").
REGIONAL_S3_CONFIG = S3_CONFIG.merge(
    Config(s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})
)
#: Variables that lead S3's client to another address, where no host is named after a bucket.
ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")


Answer = TypeVar("Answer")


class Clients:
    """Makes all clients on one session, one after another: both are costly to build."""

    def __init__(self, *, insists: bool = False) -> None:
        """`insists` says that whoever makes a call repeats it: the SDK, which waits for seconds, does not."""
        self._session = boto3.session.Session()
        self._config = Config(retries={"mode": "standard", "total_max_attempts": 1}) if insists else Config()
        self._clients: list[Any] = []

    def client(self, service: str, **options: Any) -> Any:
        config = (_s3_config(options) if service == "s3" else CONFIG).merge(self._config)
        client = self._session.client(service, config=config, **options)  # type: ignore[call-overload]  # one of many literals
        # Each call counts for the unit of work that makes it. Presigning makes no call.
        events = client.meta.events
        # Not `before-call`: its handlers may answer in the place of AWS.
        events.register("before-parameter-build", _begin_call)
        events.register("request-created", _count_attempt)
        events.register("after-call", _end_call)
        events.register("after-call-error", _end_call)
        self._clients.append(client)
        return client

    def drop_connections(self) -> None:
        """Close every open connection. The next call opens a new one."""
        for client in self._clients:
            client.close()


def credentials_end(client: Any) -> datetime | None:
    """Return when the credentials that sign for a client end. None if they last, or do not say."""
    credentials = client._get_credentials()  # botocore has no public name for them
    # Credentials that are about to end are replaced here, not between this answer and the signature.
    credentials.get_frozen_credentials()
    return getattr(credentials, "_expiry_time", None)


def _s3_config(options: Mapping[str, Any]) -> Config:
    has_endpoint = "endpoint_url" in options or any(os.environ.get(name) for name in ENDPOINTS)
    return S3_CONFIG if has_endpoint else REGIONAL_S3_CONFIG


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
    """Make a call that may be repeated, and repeat it up to three times. Raise what the last one raised."""
    for longest in PAUSES_SECONDS:
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

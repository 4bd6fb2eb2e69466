"""Tells which faults of AWS are transient, and repeats calls that may be repeated."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection

from app.domain.errors import Unavailable

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

Returned = TypeVar("Returned")


@contextmanager
def transient_faults() -> Iterator[None]:
    """Turn throttling, outages and time-outs of AWS into Unavailable. Let every other fault through."""
    try:
        yield
    except ClientError as fault:
        status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status < 500 and error_code(fault) not in TRANSIENT_CODES:
            raise
        raise Unavailable(f"AWS is busy: {error_code(fault)}") from fault
    except _without_answer() as fault:
        raise Unavailable(f"AWS does not answer: {type(fault).__name__}") from fault


def _without_answer() -> tuple[type[Exception], ...]:
    """Return the exceptions of a call that has no answer, or one that is not an answer of AWS.

    It is asked after a fault only: botocore's parsers take long to load.
    """
    from botocore.parsers import ResponseParserError

    return NoConnection, HTTPClientError, IncompleteReadError, ResponseParserError


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

"""A call of a Lambda handler: the handler, the context that it gets, and the meaning of its answer."""

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Self

from app.local.aws.stack import Function

Json = dict[str, Any]
Handler = Callable[[Json, Any], Json | None]


def handler_of(module: str) -> Handler:
    """Return the function's handler. The module reads the environment, so it is imported only now."""
    handler: Handler = importlib.import_module(f"app.{module}").handler
    return handler


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The part of Lambda's context object that handlers read."""

    #: A time on the monotonic clock.
    deadline: float
    stopping: Event

    @classmethod
    def of(cls, function: Function, stopping: Event | None = None) -> Self:
        """Return the context of an invocation that begins now."""
        return cls(time.monotonic() + function.timeout_seconds, stopping or Event())

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left; none once the runtime stops, so that no more work is begun."""
        if self.stopping.is_set():
            return 0
        return max(0, round((self.deadline - time.monotonic()) * 1000))


def failures(answer: Json | None, identifiers: Sequence[str]) -> frozenset[str]:
    """Return which of a batch failed, reading `batchItemFailures` as Lambda does.

    If none is named, the batch succeeded. A name that is empty or not in the batch
    fails the whole batch.
    """
    named = [item.get("itemIdentifier") for item in (answer or {}).get("batchItemFailures") or []]
    failed = frozenset(name for name in named if name)
    is_sound = len(failed) == len(set(named)) and failed.issubset(identifiers)
    return failed if is_sound else frozenset(identifiers)

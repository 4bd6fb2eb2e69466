"""Calls a Lambda handler in this process."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from uuid import uuid4

from app.local.stack import Function

Json = dict[str, Any]
Handler = Callable[[Json, Any], Json | None]


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What handlers read of Lambda's context object."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    deadline: float
    """On the monotonic clock."""
    stopping: Event
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        return "local"

    def get_remaining_time_in_millis(self) -> int:
        """None is left once the runtime stops, so that no more work is begun."""
        if self.stopping.is_set():
            return 0
        return max(0, round((self.deadline - time.monotonic()) * 1000))


def context_for(function: Function, stopping: Event | None = None) -> LambdaContext:
    return LambdaContext(
        function_name=function.name,
        invoked_function_arn=function.arn,
        memory_limit_in_mb=function.memory_mb,
        deadline=time.monotonic() + function.timeout_seconds,
        stopping=stopping or Event(),
    )


def failures(answer: Json | None, identifiers: Sequence[str]) -> frozenset[str]:
    """Which of a batch failed, by Lambda's reading of `batchItemFailures`.

    Nothing named is success; a name that is empty or not in the batch fails it whole.
    """
    named = [item.get("itemIdentifier") for item in (answer or {}).get("batchItemFailures") or []]
    failed = frozenset(name for name in named if name)
    return (
        failed if len(failed) == len(set(named)) and failed.issubset(identifiers) else frozenset(identifiers)
    )

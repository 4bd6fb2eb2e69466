"""The unit of work that log lines belong to: one request, one message, one batch of the stream.

Every line that is logged during the unit carries its fields. A route may run in
another thread; the context is copied there, and still refers to the same unit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any


@dataclass(slots=True)
class Work:
    """A unit of work, and what it has cost so far."""

    fields: dict[str, Any] = field(default_factory=dict)
    aws_calls: int = 0
    aws_retries: int = 0
    aws_seconds: float = 0.0
    #: How long the unit only waited for something to change.
    waited_seconds: float = 0.0
    began: float = field(default_factory=perf_counter)

    @property
    def seconds(self) -> float:
        """How long the unit has taken, without the time that it waited."""
        return perf_counter() - self.began - self.waited_seconds

    def costs(self) -> dict[str, Any]:
        """Return the AWS calls so far and their time, for the line that ends the unit."""
        calls = {"aws_calls": self.aws_calls, "aws_seconds": round(self.aws_seconds, 4)}
        if self.waited_seconds:
            calls["waited_seconds"] = round(self.waited_seconds, 4)
        return calls | ({"aws_retries": self.aws_retries} if self.aws_retries else {})


#: The unit of work that is in progress here; None outside of all units.
current_work: ContextVar[Work | None] = ContextVar("work", default=None)


@contextmanager
def begin_work(**fields: Any) -> Iterator[Work]:
    """Begin a unit of work, which starts with the fields of the unit around it.

    Each unit has its own fields and counts. The outer unit also counts the calls of the inner one.
    """
    outer = current_work.get()
    work = Work({**(outer.fields if outer else {}), **_known(fields)})
    token = current_work.set(work)
    try:
        yield work
    finally:
        current_work.reset(token)
        if outer is not None:
            outer.aws_calls += work.aws_calls
            outer.aws_retries += work.aws_retries
            outer.aws_seconds += work.aws_seconds


@contextmanager
def waiting_time() -> Iterator[None]:
    """Count the time inside as waited, which the unit of work does not take."""
    work, began = current_work.get(), perf_counter()
    try:
        yield
    finally:
        if work is not None:
            work.waited_seconds += perf_counter() - began


def bind(**fields: Any) -> None:
    """Put fields on every further line of the current unit. Binding None removes the field.

    Does nothing outside a unit of work.
    """
    work = current_work.get()
    if work is not None:
        work.fields = _known({**work.fields, **fields})


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}

"""A sandbox for each task that runs at the same time: one in a function of Lambda, several on one machine."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from app.processors.report import Report, Task
from app.sandbox.client import Sandbox


class Sandboxes:
    """Safe for several threads. A sandbox is made when all others are busy, and kept."""

    def __init__(self, preload: Sequence[str], *, shared: Sequence[Path] = ()) -> None:
        """`preload` names the modules a task may ask for, and `shared` folders, as for Sandbox."""
        self._preload = tuple(preload)
        self._shared = tuple(shared)
        self._idle: list[Sandbox] = []
        #: How many there are, idle or busy.
        self._number = 0
        self._lock = Lock()

    def run(self, task: Task, *, seconds: float) -> Report:
        """Run the task's processor for at most `seconds` of wall clock. Raises what Sandbox.run raises."""
        with self._one() as sandbox:
            return sandbox.run(task, seconds=seconds)

    def start(self, *, unless: int = 1) -> None:
        """Start one more sandbox now, unless there are as many already: no task need wait for it then.

        Raises Unavailable.
        """
        with self._lock:
            if self._number >= unless:
                return
            sandbox = self._new()
        try:
            sandbox.start()
        finally:
            with self._lock:
                self._idle.append(sandbox)

    def begin(self) -> None:
        """Let a sandbox start while this process does something else. The first task waits for the rest.

        Raises Unavailable if it cannot start at all.
        """
        with self._lock:
            sandbox = self._idle[0] if self._idle else self._new()
            self._idle[:1] = [sandbox]
        sandbox.begin()

    def close(self) -> None:
        """Stop the sandboxes that are idle; a later `run` starts one again."""
        with ExitStack() as closing, self._lock:
            for sandbox in self._idle:
                closing.callback(sandbox.close)
            self._number -= len(self._idle)
            self._idle.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _one(self) -> Iterator[Sandbox]:
        with self._lock:
            sandbox = self._idle.pop() if self._idle else self._new()
        try:
            yield sandbox
        finally:
            with self._lock:
                self._idle.append(sandbox)

    def _new(self) -> Sandbox:
        self._number += 1
        return Sandbox(self._preload, shared=self._shared)

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
        self._lock = Lock()

    def run(self, task: Task, *, seconds: float) -> Report:
        """Run the task's processor for at most `seconds` of wall clock. Raises what Sandbox.run raises."""
        with self._one() as sandbox:
            return sandbox.run(task, seconds=seconds)

    def start(self) -> None:
        """Start one more sandbox now, so that a task need not wait for it; raises Unavailable."""
        sandbox = Sandbox(self._preload, shared=self._shared)
        sandbox.start()
        with self._lock:
            self._idle.append(sandbox)

    def close(self) -> None:
        """Stop the sandboxes that are idle; a later `run` starts one again."""
        with ExitStack() as closing, self._lock:
            for sandbox in self._idle:
                closing.callback(sandbox.close)
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
            sandbox = self._idle.pop() if self._idle else Sandbox(self._preload, shared=self._shared)
        try:
            yield sandbox
        finally:
            with self._lock:
                self._idle.append(sandbox)

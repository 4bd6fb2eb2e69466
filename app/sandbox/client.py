"""The worker's side of the sandbox: starts the fork server, hands it tasks, judges their ends.

with Sandbox(preload=("dataset", "file")) as sandbox:
    report = sandbox.run(task, seconds=60)
"""

import contextlib
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.domain.errors import Unavailable
from app.processors.report import Report, Task
from app.sandbox import kernel
from app.sandbox.output import OutputFolder
from app.sandbox.verdict import judge
from app.sandbox.wire import Ending, Job, Limits, module_name, receive, send

__all__ = ["Limits", "Sandbox"]

START_SECONDS = 20
GRACE_SECONDS = 2
"""For the fork server, on top of a task's own time, to kill it and to say so."""
STOP_SECONDS = 1
STANDARD_LIMITS = Limits()

logger = logging.getLogger("wharf.sandbox")


class Sandbox:
    """Runs one task at a time; calls from several threads wait for each other.

    The fork server starts with the first task (or `start`) and again when it
    died. Use it from one process: a forked copy must not share it.
    """

    def __init__(self, preload: Sequence[str], limits: Limits = STANDARD_LIMITS) -> None:
        """`preload` names the modules a task may ask for: in app.processors, or with a dot anywhere."""
        self._modules = tuple(dict.fromkeys(module_name(name) for name in preload))
        self._limits = limits
        self._turn = threading.Lock()
        self._server: _Server | None = None
        self._known_refusals: list[str] = []
        with contextlib.suppress(OSError):  # named in the log when the fork server meets it too
            kernel.hide_from_other_processes()

    def run(self, task: Task, *, seconds: float) -> Report:
        """Run the task's processor for at most `seconds` of wall clock, once it is its turn.

        Raises InvalidPayload with the processor's own code and detail, with
        `limit_exceeded`, or with `processor_crashed`; Unavailable when the fork
        server cannot be started or was lost twice; ValueError when the
        processor was not preloaded.
        """
        if module_name(task.processor) not in self._modules:
            raise ValueError(f"the processor {task.processor} is not among {self._modules}")
        task = replace(task, source=task.source.absolute(), output=task.output.absolute())
        output = OutputFolder(task.output)
        with self._turn:
            job = Job(task, self._limits, seconds)
            ending = self._end_of(job)
        return judge(ending, job, output)

    def start(self) -> None:
        """Start the fork server now, so that the first task need not wait; raises Unavailable."""
        with self._turn:
            self._running_server()

    def close(self) -> None:
        """Stop the fork server; a later `run` starts it again."""
        with self._turn:
            self._discard_server()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _end_of(self, job: Job) -> Ending:
        """Tries twice: the server may have died since the last task."""
        left = job
        for _ in range(2):
            server = self._running_server()
            began = time.monotonic()
            try:
                return server.finish(left)
            except (EOFError, ConnectionError) as error:
                self._discard_server()
                logger.warning("sandbox.server_lost", extra={"error": type(error).__name__})
            except TimeoutError:
                self._discard_server()
                raise Unavailable("The sandbox does not answer.") from None
            except BaseException:
                # Its next answer would be to this question: the server cannot be kept.
                self._discard_server()
                raise
            _empty(job.task.output)
            left = replace(left, seconds=max(left.seconds - (time.monotonic() - began), 0.0))
        raise Unavailable("The sandbox was lost twice.")

    def _running_server(self) -> "_Server":
        if self._server is None:
            server = _Server(self._modules)
            try:
                refused = server.greeting()
            except BaseException:
                server.stop()
                raise
            self._server = server
            self._log_once(refused)
        return self._server

    def _discard_server(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _log_once(self, refused: list[str]) -> None:
        if refused and refused != self._known_refusals:
            self._known_refusals = refused
            logger.warning("sandbox.weakened", extra={"refused_by_kernel": refused})


class _Server:
    """The worker's end of one fork server."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._link, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "app.sandbox.server", *modules],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env=_environment(),
                    cwd="/",
                    start_new_session=True,
                )
        except OSError as error:
            self._link.close()
            raise Unavailable(f"The sandbox cannot be started: {error}") from error

    def greeting(self) -> list[str]:
        """What the kernel refused; raises Unavailable when the server cannot work at all."""
        try:
            message: dict[str, Any] = json.loads(receive(self._link, until=time.monotonic() + START_SECONDS))
        except (EOFError, OSError) as error:
            raise Unavailable(f"The sandbox did not start: {error}") from error
        if "failed" in message:
            logger.error("sandbox.start_failed", extra={"trace": message["failed"]})
            raise Unavailable("The sandbox did not start.")
        return [str(step) for step in message["refused"]]

    def finish(self, job: Job) -> Ending:
        """Raises EOFError or ConnectionError when the server died, TimeoutError when it hangs."""
        until = time.monotonic() + job.seconds + GRACE_SECONDS
        self._link.settimeout(GRACE_SECONDS)
        send(self._link, job.encode())
        return Ending.decode(receive(self._link, until=until), receive(self._link, until=until))

    def stop(self) -> None:
        """It kills its child first when the socket closes; SIGKILL leaves that to the kernel."""
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        self._link.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    """Nothing of the worker's, credentials least of all, but where its libraries are."""
    fixed = {
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry),
        "PYTHONSAFEPATH": "1",
        "TZ": "UTC",
    }
    return fixed | {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


def _empty(folder: Path) -> None:
    """A second try finds the output folder as the first one did."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()

"""The worker's side of the sandbox: starts the fork server, hands it tasks, judges their ends.

with Sandbox(preload=("dataset", "file")) as sandbox:
    report = sandbox.run(task, seconds=60)
"""

import contextlib
import json
import logging
import os
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

from app.domain.errors import Unavailable, WorkerFault
from app.processors.report import Report, Task
from app.sandbox.greeting import Greeting
from app.sandbox.leftovers import LeftoversError, empty, remove
from app.sandbox.locks import kernel
from app.sandbox.output import OutputFolder
from app.sandbox.talk import Talk
from app.sandbox.verdict import judge
from app.sandbox.wire import Ending, Job, Limits, Order, module_name, receive, send

START_SECONDS = 20
#: The time that the fork server has, on top of a task's own, to kill the child and to say so.
GRACE_SECONDS = 2
STOP_SECONDS = 1

logger = logging.getLogger("wharf.sandbox")


class Sandbox:
    """Runs one task at a time; calls from several threads wait for each other.

    The fork server starts with the first task (or `start`) and again when it
    died. Use it from one process: a forked copy must not share it.
    """

    def __init__(self, preload: Sequence[str], *, shared: Sequence[Path] = ()) -> None:
        """`preload` names the modules a task may ask for: in app.processors, or with a dot anywhere.

        `shared` are folders that a child can write into where there is no Landlock, and that
        belong to this worker alone: there, they are emptied after each task.
        """
        self._modules = tuple(dict.fromkeys(module_name(name) for name in preload))
        self._turn = threading.Lock()
        self._server: _Server | None = None
        self._shared = tuple(shared)
        self._known: Greeting | None = None
        with contextlib.suppress(OSError):  # named in the log when the fork server meets it too
            kernel.hide_from_other_processes()

    def run(self, task: Task, *, seconds: float) -> Report:
        """Run the task's processor for at most `seconds` of wall clock, once it is its turn.

        Raises InvalidPayload with the processor's own code and detail, with
        `limit_exceeded`, or with `processor_crashed`; WorkerFault when the disk
        is full; Unavailable when the fork server cannot be started or was lost
        twice; ValueError when the processor was not preloaded.
        """
        if module_name(task.processor) not in self._modules:
            raise ValueError(f"the processor {task.processor} is not among {self._modules}")
        task = replace(task, source=task.source.absolute(), output=task.output.absolute())
        output = OutputFolder(task.output)
        with self._turn:
            job = Job(task, Limits.of(task, seconds), seconds)
            try:
                ending, reply = self._end_of(job)
            finally:
                self._empty_shared(task)
        return judge(ending, reply, job, output)

    def begin(self) -> None:
        """Let the fork server start, and do not wait for it: the first task does. Raises Unavailable."""
        with self._turn:
            self._server = self._server or _Server(self._modules)

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

    def _end_of(self, job: Job) -> tuple[Ending, bytes]:
        """Return how a child ended and what it said.

        It is tried twice: the server may have died since the last task.
        """
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
                # The next answer of the server would be to this question, so the server cannot be kept.
                self._discard_server()
                raise
            # The second try finds the folder as the first one did.
            for entry in job.task.output.iterdir():
                remove(entry)
            left = replace(left, seconds=max(left.seconds - (time.monotonic() - began), 0.0))
        raise Unavailable("The sandbox was lost twice.")

    def _running_server(self) -> "_Server":
        if self._server is None:
            self._server = _Server(self._modules)
        if not self._server.has_greeted:
            try:
                greeting = self._server.greeting()
            except BaseException:
                self._discard_server()
                raise
            if greeting != self._known:
                self._known = greeting
                greeting.log()
        return self._server

    def _discard_server(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _empty_shared(self, task: Task) -> None:
        """End this process if what a child may have hidden stays for the next one."""
        if not self._shared or (self._known and self._known.has_landlock):
            return
        try:
            left = empty(self._shared, keep=(task.source, task.output))
        except (LeftoversError, OSError) as error:
            logger.critical("sandbox.leftovers_stay", extra={"error": str(error)})
            self._discard_server()
            os._exit(1)
        if left.entries:
            logger.warning("sandbox.leftovers_removed", extra={"entries": left.entries, "bytes": left.size})


class _Server:
    """The worker's end of one fork server."""

    def __init__(self, modules: Sequence[str]) -> None:
        self.has_greeted = False
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
            raise WorkerFault(f"The sandbox cannot be started: {error}") from error

    def greeting(self) -> Greeting:
        """Return what holds for the children; raise Unavailable when the server cannot work at all."""
        try:
            message: dict[str, Any] = json.loads(receive(self._link, until=time.monotonic() + START_SECONDS))
        except (EOFError, OSError) as error:
            raise Unavailable(f"The sandbox did not start: {error}") from error
        if "failed" in message:
            logger.error("sandbox.start_failed", extra={"trace": message["failed"]})
            raise Unavailable("The sandbox did not start.")
        self.has_greeted = True
        return Greeting.decode(message)

    def finish(self, job: Job) -> tuple[Ending, bytes]:
        """Return how a child ended and what it said.

        Raises EOFError or ConnectionError when the server died, TimeoutError when it hangs.
        """
        until = time.monotonic() + job.seconds + GRACE_SECONDS
        self._link.settimeout(GRACE_SECONDS)
        with contextlib.closing(Talk(job.encode())) as talk:
            send(self._link, Order.of(job).encode(), talk.childs_ends)
            talk.handed_over()
            talk.listen(self._link.fileno(), until=until)
            ending = Ending.decode(receive(self._link, until=until))
            return ending, talk.reply()

    def stop(self) -> None:
        """End the server. It kills its child when the socket closes; after SIGKILL, the kernel does."""
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        self._link.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    """Return fixed values and where the libraries are. No credentials of the worker's are among them."""
    fixed = {
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry),
        "PYTHONSAFEPATH": "1",
        "TZ": "UTC",
    }
    return fixed | {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}

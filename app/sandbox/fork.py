"""A forked process in the hands of the fork server: followed, ended, and nothing of it left."""

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from app.sandbox.child import OUT_OF_MEMORY, REPLY_FD, isolate
from app.sandbox.wire import REPLY_BYTES

READ_BYTES = 65_536
EXIT_CHECK_SECONDS = 0.01
"""How often to look for an exit where the kernel has no pidfd."""


class Fork:
    """Runs `work` in a child and collects the bytes it returns in `reply`."""

    def __init__(self, work: Callable[[], bytes]) -> None:
        _assert_one_thread()
        self._pipe, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _live(work, writing)
        os.close(writing)
        os.set_blocking(self._pipe, False)
        self._pidfd = _open_pidfd(self._pid)
        self._exit: tuple[int, float] | None = None
        self._is_talking = True
        self.reply = bytearray()

    def has_exited(self) -> bool:
        if self._exit is None:
            self._collect_exit(os.WNOHANG)
        return self._exit is not None

    def wait(self, seconds: float, other: int) -> bool:
        """Wait for a reply, the exit or the time; true at once when `other` has something to read."""
        poll = select.poll()
        poll.register(other, select.POLLIN)
        if self._is_talking:
            poll.register(self._pipe, select.POLLIN)
        if self._pidfd is not None:
            poll.register(self._pidfd, select.POLLIN)
        elif not self._is_talking:
            seconds = min(seconds, EXIT_CHECK_SECONDS)
        ready = {descriptor for descriptor, _ in poll.poll(max(seconds, 0) * 1000)}
        if self._pipe in ready:
            self._is_talking = self._read()
        return other in ready

    def end(self) -> tuple[int, float]:
        """Kill what is left of it; its exit code (or minus the signal) and CPU seconds."""
        if self._exit is None:
            self._kill_all()
            self._collect_exit()
        _kill_orphans()
        while len(self.reply) <= REPLY_BYTES and self._read():
            pass
        os.close(self._pipe)
        if self._pidfd is not None:
            os.close(self._pidfd)
        if self._exit is None:
            raise ChildProcessError(f"process {self._pid} cannot be waited for")
        return self._exit

    def _kill_all(self) -> None:
        """The group too, as long as its number is still ours; the rest come as orphans."""
        with contextlib.suppress(ProcessLookupError):  # it may not lead a group yet
            os.killpg(self._pid, signal.SIGKILL)
        os.kill(self._pid, signal.SIGKILL)

    def _collect_exit(self, options: int = 0) -> None:
        pid, status, usage = os.wait4(self._pid, options)
        if pid:
            self._exit = (os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime)

    def _read(self) -> bool:
        """Whether more may come."""
        try:
            part = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return False
        self.reply += part
        return bool(part)


def _live(work: Callable[[], bytes], reply_fd: int) -> NoReturn:
    """The child's whole life; no clean-up of the fork server's may run in it."""
    try:
        isolate(reply_fd)
        try:
            reply = work()
        except MemoryError:
            reply = OUT_OF_MEMORY
        while reply:
            reply = reply[os.write(REPLY_FD, reply) :]
        os._exit(0)
    finally:
        os._exit(1)


def _assert_one_thread() -> None:
    """A lock that another thread holds would stay locked in the child for ever."""
    tasks = Path("/proc/self/task")
    threads = len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()
    if threads != 1:
        raise RuntimeError(f"{threads} threads: a preloaded module has started some")


def _open_pidfd(pid: int) -> int | None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return None


def _kill_orphans() -> None:
    """Whatever outlived its parent is our child now: kill it, and what comes up behind it."""
    while orphans := _children():
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            os.waitpid(pid, 0)


def _children() -> list[int]:
    try:
        listed = Path(f"/proc/self/task/{os.getpid()}/children").read_bytes()
    except OSError:
        return []
    return [int(pid) for pid in listed.split()]

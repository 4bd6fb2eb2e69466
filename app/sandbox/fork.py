"""A forked child as the fork server handles it: it is followed and ended, and no process of it is left."""

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from app.sandbox import proc
from app.sandbox.child import OUT_OF_MEMORY, REPLY_FD, isolate
from app.sandbox.wire import KIB, ChildsEnds

#: How often to look for an exit where the kernel has no pidfd.
EXIT_CHECK_SECONDS = 0.01


class Fork:
    """Runs `work` in a child, which writes the bytes that `work` returns into its own pipe."""

    def __init__(self, work: Callable[[], bytes], ends: ChildsEnds) -> None:
        """`ends` are closed here: they are the child's alone."""
        try:
            _assert_one_thread()
            self._pid = os.fork()
            if self._pid == 0:
                _live(work, ends)
        finally:
            ends.close()
        self._pidfd = _open_pidfd(self._pid)
        self._exit: tuple[int, float, int] | None = None

    def has_exited(self) -> bool:
        if self._exit is None:
            self._collect_exit(os.WNOHANG)
        return self._exit is not None

    def wait(self, seconds: float, other: int) -> bool:
        """Wait for the exit or the time; return True at once when `other` has something to read."""
        poll = select.poll()
        poll.register(other, select.POLLIN)
        if self._pidfd is None:
            seconds = min(seconds, EXIT_CHECK_SECONDS)
        else:
            poll.register(self._pidfd, select.POLLIN)
        return other in {descriptor for descriptor, _ in poll.poll(max(seconds, 0) * 1000)}

    def end(self) -> tuple[int, float, int]:
        """Kill what is left of it. Return exit code or minus the signal, CPU seconds, most resident bytes."""
        if self._exit is None:
            self._kill_all()
            self._collect_exit()
        _kill_orphans()
        if self._pidfd is not None:
            os.close(self._pidfd)
        if self._exit is None:
            raise ChildProcessError(f"process {self._pid} cannot be waited for")
        return self._exit

    def _kill_all(self) -> None:
        """Kill the child and its group. What has left the group becomes our child as an orphan."""
        with contextlib.suppress(ProcessLookupError):  # it may not lead a group yet
            os.killpg(self._pid, signal.SIGKILL)
        os.kill(self._pid, signal.SIGKILL)

    def _collect_exit(self, options: int = 0) -> None:
        pid, status, usage = os.wait4(self._pid, options)
        if pid:
            cpu_seconds = usage.ru_utime + usage.ru_stime
            self._exit = (os.waitstatus_to_exitcode(status), cpu_seconds, usage.ru_maxrss * KIB)


def _live(work: Callable[[], bytes], ends: ChildsEnds) -> NoReturn:
    """Run the child from its start to its end, without any clean-up of the fork server's."""
    try:
        isolate(ends)
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
    """Raise RuntimeError for a second thread: a lock that it holds would stay locked in the child."""
    try:
        threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208  # before each fork
    except OSError:
        threads = threading.active_count()
    if threads != 1:
        raise RuntimeError(f"{threads} threads: a preloaded module has started some")


def _open_pidfd(pid: int) -> int | None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return None


def _kill_orphans() -> None:
    """Kill what outlived its parent, which is our child now, and what becomes our child by that."""
    while orphans := _children():
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            os.waitpid(pid, 0)


def _children() -> list[int]:
    try:
        listed = proc.read(f"/proc/self/task/{os.getpid()}/children")
    except OSError:
        return []
    return [int(pid) for pid in listed.split()]

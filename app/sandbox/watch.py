"""Watches from outside what a running child takes of the machine.

The kernel's limits on the child leave some things out: RLIMIT_DATA counts no shared memory,
RLIMIT_FSIZE counts each file by itself, and RLIMIT_NPROC counts the threads of strangers. So the fork
server looks at the sums every WATCH_SECONDS. A child that computes for long gives way to all others.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from app.sandbox import proc
from app.sandbox.output import is_over
from app.sandbox.wire import KIB, MIB, Cause, Order

WATCH_SECONDS = 0.05
#: With less free, the disk counts as full. A job that may fill Lambda's disk leaves more (RESERVED_BYTES).
LEAST_FREE_BYTES = 16 * MIB
#: More than the libraries of one task start.
MOST_THREADS = 64
#: A child that has used this much processor time has less of it from then on while others want some, by
#: these steps of nice(2): a third of an equal share. More would let other programs take up its allowance.
QUICK_CPU_SECONDS = 1.0
NICER_BY = 5
#: The lines of /proc/<pid>/status (proc(5)) that are memory of a process, and not pages of files.
HELD = (b"RssAnon:", b"RssShmem:", b"VmSwap:")


@dataclass(slots=True)
class Watch:
    """Use it as a context manager around one child, which must not have started yet."""

    order: Order
    #: The least free space that was seen on the disk of the output folder.
    free_bytes: int = field(init=False)
    #: Memory that a child has from the start, since it begins as a copy of this process.
    _given_bytes: int = field(init=False)
    #: The output folder: a child could put another folder in its place.
    _folder: int = field(init=False)
    #: The children that give way.
    _slow: set[int] = field(init=False, default_factory=set)

    def __enter__(self) -> Self:
        self._folder = os.open(self.order.output, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        self._given_bytes = held_bytes(os.getpid())
        self.free_bytes = _free_bytes(self._folder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._note_free_space()
        os.close(self._folder)

    def look(self) -> Cause | None:
        """Return why the child must end now, or None."""
        self._note_free_space()
        self._slow_down()
        if self._added_bytes() > self.order.memory_bytes:
            return Cause.OUT_OF_MEMORY
        if sum(map(threads, descendants(os.getpid()))) > MOST_THREADS:
            return Cause.TOO_MANY_THREADS
        if is_over(self.order.disk_bytes, self.order.output):
            return Cause.OUT_OF_DISK
        if self.free_bytes < LEAST_FREE_BYTES:
            return Cause.DISK_IS_FULL
        return None

    def _slow_down(self) -> None:
        for pid in descendants(os.getpid()):
            if pid not in self._slow and cpu_seconds(pid) > QUICK_CPU_SECONDS:
                self._slow.add(pid)
                give_way(pid)

    def _added_bytes(self) -> int:
        """Return what the child and its own processes hold beyond what they were given."""
        held = (held_bytes(pid) for pid in descendants(os.getpid()))
        return sum(max(0, each - self._given_bytes) for each in held)

    def _note_free_space(self) -> None:
        self.free_bytes = min(self.free_bytes, _free_bytes(self._folder))


def held_bytes(pid: int) -> int:
    """Return the memory of a process: its own and shared, swapped out or not; 0 if it is gone."""
    try:
        status = proc.read(f"/proc/{pid}/status")
    except OSError:
        return 0
    return sum(int(line.split()[1]) * KIB for line in status.splitlines() if line.startswith(HELD))


def threads(pid: int) -> int:
    """Return how many threads a process has; 0 if it is gone."""
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return 0


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, all its threads together; 0 if it is gone."""
    try:
        _, _, told = proc.read(f"/proc/{pid}/stat").rpartition(b")")
    except OSError:
        return 0
    # The fields `utime` and `stime` (proc(5)). The first field here is the third of all.
    return sum(map(int, told.split()[11:13])) / os.sysconf("SC_CLK_TCK")


def give_way(pid: int) -> None:
    """Let a child, which leads its process group and its session, compute when others do not."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PGRP, pid, os.getpriority(os.PRIO_PROCESS, 0) + NICER_BY)
    # Where the kernel shares processor time out by sessions (sched(7), "The autogroup feature"), this counts
    # instead. The file is root's, as the child cannot be read by others. Another user's sessions stay equal.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICER_BY), encoding="ascii")


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes below another one."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            listed = task.read_bytes().split()
        except OSError:
            continue
        for each in listed:
            yield int(each)
            yield from descendants(int(each))


def _free_bytes(folder: int) -> int:
    disk = os.fstatvfs(folder)
    return disk.f_bavail * disk.f_frsize

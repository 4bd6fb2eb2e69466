"""Watches from outside what a running child takes of the machine.

The kernel's limits on the child leave some things out: RLIMIT_DATA counts no shared memory,
RLIMIT_FSIZE counts each file by itself, and RLIMIT_NPROC counts the threads of strangers. So the fork
server looks at the sums every WATCH_SECONDS.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from app.sandbox.output import is_over
from app.sandbox.wire import KIB, MIB, Cause, Order

WATCH_SECONDS = 0.05
#: With less free, the disk counts as full. A job that may fill Lambda's disk leaves more (RESERVED_BYTES).
LEAST_FREE_BYTES = 16 * MIB
#: More than the libraries of one task start.
MOST_THREADS = 64
#: The lines of /proc/<pid>/status (proc(5)) that are memory of a process, and not pages of files.
HELD = ("RssAnon:", "RssShmem:", "VmSwap:")


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
        if self._added_bytes() > self.order.memory_bytes:
            return Cause.OUT_OF_MEMORY
        if sum(map(threads, descendants(os.getpid()))) > MOST_THREADS:
            return Cause.TOO_MANY_THREADS
        if is_over(self.order.disk_bytes, self.order.output):
            return Cause.OUT_OF_DISK
        if self.free_bytes < LEAST_FREE_BYTES:
            return Cause.DISK_IS_FULL
        return None

    def _added_bytes(self) -> int:
        """Return what the child and its own processes hold beyond what they were given."""
        held = (held_bytes(pid) for pid in descendants(os.getpid()))
        return sum(max(0, each - self._given_bytes) for each in held)

    def _note_free_space(self) -> None:
        self.free_bytes = min(self.free_bytes, _free_bytes(self._folder))


def held_bytes(pid: int) -> int:
    """Return the memory of a process: its own and shared, swapped out or not; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return sum(int(line.split()[1]) * KIB for line in status.splitlines() if line.startswith(HELD))


def threads(pid: int) -> int:
    """Return how many threads a process has; 0 if it is gone."""
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return 0


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

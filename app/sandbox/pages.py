"""Gathers the fork server's memory into huge pages, so that a fork has less to copy.

A fork copies an entry of the page table for each 4 KiB that its process has written, and the end of the
child takes it down again. One entry stands for 2 MiB of a huge page. A child that writes there still
gets a copy of 4 KiB only.
"""

import ctypes
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: The size on x86_64, and on arm64 with pages of 4 KiB.
HUGE_BYTES: Final = 2 * 1024 * 1024
#: See madvise(2). Linux has it from 6.1 on, whatever its setting for huge pages is.
_COLLAPSE: Final = 25
#: A line of /proc/self/maps (proc(5)) about the heap, or about other memory that belongs to no file.
_OWN_MEMORY: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(?:\[heap\])?")


def gather() -> int:
    """Put this process's own memory into huge pages, and return how many bytes of it are now in some.

    A place that the kernel refuses stays as it is.
    """
    if sys.platform != "linux":
        return 0
    advise = ctypes.CDLL(None).madvise
    gathered = [
        size
        for start, size in tuple(_places())
        if advise(ctypes.c_void_p(start), ctypes.c_size_t(size), _COLLAPSE) == 0
    ]
    return sum(gathered)


def _places() -> Iterator[tuple[int, int]]:
    """Yield start and size of what whole huge pages can hold."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        if own := _OWN_MEMORY.fullmatch(line):
            start, end = (int(each, 16) for each in own.groups())
            start, end = -(-start // HUGE_BYTES) * HUGE_BYTES, end // HUGE_BYTES * HUGE_BYTES
            if start < end:
                yield start, end - start

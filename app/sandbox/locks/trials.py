"""Tries samples in a child under locks; self_check.py decides by the outcome."""

import importlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from app.processors.report import Task
from app.sandbox.child import confine, move_in
from app.sandbox.locks.optional import Files, Locks
from app.sandbox.locks.self_check import Probe
from app.sandbox.wire import CPU_SECONDS, GIB, MIB, SCRATCH, Limits

#: The time for all samples together, and for the trials that follow when one has failed.
CHECK_SECONDS = 10
SEARCH_SECONDS = 20
ONE_TRIAL_SECONDS = 3
PASSED: Final = b"passed"
#: The limits of a child that the fork server starts for its own check.
LIMITS: Final = Limits(
    cpu_seconds=CPU_SECONDS, memory_bytes=GIB, output_bytes=GIB, scratch_bytes=GIB, file_bytes=GIB
)

#: Runs a function in a child, for some seconds at most. Returns what it returned, or nothing if it died.
InChild = Callable[[Callable[[], bytes], float], bytes]


def probes_of(modules: Sequence[str]) -> tuple[Probe, ...]:
    """Return what the imported modules have in SAMPLES."""
    return tuple(
        Probe(module, sample) for module in modules for sample in getattr(sys.modules[module], "SAMPLES", ())
    )


class Trials:
    def __init__(self, in_child: InChild) -> None:
        self._in_child = in_child
        self._first = True
        self._until = time.monotonic() + CHECK_SECONDS + SEARCH_SECONDS

    def passes(self, probes: Sequence[Probe], locks: Locks) -> bool:
        """True if a child under these locks processes all of them. False once the time is used up."""
        left = self._until - time.monotonic()
        seconds = min(left, CHECK_SECONDS if self._first else ONE_TRIAL_SECONDS)
        self._first = False
        if seconds <= 0:
            return False
        server = os.getpid()
        try:
            # The folder is named as a worker's, so that a later start removes it if this one could not.
            folder = Path(tempfile.mkdtemp(prefix=f"wharf-{server}-check-"))
        except OSError:  # the disk is full
            return False
        try:
            return self._in_child(lambda: _process(probes, folder, locks, server), seconds) == PASSED
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _process(probes: Sequence[Probe], folder: Path, locks: Locks, server: int) -> bytes:
    """Do the whole work of a trial's child; raise what a processor raises."""
    move_in(folder / SCRATCH)
    files = Files((folder,), (folder,))
    confine(LIMITS, server=server, locks=locks, files=files)
    for task in _tasks(probes, folder):
        importlib.import_module(task.processor).process(task)
    return PASSED


def _tasks(probes: Sequence[Probe], folder: Path) -> Iterator[Task]:
    for place, probe in enumerate(probes):
        source, output = folder / f"source-{place}", folder / f"output-{place}"
        source.write_bytes(probe.sample.content)
        (output / SCRATCH).mkdir(parents=True)
        yield Task(
            processor=probe.module,
            source=source,
            output=output,
            media_type=probe.sample.media_type,
            unpacked_limit=MIB,
            memory_limit=LIMITS.memory_bytes,
            disk_limit=LIMITS.disk_bytes,
        )

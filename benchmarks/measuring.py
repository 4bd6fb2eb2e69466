"""A processor in its sandbox, a bare library in a process of its own, and what each took."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Self

from app.config import WorkerSettings
from app.domain.kinds import KINDS
from app.processors.report import Task
from app.sandbox.client import Sandbox
from benchmarks.samples import MB, Sample

WITNESS = "benchmarks.witness"
MEMORY_BYTES: int = WorkerSettings.model_fields["processor_memory_bytes"].default
"""What the worker allows each processor."""
LONG_BYTES = 20 * MB
RUNS, RUNS_OF_LONG = 9, 3
SECONDS = 600
DEFAULT_SIZES = ("small", "large")


@dataclass(frozen=True, slots=True)
class Took:
    seconds: float
    peak_bytes: int

    @classmethod
    def median(cls, runs: Sequence[Self]) -> Self:
        """The highest peak, of the medians of time."""
        return cls(median(run.seconds for run in runs), max(run.peak_bytes for run in runs))


Side = Callable[[Sample, Path], Took]
"""Processes the sample into an empty folder."""


def peak_bytes() -> int:
    """This process's own: getrusage would tell of the one that it was started by, too."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def compared(sample: Sample, *sides: Side) -> list[Took]:
    """They take turns, so that whatever else this machine does befalls each."""
    runs: list[list[Took]] = [[] for _ in sides]
    for _ in range(RUNS_OF_LONG if sample.size > LONG_BYTES else RUNS):
        for side, done in zip(sides, runs, strict=True):
            done.append(_in_new_folder(side, sample))
    return [Took.median(done) for done in runs]


def _in_new_folder(side: Side, sample: Sample) -> Took:
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder:
        return side(sample, Path(folder))


@contextmanager
def sandboxed() -> Iterator[Side]:
    """The processor of the sample's kind, limited as in the worker."""
    with Sandbox([WITNESS]) as sandbox:
        sandbox.start()

        def run(sample: Sample, output: Path) -> Took:
            began = time.perf_counter()
            report = sandbox.run(task_of(sample, output), seconds=SECONDS)
            return Took(time.perf_counter() - began, report.summary["peak_bytes"])

        yield run


def task_of(sample: Sample, output: Path) -> Task:
    kind = next(kind for kind in KINDS.values() if sample.media_type in (kind.media_types or ()))
    return Task(
        processor=WITNESS,
        source=sample.path,
        output=output,
        media_type=sample.media_type,
        unpacked_limit=kind.unpacked_limit,
        memory_limit=MEMORY_BYTES,
    )


@contextmanager
def bare(library: str, warm_up: Sample) -> Iterator[Side]:
    """`benchmarks.bare_<library>` in a process of its own, which has done the warm-up already."""
    command = [sys.executable, "-m", "benchmarks.alone", f"benchmarks.bare_{library}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None
        assert answered is not None

        def run(sample: Sample, output: Path) -> Took:
            print(json.dumps([str(sample.path), str(output)]), file=asked, flush=True)
            return Took(*json.loads(answered.readline()))

        _in_new_folder(run, warm_up)
        yield run
        asked.close()


def table(title: str, head: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    """Printed row by row: some take a while."""
    print(f"\n{title}\n")
    print("  ".join(_cells(head)), flush=True)
    for row in rows:
        print("  ".join(_cells(row)), flush=True)


def _cells(row: Sequence[str]) -> list[str]:
    return [row[0].ljust(24), *(cell.rjust(14) for cell in row[1:])]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def megabytes(size: int) -> str:
    return f"{size / MB:.0f} MB"

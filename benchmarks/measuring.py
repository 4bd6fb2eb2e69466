"""Measure a processor in its sandbox against a bare library in a process of its own."""

import json
import shutil
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

from app.domain.kinds import KINDS
from app.processors.report import Task
from app.sandbox.client import Sandbox
from app.services.background.processing import PROCESSOR_MEMORY_BYTES
from benchmarks.samples import MB, Sample

WITNESS = "benchmarks.witness"


#: A larger file is measured `RUNS_OF_LONG` times, a smaller one `RUNS` times.
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
        """Return the median time and the highest peak."""
        return cls(median(run.seconds for run in runs), max(run.peak_bytes for run in runs))


@dataclass(frozen=True, slots=True)
class Run:
    """The cost of one file in a process of its own."""

    cpu_seconds: float
    seconds: float
    peak_bytes: int


def measured(module: str, source: Path, output: Path, *, python: str = sys.executable) -> Run:
    """Let `module.run` process the source in a new process, and empty the output folder."""
    command = [python, "-m", "benchmarks.once", module, str(source), str(output)]
    output.mkdir(exist_ok=True)
    try:
        return Run(*json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    finally:
        shutil.rmtree(output)


#: One side of a comparison: processes the sample into an empty folder.
Side = Callable[[Sample, Path], Took]


def compared(library: str, sample: Sample) -> tuple[Took, Took]:
    """Return what the bare library and what the sandboxed processor took.

    They take turns, so that whatever else this machine does slows down both.
    """
    with bare(library, sample) as alone, sandboxed() as ours:
        turns = [
            (_in_new_folder(alone, sample), _in_new_folder(ours, sample))
            for _ in range(RUNS_OF_LONG if sample.size > LONG_BYTES else RUNS)
        ]
    return Took.median([by_hand for by_hand, _ in turns]), Took.median([processed for _, processed in turns])


def _in_new_folder(side: Side, sample: Sample) -> Took:
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder:
        return side(sample, Path(folder))


@contextmanager
def sandboxed() -> Iterator[Side]:
    """Start a sandbox that runs the processor of the sample's kind, with the worker's limits."""
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
        memory_limit=PROCESSOR_MEMORY_BYTES,
        disk_limit=16 * PROCESSOR_MEMORY_BYTES,
    )


@contextmanager
def bare(library: str, warm_up: Sample) -> Iterator[Side]:
    """Start `benchmarks.bare_<library>` in a process of its own and let it process the warm-up."""
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
    """Print a table row by row, because some rows take a while."""
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

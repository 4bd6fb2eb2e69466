"""Measure what the sandbox costs each object: a processor that does nothing, called in it and without it."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from app.processors.report import Report, Task
from app.sandbox.client import Sandbox
from benchmarks import no_op
from benchmarks.measuring import milliseconds, table

HEAD = ("", "median", "95th of 100")
OBJECTS = 300
#: Modules that the fork server loads: the four that the worker's loads, and the measured one.
MODULES = ("dataset", "image", "document", "file", "benchmarks.no_op")


def main(_: Sequence[str]) -> None:
    table(f"The sandbox: {OBJECTS} objects, one after another", HEAD, _rows())


def _rows() -> Iterator[Sequence[str]]:
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder, Sandbox(MODULES) as sandbox:
        began = time.perf_counter()
        sandbox.start()
        yield "start, once", milliseconds(time.perf_counter() - began), ""
        output = Path(folder, "output")
        output.mkdir()
        task = Task(
            processor="benchmarks.no_op",
            source=Path(folder),
            output=output,
            media_type="text/plain",
            unpacked_limit=1,
            memory_limit=2**30,
            disk_limit=2**30,
        )
        yield _row("called in this process", lambda: no_op.process(task))
        yield _row("in the sandbox", lambda: sandbox.run(task, seconds=60))


def _row(name: str, call: Callable[[], Report]) -> Sequence[str]:
    call()
    seconds = [_timed(call) for _ in range(OBJECTS)]
    percentiles = quantiles(seconds, n=100)
    return name, milliseconds(percentiles[49]), milliseconds(percentiles[94])


def _timed(call: Callable[[], Report]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1:])

"""Measure tables with many columns against ten columns with as many cells: `python -m benchmarks.wide`.

Each run is a process of its own, and all widths take turns in a random order. A ratio is the
median of the rounds' ratios of CPU time: 3.00 is three times the time for each cell.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.measuring import DEFAULT_SIZES, Run, measured, megabytes, table
from benchmarks.samples import mixed_csv

ROUNDS = 3
NARROW, WIDTHS = 10, (100, 1_000, 5_000)
#: Tables of 2 MB, 10 MB and 100 MB.
CELLS = {"small": (200_000, 1_250_000), "large": (12_500_000,)}
HEAD = ("file", "size", "CPU", "peak", "CPU of a cell")


def main(sizes: Sequence[str]) -> None:
    cells = [number for name in CELLS if name in (sizes or DEFAULT_SIZES) for number in CELLS[name]]
    table("Tables with many columns, against ten", HEAD, (row for number in cells for row in _rows(number)))


def _rows(cells: int) -> Iterator[Sequence[str]]:
    chance = random.Random(1)  # noqa: S311  # not a secret
    with TemporaryDirectory(prefix="wharf-benchmark-") as name:
        folder = Path(name)
        samples = {width: mixed_csv(folder, cells // width, width) for width in (NARROW, *WIDTHS)}
        runs: dict[int, list[Run]] = {width: [] for width in samples}
        for _ in range(ROUNDS):
            for width in chance.sample(sorted(runs), len(runs)):
                runs[width].append(measured("benchmarks.tables_ours", samples[width].path, folder / "output"))
        for width, sample in samples.items():
            pairs = zip(runs[width], runs[NARROW], strict=True)
            yield (
                sample.name,
                megabytes(sample.size),
                f"{median(run.cpu_seconds for run in runs[width]):.2f} s",
                megabytes(max(run.peak_bytes for run in runs[width])),
                f"{median(wide.cpu_seconds / narrow.cpu_seconds for wide, narrow in pairs):.2f}",
            )


if __name__ == "__main__":
    main(sys.argv[1:])

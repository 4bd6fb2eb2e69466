"""Measure tables by the dataset processor against DuckDB, Polars and pandas: `python -m benchmarks.peers`.

The peers have an environment of their own, `.venv-peers`, from requirements/peers.txt. Each run is
a process of its own. In each round all take their turn on one file, in a random order. A
ratio is the median of the rounds' ratios, ours to the peer's. Written to
benchmarks/results: peers.md with machine, versions and load, and peers.svg.
"""

import os
import platform
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from operator import attrgetter
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.bars import drawn
from benchmarks.measuring import DEFAULT_SIZES, LONG_BYTES, Run, measured, megabytes
from benchmarks.samples import MB, ROW_BYTES, Sample, csv_file, ndjson_file, parquet_file

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / ".venv-peers"
RESULTS = ROOT / "benchmarks" / "results"
OURS, PEERS = "tables_ours", ("duckdb", "polars", "pandas")
ROUNDS, ROUNDS_OF_LONG = 7, 3
HEAD = ("file", "size", "than", "CPU", "wall", "our CPU", "its CPU", "our peak", "its peak")
BYTES = {"small": MB, "large": 100 * MB}


CPU, WALL = attrgetter("cpu_seconds"), attrgetter("seconds")


@dataclass(frozen=True, slots=True)
class Compared:
    """A file, and what each way took in each round."""

    sample: Sample
    size: int
    runs: dict[str, list[Run]]

    def ratio(self, peer: str, figure: Callable[[Run], float]) -> float:
        pairs = zip(self.runs[OURS], self.runs[peer], strict=True)
        return median(figure(ours) / figure(its) for ours, its in pairs)


def main(sizes: Sequence[str]) -> None:
    began = _load()
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder:
        found = [_compared(sample, Path(folder)) for sample in _samples(Path(folder), sizes or DEFAULT_SIZES)]
    page = "\n".join([*_head(sizes or DEFAULT_SIZES, began), *_table(found)])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "peers.md").write_text(page + "\n", encoding="utf-8")
    bars = [(one.sample.name, peer, one.ratio(peer, CPU)) for one in found for peer in PEERS]
    (RESULTS / "peers.svg").write_text(drawn("CPU time of Wharf, peer = 1", bars), encoding="utf-8")
    print(f"\nTables, against peers\n\n{page}")


def _samples(folder: Path, sizes: Sequence[str]) -> Iterator[Sample]:
    for size in (BYTES[name] for name in BYTES if name in sizes):
        yield csv_file(folder, size)
        yield ndjson_file(folder, size)
        yield parquet_file(folder, size // ROW_BYTES)


def _compared(sample: Sample, folder: Path) -> Compared:
    chance = random.Random(1)  # noqa: S311  # not a secret
    runs: dict[str, list[Run]] = {way: [] for way in (OURS, *PEERS)}
    for _ in range(ROUNDS_OF_LONG if sample.size > LONG_BYTES else ROUNDS):
        for way in chance.sample(sorted(runs), len(runs)):
            runs[way].append(_run(way, sample.path, folder / "output"))
    return Compared(sample, sample.size, runs)


def _run(way: str, source: Path, output: Path) -> Run:
    if way == OURS:
        return measured(f"benchmarks.{way}", source, output)
    return measured(f"benchmarks.bare_{way}", source, output, python=str(ENVIRONMENT / "bin" / "python"))


def _head(sizes: Sequence[str], began: float) -> Iterator[str]:
    packages = next(ENVIRONMENT.glob("lib/python*/site-packages"))
    versions = {found.name: found.version for found in distributions(path=[str(packages)])}
    named = ", ".join(f"{peer} {versions[peer]}" for peer in PEERS)
    yield "# Tables, against peers"
    yield ""
    rounds = f"medians of {ROUNDS} rounds, or of {ROUNDS_OF_LONG} for large files"
    yield f"`python -m benchmarks.peers {' '.join(sizes)}`, {rounds}."
    yield "Each way writes Parquet, a summary of all columns and the first rows; pandas makes the summary"
    yield "only. Wharf also proves every cell, and makes top values and histograms. A ratio below 1 means"
    yield "that Wharf takes less."
    yield ""
    yield f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, {named}."
    yield f"Load at the start {began:.1f}, at the end {_load():.1f}."
    yield ""


def _load() -> float:
    return os.getloadavg()[0]


def _table(found: Sequence[Compared]) -> Iterator[str]:
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    for one in found:
        for peer in PEERS:
            yield f"| {' | '.join(_row(one, peer))} |"


def _row(one: Compared, peer: str) -> Sequence[str]:
    ways = (OURS, peer)
    return (
        one.sample.name,
        f"{one.size / MB:.1f} MB",
        peer,
        f"{one.ratio(peer, CPU):.2f}",
        f"{one.ratio(peer, WALL):.2f}",
        *(f"{median(run.cpu_seconds for run in one.runs[way]):.2f} s" for way in ways),
        *(megabytes(max(run.peak_bytes for run in one.runs[way])) for way in ways),
    )


if __name__ == "__main__":
    main(sys.argv[1:])

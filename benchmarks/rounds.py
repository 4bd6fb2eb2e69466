"""Rounds in which all ways take their turn on one file, and the page that tells what each took.

Each run is a process of its own. In each round the order is random. A ratio is the median of
the rounds' ratios, ours to the peer's. Written to benchmarks/results: a page with machine,
versions and load, and a picture.
"""

import os
import platform
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from operator import attrgetter
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.bars import drawn
from benchmarks.measuring import LONG_BYTES, Run, measured, megabytes
from benchmarks.samples import KB, MB, Sample

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
OURS = "ours"
ROUNDS, ROUNDS_OF_LONG = 7, 3
HEAD = ("file", "size", "than", "CPU", "wall", "our CPU", "its CPU", "our peak", "its peak")


CPU, WALL = attrgetter("cpu_seconds"), attrgetter("seconds")


@dataclass(frozen=True, slots=True)
class Peer:
    """A program or library that people would use instead; `benchmarks.bare_<name>` calls it."""

    name: str
    #: None where it is not installed: it is then left out.
    version: str | None
    python: str = sys.executable
    #: Larger files are compared without it.
    most_bytes: int | None = None

    def takes(self, sample: Sample) -> bool:
        return self.most_bytes is None or sample.size <= self.most_bytes


def packaged(name: str, environment: Path, package: str | None = None) -> Peer:
    """Return the peer that is a package of an environment; the package may have another name."""
    folders = map(str, environment.glob("lib/python*/site-packages"))
    versions = {found.name.replace("_", "-"): found.version for found in distributions(path=list(folders))}
    return Peer(name, versions.get(package or name), str(environment / "bin" / "python"))


@dataclass(frozen=True, slots=True)
class Compared:
    """A file, and what each way took in each round."""

    name: str
    size: int
    runs: dict[str, list[Run]]

    @property
    def peers(self) -> Sequence[str]:
        return [way for way in self.runs if way != OURS]

    def ratio(self, peer: str, figure: Callable[[Run], float]) -> float:
        pairs = zip(self.runs[OURS], self.runs[peer], strict=True)
        return median(figure(ours) / figure(its) for ours, its in pairs)


@dataclass(frozen=True, slots=True)
class Comparison:
    #: The name of the benchmark, and of its two files of results.
    name: str
    title: str
    #: The lines of the page that say which work each way does.
    about: Sequence[str]
    #: The module that does as the service does.
    ours: str
    peers: Sequence[Peer]

    def publish(self, make_samples: Callable[[Path], Iterable[Sample]], sizes: Sequence[str]) -> None:
        """Measure all ways on each sample, print what they took, and write the page and the picture."""
        if not self._present:
            sys.exit(f"{self.title}: none is installed. `make benchmark` installs them.")
        began, found = load(), []
        print(f"\n{self.title}\n\n{line(HEAD)}", flush=True)
        with TemporaryDirectory(prefix="wharf-benchmark-") as folder:
            for sample in make_samples(Path(folder)):
                found.append(self._compared(sample, Path(folder, "output")))
                print("\n".join(_lines(found[-1])), flush=True)
        if not found:
            return
        rows = [row for one in found for row in _lines(one)]
        bars = [(one.name, peer, one.ratio(peer, CPU)) for one in found for peer in one.peers]
        write_results(self.name, [*self._head(sizes, began), *table_head(HEAD), *rows], bars)

    @property
    def _present(self) -> Sequence[Peer]:
        return [peer for peer in self.peers if peer.version]

    def _compared(self, sample: Sample, output: Path) -> Compared:
        chance = random.Random(1)  # noqa: S311  # not a secret
        peers = [peer for peer in self._present if peer.takes(sample)]
        ways = {peer.name: (f"benchmarks.bare_{peer.name}", peer.python) for peer in peers}
        ways[OURS] = self.ours, sys.executable
        runs: dict[str, list[Run]] = {way: [] for way in ways}
        for _ in range(ROUNDS_OF_LONG if sample.size > LONG_BYTES else ROUNDS):
            for way in chance.sample(sorted(ways), len(ways)):
                module, python = ways[way]
                runs[way].append(measured(module, sample.path, output, python=python))
        return Compared(sample.name, sample.size, runs)

    def _head(self, sizes: Sequence[str], began: float) -> Iterator[str]:
        yield f"# {self.title}"
        yield ""
        rounds = f"medians of {ROUNDS} rounds, or of {ROUNDS_OF_LONG} for large files"
        yield f"`python -m benchmarks.{self.name} {' '.join(sizes)}`, {rounds}."
        yield from self.about
        yield "A ratio below 1 means that Wharf takes less."
        yield ""
        yield machine(self._present)
        for peer in self.peers:
            if not peer.version:
                yield f"Without {peer.name}, which is not installed."
        yield loads(began)
        yield ""


def write_results(name: str, page: Sequence[str], bars: Sequence[tuple[str, str, float]]) -> None:
    """Write the page, and the picture of the ratios of CPU time: file, peer and ratio of each bar."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    (RESULTS / f"{name}.svg").write_text(drawn("CPU time of Wharf, peer = 1", bars), encoding="utf-8")


def machine(peers: Sequence[Peer]) -> str:
    python = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    return f"{python}, {', '.join(f'{peer.name} {peer.version}' for peer in peers)}."


def loads(began: float) -> str:
    """Return a line on how busy the machine was; `began` is its load at the start."""
    return f"Load at the start {began:.1f}, at the end {load():.1f}."


def load() -> float:
    """Return how many processes wanted a processor in the last minute."""
    return os.getloadavg()[0]


def _lines(one: Compared) -> Iterator[str]:
    return (line(_row(one, peer)) for peer in one.peers)


def table_head(cells: Sequence[str]) -> Sequence[str]:
    return line(cells), f"|{'---|' * len(cells)}"


def line(cells: Sequence[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def _row(one: Compared, peer: str) -> Sequence[str]:
    ways = (OURS, peer)
    return (
        one.name,
        f"{one.size / MB:.1f} MB" if one.size >= MB / 10 else f"{one.size / KB:.1f} KB",
        peer,
        f"{one.ratio(peer, CPU):.2f}",
        f"{one.ratio(peer, WALL):.2f}",
        *(f"{median(run.cpu_seconds for run in one.runs[way]):.2f} s" for way in ways),
        *(megabytes(max(run.peak_bytes for run in one.runs[way])) for way in ways),
    )

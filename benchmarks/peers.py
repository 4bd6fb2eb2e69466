"""Measure tables by the dataset processor against DuckDB, Polars, pandas and ydata-profiling.

`python -m benchmarks.peers`. The peers have an environment of their own, `.venv-peers`, from
requirements/peers.txt. ydata-profiling is apart in `.venv-peers-ydata`, because it needs an older
pandas. Written to benchmarks/results: peers.md and peers.svg.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.measuring import DEFAULT_SIZES, LONG_BYTES
from benchmarks.rounds import ROOT, Comparison, packaged
from benchmarks.samples import MB, ROW_BYTES, Sample, csv_file, ndjson_file, parquet_file

ENVIRONMENT, YDATA = ROOT / ".venv-peers", ROOT / ".venv-peers-ydata"
ABOUT = (
    "Wharf, DuckDB and Polars write Parquet, a summary of all columns and the first rows. pandas makes the",
    "summary only. ydata-profiling in its minimal mode makes the summary, counts values and makes",
    "histograms, but writes no Parquet. A CSV of 100 MB took it 49 s of CPU and 3.5 GB, so it is compared",
    "on small files only. Wharf does all of this, and proves every cell.",
)
BYTES = {"small": MB, "large": 100 * MB}


def main(sizes: Sequence[str]) -> None:
    chosen = sizes or DEFAULT_SIZES
    peers = [
        *(packaged(name, ENVIRONMENT) for name in ("duckdb", "polars", "pandas")),
        replace(packaged("ydata", YDATA, "ydata-profiling"), most_bytes=LONG_BYTES),
    ]
    comparison = Comparison("peers", "Tables, against peers", ABOUT, "benchmarks.tables_ours", peers)
    comparison.publish(lambda folder: _samples(folder, chosen), chosen)


def _samples(folder: Path, sizes: Sequence[str]) -> Iterator[Sample]:
    for size in (BYTES[name] for name in BYTES if name in sizes):
        yield csv_file(folder, size)
        yield ndjson_file(folder, size)
        yield parquet_file(folder, size // ROW_BYTES)


if __name__ == "__main__":
    main(sys.argv[1:])

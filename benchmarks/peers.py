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
    "Wharf writes Parquet, a summary of all columns with top values and histograms, and the first rows. It",
    "proves every cell and counts the rows apart. `duckdb_proved` is a script for DuckDB alone that makes",
    "the same promises for these files: it casts each cell and compares it with its text, counts the rows",
    "by another reader, and finds the same figures. `duckdb` and `polars` prove nothing, and make neither",
    "top values nor histograms. `pandas` makes the summary only. `ydata`, ydata-profiling in its minimal",
    "mode, makes the summary, top values and histograms, but writes no Parquet. A CSV of 100 MB took it 49",
    "s of CPU and 3.5 GB, so it is compared on small files only. 1 GB is compared with DuckDB only.",
)
BYTES = {"small": MB, "large": 100 * MB, "huge": 1000 * MB}
#: Polars and pandas hold a table in memory.
MOST_BYTES_IN_MEMORY = BYTES["large"]


def main(sizes: Sequence[str]) -> None:
    chosen = sizes or DEFAULT_SIZES
    peers = [
        packaged("duckdb_proved", ENVIRONMENT, "duckdb"),
        packaged("duckdb", ENVIRONMENT),
        *(
            replace(packaged(name, ENVIRONMENT), most_bytes=MOST_BYTES_IN_MEMORY)
            for name in ("polars", "pandas")
        ),
        replace(packaged("ydata", YDATA, "ydata-profiling"), most_bytes=LONG_BYTES),
    ]
    comparison = Comparison("peers", "Tables, against peers", ABOUT, "benchmarks.tables_ours", peers)
    comparison.publish(lambda folder: _samples(folder, chosen), chosen)


def _samples(folder: Path, sizes: Sequence[str]) -> Iterator[Sample]:
    for name, size in BYTES.items():
        if name in sizes:
            yield csv_file(folder, size)
        if name in sizes and name != "huge":
            yield ndjson_file(folder, size)
            yield parquet_file(folder, size // ROW_BYTES)


if __name__ == "__main__":
    main(sys.argv[1:])

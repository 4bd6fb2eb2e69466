"""Measure what the proof of every cell costs: the dataset processor with it and without."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import DEFAULT_SIZES, compared, megabytes, milliseconds, table
from benchmarks.samples import MB, Sample, csv_file, ndjson_file, numbers_csv

HEAD = ("file", "unproved", "ours", "ours / unproved", "unproved peak", "ours peak", "ours / unproved")
BYTES = {"small": MB, "large": 100 * MB}


def main(sizes: Sequence[str]) -> None:
    table("The proof of every cell", HEAD, _rows(sizes or DEFAULT_SIZES))


def _rows(sizes: Sequence[str]) -> Iterator[Sequence[str]]:
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder:
        for size in (size for name, size in BYTES.items() if name in sizes):
            for make in (csv_file, numbers_csv, ndjson_file):
                yield _row(make(Path(folder), size))


def _row(sample: Sample) -> Sequence[str]:
    unproved, processed = compared("unproved", sample)
    return (
        sample.name,
        milliseconds(unproved.seconds),
        milliseconds(processed.seconds),
        f"{processed.seconds / unproved.seconds:.2f}",
        megabytes(unproved.peak_bytes),
        megabytes(processed.peak_bytes),
        f"{processed.peak_bytes / unproved.peak_bytes:.2f}",
    )


if __name__ == "__main__":
    main(sys.argv[1:])

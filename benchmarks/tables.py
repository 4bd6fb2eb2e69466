"""Measure the dataset processor against pandas' read_csv and describe, on the same CSV."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import DEFAULT_SIZES, compared, megabytes, milliseconds, table
from benchmarks.samples import KB, MB, Sample, csv_file

HEAD = ("file", "pandas", "ours", "ours / pandas", "pandas peak", "ours peak", "ours / pandas")
BYTES = {"small": (10 * KB, MB), "large": (100 * MB,), "huge": (1000 * MB,)}


def main(sizes: Sequence[str]) -> None:
    table("CSV: profile, preview and Parquet, against pandas' describe", HEAD, _rows(sizes or DEFAULT_SIZES))


def _rows(sizes: Sequence[str]) -> Iterator[Sequence[str]]:
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder:
        for size in (size for name, sizes_of in BYTES.items() if name in sizes for size in sizes_of):
            yield _row(csv_file(Path(folder), size))


def _row(sample: Sample) -> Sequence[str]:
    theirs, processed = compared("pandas", sample)
    return (
        sample.name,
        milliseconds(theirs.seconds),
        milliseconds(processed.seconds),
        f"{processed.seconds / theirs.seconds:.2f}",
        megabytes(theirs.peak_bytes),
        megabytes(processed.peak_bytes),
        f"{processed.peak_bytes / theirs.peak_bytes:.2f}",
    )


if __name__ == "__main__":
    main(sys.argv[1:])

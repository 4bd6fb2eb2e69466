"""Measure the peak memory of the sandboxed child as CSV files grow, and for ten million rows."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from app.services.background.processing import PROCESSOR_MEMORY_BYTES
from benchmarks.measuring import DEFAULT_SIZES, Side, megabytes, sandboxed, table
from benchmarks.samples import MANY_ROWS, MB, csv_file, narrow_csv

HEAD = ("file", "size", "seconds", "peak", "of the limit")


def main(sizes: Sequence[str]) -> None:
    title = f"Memory as files grow, with a limit of {megabytes(PROCESSOR_MEMORY_BYTES)}"
    table(title, HEAD, _rows(sizes or DEFAULT_SIZES))


def _rows(sizes: Sequence[str]) -> Iterator[Sequence[str]]:
    with sandboxed() as ours:
        if "small" in sizes:
            yield from (_row(ours, size) for size in (MB, 10 * MB))
        if "large" in sizes:
            yield _row(ours, 100 * MB)
            yield _row(ours, None)
        if "huge" in sizes:
            yield _row(ours, 1000 * MB)


def _row(ours: Side, size: int | None) -> Sequence[str]:
    """Return the row for a CSV of about `size` bytes, or of ten million rows if `size` is None."""
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder:
        output = Path(folder, "output")
        output.mkdir()
        sample = csv_file(Path(folder), size) if size else narrow_csv(Path(folder), MANY_ROWS)
        took = ours(sample, output)
        return (
            sample.name,
            megabytes(sample.size),
            f"{took.seconds:.1f}",
            megabytes(took.peak_bytes),
            f"{took.peak_bytes / PROCESSOR_MEMORY_BYTES:.0%}",
        )


if __name__ == "__main__":
    main(sys.argv[1:])

"""Measure each processor in its sandbox against the bare library calls that it makes."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import DEFAULT_SIZES, compared, megabytes, milliseconds, table
from benchmarks.samples import KB, MB, Sample, csv_file, ndjson_file, pdf_file, picture

HEAD = ("file", "bare", "ours", "ours / bare", "ours MB/s", "bare peak", "ours peak")


def main(sizes: Sequence[str]) -> None:
    table("The pipeline against its bare libraries", HEAD, _rows(sizes or DEFAULT_SIZES))


def _rows(sizes: Sequence[str]) -> Iterator[Sequence[str]]:
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder:
        for library, samples in _samples(Path(folder), sizes).items():
            for sample in samples:
                yield _row(library, sample)


def _row(library: str, sample: Sample) -> Sequence[str]:
    by_hand, processed = compared(library, sample)
    return (
        sample.name,
        milliseconds(by_hand.seconds),
        milliseconds(processed.seconds),
        f"{processed.seconds / by_hand.seconds:.2f}",
        f"{sample.size / MB / processed.seconds:.1f}",
        megabytes(by_hand.peak_bytes),
        megabytes(processed.peak_bytes),
    )


def _samples(folder: Path, sizes: Sequence[str]) -> dict[str, list[Sample]]:
    tables, pictures, documents = [], [], []
    if "small" in sizes:
        tables += [csv_file(folder, 10 * KB), csv_file(folder, MB), ndjson_file(folder, MB)]
        pictures += [picture(folder, 640, 480, "png"), picture(folder, 640, 480, "jpeg")]
        documents += [pdf_file(folder, 2)]
    if "large" in sizes:
        tables += [csv_file(folder, 100 * MB), ndjson_file(folder, 100 * MB)]
        pictures += [picture(folder, 4000, 3000, "png"), picture(folder, 6000, 4000, "jpeg")]
        documents += [pdf_file(folder, 1000)]
    if "huge" in sizes:
        tables += [csv_file(folder, 1000 * MB)]
    return {"duckdb": tables, "pillow": pictures, "pdfium": documents}


if __name__ == "__main__":
    main(sys.argv[1:])

"""Data sets of some size, in the sandbox and with the memory that the worker allows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from app.sandbox.client import Sandbox
from app.services.background.processing import PROCESSOR_MEMORY_BYTES
from benchmarks.measuring import SECONDS, WITNESS, task_of
from benchmarks.samples import MANY_ROWS, MB, ROW_BYTES, Sample, csv_file, narrow_csv
from tests.conftest import Measured

#: The additional memory that twenty times as much CSV may take.
MARGIN_BYTES = 128 * MB


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([WITNESS]) as sandbox:
        yield sandbox


def summary_of(sandbox: Sandbox, sample: Sample, output: Path) -> dict[str, Any]:
    output.mkdir()
    return sandbox.run(task_of(sample, output), seconds=SECONDS).summary


@pytest.mark.long
def test_ten_million_rows_are_all_there(sandbox: Sandbox, tmp_path: Path, measured: Measured) -> None:
    sample = narrow_csv(tmp_path, MANY_ROWS)

    summary = summary_of(sandbox, sample, tmp_path / "output")
    peak = summary.pop("peak_bytes")

    measured(f"ten million rows, {sample.size // MB} MB of CSV: {peak // MB} MB of memory at most")
    assert summary == {"format": "csv", "rows": MANY_ROWS, "columns": 3}
    data = duckdb.read_parquet(str(tmp_path / "output" / "data.parquet"))
    assert data.aggregate("count(DISTINCT id), sum(id)").fetchall() == [
        (MANY_ROWS, MANY_ROWS * (MANY_ROWS - 1) // 2)
    ]
    assert peak < PROCESSOR_MEMORY_BYTES / 2


def test_memory_does_not_grow_with_the_file(sandbox: Sandbox, tmp_path: Path, measured: Measured) -> None:
    small, large = (
        summary_of(sandbox, csv_file(tmp_path, size * MB), tmp_path / f"{size}") for size in (5, 100)
    )

    grown = large["peak_bytes"] - small["peak_bytes"]
    measured(f"100 MB of CSV take {grown // MB} MB of memory more than 5 MB of it")
    assert [small["rows"], large["rows"]] == [5 * MB // ROW_BYTES, 100 * MB // ROW_BYTES]
    assert grown < MARGIN_BYTES

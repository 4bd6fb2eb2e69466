"""Process a table as the service does, outside of its sandbox."""

from pathlib import Path

from app.processors import dataset
from app.processors.report import Task
from benchmarks.samples import CSV, NDJSON, PARQUET

#: The same as `PROCESSOR_MEMORY_BYTES` in app/services/background/processing.py, whose imports would count.
MEMORY_BYTES = 1 << 30
MEDIA_TYPES = {".csv": CSV, ".json": NDJSON, ".parquet": PARQUET}


def run(source: Path, output: Path) -> None:
    dataset.process(
        Task(
            processor="dataset",
            source=source,
            output=output,
            media_type=MEDIA_TYPES[source.suffix],
            unpacked_limit=16 * MEMORY_BYTES,
            memory_limit=MEMORY_BYTES,
            disk_limit=16 * MEMORY_BYTES,
        )
    )

"""Process a table as the service does, outside of its sandbox."""

from pathlib import Path

from app.processors import dataset
from benchmarks.samples import CSV, NDJSON, PARQUET
from benchmarks.tasks import generous_task

MEDIA_TYPES = {".csv": CSV, ".json": NDJSON, ".parquet": PARQUET}


def run(source: Path, output: Path) -> None:
    dataset.process(generous_task("dataset", source, output, MEDIA_TYPES[source.suffix]))

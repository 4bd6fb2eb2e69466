"""Process a PDF as the service does, outside of its sandbox."""

from pathlib import Path

from app.processors import document
from app.processors.report import Task
from benchmarks.samples import PDF

#: The same as `PROCESSOR_MEMORY_BYTES` in app/services/background/processing.py, whose imports would count.
MEMORY_BYTES = 1 << 30


def run(source: Path, output: Path) -> None:
    document.process(
        Task(
            processor="document",
            source=source,
            output=output,
            media_type=PDF,
            unpacked_limit=0,
            memory_limit=MEMORY_BYTES,
            disk_limit=MEMORY_BYTES,
        )
    )

"""Process a picture as the service does, outside of its sandbox."""

from pathlib import Path

from app.processors import image
from app.processors.recognition import recognise
from app.processors.report import Task

#: The same as `PROCESSOR_MEMORY_BYTES` in app/services/background/processing.py, whose imports would count.
MEMORY_BYTES = 1 << 30


def run(source: Path, output: Path) -> None:
    image.process(
        Task(
            processor="image",
            source=source,
            output=output,
            media_type=str(recognise(source)),
            unpacked_limit=0,
            memory_limit=MEMORY_BYTES,
            disk_limit=MEMORY_BYTES,
        )
    )

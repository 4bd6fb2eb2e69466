"""The tasks of the ways that process a file as the service does, outside of its sandbox."""

from pathlib import Path

from app.processors.report import Task

#: The same as `PROCESSOR_MEMORY_BYTES` in app/services/background/processing.py, whose imports would count.
MEMORY_BYTES = 1 << 30


def generous_task(processor: str, source: Path, output: Path, media_type: str) -> Task:
    return Task(
        processor=processor,
        source=source,
        output=output,
        media_type=media_type,
        unpacked_limit=16 * MEMORY_BYTES,
        memory_limit=MEMORY_BYTES,
        disk_limit=16 * MEMORY_BYTES,
    )

"""What goes into a processor and what comes out of it.

A processor is a module with one function, `process(task) -> Report`. It reads
`task.source`, writes its artifacts as files into `task.output`, and raises
InvalidPayload when the payload is wrong. It runs in a sandboxed child process
without network, credentials or time without end; see `sandbox.py`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One payload to process; sizes are in bytes."""

    processor: str
    """Name of the module in `app.processors`."""
    source: Path
    output: Path
    """An existing, empty folder; `output/scratch` is free for temporary files."""
    media_type: str
    """As declared by the client, without parameters, lower case."""
    unpacked_limit: int
    memory_limit: int


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file in the task's output folder."""

    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Report:
    """`summary` is small and JSON-able; it is shown in lists."""

    summary: dict[str, Any]
    artifacts: tuple[ArtifactFile, ...] = ()

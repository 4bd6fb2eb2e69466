"""The contract of a processor: a Task goes in, a Report comes out.

A processor is a module with one function, `process(task) -> Report`. It reads
`task.source`, writes its artifacts as files into `task.output`, and raises
InvalidPayload when the payload is wrong. It runs in a sandboxed child process
(`app/sandbox`) without network or credentials, and for a limited time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One payload to process; sizes are in bytes."""

    #: Name of the module in `app.processors`.
    processor: str
    source: Path
    #: An existing, empty folder; `output/scratch` is free for temporary files.
    output: Path
    #: The type that the client declared, without parameters, in lower case.
    media_type: str
    #: Of the declared type, names in lower case: `{"charset": "windows-1251", "header": "absent"}`.
    parameters: Mapping[str, str] = field(default_factory=dict)
    unpacked_limit: int
    memory_limit: int


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file in the task's output folder."""

    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a processor found out, and the files that it wrote."""

    #: Small, and representable as JSON; shown in lists.
    summary: dict[str, Any]
    artifacts: tuple[ArtifactFile, ...] = ()

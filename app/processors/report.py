"""The contract of a processor: a Task goes in, a Report comes out.

A processor is a module with one function, `process(task) -> Report`. It reads
`task.source`, writes its artifacts as files into `task.output`, and raises
InvalidPayload when the payload is wrong. It runs in a sandboxed child process
(`app/sandbox`) without network or credentials, and for a limited time. It can load no
library any more: what it needs is imported with its module.

The module may have SAMPLES, a tuple of Sample: one of each form that it reads. The
sandbox tries them when it starts, to find out whether its locks let the processor work.
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
    #: The type that the client meant, without parameters, in lower case. It is one of the kind's `open_types`
    #: where the content is to decide.
    media_type: str
    #: The parameters of the declared type, names in lower case:
    #: `{"charset": "windows-1251", "header": "absent"}`.
    parameters: Mapping[str, str] = field(default_factory=dict)
    unpacked_limit: int
    memory_limit: int
    #: The most bytes that the output folder may hold, temporary files included.
    disk_limit: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A small payload that a processor can read."""

    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file in the task's output folder."""

    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of a processor, and the files that it wrote."""

    #: Small, and representable as JSON; shown in lists.
    summary: dict[str, Any]
    artifacts: tuple[ArtifactFile, ...] = ()
    #: The type that the payload was read as, without parameters; None if it is as declared.
    media_type: str | None = None

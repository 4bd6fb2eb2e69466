"""The messages between the worker, the fork server and its child.

    worker ── socket: Order, two pipe ends ──> fork server ── fork ──> child
           <── socket: Ending ──────────────              ── pipe ends ──>
           ── pipe: Job ───────────────────────────────────────────────>
           <── pipe: reply ─────────────────────────────────────────────

The fork server passes the pipes on and reads neither, because each later child begins as
a copy of its memory. On the socket a message is its length (4 bytes, big-endian) and that
many bytes. JSON, never pickle: a child that was taken over must not take over its reader.
"""

import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from socket import recv_fds, send_fds, socket
from typing import Any, NamedTuple, Self

from app.domain.disk import FILES_AT_ONCE
from app.processors.report import Task

KIB, MIB = 1024, 1024**2
GIB = 1024**3
#: The folder inside `Task.output` that holds temporary files.
SCRATCH = "scratch"
#: Threads that a processor may keep busy, such as DuckDB's.
THREADS = 2
#: CPU time that any child may use.
CPU_SECONDS = 600
OPEN_FILES = 64
ARTIFACTS = 64
#: The report as it will be stored; as a reply it has at most `REPLY_BYTES`.
REPORT_BYTES = 64 * KIB
#: The innermost frames of a crash, which a child tells and the log takes.
CRASH_FRAMES = 50
#: More than this is never read from a child, whatever it sends.
REPLY_BYTES = 256 * KIB
FRAME_BYTES = 64 * KIB
HEADER_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a child. They follow from its task."""

    #: Counts all threads together.
    cpu_seconds: int
    #: How many bytes of memory it may use beyond those that it starts with.
    memory_bytes: int
    #: Everything in the output folder but its scratch folder.
    output_bytes: int
    #: Temporary files.
    scratch_bytes: int
    #: The most bytes that one file may have, wherever it is.
    file_bytes: int

    @classmethod
    def of(cls, task: Task, seconds: float) -> Self:
        """Return the limits of a task that may take `seconds` of wall clock.

        They allow FILES_AT_ONCE files, one of them an artifact, and THREADS that compute
        for all of the time.
        """
        share = task.disk_limit // FILES_AT_ONCE
        return cls(
            cpu_seconds=max(CPU_SECONDS, math.ceil(THREADS * seconds)),
            memory_bytes=task.memory_limit,
            output_bytes=share,
            scratch_bytes=task.disk_limit - share,
            file_bytes=share,
        )

    @property
    def disk_bytes(self) -> int:
        return self.output_bytes + self.scratch_bytes


@dataclass(frozen=True, slots=True)
class Job:
    """A task and its limits, as the child gets them. The fork server never reads them."""

    task: Task
    limits: Limits
    #: Seconds of wall clock.
    seconds: float

    def encode(self) -> bytes:
        return _encode_fields(self)

    @classmethod
    def decode(cls, message: bytes) -> Self:
        found = json.loads(message)
        paths = {name: Path(found["task"][name]) for name in ("source", "output")}
        task = Task(**(found["task"] | paths))
        return cls(task, Limits(**found["limits"]), found["seconds"])


@dataclass(frozen=True, slots=True)
class Order:
    """The part of a job that the fork server needs. Nothing in it comes from a client."""

    output: Path
    seconds: float
    memory_bytes: int
    disk_bytes: int

    @classmethod
    def of(cls, job: Job) -> Self:
        return cls(job.task.output, job.seconds, job.limits.memory_bytes, job.limits.disk_bytes)

    def encode(self) -> bytes:
        return _encode_fields(self)

    @classmethod
    def decode(cls, message: bytes) -> Self:
        found = json.loads(message)
        return cls(**(found | {"output": Path(found["output"])}))


class ChildsEnds(NamedTuple):
    """The ends of the two pipes that a child gets."""

    job: int
    reply: int

    def close(self) -> None:
        for descriptor in self:
            os.close(descriptor)


class Cause(StrEnum):
    """The reason why a child ended, as the fork server saw it."""

    EXITED = "exited"
    OUT_OF_TIME = "out_of_time"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_DISK = "out_of_disk"
    TOO_MANY_THREADS = "too_many_threads"
    #: The disk itself is nearly full, no matter who filled it.
    DISK_IS_FULL = "disk_is_full"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended, as the fork server saw it."""

    cause: Cause
    #: Its exit code, or minus the signal that ended it.
    status: int
    cpu_seconds: float
    #: Memory that it had at most, beyond what it was given at its start.
    added_bytes: int
    #: The least free space on the disk of the output folder: before, meanwhile and after.
    free_bytes: int

    def encode(self) -> bytes:
        return _encode_fields(self)

    @classmethod
    def decode(cls, message: bytes) -> Self:
        found = json.loads(message)
        return cls(**(found | {"cause": Cause(found["cause"])}))


def module_name(processor: str) -> str:
    """Return a module's path: `dataset` is `app.processors.dataset`; a name with a dot is whole."""
    return processor if "." in processor else f"app.processors.{processor}"


def encode(message: dict[str, Any]) -> bytes:
    """Return a message as JSON. Raises ValueError for NaN, infinity and text that is not Unicode."""
    return json.dumps(message, allow_nan=False, ensure_ascii=False).encode()


def as_unicode(text: str) -> str:
    """Return the text with escapes for halves of surrogate pairs, as in a file name that is not UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def _encode_fields(message: object) -> bytes:
    return json.dumps(message, default=_plain).encode()


def _plain(value: Any) -> Any:
    """Return the fields of a message, or a path as text. Unlike `asdict`, this copies nothing."""
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return str(value)


def send(link: socket, message: bytes, files: Sequence[int] = ()) -> None:
    """Send a message, and copies of open files along with its header."""
    header = len(message).to_bytes(HEADER_BYTES, "big")
    if files:
        send_fds(link, [header], files)
        link.sendall(message)
    else:
        link.sendall(header + message)


def receive(link: socket, *, until: float | None = None) -> bytes:
    """Return the next message. `until` is on the monotonic clock.

    Raises EOFError when the other side is gone, TimeoutError when it is late.
    """
    return _receive_body(link, _receive_exactly(link, HEADER_BYTES, until), until)


def receive_order(link: socket) -> tuple[Order, ChildsEnds]:
    """Return the next order and the files that came with it. Raises EOFError when the worker is gone."""
    link.settimeout(None)
    header, files, _, _ = recv_fds(link, HEADER_BYTES, len(ChildsEnds._fields))
    if len(header) < HEADER_BYTES or len(files) < len(ChildsEnds._fields):
        raise EOFError("the worker is gone, or has lost its way")
    return Order.decode(_receive_body(link, header, None)), ChildsEnds(*files)


def _receive_body(link: socket, header: bytes, until: float | None) -> bytes:
    size = int.from_bytes(header, "big")
    if size > FRAME_BYTES:
        raise EOFError(f"a message of {size} bytes: the other side has lost its way")
    return _receive_exactly(link, size, until)


def _receive_exactly(link: socket, size: int, until: float | None) -> bytes:
    received = bytearray()
    while len(received) < size:
        link.settimeout(None if until is None else max(until - time.monotonic(), 0.001))
        if not (part := link.recv(size - len(received))):
            raise EOFError("the other side is gone")
        received += part
    return bytes(received)

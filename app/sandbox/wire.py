"""What crosses the boundaries between the worker, the fork server and its child.

    worker ── socket: Job ─────────────> fork server ── fork ──> child
           <── socket: Ending, reply ──              <── pipe: reply ──

On the socket a message is its length (4 bytes, big-endian) and that many
bytes. JSON, never pickle: a child that took over must not take over its reader.
"""

import json
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from socket import socket
from typing import Any, Self

from app.processors.report import Task

MIB = 1024**2
GIB = 1024**3
SCRATCH = "scratch"
CRASH_FRAMES = 50
"""Of a crash, the innermost, that a child tells and the log takes."""
"""The folder inside `Task.output` that holds temporary files."""
REPLY_BYTES = 256 * 1024
"""More than this is never read from a child, whatever it sends."""
FRAME_BYTES = REPLY_BYTES + 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What every task may use; memory comes with the task, wall-clock time with the call."""

    cpu_seconds: int = 600
    """Of all threads together."""
    output_bytes: int = 2 * GIB
    """Everything in the output folder but its scratch folder."""
    scratch_bytes: int = 10 * GIB
    """Temporary files."""
    open_files: int = 64
    artifacts: int = 64
    report_bytes: int = 64 * 1024
    """The report as JSON; at most `REPLY_BYTES`."""
    may_fork: bool = False
    """Whether a processor may start processes; they end with it."""

    @property
    def file_bytes(self) -> int:
        """What a single file may grow to, wherever it is."""
        return max(self.output_bytes, self.scratch_bytes)

    @property
    def disk_bytes(self) -> int:
        return self.output_bytes + self.scratch_bytes


@dataclass(frozen=True, slots=True)
class Job:
    task: Task
    limits: Limits
    seconds: float
    """Wall clock."""

    def encode(self) -> bytes:
        return json.dumps(asdict(self), default=str).encode()

    @classmethod
    def decode(cls, message: bytes) -> Self:
        fields = json.loads(message)
        paths = {name: Path(fields["task"][name]) for name in ("source", "output")}
        task = Task(**(fields["task"] | paths))
        return cls(task, Limits(**fields["limits"]), fields["seconds"])


class Cause(StrEnum):
    """Why the fork server saw a child end."""

    EXITED = "exited"
    OUT_OF_TIME = "out_of_time"
    OUT_OF_DISK = "out_of_disk"
    TALKED_TOO_MUCH = "talked_too_much"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended. `reply` is what it said, at most REPLY_BYTES: not to be trusted."""

    cause: Cause
    status: int
    """Its exit code, or minus the signal that ended it."""
    cpu_seconds: float
    reply: bytes

    def encode(self) -> bytes:
        return json.dumps([self.cause, self.status, self.cpu_seconds]).encode()

    @classmethod
    def decode(cls, message: bytes, reply: bytes) -> Self:
        cause, status, cpu_seconds = json.loads(message)
        return cls(Cause(cause), status, cpu_seconds, reply)


def module_name(processor: str) -> str:
    """`dataset` is `app.processors.dataset`; a name with a dot is a whole module path."""
    return processor if "." in processor else f"app.processors.{processor}"


def encode(message: dict[str, Any]) -> bytes:
    """Raises ValueError for NaN, infinity and text that is not Unicode."""
    return json.dumps(message, allow_nan=False, ensure_ascii=False).encode()


def as_unicode(text: str) -> str:
    """Half a surrogate pair, as in a file name that is not UTF-8, becomes an escape."""
    return text.encode(errors="backslashreplace").decode()


def send(link: socket, message: bytes) -> None:
    link.sendall(len(message).to_bytes(4, "big") + message)


def receive(link: socket, *, until: float | None = None) -> bytes:
    """The next message. `until` is on the monotonic clock.

    Raises EOFError when the other side is gone, TimeoutError when it is late.
    """
    size = int.from_bytes(_receive_exactly(link, 4, until), "big")
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

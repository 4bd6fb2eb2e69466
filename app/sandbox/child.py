"""The child's side: one process for one task, which locks itself in before it looks at the payload."""

import errno
import faulthandler
import importlib
import os
import resource
import signal
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.domain.errors import InvalidPayload
from app.sandbox import proc
from app.sandbox.locks import kernel
from app.sandbox.locks.optional import LANDLOCK, Files, Locks
from app.sandbox.wire import (
    CRASH_FRAMES,
    OPEN_FILES,
    SCRATCH,
    ChildsEnds,
    Job,
    Limits,
    as_unicode,
    encode,
    module_name,
)

#: The pipe that holds the job, until the child has read it.
JOB_FD: Final = 0
#: The only file, beside /dev/null, that a child keeps.
REPLY_FD: Final = 3
#: The fork server never holds more; it limits itself to this many.
HIGHEST_FD: Final = 256
JOB_PART_BYTES: Final = 65_536
#: The reply is made beforehand: when it is needed, there may be no memory to make it.
OUT_OF_MEMORY: Final = encode({"limit": "memory"})
_LIMIT_OF_ERRNO: Final = {
    errno.ENOMEM: "memory",
    errno.EFBIG: "file_bytes",
    errno.EMFILE: "open_files",
    errno.ENOSPC: "disk",
    errno.EDQUOT: "disk",
}


def isolate(ends: ChildsEnds) -> None:
    """Leave the fork server's session, terminal and files."""
    os.setsid()
    os.umask(0o077)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(ends.job, JOB_FD)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    # This comes last, because REPLY_FD may have been the job's descriptor.
    os.dup2(ends.reply, REPLY_FD, inheritable=False)
    os.closerange(REPLY_FD + 1, HIGHEST_FD)
    # A crash in C leaves its Python stack in the reply, and so in the worker's log.
    faulthandler.enable(REPLY_FD, all_threads=False)


def confine(limits: Limits, *, server: int, locks: Locks, files: Files) -> list[str]:
    """Set every limit for good; return what the kernel refused.

    There is no RLIMIT_NPROC: it counts all processes of the user, so it would
    stop threads here because of strangers. The system call filter stops forks,
    and the fork server counts threads (watch.py).
    """
    steps: dict[str, Callable[[], None]] = {
        "RLIMIT_CORE": lambda: _limit(resource.RLIMIT_CORE, 0),
        "RLIMIT_NOFILE": lambda: _limit(resource.RLIMIT_NOFILE, OPEN_FILES),
        "RLIMIT_FSIZE": lambda: _limit(resource.RLIMIT_FSIZE, limits.file_bytes),
        # The second value ends a processor that ignores SIGXCPU.
        "RLIMIT_CPU": lambda: _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        # Not RLIMIT_AS: DuckDB reserves far more addresses than it uses, and aborts.
        "RLIMIT_DATA": lambda: _limit(resource.RLIMIT_DATA, _data_bytes() + limits.memory_bytes),
        "capabilities": kernel.drop_capabilities,
        "no_new_privs": kernel.never_gain_privileges,
        "parent_death_signal": lambda: _die_with(server),
        LANDLOCK: lambda: locks.restrict_files(files),
        "seccomp": locks.filter_system_calls,
    }
    return [name for name, step in steps.items() if is_refused(step)]


def is_refused(step: Callable[[], None]) -> bool:
    try:
        step()
    except (OSError, ValueError):
        return True
    return False


def perform(*, server: int, locks: Locks) -> bytes:
    """Return the reply, one of {report}, {invalid}, {limit}, {crash}."""
    try:
        job = _read_job()
        move_in(job.task.output / SCRATCH)
        files = Files((job.task.source,), (job.task.output,))
        confine(job.limits, server=server, locks=locks, files=files)
        processor = importlib.import_module(module_name(job.task.processor))
        report = processor.process(job.task)
        artifacts = [[artifact.name, artifact.media_type] for artifact in report.artifacts]
        told = {"summary": report.summary, "artifacts": artifacts, "media_type": report.media_type}
        return encode({"report": told})
    except InvalidPayload as wrong:
        return encode({"invalid": {"code": wrong.code, "detail": as_unicode(wrong.detail)}})
    except BaseException as error:  # noqa: BLE001  # SystemExit does not finish a task either
        if limit := _limit_behind(error):
            return encode({"limit": limit})
        return encode({"crash": {"errors": _names(error), "frames": _frames(error)}})


def _read_job() -> Job:
    """Read the job to the end of its pipe, and leave /dev/null in its place."""
    message = b""
    while part := os.read(JOB_FD, JOB_PART_BYTES):
        message += part
    os.dup2(1, JOB_FD)
    return Job.decode(message)


def _frames(error: BaseException | None) -> list[str]:
    """Return where the error and what led to it were raised. What they say may quote the payload."""
    frames: list[str] = []
    while error is not None:
        of_this = traceback.extract_tb(error.__traceback__)
        frames = [f"{as_unicode(f.filename)}:{f.lineno} in {f.name}" for f in of_this] + frames
        error = error.__cause__ or error.__context__
    return frames[-CRASH_FRAMES:]


def _names(error: BaseException | None) -> list[str]:
    """Return the types of the error and of what led to it."""
    names = []
    while error is not None:
        names.append(type(error).__name__)
        error = error.__cause__ or error.__context__
    return names


def _limit_behind(error: BaseException | None) -> str | None:
    """Return the limit that was met. Libraries wrap what hit them, so the causes count too."""
    while error is not None:
        if isinstance(error, MemoryError):
            return "memory"
        if isinstance(error, OSError) and error.errno in _LIMIT_OF_ERRNO:
            return _LIMIT_OF_ERRNO[error.errno]
        error = error.__cause__ or error.__context__
    return None


def move_in(scratch: Path) -> None:
    """Make this the place for temporary files."""
    scratch.mkdir(exist_ok=True)
    os.chdir(scratch)
    # One by one, since `update` looks at all kinds of mappings first.
    os.environ["TMPDIR"] = os.environ["HOME"] = str(scratch)
    tempfile.tempdir = None


def _die_with(server: int) -> None:
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != server:  # it died before the call above
        os._exit(1)


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    ceiling = resource.getrlimit(which)[1]
    wanted = (soft, soft if hard is None else hard)
    if ceiling != resource.RLIM_INFINITY:
        wanted = (min(wanted[0], ceiling), min(wanted[1], ceiling))
    resource.setrlimit(which, wanted)


def _data_bytes() -> int:
    """Return what the preloaded libraries hold already: a task's limit is what it may add."""
    pages = proc.read("/proc/self/statm").split()[5]
    return int(pages) * resource.getpagesize()

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
from app.processors.report import Report
from app.sandbox import kernel
from app.sandbox.wire import CRASH_FRAMES, SCRATCH, Job, Limits, as_unicode, encode, module_name

REPLY_FD: Final = 3
"""The only file, beside /dev/null, that a child inherits."""
HIGHEST_FD: Final = 256
"""The fork server never holds more; it limits itself to this many."""
OUT_OF_MEMORY: Final = encode({"limit": "memory"})
"""Made beforehand: when it is needed, there may be no memory to make it."""
_LIMIT_OF_ERRNO: Final = {
    errno.ENOMEM: "memory",
    errno.EFBIG: "file_bytes",
    errno.EMFILE: "open_files",
    errno.ENOSPC: "disk",
    errno.EDQUOT: "disk",
}


def isolate(reply_fd: int) -> None:
    """Leave the fork server's session, terminal and files."""
    os.setsid()
    os.umask(0o077)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    # From a low number first: REPLY_FD itself may be the other end of the pipe.
    os.dup2(reply_fd, REPLY_FD, inheritable=False)
    os.closerange(REPLY_FD + 1, HIGHEST_FD)
    # A crash in C leaves its Python stack in the reply, and so in the worker's log.
    faulthandler.enable(REPLY_FD, all_threads=False)


def confine(limits: Limits, *, memory_bytes: int, server: int) -> list[str]:
    """Set every limit for good; returns what the kernel refused.

    There is no RLIMIT_NPROC: it counts all processes of the user, so it would
    stop threads here because of strangers. The system call filter stops forks.
    """
    steps: dict[str, Callable[[], None]] = {
        "RLIMIT_CORE": lambda: _limit(resource.RLIMIT_CORE, 0),
        "RLIMIT_NOFILE": lambda: _limit(resource.RLIMIT_NOFILE, limits.open_files),
        "RLIMIT_FSIZE": lambda: _limit(resource.RLIMIT_FSIZE, limits.file_bytes),
        # The second value ends a processor that ignores SIGXCPU.
        "RLIMIT_CPU": lambda: _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        # Not RLIMIT_AS: DuckDB reserves far more addresses than it uses, and aborts.
        "RLIMIT_DATA": lambda: _limit(resource.RLIMIT_DATA, _data_bytes() + memory_bytes),
        "capabilities": kernel.drop_capabilities,
        "no_new_privs": kernel.never_gain_privileges,
        "parent_death_signal": lambda: _die_with(server),
        "seccomp": lambda: kernel.filter_system_calls(may_fork=limits.may_fork),
    }
    return [name for name, step in steps.items() if is_refused(step)]


def is_refused(step: Callable[[], None]) -> bool:
    try:
        step()
    except (OSError, ValueError):
        return True
    return False


def perform(job: Job, *, server: int) -> bytes:
    """The reply, one of {report}, {invalid}, {limit}, {crash}."""
    try:
        _move_in(job.task.output / SCRATCH)
        confine(job.limits, memory_bytes=job.task.memory_limit, server=server)
        processor = importlib.import_module(module_name(job.task.processor))
        return _encode_report(processor.process(job.task))
    except InvalidPayload as wrong:
        return encode({"invalid": {"code": wrong.code, "detail": as_unicode(wrong.detail)}})
    except BaseException as error:  # noqa: BLE001  # SystemExit is no way to finish a task either
        return _encode_failure(error)


def _encode_report(report: Report) -> bytes:
    artifacts = [[artifact.name, artifact.media_type] for artifact in report.artifacts]
    return encode({"report": {"summary": report.summary, "artifacts": artifacts}})


def _encode_failure(error: BaseException) -> bytes:
    if limit := _limit_behind(error):
        return encode({"limit": limit})
    return encode({"crash": {"errors": _names(error), "frames": _frames(error)}})


def _frames(error: BaseException | None) -> list[str]:
    """Of the error and of what led to it, without what they say: that may be the payload's words."""
    frames: list[str] = []
    while error is not None:
        of_this = traceback.extract_tb(error.__traceback__)
        frames = [f"{as_unicode(f.filename)}:{f.lineno} in {f.name}" for f in of_this] + frames
        error = error.__cause__ or error.__context__
    return frames[-CRASH_FRAMES:]


def _names(error: BaseException | None) -> list[str]:
    """Of the error and of what led to it."""
    names = []
    while error is not None:
        names.append(type(error).__name__)
        error = error.__cause__ or error.__context__
    return names


def _limit_behind(error: BaseException | None) -> str | None:
    """Libraries wrap what hit them: look at the causes too."""
    while error is not None:
        if isinstance(error, MemoryError):
            return "memory"
        if isinstance(error, OSError) and error.errno in _LIMIT_OF_ERRNO:
            return _LIMIT_OF_ERRNO[error.errno]
        error = error.__cause__ or error.__context__
    return None


def _move_in(scratch: Path) -> None:
    scratch.mkdir(exist_ok=True)
    os.chdir(scratch)
    os.environ.update(TMPDIR=str(scratch), HOME=str(scratch))
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
    """What the preloaded libraries hold already: a task's limit is what it may add."""
    pages = Path("/proc/self/statm").read_bytes().split()[5]
    return int(pages) * resource.getpagesize()

"""The fork server: one thread, every processor imported, one child for each task.

It talks over its standard input, a socket (see wire.py). When that
closes, the worker is gone, by SIGKILL too: the server kills its child and ends.

    python -m app.sandbox.server <module> ...
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence

from app.sandbox import kernel
from app.sandbox.child import HIGHEST_FD, confine, is_refused, perform
from app.sandbox.fork import Fork
from app.sandbox.output import is_over
from app.sandbox.wire import (
    GIB,
    REPLY_BYTES,
    Cause,
    Ending,
    Job,
    Limits,
    as_unicode,
    encode,
    receive,
    send,
)

TRACEBACK_CHARACTERS = 16_000
PROBE_SECONDS = 10
DISK_CHECK_SECONDS = 0.2


def main(modules: Sequence[str]) -> None:
    link = _take_link()
    with contextlib.suppress(EOFError, ConnectionError):
        if _greet(link, modules):
            while True:
                _serve(link)


def _take_link() -> socket.socket:
    link = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return link


def _greet(link: socket.socket, modules: Sequence[str]) -> bool:
    """Tell the worker what the kernel refused; or what failed, and then end."""
    try:
        for module in modules:
            importlib.import_module(module)
        refused = _settle() + _refused_to_children(link)
    except Exception:  # noqa: BLE001  # whatever an import raises, the parent is told
        send(link, encode({"failed": as_unicode(traceback.format_exc())[-TRACEBACK_CHARACTERS:]}))
        return False
    send(link, encode({"refused": refused}))
    return True


def _settle() -> list[str]:
    gc.collect()
    gc.freeze()  # a child's collector then leaves the shared pages alone
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = HIGHEST_FD if hard == resource.RLIM_INFINITY else min(HIGHEST_FD, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    steps = {"dumpable": kernel.hide_from_other_processes, "child_subreaper": kernel.adopt_orphans}
    return [name for name, step in steps.items() if is_refused(step)]


def _refused_to_children(link: socket.socket) -> list[str]:
    """A first child tries every call, so that what is missing is said once, at the start."""
    server = os.getpid()
    probe = Fork(lambda: encode({"refused": confine(Limits(), memory_bytes=GIB, server=server)}))
    ending = _follow(probe, link, seconds=PROBE_SECONDS, is_disk_full=lambda: False)
    if ending.status != 0:
        raise RuntimeError(f"the first child ended with {ending.status}: {ending.reply!r}")
    refused: list[str] = json.loads(ending.reply)["refused"]
    return refused


def _serve(link: socket.socket) -> None:
    job = Job.decode(receive(link))
    server = os.getpid()
    child = Fork(lambda: perform(job, server=server))
    ending = _follow(
        child,
        link,
        seconds=job.seconds,
        is_disk_full=lambda: is_over(job.limits.disk_bytes, job.task.output),
    )
    send(link, ending.encode())
    send(link, ending.reply)


def _follow(child: Fork, link: socket.socket, *, seconds: float, is_disk_full: Callable[[], bool]) -> Ending:
    """Wait for the child to end, or end it; raises EOFError when the worker is gone."""
    try:
        cause = _wait(child, link, time.monotonic() + seconds, is_disk_full)
    finally:
        status, cpu_seconds = child.end()
    return Ending(cause, status, cpu_seconds, bytes(child.reply[:REPLY_BYTES]))


def _wait(child: Fork, link: socket.socket, until: float, is_disk_full: Callable[[], bool]) -> Cause:
    disk_check = time.monotonic() + DISK_CHECK_SECONDS
    while not child.has_exited():
        now = time.monotonic()
        if now >= until:
            return Cause.OUT_OF_TIME
        if len(child.reply) > REPLY_BYTES:
            return Cause.TALKED_TOO_MUCH
        if now >= disk_check:
            if is_disk_full():
                return Cause.OUT_OF_DISK
            disk_check = time.monotonic() + DISK_CHECK_SECONDS
        if child.wait(min(until, disk_check) - now, link.fileno()):
            raise EOFError("the worker is gone, or has lost its way")
    return Cause.EXITED


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # DuckDB prints a leak report on an ordinary exit

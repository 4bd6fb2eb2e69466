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
from dataclasses import replace

from app.sandbox import proc
from app.sandbox.child import HIGHEST_FD, confine, is_refused, perform
from app.sandbox.fork import Fork
from app.sandbox.locks import kernel, optional
from app.sandbox.locks.optional import Files, Locks
from app.sandbox.locks.self_check import Findings, check
from app.sandbox.locks.trials import LIMITS, Trials, probes_of
from app.sandbox.pages import gather
from app.sandbox.watch import WATCH_SECONDS, Watch
from app.sandbox.wire import (
    Cause,
    ChildsEnds,
    Ending,
    as_unicode,
    encode,
    receive_order,
    send,
)

TRACEBACK_CHARACTERS = 16_000
PROBE_SECONDS = 10
#: The longest reply of the fork server's own child: the names of all steps that a kernel can refuse.
OWN_REPLY_BYTES = 4096
#: Modules that Python's own modules load when they are first used. A child can load no library any more.
LOADED_LATER = ("heapq",)


def main(modules: Sequence[str]) -> None:
    link = _take_link()
    with contextlib.suppress(EOFError, ConnectionError):
        if locks := _greet(link, modules):
            while True:
                _serve(link, locks)


def _take_link() -> socket.socket:
    link = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return link


def _greet(link: socket.socket, modules: Sequence[str]) -> Locks | None:
    """Tell the worker what the kernel refused, and what the self-check found out; or what failed.

    Returns the locks of the children to come, None if there can be none.
    """
    try:
        for module in modules:
            importlib.import_module(module)
        refused = _settle() + _refused_to_children(link)
        findings = _self_check(link, modules)
        gather()
    except Exception:  # noqa: BLE001  # whatever an import raises, the parent is told
        send(link, encode({"failed": as_unicode(traceback.format_exc())[-TRACEBACK_CHARACTERS:]}))
        return None
    send(link, encode({"refused": refused, "self_check": findings.encode()}))
    return findings.locks


def _settle() -> list[str]:
    for module in LOADED_LATER:
        importlib.import_module(module)
    kernel.prepare_callbacks()
    optional.prepare()
    gc.collect()
    gc.freeze()  # a child's collector then leaves the shared pages alone
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = HIGHEST_FD if hard == resource.RLIM_INFINITY else min(HIGHEST_FD, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    steps = {"dumpable": kernel.hide_from_other_processes, "child_subreaper": kernel.adopt_orphans}
    return [name for name, step in steps.items() if is_refused(step)]


def _refused_to_children(link: socket.socket) -> list[str]:
    """Let a first child try every call, so that what is missing is said once, at the start."""
    server, files = os.getpid(), Files((), ())

    def refused() -> bytes:
        steps = confine(LIMITS, server=server, locks=Locks(), files=files)
        return encode({"refused": steps})

    ending, said = _in_child(link, refused, PROBE_SECONDS)
    if ending.status != 0:
        raise RuntimeError(f"the first child ended with {ending.status}: {said!r}")
    steps: list[str] = json.loads(said)["refused"]
    return steps


def _self_check(link: socket.socket, modules: Sequence[str]) -> Findings:
    trials = Trials(lambda work, seconds: _in_child(link, work, seconds)[1])
    probes = probes_of(modules)
    return check(probes, trials.passes, os.uname().machine) if probes else Findings(Locks())


def _in_child(link: socket.socket, work: Callable[[], bytes], seconds: float) -> tuple[Ending, bytes]:
    """Return how a child of our own ended, and what it said; nobody else's payload is in it."""
    reply, reply_end = os.pipe()
    ends = ChildsEnds(os.open(os.devnull, os.O_RDONLY), reply_end)
    try:
        ending = _follow(Fork(work, ends), link, seconds, lambda: None)
        return ending, os.read(reply, OWN_REPLY_BYTES)
    finally:
        os.close(reply)


def _serve(link: socket.socket, locks: Locks) -> None:
    order, ends = receive_order(link)
    server = os.getpid()
    with Watch(order) as watch:
        child = Fork(lambda: perform(server=server, locks=locks), ends)
        ending = _follow(child, link, order.seconds, watch.look)
    send(link, replace(ending, free_bytes=watch.free_bytes).encode())


def _follow(child: Fork, link: socket.socket, seconds: float, look: Callable[[], Cause | None]) -> Ending:
    """Wait for the child to end, or end it; raises EOFError when the worker is gone."""
    try:
        cause = _wait(child, link, time.monotonic() + seconds, look)
    finally:
        status, cpu_seconds, resident_bytes = child.end()
    return Ending(cause, status, cpu_seconds, _added(resident_bytes), free_bytes=0)


def _added(resident_bytes: int) -> int:
    """Return what a child had beyond what it began with as a copy of this process; 0 if there is no /proc."""
    try:
        pages = proc.read("/proc/self/statm").split()[1]
    except OSError:
        return 0
    return max(resident_bytes - int(pages) * resource.getpagesize(), 0)


def _wait(child: Fork, link: socket.socket, until: float, look: Callable[[], Cause | None]) -> Cause:
    next_look = time.monotonic() + WATCH_SECONDS
    while not child.has_exited():
        now = time.monotonic()
        if now >= until:
            return Cause.OUT_OF_TIME
        if now >= next_look:
            if cause := look():
                return cause
            next_look = time.monotonic() + WATCH_SECONDS
        if child.wait(min(until, next_look) - now, link.fileno()):
            raise EOFError("the worker is gone, or has lost its way")
    return Cause.EXITED


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # DuckDB prints a leak report on an ordinary exit

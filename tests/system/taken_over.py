"""A processor of documents that was taken over, which a test puts in the place of the real one.

A payload that names targets as `{"attack": …}` is attacked from, and the summary tells what became of each
attempt: `done`, or the name of an error. Any other payload is the reply itself.
"""

import ctypes
import json
import mmap
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from app.processors.report import ArtifactFile, Report, Task

REPLY_FD = 3
#: A number above all descriptors of the fork server.
DESCRIPTORS = 256
#: The contents of another owner's payloads.
CANARY = re.compile(rb"canary-[0-9a-f]{32}")
LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH = 16


def process(task: Task) -> Report:
    payload = task.source.read_bytes()
    if payload.startswith(b'{"attack"'):
        return attack(json.loads(payload)["attack"], task)
    if b"make artifacts" in payload:
        for number in range(100):
            (task.output / f"{number}.txt").touch()
    while payload:
        payload = payload[os.write(REPLY_FD, payload) :]
    os._exit(0)


def attack(targets: dict[str, Any], task: Task) -> Report:
    outcomes = {name: outcome_of(attempt) for name, attempt in attempts(targets, task).items()}
    outcomes["canaries in memory"] = "done" if canaries() else "nothing found"
    outcomes["credentials"] = "done" if any("AWS" in name for name in os.environ) else "nothing found"
    # This thread stays behind. It must not reach a later child either.
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    (task.output / "text.txt").write_text("forged", encoding="utf-8")
    return Report(outcomes, (ArtifactFile("text.txt", "text/plain"),))


def attempts(targets: dict[str, Any], task: Task) -> dict[str, Callable[[], object]]:
    return {
        **of_files({name: Path(path) for name, path in targets["files"].items()}, task),
        **of_places([Path(place) for place in targets["places"]]),
        **of_processes(targets["processes"]),
        **of_the_network(targets["ports"]),
        **of_other_jobs(),
    }


def of_files(files: dict[str, Path], task: Task) -> dict[str, Callable[[], object]]:
    """Attempts on another owner's payloads, the keys of the emulator, the table and the log."""
    found: dict[str, Callable[[], object]] = {}
    for name, path in files.items():
        found |= {
            f"read {name}": path.read_bytes,
            f"forge {name}": partial(path.write_bytes, b"forged"),
            f"remove {name}": path.unlink,
            f"link {name}": partial(os.link, path, task.output / "link"),
            f"replace {name}": partial(task.source.replace, path),
        }
    return found


def of_places(places: list[Path]) -> dict[str, Callable[[], object]]:
    """The data folder, and what the next job may look into: temporary folders and shared memory."""
    found: dict[str, Callable[[], object]] = {}
    for place in places:
        found[f"list {place}"] = partial(os.listdir, place)
        found[f"leave something in {place}"] = (place / f"left-{os.getpid()}").touch
    return found


def of_processes(processes: list[int]) -> dict[str, Callable[[], object]]:
    """The worker with its credentials, the emulator, the fork servers and their other children.

    No signal is sent: Linux answers to number 0 whether one could be.
    """
    others = [pid for pid in processes if pid != os.getpid()]
    return {
        "read memory": lambda: first_of(others, lambda pid: Path(f"/proc/{pid}/mem").open("rb")),
        "write memory": lambda: first_of(others, lambda pid: Path(f"/proc/{pid}/mem").open("r+b")),
        "read environment": lambda: first_of(others, lambda pid: Path(f"/proc/{pid}/environ").read_bytes()),
        "open a file of": lambda: first_of(others, lambda pid: Path(f"/proc/{pid}/fd/3").open("rb")),
        "copy memory": lambda: first_of(others, copy_memory),
        "trace": lambda: first_of(others, lambda pid: call("ptrace", PTRACE_ATTACH, pid, 0, 0)),
        "take a descriptor": lambda: first_of(others, lambda pid: call("syscall", 438, pid, 3, 0)),
        "kill": lambda: first_of(others, lambda pid: os.kill(pid, 0)),
        "kill all": lambda: os.kill(-1, 0),
        "fork": os.fork,
        "run a program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    }


def of_the_network(ports: list[int]) -> dict[str, Callable[[], object]]:
    """The API, which believes every program of this machine, and the emulator."""
    found: dict[str, Callable[[], object]] = {
        f"connect to {port}": partial(socket.create_connection, ("127.0.0.1", port), timeout=2)
        for port in ports
    }
    families = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK)
    return found | {f"socket {family.name}": partial(socket.socket, family) for family in families}


def of_other_jobs() -> dict[str, Callable[[], object]]:
    """Attempts by open descriptors: the server's link to its worker, or another child's pipe of replies."""
    reply = b'{"report": {"summary": {"forged": true}, "artifacts": [], "media_type": null}}'
    others = range(REPLY_FD + 1, DESCRIPTORS)
    return {
        "answer by another descriptor": lambda: first_of(others, lambda number: os.write(number, reply)),
        "read another descriptor": lambda: first_of(others, lambda number: os.read(number, 1)),
        "keep a shared page": lambda: mmap.mmap(-1, 4096),
    }


def outcome_of(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except Exception as error:  # noqa: BLE001  # each is an outcome
        return type(error).__name__
    return "done"


def first_of(numbers: Any, attempt: Callable[[int], object]) -> None:
    """Return once an attempt succeeds; raise the last error if none does."""
    failed: Exception = LookupError("none to try")
    for number in numbers:
        try:
            attempt(number)
        except Exception as error:  # noqa: BLE001  # the next may succeed
            failed = error
        else:
            return
    raise failed


def copy_memory(pid: int) -> None:
    """Copy one byte from where programs lie."""
    buffer = ctypes.create_string_buffer(1)
    own = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 1)
    theirs = (ctypes.c_size_t * 2)(id(None), 1)
    call("process_vm_readv", pid, own, ctypes.c_ulong(1), theirs, ctypes.c_ulong(1), ctypes.c_ulong(0))


def call(function: str, *arguments: Any) -> None:
    if getattr(LIBC, function)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), function)


def canaries() -> set[bytes]:
    """Return what the memory of this child holds of the payloads of others, as far as it can be read."""
    found: set[bytes] = set()
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        place, rights, *_, name = line.split()
        start, end = (int(each, 16) for each in place.split("-"))
        if rights.startswith("r") and not name.startswith("[v"):
            memory = (ctypes.c_char * (end - start)).from_address(start)
            found |= {each.group() for each in CANARY.finditer(memory)}
    return found

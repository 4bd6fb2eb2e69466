"""A processor that does what its payload says: the source file names a function below."""

import ctypes
import encodings.idna  # noqa: F401  # host names need it, and a child can load no library
import errno
import fcntl
import http.client
import json
import mmap
import os
import re
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.report import ArtifactFile, Report, Task
from app.sandbox.locks import filters
from tests.unit.sandbox.calls import UNFILTERED, refused_numbers

REPLY_FD = 3
FOR_EVER = 3600
KIB = bytes(1024)
CANARY = re.compile(rb"canary-[0-9a-f]{32}")
MACHINE = os.uname().machine
PARENT, SESSION = 0, 2


def process(task: Task) -> Report:
    report: Report = BEHAVIOURS[task.source.read_text(encoding="utf-8")](task)
    return report


def nothing(task: Task) -> Report:
    return Report({})


def artifact(task: Task) -> Report:
    task.output.joinpath("note.txt").write_text("hello", encoding="utf-8")
    return Report({"words": 1}, (ArtifactFile("note.txt", "text/plain"),))


def tell_whether_the_filter_was_prepared(task: Task) -> Report:
    return Report({"found": filters._around_pid.cache_info().hits})


def echo_parameters(task: Task) -> Report:
    return Report(dict(task.parameters))


def refuse(task: Task) -> Report:
    raise InvalidPayload(ProblemCode.INVALID_CONTENT, "Line 3 has no columns.")


def refuse_half_a_character(task: Task) -> Report:
    raise InvalidPayload(ProblemCode.INVALID_CONTENT, "Column \udc80\nis empty.")


def claim_that_attempts_are_exhausted(task: Task) -> Report:
    raise InvalidPayload(ProblemCode.ATTEMPTS_EXHAUSTED, "")


# Crashes


def segfault(task: Task) -> Report:
    ctypes.string_at(0)
    return Report({})


def abort(task: Task) -> Report:
    """End as a library does that finds its memory corrupted, not as one that got none."""
    os.abort()


def kill_itself(task: Task) -> Report:
    os.kill(os.getpid(), signal.SIGKILL)
    return Report({})


def exit_without_reply(task: Task) -> NoReturn:
    os._exit(0)


def exit_politely(task: Task) -> NoReturn:
    sys.exit(0)


def raise_something(task: Task) -> Report:
    raise LookupError("no such luck")


def quote_a_frame(task: Task) -> Report:
    """Raise what a library does that quotes a line of the payload."""
    raise LookupError('File "no such luck", line 12, in luck')


def report_a_frame(task: Task) -> Report:
    return Report({"luck": 'File "no such luck", line 12, in luck', "nan": float("nan")})


def raise_half_a_character(task: Task) -> Report:
    raise LookupError("no such luck: \udc80")


def return_nothing(task: Task) -> None:
    return None


def report_nan(task: Task) -> Report:
    return Report({"mean": float("nan")})


# Hangs and bombs


def sleep(task: Task) -> Report:
    time.sleep(FOR_EVER)
    return Report({})


def compute_until_slowed_down(task: Task) -> Report:
    """Compute on two threads until both have another priority."""
    [before] = priorities()
    threading.Thread(target=compute, args=(task,), daemon=True).start()
    slower = [0]
    while not all(slower):
        slower = [now - before for now in priorities()]
    return Report({"threads": len(slower), "slower": min(slower) > 0})


def priorities() -> list[int]:
    """Return the nice values of this process's threads (proc(5))."""
    threads = sorted(Path("/proc/self/task").iterdir())
    return [int((each / "stat").read_text().rpartition(")")[2].split()[16]) for each in threads]


def hang_in_c(task: Task) -> Report:
    libc = ctypes.PyDLL(None)  # holds the interpreter lock
    libc.sleep(FOR_EVER)
    return Report({})


def ignore_sigterm(task: Task) -> Report:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return sleep(task)


def compute(task: Task) -> Report:
    while True:
        pass


def compute_and_ignore_sigxcpu(task: Task) -> Report:
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    return compute(task)


def eat_memory(task: Task) -> Report:
    eaten = []
    while True:
        eaten.append(bytearray(10_000_000))


def eat_memory_in_one_bite(task: Task) -> Report:
    return Report({"size": len(bytearray(10**12))})


def reserve_memory(task: Task) -> Report:
    """Reserve memory that is not resident, as long as nobody writes into it."""
    with mmap.mmap(-1, 256 * 1024**2, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS):
        return Report({})


def wrap_a_memory_error(task: Task) -> Report:
    try:
        return eat_memory(task)
    except MemoryError as error:
        raise RuntimeError("conversion failed") from error


def start_many_threads(task: Task) -> Report:
    """With small stacks, a machine may run out of process numbers before a child runs out of memory."""
    threading.stack_size(32 * len(KIB))
    for _ in range(100):
        threading.Thread(target=sleep, args=(task,), daemon=True).start()
    return sleep(task)


def write_one_large_file(task: Task) -> Report:
    with task.output.joinpath("large").open("wb") as file:
        while True:
            file.write(KIB * 1024)


def write_many_files(task: Task) -> Report:
    """Write far more than is allowed, and wait to be ended. Without an end, to remove them takes minutes."""
    for number in range(10_000):
        task.output.joinpath("scratch", str(number)).write_bytes(KIB * 16)
    return sleep(task)


def write_many_empty_files(task: Task) -> Report:
    number = 0
    while True:
        number += 1
        task.output.joinpath("scratch", str(number)).touch()


def nest_folders(task: Task) -> Report:
    """Make them deeper than a path can be long."""
    here = os.open(task.output, os.O_RDONLY)
    while True:
        os.mkdir("deeper", dir_fd=here)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner


def write_until_the_disk_is_full(task: Task) -> Report:
    with tempfile.TemporaryFile() as unseen:
        while True:
            unseen.write(KIB * 64)


def claim_that_the_disk_is_full(task: Task) -> Report:
    raise OSError(errno.ENOSPC, "no such luck")


def write_large_artifacts(task: Task) -> Report:
    for name in "abc":
        task.output.joinpath(name).write_bytes(KIB * 1024)
    return Report({}, tuple(ArtifactFile(name, "text/plain") for name in "abc"))


def open_many_files(task: Task) -> Report:
    """Open more files than the limit, and fewer than the fork server could."""
    files = [task.source.open("rb") for _ in range(64)]
    return Report({"files": len(files)})


def report_many_artifacts(task: Task) -> Report:
    return Report({}, tuple(ArtifactFile(f"a{n}", "text/plain") for n in range(65)))


def report_much(task: Task) -> Report:
    return Report({"texts": ["x" * 10_000] * 10})


def report_without_end(task: Task) -> Report:
    while True:
        os.write(REPLY_FD, KIB)


# A child that was taken over


def _reply(message: bytes) -> NoReturn:
    os.write(REPLY_FD, message)
    os._exit(0)


def _reply_with_artifact(name: Any, media_type: Any = "text/plain") -> NoReturn:
    _reply(
        json.dumps(
            {"report": {"summary": {}, "artifacts": [[name, media_type]], "media_type": None}}
        ).encode()
    )


def reply_garbage(task: Task) -> NoReturn:
    _reply(b"\xff\x00 not JSON")


def reply_a_deep_list(task: Task) -> NoReturn:
    _reply(b"[" * 100_000 + b"]" * 100_000)


def reply_infinity(task: Task) -> NoReturn:
    _reply(b'{"report": {"summary": {"a": 1e999}, "artifacts": [], "media_type": null}}')


def _reply_summary(summary: str) -> NoReturn:
    os.write(REPLY_FD, b'{"report": {"summary": %b, "artifacts": [], "media_type": null}}' % summary.encode())
    os._exit(0)


def reply_a_huge_number(task: Task) -> NoReturn:
    _reply_summary('{"a": 1%s}' % ("0" * 400))


def reply_a_deep_summary(task: Task) -> NoReturn:
    """Nest it as deep as a parser takes it that has little on its stack."""
    _reply_summary('{"a":' + "[" * 900 + "]" * 900 + "}")


def reply_numbers_that_grow(task: Task) -> NoReturn:
    """They take 5 bytes each in the reply, and 18 stored."""
    _reply_summary('{"a": [' + ",".join(["1e15"] * 4000) + "]}")


def reply_half_a_character(task: Task) -> NoReturn:
    _reply(b'{"report": {"summary": {"a": "\\ud800"}, "artifacts": [], "media_type": null}}')


def reply_another_shape(task: Task) -> NoReturn:
    _reply(b'{"report": []}')


def reply_an_unknown_code(task: Task) -> NoReturn:
    _reply(b'{"invalid": {"code": "no_idea", "detail": ""}}')


def make_up_a_crash(task: Task) -> NoReturn:
    made_up = ["no such luck", {"luck": 1}, 7, "luck\n", "/luck.py:1 in luck; no such luck"]
    _reply(json.dumps({"crash": {"errors": made_up, "frames": made_up}}).encode())


def name_a_path(task: Task) -> NoReturn:
    _reply_with_artifact("../../secret")


def name_a_hidden_file(task: Task) -> NoReturn:
    task.output.joinpath(".bashrc").touch()
    _reply_with_artifact(".bashrc")


def name_a_missing_file(task: Task) -> NoReturn:
    _reply_with_artifact("missing")


def name_a_folder(task: Task) -> NoReturn:
    _reply_with_artifact("scratch")


def name_a_pipe(task: Task) -> NoReturn:
    os.mkfifo(task.output / "pipe")
    _reply_with_artifact("pipe")


def name_a_link(task: Task) -> NoReturn:
    task.output.joinpath("link").symlink_to("/etc/passwd")
    _reply_with_artifact("link")


def name_a_number(task: Task) -> NoReturn:
    _reply_with_artifact(7)


def smuggle_a_header(task: Task) -> NoReturn:
    task.output.joinpath("a").touch()
    _reply_with_artifact("a", "text/plain\r\nx-amz-acl: public-read")


def swap_the_output_folder(task: Task) -> NoReturn:
    """The worker's own environment, offered to it as an artifact."""
    task.output.rename(task.output.with_name("elsewhere"))
    task.output.symlink_to("/proc/self")
    _reply_with_artifact("environ")


def replace_the_output_folder(task: Task) -> NoReturn:
    """Put another folder in its place, such as that of somebody else."""
    task.output.rename(task.output.with_name("elsewhere"))
    task.output.mkdir()
    task.output.joinpath("a").touch()
    _reply_with_artifact("a")


# Traces of an earlier child


def _canaries() -> list[str]:
    """All that this process can read, without copies of what is found."""
    found = set()
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        place, rights, *_, name = line.split()
        start, end = (int(each, 16) for each in place.split("-"))
        if rights.startswith("r") and not name.startswith("[v"):
            memory = (ctypes.c_char * (end - start)).from_address(start)
            found |= {each.group().decode() for each in CANARY.finditer(memory)}
    return sorted(found)


def search_memory(task: Task) -> Report:
    return Report({"canaries": _canaries()})


def search_memory_with_a_canary(task: Task) -> Report:
    """Search the memory; the task brings a canary as a parameter."""
    return search_memory(task)


def report_parameters_and_fail(task: Task) -> Report:
    raise InvalidPayload(ProblemCode.INVALID_CONTENT, task.parameters["title"])


def echo_the_source(task: Task) -> Report:
    return Report({"source": task.source.read_text(encoding="utf-8")})


# Memory that is not its own


def share_memory(task: Task) -> Report:
    shared = mmap.mmap(-1, 512 * 1024**2)
    while True:
        for start in range(0, len(shared), 4096):
            shared[start] = 1


def share_memory_among_processes(task: Task) -> Report:
    """Each takes less than the limit."""
    for _ in range(3):
        if os.fork() == 0:
            held = bytearray(40 * 1024**2)
            held[::4096] = bytes([1]) * len(held[::4096])
            time.sleep(FOR_EVER)
    return sleep(task)


# Things that it can see and reach


def show_itself(task: Task) -> Report:
    try:
        started_with = Path("/proc/self/environ").read_bytes().decode()
    except PermissionError:  # not even its own, unless it is root
        started_with = ""
    descriptors = [n for n in range(256) if _is_open(n)]
    seen = {
        "environment": dict(os.environ),
        "started_with": started_with,
        "descriptors": descriptors,
    }
    return Report(seen | {"folder": str(Path.cwd()), "session": _status()[SESSION] == os.getpid()})


def leave_temporary_files(task: Task) -> Report:
    _, file = tempfile.mkstemp()
    return Report({"paths": [file, tempfile.mkdtemp()]})


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _attempt(action: Any) -> str:
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"


def use_the_network(task: Task) -> Report:
    return Report({"result": _attempt(lambda: socket.create_connection(("127.0.0.1", 9), timeout=1))})


def execute(task: Task) -> Report:
    return Report({"result": _attempt(lambda: os.execv("/bin/true", ["true"]))})


def run_a_program(task: Task) -> Report:
    return Report({"result": _attempt(lambda: os.posix_spawn("/bin/true", ["true"], {}))})


def fork(task: Task) -> Report:
    return Report({"result": _attempt(lambda: os.fork() or os._exit(0))})


def thread(task: Task) -> Report:
    done: list[int] = []
    threads = [threading.Thread(target=done.append, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return Report({"threads": len(done)})


def _status() -> list[int]:
    """Return the fields behind name and state; getppid and getsid are not on the list of calls."""
    return [int(each) for each in Path("/proc/self/stat").read_text("ascii").rpartition(") ")[2].split()[1:]]


def _parents(task: Task) -> dict[str, int]:
    """Return both by name. The media type, `x/<pid of the worker>`, tells what a child cannot find out."""
    return {"server": _status()[PARENT], "worker": int(task.media_type.removeprefix("x/"))}


def look_into_its_parents(task: Task) -> Report:
    return Report(
        {
            f"{kind} of {name}": _attempt(look)
            for name, pid in _parents(task).items()
            for kind, look in {
                "environ": lambda pid=pid: Path(f"/proc/{pid}/environ").read_bytes(),
                "mem": lambda pid=pid: Path(f"/proc/{pid}/mem").open("rb").close(),
                "writable mem": lambda pid=pid: Path(f"/proc/{pid}/mem").open("r+b").close(),
                "maps": lambda pid=pid: Path(f"/proc/{pid}/maps").read_bytes(),
                "auxv": lambda pid=pid: Path(f"/proc/{pid}/auxv").read_bytes(),
                "fd": lambda pid=pid: Path(f"/proc/{pid}/fd/0").readlink(),
                "open fd": lambda pid=pid: Path(f"/proc/{pid}/fd/0").open("rb").close(),
                "cwd": lambda pid=pid: Path(f"/proc/{pid}/cwd").readlink(),
                "root": lambda pid=pid: list(Path(f"/proc/{pid}/root/").iterdir()),
                "task": lambda pid=pid: Path(f"/proc/{pid}/task/{pid}/environ").read_bytes(),
            }.items()
        }
    )


def attack_its_parents(task: Task) -> Report:
    kills = {
        f"kill of {name}": _attempt(lambda pid=pid: os.kill(pid, signal.SIGKILL))
        for name, pid in _parents(task).items()
    }
    return Report({**look_into_its_parents(task).summary, **kills})


def call_the_runtime_api(task: Task) -> Report:
    """Ask for the next event by each kind of socket that could lead there; media type `x/<its port>`."""
    port = int(task.media_type.removeprefix("x/"))

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/2018-06-01/runtime/invocation/next")
        connection.getresponse().read()

    families = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK)
    attempts = {
        family.name: _attempt(lambda family=family: socket.socket(family).close()) for family in families
    }
    named = [name for name in os.environ if "RUNTIME_API" in name]
    return Report(attempts | {"http": _attempt(ask), "named": named})


def make_every_other_call(task: Task) -> Report:
    """Every number that is not on the list, without arguments: [number, errno] of each, 0 if it was made."""
    libc = ctypes.CDLL(None, use_errno=True)
    outcomes = []
    for number in set(refused_numbers(MACHINE)) - UNFILTERED:
        ctypes.set_errno(0)
        libc.syscall(number, 0, 0, 0, 0, 0, 0)
        outcomes.append([number, ctypes.get_errno()])
    return Report({"outcomes": outcomes})


def _call(function: str, *arguments: Any) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), function)


def _map(protection: int, flags: int) -> None:
    _call("mmap", None, ctypes.c_size_t(4096), protection, flags, -1, ctypes.c_ssize_t(0))


def _protect(protection: int) -> None:
    page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    _call("mprotect", ctypes.c_void_p(address), ctypes.c_size_t(4096), protection)


def reach_past_its_limits(task: Task) -> Report:
    """Try calls of which a list of refusals did not think; media type `x/<pid of the worker>`."""
    parents = _parents(task)
    attempts: dict[str, Any] = {
        "memfd": lambda: os.memfd_create("more"),
        "shared memory": lambda: _map(mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS),
        "executable memory": lambda: _map(7, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS),
        "made executable": lambda: _protect(mmap.PROT_READ | mmap.PROT_EXEC),
        "SysV memory": lambda: _call("shmget", 0, ctypes.c_size_t(4096), 0o1600),
        "SysV semaphores": lambda: _call("semget", 0, 1, 0o1600),
        "SysV queue": lambda: _call("msgget", 0, 0o1600),
        "signal on a file": lambda: fcntl.fcntl(1, fcntl.F_SETSIG, signal.SIGKILL),
        "asynchronous file": lambda: fcntl.fcntl(1, fcntl.F_SETFL, os.O_ASYNC),
        "own limits": lambda: _call("prlimit", 0, resource.RLIMIT_CPU, bytes(16), None),
    }
    for name, pid in parents.items():
        attempts |= {
            f"owner of a file: {name}": lambda pid=pid: fcntl.fcntl(1, fcntl.F_SETOWN, pid),
            f"priority of {name}": lambda pid=pid: os.setpriority(os.PRIO_PROCESS, pid, 19),
            f"processors of {name}": lambda pid=pid: os.sched_setaffinity(pid, {0}),
            f"scheduler of {name}": lambda pid=pid: os.sched_setscheduler(
                pid, os.SCHED_IDLE, os.sched_param(0)
            ),
            f"parameters of {name}": lambda pid=pid: os.sched_setparam(pid, os.sched_param(0)),
            f"kill of {name}": lambda pid=pid: os.kill(pid, 0),
        }
    return Report({name: _attempt(attempt) for name, attempt in attempts.items()})


def reach_other_payloads(task: Task) -> Report:
    """Try to reach another payload and a home folder; parameters `folder` and `home`."""
    folder, home = Path(task.parameters["folder"]), Path(task.parameters["home"])
    other = folder / "payload"
    attempts = {
        "list": lambda: list(folder.iterdir()),
        "read": other.read_bytes,
        "forge": lambda: other.write_bytes(b"forged"),
        "shorten": lambda: os.truncate(other, 0),
        "remove": other.unlink,
        "replace": lambda: (task.output / "mine").replace(other),
        "take": lambda: other.rename(task.output / "taken"),
        "add": (folder / "added").touch,
        "make a folder": (folder / "made").mkdir,
        "write the source": lambda: task.source.write_bytes(b"forged"),
        "beside the source": (task.source.parent / "added").touch,
        "write home": lambda: (home / ".bashrc").write_bytes(b"forged"),
        "temporary folder": Path(f"/tmp/wharf-test-{os.getpid()}").touch,  # noqa: S108  # it must be refused
        "shared memory": Path(f"/dev/shm/wharf-test-{os.getpid()}").touch,  # noqa: S108
        "users": Path("/etc/passwd").read_bytes,
        "process of the server": lambda: Path(f"/proc/{_status()[PARENT]}/cmdline").read_bytes(),
        "all processes": lambda: list(Path("/proc").iterdir()),
    }
    (task.output / "mine").write_bytes(b"forged")
    return Report({name: _attempt(attempt) for name, attempt in attempts.items()})


def use_its_own_files(task: Task) -> Report:
    (task.output / "folder").mkdir()
    made = task.output / "scratch" / "made"
    made.write_bytes(b"1")
    made.replace(task.output / "folder" / "moved")
    read = [task.source, Path("/proc/self/stat"), Path("/proc/stat"), Path(os.__file__)]
    seen = [len(each.read_bytes()) > 0 for each in (*read, task.output / "folder" / "moved")]
    (task.output / "folder" / "moved").unlink()
    (task.output / "folder").rmdir()
    return Report({"seen": seen})


def hide_something(task: Task) -> Report:
    """Hide files for a later child in a shared folder; parameter `folder`."""
    folder = Path(task.parameters["folder"])
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "note").write_bytes(KIB)
    (folder / "note").write_bytes(KIB)
    (folder / "closed").mkdir(0)
    return Report({})


def hide_something_and_end_its_server(task: Task) -> Report:
    (Path(task.parameters["folder"]) / "note").write_bytes(KIB)
    os.kill(os.getppid(), signal.SIGKILL)
    return Report({})


def leave_grandchildren(task: Task) -> Report:
    """One in the group, one in a session of its own, one orphaned at once."""
    for step in (lambda: None, os.setsid, lambda: os.fork() and os._exit(0)):
        if os.fork() == 0:
            step()
            time.sleep(FOR_EVER)
    time.sleep(0.05)
    return Report({})


def leave_grandchildren_and_hang(task: Task) -> Report:
    leave_grandchildren(task)
    return sleep(task)


def name_what_is_not_a_media_type(_: Task) -> Report:
    return Report({}, media_type="text/html\r\nSet-Cookie: a=b")


BEHAVIOURS: dict[str, Any] = {
    name: value for name, value in list(globals().items()) if callable(value) and name.islower()
}

"""A processor that does what its payload says: the source file names a function below."""

import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.report import ArtifactFile, Report, Task

REPLY_FD = 3
FOR_EVER = 3600
KIB = bytes(1024)


def process(task: Task) -> Report:
    report: Report = BEHAVIOURS[task.source.read_text(encoding="utf-8")](task)
    return report


def nothing(task: Task) -> Report:
    return Report({})


def artifact(task: Task) -> Report:
    task.output.joinpath("note.txt").write_text("hello", encoding="utf-8")
    return Report({"words": 1}, (ArtifactFile("note.txt", "text/plain"),))


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
    """As a library that quotes a line of the payload."""
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


def hang_in_c(task: Task) -> Report:
    pipe, _ = os.pipe()
    libc = ctypes.PyDLL(None)  # holds the interpreter lock
    libc.read(pipe, ctypes.create_string_buffer(1), 1)
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


def wrap_a_memory_error(task: Task) -> Report:
    try:
        return eat_memory(task)
    except MemoryError as error:
        raise RuntimeError("conversion failed") from error


def write_one_large_file(task: Task) -> Report:
    with task.output.joinpath("large").open("wb") as file:
        while True:
            file.write(KIB * 1024)


def write_many_files(task: Task) -> Report:
    number = 0
    while True:
        number += 1
        task.output.joinpath("scratch", str(number)).write_bytes(KIB * 16)


def write_large_artifacts(task: Task) -> Report:
    for name in "abc":
        task.output.joinpath(name).write_bytes(KIB * 1024)
    return Report({}, tuple(ArtifactFile(name, "text/plain") for name in "abc"))


def open_many_files(task: Task) -> Report:
    files = []
    while True:
        files.append(task.source.open("rb"))


def report_many_artifacts(task: Task) -> Report:
    return Report({}, tuple(ArtifactFile(f"a{n}", "text/plain") for n in range(11)))


def report_much(task: Task) -> Report:
    return Report({"text": "x" * 100_000})


def report_without_end(task: Task) -> Report:
    while True:
        os.write(REPLY_FD, KIB)


# A child that was taken over


def _reply(message: bytes) -> NoReturn:
    os.write(REPLY_FD, message)
    os._exit(0)


def _reply_with_artifact(name: Any, media_type: Any = "text/plain") -> NoReturn:
    _reply(json.dumps({"report": {"summary": {}, "artifacts": [[name, media_type]]}}).encode())


def reply_garbage(task: Task) -> NoReturn:
    _reply(b"\xff\x00 not JSON")


def reply_a_deep_list(task: Task) -> NoReturn:
    _reply(b"[" * 200_000)


def reply_infinity(task: Task) -> NoReturn:
    _reply(b'{"report": {"summary": {"a": 1e999}, "artifacts": []}}')


def reply_half_a_character(task: Task) -> NoReturn:
    _reply(b'{"report": {"summary": {"a": "\\ud800"}, "artifacts": []}}')


def reply_another_shape(task: Task) -> NoReturn:
    _reply(b'{"report": []}')


def reply_an_unknown_code(task: Task) -> NoReturn:
    _reply(b'{"invalid": {"code": "no_idea", "detail": ""}}')


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


# What it can see and reach


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
    return Report(seen | {"folder": str(Path.cwd()), "session": os.getsid(0) == os.getpid()})


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
    return Report({"result": _attempt(lambda: subprocess.run(["/bin/true"], check=True))})


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


def _parents(task: Task) -> dict[str, int]:
    """Media type `x/<pid of the worker>`: the child has no other way to know."""
    return {"server": os.getppid(), "worker": int(task.media_type.removeprefix("x/"))}


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
    """Media type `x/<its port>`: the next event, by each kind of socket that could lead there."""
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


def read_command_lines(task: Task) -> Report:
    """Which Linux shows to everybody."""
    lines = {name: Path(f"/proc/{pid}/cmdline").read_text("utf-8") for name, pid in _parents(task).items()}
    return Report(lines)


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


BEHAVIOURS: dict[str, Any] = {
    name: value for name, value in list(globals().items()) if callable(value) and name.islower()
}

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest

from app.domain.errors import InvalidPayload, ProblemCode, Unavailable, WorkerFault
from app.processors.report import ArtifactFile, Report, Task
from app.sandbox.client import Sandbox
from app.sandbox.leftovers import remove
from tests.small_disks import SMALL_DISK_BYTES
from tests.unit.sandbox.workers import LANDLOCK, PRCTL, refuse, task, work

SAMPLES = "tests.unit.sandbox.sandbox_samples"
MIB = 1024**2
ROOT = Path(__file__).parents[3]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="what only Linux can do")


@dataclass(frozen=True)
class Runner:
    """Runs a sample by its name, each time in a new folder."""

    sandbox: Sandbox
    folder: Path
    numbers: Iterator[int]

    def __call__(self, sample: str, *, seconds: float = 5, media_type: str = "text/plain") -> Report:
        return self.sandbox.run(self.task(sample, media_type), seconds=seconds)

    def task(self, sample: str, media_type: str = "text/plain") -> Task:
        folder = self.folder / str(next(self.numbers))
        folder.joinpath("output").mkdir(parents=True)
        folder.joinpath("source").write_text(sample, encoding="utf-8")
        return Task(
            processor=SAMPLES,
            source=folder / "source",
            output=folder / "output",
            media_type=media_type,
            unpacked_limit=MIB,
            memory_limit=64 * MIB,
            disk_limit=8 * MIB,
        )


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([SAMPLES]) as sandbox:
        yield sandbox


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Iterator[Runner]:
    yield Runner(sandbox, tmp_path, count())
    for left in tmp_path.iterdir():  # pytest cannot remove what is nested deep
        remove(left)


@pytest.fixture
def forking(tmp_path: Path) -> Iterator[Runner]:
    """Start the fork server in a thread that has no filter of system calls to give, as on some kernels."""
    with Sandbox([SAMPLES]) as unfiltered:

        def start() -> None:
            refuse(PRCTL)
            unfiltered.start()

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        yield Runner(unfiltered, tmp_path, count())


#: Processes of other tests below this one, such as a whole stack. They are not looked at here.
strangers: set[int] = set()


@pytest.fixture(autouse=True, scope="module")
def _leave_strangers_out() -> Iterator[None]:
    strangers.update(processes_below(os.getpid()))
    yield
    strangers.clear()


@on_linux
def test_nothing_of_a_payload_is_in_the_memory_of_a_later_child(run: Runner) -> None:
    """Nothing of it is in the fork server either, of which each child is a copy."""
    canary = f"canary-{secrets.token_hex(16)}"
    own = replace(run.task("search_memory_with_a_canary"), parameters={"title": canary})
    told = replace(run.task("report_parameters_and_fail"), parameters={"title": canary})

    found = run.sandbox.run(own, seconds=30).summary
    with pytest.raises(InvalidPayload, match=canary):
        run.sandbox.run(told, seconds=30)
    run("echo_the_source")
    left = run("search_memory", seconds=30).summary

    assert canary in found["canaries"]
    assert left == {"canaries": []}


@on_linux
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look into the fork server")
def test_nothing_of_a_payload_is_in_the_memory_of_the_fork_server(tmp_path: Path) -> None:
    canary = f"canary-{secrets.token_hex(16)}"
    before = processes_below(os.getpid())
    with Sandbox([SAMPLES]) as sandbox:
        run = Runner(sandbox, tmp_path, count())
        run("nothing")
        (server,) = processes_below(os.getpid()) - before
        sandbox.run(replace(run.task("echo_parameters"), parameters={"title": canary}), seconds=5)

        assert canary.encode() not in memory_of(server)
        assert b"app.sandbox.server" in memory_of(server)


def memory_of(pid: int) -> bytes:
    found = b""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            place, rights, *_ = line.split()
            start, end = (int(each, 16) for each in place.split("-"))
            if rights.startswith("rw"):
                memory.seek(start)
                found += memory.read(end - start)
    return found


def processes_below(pid: int, *, dead_too: bool = False) -> set[int]:
    """Its living descendants, or also those that nobody has waited for."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text(encoding="utf-8").rpartition(") ")[2].split()[:2]
        except OSError:
            continue
        if dead_too or state not in "ZX":
            parents[int(entry.parent.name)] = int(parent)
    lines = {each: {each, *_ancestors(each, parents)} for each in parents}
    return {each for each, line in lines.items() if pid in line - {each} and line.isdisjoint(strangers)}


def _ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid := parents.get(pid, 0):
        yield pid


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def eventually(holds: Callable[[], Any], *, seconds: float = 30) -> Any:
    until = time.monotonic() + seconds
    while not (result := holds()) and time.monotonic() < until:
        time.sleep(0.01)
    return result


def test_a_report_comes_back(run: Runner) -> None:
    assert run("nothing") == Report({})


@on_linux
def test_a_child_finds_its_filter_made(run: Runner) -> None:
    assert run("tell_whether_the_filter_was_prepared").summary == {"found": 1}


@on_linux
def test_a_child_is_no_copy_of_what_only_the_service_needs() -> None:
    loaded = (
        "import app.sandbox.server, sys; print({'pydantic', 'boto3', 'botocore', 'fastapi'} & {*sys.modules})"
    )
    told = subprocess.run(
        [sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "set()"


def test_the_parameters_of_the_media_type_reach_the_processor(run: Runner) -> None:
    parameters = {"charset": "windows-1251", "title": 'a "b"; ü'}
    task = replace(run.task("echo_parameters"), parameters=parameters)

    assert run.sandbox.run(task, seconds=5) == Report(parameters)


def test_artifacts_are_left_in_the_output_folder(run: Runner) -> None:
    task = run.task("artifact")

    report = run.sandbox.run(task, seconds=5)

    assert report == Report({"words": 1}, (ArtifactFile("note.txt", "text/plain"),))
    assert task.output.joinpath("note.txt").read_text(encoding="utf-8") == "hello"


def test_the_processors_own_verdict_passes_through(run: Runner) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        run("refuse")

    assert refusal.value.code is ProblemCode.INVALID_CONTENT
    assert refusal.value.detail == "Line 3 has no columns."


def test_a_detail_becomes_one_line_of_unicode(run: Runner) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        run("refuse_half_a_character")

    assert refusal.value.code is ProblemCode.INVALID_CONTENT
    assert refusal.value.detail == "Column \\udc80 is empty."


def test_a_processor_that_was_not_preloaded_is_a_programming_error(run: Runner) -> None:
    task = Task(
        processor="dataset",
        source=run.folder,
        output=run.folder,
        media_type="text/csv",
        unpacked_limit=1,
        memory_limit=1,
        disk_limit=1,
    )

    with pytest.raises(ValueError, match="dataset"):
        run.sandbox.run(task, seconds=1)


@pytest.mark.parametrize(
    "sample",
    [
        "segfault",
        "abort",
        "kill_itself",
        "exit_without_reply",
        "exit_politely",
        "raise_something",
        "return_nothing",
        "report_nan",
        "name_what_is_not_a_media_type",
        "claim_that_attempts_are_exhausted",
        "no_such_sample",
    ],
)
def test_a_crash_rejects_one_payload_and_the_next_is_processed(run: Runner, sample: str) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        run(sample)

    assert refusal.value.code is ProblemCode.PROCESSOR_CRASHED
    assert run("nothing", seconds=20) == Report({})


@pytest.mark.parametrize(
    "sample",
    [
        "reply_garbage",
        "reply_half_a_character",
        "reply_another_shape",
        "reply_an_unknown_code",
        "name_a_path",
        "name_a_hidden_file",
        "name_a_missing_file",
        "name_a_folder",
        "name_a_pipe",
        "name_a_link",
        "name_a_number",
        "smuggle_a_header",
        "swap_the_output_folder",
        "replace_the_output_folder",
    ],
)
def test_what_a_hostile_child_says_is_not_believed(run: Runner, sample: str) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        run(sample)

    assert refusal.value.code is ProblemCode.PROCESSOR_CRASHED
    assert run("nothing", seconds=20) == Report({})


@pytest.mark.parametrize(
    ("sample", "limit"),
    [
        ("reply_infinity", "a number that is too large"),
        ("reply_a_huge_number", "a number that is too large"),
        ("reply_a_deep_list", "nested more than 32 deep"),
        ("reply_a_deep_summary", "nested more than 32 deep"),
        ("reply_numbers_that_grow", "a report of more than 65536 bytes"),
    ],
)
def test_a_summary_that_nobody_could_keep_is_over_a_limit(run: Runner, sample: str, limit: str) -> None:
    with pytest.raises(InvalidPayload, match=limit) as refusal:
        run(sample)

    assert refusal.value.code is ProblemCode.LIMIT_EXCEEDED
    assert run("nothing", seconds=20) == Report({})


@pytest.mark.parametrize("sample", ["sleep", "hang_in_c", "ignore_sigterm", "compute"])
def test_a_hang_ends_with_its_time(run: Runner, sample: str) -> None:
    run("nothing")
    with pytest.raises(InvalidPayload, match=r"longer than 0\.3 s") as refusal:
        run(sample, seconds=0.3)

    assert refusal.value.code is ProblemCode.LIMIT_EXCEEDED
    assert run("nothing", seconds=20) == Report({})


@pytest.mark.parametrize(
    ("sample", "limit"),
    [
        ("eat_memory", "64 MiB of memory"),
        ("eat_memory_in_one_bite", "64 MiB of memory"),
        ("reserve_memory", "64 MiB of memory"),
        ("wrap_a_memory_error", "64 MiB of memory"),
        ("write_one_large_file", "a file of more than 2 MiB"),
        ("write_many_files", "more than 8 MiB"),
        ("write_many_empty_files", "1000 files"),
        ("nest_folders", "1000 files"),
        ("start_many_threads", "more than 64 threads"),
        ("write_large_artifacts", "more than 2 MiB"),
        ("open_many_files", "more than 64 files"),
        ("report_many_artifacts", "more than 64 artifacts"),
        ("report_much", "report of more than 65536 bytes"),
        ("report_without_end", "report that is too large"),
    ],
)
def test_whoever_wants_too_much_gets_nothing(run: Runner, sample: str, limit: str) -> None:
    with pytest.raises(InvalidPayload, match=limit) as refusal:
        run(sample, seconds=60)

    assert refusal.value.code is ProblemCode.LIMIT_EXCEEDED
    assert run("nothing", seconds=20) == Report({})


@pytest.mark.parametrize("sample", ["raise_something", "sleep", "write_until_the_disk_is_full", "refuse"])
def test_no_payload_is_judged_on_a_full_disk(run: Runner, small_disk: Path, sample: str) -> None:
    """It does not matter who filled the disk: what failed may have failed for that."""
    filler = small_disk / "filler"
    filler.write_bytes(bytes(SMALL_DISK_BYTES - 8 * MIB))
    there = replace(run, folder=small_disk)

    with pytest.raises(WorkerFault) as fault:
        there(sample, seconds=20)
    filler.unlink()

    assert "luck" not in str(fault.value)
    assert fault.value.__context__ is None
    assert there("nothing") == Report({})


def test_a_payload_that_meets_the_end_of_a_small_disk_is_not_at_fault(run: Runner, small_disk: Path) -> None:
    task = replace(run, folder=small_disk).task("write_until_the_disk_is_full")
    with pytest.raises(WorkerFault):
        run.sandbox.run(replace(task, disk_limit=400 * MIB), seconds=20)


def test_a_child_ends_when_the_disk_is_full(run: Runner, small_disk: Path) -> None:
    """It may hold what fills the disk, such as files that it has removed and still writes."""
    (small_disk / "filler").write_bytes(bytes(SMALL_DISK_BYTES - 8 * MIB))

    with pytest.raises(WorkerFault, match="less room"):
        replace(run, folder=small_disk)("sleep", seconds=20)


def test_a_full_disk_is_not_believed_where_there_is_room(run: Runner) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        run("claim_that_the_disk_is_full")

    assert refusal.value.code is ProblemCode.PROCESSOR_CRASHED


def test_the_log_learns_what_the_client_does_not(run: Runner, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidPayload) as refusal:
        run("raise_half_a_character")

    [crash] = crashes(caplog)
    assert crash["errors"] == ["LookupError"]
    assert crash["frames"][-1].endswith("in raise_half_a_character")
    assert "luck" not in refusal.value.detail


def test_what_a_processor_raised_may_quote_the_payload_and_is_not_logged(
    run: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidPayload):
        run("raise_half_a_character")

    assert "luck" not in str([vars(record) for record in caplog.records])


@pytest.mark.parametrize("sample", ["quote_a_frame", "report_a_frame"])
def test_what_a_payload_says_is_taken_for_no_frame(
    run: Runner, caplog: pytest.LogCaptureFixture, sample: str
) -> None:
    with pytest.raises(InvalidPayload):
        run(sample)

    [crash] = crashes(caplog)
    assert "luck" not in str(crash["frames"] + crash["errors"])


@pytest.mark.parametrize(
    "sample", ["reply_garbage", "reply_another_shape", "reply_an_unknown_code", "make_up_a_crash"]
)
def test_nothing_that_a_child_makes_up_reaches_the_log(
    run: Runner, caplog: pytest.LogCaptureFixture, sample: str
) -> None:
    with pytest.raises(InvalidPayload):
        run(sample)

    [crash] = crashes(caplog)
    assert (crash["errors"], crash["frames"]) == ([], [])


def test_a_crash_in_c_leaves_its_python_stack_in_the_log(
    run: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidPayload):
        run("segfault")

    [crash] = crashes(caplog)
    assert any(frame.endswith("in segfault") for frame in crash["frames"])


def test_the_child_inherits_no_credentials(
    tmp_path: Path, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    with Sandbox([SAMPLES]) as sandbox:
        seen = sandbox.run(run.task("show_itself"), seconds=5).summary

    environment = seen["environment"]
    assert not [name for name in environment if name.startswith("AWS_")]
    assert "wJalrXUtnFEMI" not in seen["started_with"] + str(environment)
    assert environment["PYTHONSAFEPATH"] == "1"
    assert environment["TMPDIR"] == seen["folder"]
    assert seen["folder"].endswith("output/scratch")


def test_the_child_inherits_no_socket_of_the_workers(run: Runner) -> None:
    with socket.socket() as open_one, Sandbox([SAMPLES]) as sandbox:
        open_one.set_inheritable(True)
        seen = sandbox.run(run.task("show_itself"), seconds=5).summary

    assert seen["descriptors"] == [0, 1, 2, 3]


def test_the_child_has_a_session_of_its_own_and_one_open_file(run: Runner) -> None:
    seen = run("show_itself").summary

    assert seen["session"]
    assert seen["descriptors"] == [0, 1, 2, 3]


@on_linux
@pytest.mark.parametrize("sample", ["use_the_network", "execute", "run_a_program", "fork"])
def test_the_network_and_other_programs_are_refused(run: Runner, sample: str) -> None:
    assert run(sample).summary == {"result": "PermissionError"}


def test_threads_are_allowed(run: Runner) -> None:
    assert run("thread").summary == {"threads": 4}


@on_linux
def test_whoever_computes_for_long_gives_way_to_all_others(run: Runner) -> None:
    assert run("compute_until_slowed_down", seconds=60).summary == {"threads": 2, "slower": True}


@on_linux
def test_worker_and_fork_server_cannot_be_read_or_killed(run: Runner) -> None:
    attacks = run("attack_its_parents", media_type=f"x/{os.getpid()}").summary

    assert attacks
    assert len(attacks) == 22
    assert {attack for attack, outcome in attacks.items() if outcome != "PermissionError"} == set()


@on_linux
def test_what_everybody_may_read_of_the_fork_server_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    before = processes_below(os.getpid())
    with Sandbox([SAMPLES]) as sandbox:
        sandbox.start()
        (server,) = processes_below(os.getpid()) - before
        shown = {pid: Path(f"/proc/{pid}/cmdline").read_text("utf-8") for pid in (server, os.getpid())}

    assert shown[server].split("\0")[1:-1] == ["-m", "app.sandbox.server", SAMPLES]
    assert "wJalrXUtnFEMI" not in shown[os.getpid()]


class RuntimeApi(BaseHTTPRequestHandler):
    """Stands where Lambda's is, at AWS_LAMBDA_RUNTIME_API: whoever gets through takes the next event."""

    taken: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.taken.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def runtime_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Its port; the worker knows it as Lambda would tell."""
    RuntimeApi.taken.clear()
    with HTTPServer(("127.0.0.1", 0), RuntimeApi) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", f"127.0.0.1:{server.server_port}")
        yield server.server_port
        server.shutdown()
        thread.join()


NO_SOCKET = dict.fromkeys(("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "http"), "PermissionError")


@on_linux
def test_the_lambda_runtime_api_is_out_of_reach_and_not_even_named(run: Runner, runtime_api: int) -> None:
    """A child that reached it could take the next event, or answer for the worker."""
    with Sandbox([SAMPLES]) as sandbox:
        reached = sandbox.run(run.task("call_the_runtime_api", f"x/{runtime_api}"), seconds=5).summary

    assert reached == {**NO_SOCKET, "named": []}
    assert RuntimeApi.taken == []


@on_linux
@pytest.mark.parametrize("kind", ["filter", "filter and Landlock"])
def test_where_the_kernel_refuses_both_locks_the_network_is_open(
    tmp_path: Path, runtime_api: int, kind: str
) -> None:
    """SECURITY.md says what does not hold there, and what still does."""
    refused = (PRCTL, LANDLOCK) if "Landlock" in kind else (PRCTL,)

    seen = work(task(tmp_path / "task", "call_the_runtime_api", f"x/{runtime_api}"), refused=refused)

    [steps] = seen.events("sandbox.weakened")
    is_open = "landlock" in steps["refused_by_kernel"]
    assert RuntimeApi.taken == ["/2018-06-01/runtime/invocation/next"] * is_open
    assert seen.summaries[0]["named"] == []
    assert seen.summaries[0]["http"] == ("done" if is_open else "PermissionError")


@on_linux
def test_where_the_kernel_refuses_both_locks_the_parents_are_still_closed(tmp_path: Path) -> None:
    """They could be killed there, which loses time, but not read."""
    seen = work(task(tmp_path / "task", "look_into_its_parents", "x/pid"), refused=(PRCTL, LANDLOCK))

    [outcomes] = seen.summaries
    assert (len(outcomes), set(outcomes.values())) == (20, {"PermissionError"}), seen.errors


# A worker without capabilities, also when the tests run as root, and so is its fork server:
# then only PR_SET_DUMPABLE stands between the child and the environments of its parents.
CAPLESS_WORKER = f"""
import ctypes, os, sys
from pathlib import Path
from app.sandbox.locks import kernel
from app.processors.report import Task
from app.sandbox.client import Sandbox
from tests.unit.sandbox.workers import LANDLOCK, refuse

refuse(LANDLOCK)  # which would close it too
kernel.drop_capabilities()
kernel.never_gain_privileges()
source, output, is_dumpable = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
with Sandbox(["{SAMPLES}"]) as sandbox:
    if is_dumpable:  # as a worker is that does not close its memory
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    task = Task(processor="{SAMPLES}", source=source, output=output, media_type=f"x/{{os.getpid()}}",
                unpacked_limit=1, memory_limit=2**26, disk_limit=2**23)
    seen = sandbox.run(task, seconds=5).summary
    print(seen["environ of worker"], seen["environ of server"])
"""


@on_linux
@pytest.mark.parametrize(
    ("is_dumpable", "outcome"), [(0, "PermissionError PermissionError"), (1, "done PermissionError")]
)
def test_what_hides_the_workers_environment_is_that_it_is_not_dumpable(
    run: Runner, is_dumpable: int, outcome: str
) -> None:
    task = run.task("attack_its_parents")

    shown = in_worker(CAPLESS_WORKER, task.source, task.output, is_dumpable)

    assert shown.stdout.splitlines()[-1] == outcome, shown.stderr


@on_linux
def test_what_the_kernel_refuses_is_logged_once_and_gone_without(tmp_path: Path) -> None:
    samples = ("nothing", "thread", "leave_grandchildren")

    seen = work(*(task(tmp_path / sample, sample) for sample in samples), refused=(PRCTL,))

    assert seen.events("sandbox.weakened") == [
        {"event": "sandbox.weakened", "refused_by_kernel": ["seccomp"]}
    ]
    assert seen.summaries == [{}, {"threads": 4}, {}], seen.errors


@on_linux
@pytest.mark.parametrize("sample", ["share_memory", "share_memory_among_processes"])
def test_shared_memory_counts_where_no_filter_refuses_it(tmp_path: Path, sample: str) -> None:
    """RLIMIT_DATA does not count it: the fork server looks."""
    limited = task(tmp_path / "task", sample) | {"memory_limit": 64 * MIB}

    seen = work(limited, refused=(PRCTL,))

    assert seen.errors.endswith("Processing this payload needed more than 64 MiB of memory.\n")


def in_worker(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )


def test_this_kernel_refuses_nothing(run: Runner, caplog: pytest.LogCaptureFixture) -> None:
    run.sandbox.close()
    run("nothing")

    assert "sandbox.weakened" not in caplog.text


@on_linux
@pytest.mark.parametrize("sample", ["leave_grandchildren", "leave_grandchildren_and_hang"])
def test_grandchildren_end_with_the_child(forking: Runner, sample: str) -> None:
    forking("nothing")
    before = processes_below(os.getpid())

    if sample == "leave_grandchildren":
        forking(sample)
    else:
        with pytest.raises(InvalidPayload, match="longer"):
            forking(sample, seconds=0.4)

    assert processes_below(os.getpid()) == before


@on_linux
def test_a_killed_fork_server_is_started_again(tmp_path: Path) -> None:
    before = processes_below(os.getpid())
    with Sandbox([SAMPLES]) as sandbox:
        run = Runner(sandbox, tmp_path, count())
        run("nothing")
        (server,) = processes_below(os.getpid()) - before
        os.kill(server, signal.SIGKILL)

        assert run("artifact").artifacts
    assert processes_below(os.getpid()) == before


@on_linux
@pytest.mark.parametrize("deaths", [1, 2])
def test_a_fork_server_may_die_once_in_a_task(tmp_path: Path, deaths: int) -> None:
    others = processes_below(os.getpid())
    with Sandbox([SAMPLES]) as sandbox:
        run = Runner(sandbox, tmp_path, count())
        run("nothing")
        killed: list[int] = []
        killer = threading.Thread(target=kill_servers, args=(deaths, killed, others))
        killer.start()

        with pytest.raises(InvalidPayload if deaths == 1 else Unavailable):
            run("sleep", seconds=5 if deaths == 1 else 60)

        killer.join()
        assert len(killed) == 2 * deaths
        all_ended = eventually(lambda: not any(is_alive(pid) for pid in killed))
        for pid in filter(is_alive, killed):
            os.kill(pid, signal.SIGKILL)
        assert all_ended
        assert run("nothing") == Report({})


def kill_servers(deaths: int, killed: list[int], others: set[int]) -> None:
    """Kill each fork server once it has a child; `killed` gets both."""
    while len(killed) < 2 * deaths:
        server, child = eventually(partial(server_with_child, others, killed))
        # The process may have ended by itself meanwhile; then it was not a server.
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
            killed += [server, child]


def server_with_child(others: set[int], killed: list[int]) -> tuple[int, int] | None:
    known = {*others, *killed}
    for server in processes_below(os.getpid()) - known:
        for child in processes_below(server) - known:
            with suppress(ProcessLookupError):  # it may have ended meanwhile
                if os.getsid(child) == child:
                    return server, child
    return None


@on_linux
def test_a_fork_server_that_hangs_is_given_up(tmp_path: Path) -> None:
    before = processes_below(os.getpid())
    with Sandbox([SAMPLES]) as sandbox:
        run = Runner(sandbox, tmp_path, count())
        run("nothing")
        (server,) = processes_below(os.getpid()) - before
        os.kill(server, signal.SIGSTOP)

        with pytest.raises(Unavailable):
            run("nothing", seconds=0.1)

        assert run("nothing") == Report({})


def test_a_fork_server_that_cannot_start_is_unavailable(
    run: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    with Sandbox([SAMPLES, "no_such_processor"]) as sandbox, pytest.raises(Unavailable):
        sandbox.run(run.task("nothing"), seconds=20)

    [failure] = [record for record in caplog.records if record.message == "sandbox.start_failed"]
    assert "no_such_processor" in vars(failure)["trace"]


def test_who_begins_a_fork_server_does_not_wait_until_it_can_work(run: Runner) -> None:
    with Sandbox([SAMPLES, "no_such_processor"]) as sandbox:
        sandbox.begin()
        for _ in range(2):
            with pytest.raises(Unavailable):
                sandbox.run(run.task("nothing"), seconds=20)


def test_python_that_cannot_start_is_unavailable(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")

    with Sandbox([SAMPLES]) as sandbox, pytest.raises(Unavailable):
        sandbox.run(run.task("nothing"), seconds=20)


WORKER_TO_KILL = f"""
import sys
from pathlib import Path
from app.processors.report import Task
from app.sandbox.client import Sandbox
from tests.unit.sandbox.workers import PRCTL, refuse

refuse(PRCTL)
Sandbox(["{SAMPLES}"]).run(
    Task(processor="{SAMPLES}", source=Path(sys.argv[1]), output=Path(sys.argv[2]),
         media_type="text/plain", unpacked_limit=1, memory_limit=2**26, disk_limit=2**23), seconds=60)
"""


@on_linux
def test_a_killed_worker_leaves_no_process(run: Runner) -> None:
    task = run.task("leave_grandchildren_and_hang")
    command = [sys.executable, "-c", WORKER_TO_KILL, str(task.source), str(task.output)]
    # Fork server, child and three grandchildren.
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=ROOT) as worker:
        assert eventually(lambda: len(processes_below(worker.pid)) == 5)
        left = processes_below(worker.pid)
        worker.kill()

    assert eventually(lambda: not any(is_alive(pid) for pid in left))


def test_threads_take_turns(run: Runner) -> None:
    reports: list[Report] = []
    threads = [threading.Thread(target=lambda: reports.append(run("artifact"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(reports) == 8
    assert all(report.artifacts for report in reports)


@on_linux
def test_1000_tasks_leak_nothing(run: Runner) -> None:
    task = run.task("nothing")
    run.sandbox.run(task, seconds=5)
    before = open_files(), processes_below(os.getpid(), dead_too=True), len(list(task.output.rglob("*")))

    for _ in range(1000):
        run.sandbox.run(task, seconds=5)

    after = open_files(), processes_below(os.getpid(), dead_too=True), len(list(task.output.rglob("*")))
    assert after == before


def test_temporary_files_stay_in_the_tasks_own_folder(run: Runner) -> None:
    task = run.task("leave_temporary_files")

    paths = run.sandbox.run(task, seconds=5).summary["paths"]

    assert [Path(path).parent for path in paths] == [task.output / "scratch"] * 2


def open_files() -> int:
    """Return how many this process has, and the fork server as far as it may be seen."""
    total = 0
    for pid in {os.getpid(), *processes_below(os.getpid())}:
        try:
            total += len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except PermissionError:
            continue
    return total


def crashes(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.message == "sandbox.processor_crashed"]


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

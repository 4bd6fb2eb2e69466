"""`make run` starts whole, stops whole, and says in one line why it cannot."""

import json
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import Runtime, free_port, spawn, started


def test_it_serves_the_api_on_the_emulated_cloud(running: Runtime) -> None:
    created = create_record(running, "order 42")

    assert call(f"{running.url}/v1/objects/{created['id']}")["name"] == "order 42"


@pytest.mark.parametrize("taken", ["port", "aws_port"])
def test_a_taken_port_is_one_clear_line(tmp_path: Path, taken: str) -> None:
    with listener() as port:
        runtime = spawn(tmp_path, **{taken: port})
        code = runtime.process.wait(30)

    assert code == 1
    assert runtime.output() == f"wharf: Port {port} cannot be used: Address already in use.\n"


def test_two_runs_cannot_share_a_data_folder(running: Runtime, tmp_path: Path) -> None:
    # Its output goes elsewhere, or it would overwrite the first one's.
    (tmp_path / "lock").symlink_to(running.data_dir / "lock")
    second = spawn(tmp_path)
    code = second.process.wait(30)

    assert code == 1
    assert second.output() == f"wharf: Another run uses {tmp_path}; stop it, or name another DATA_DIR.\n"


def test_wrong_usage_exits_with_two(tmp_path: Path) -> None:
    port = free_port()
    runtime = spawn(tmp_path, port=port, aws_port=port)

    assert runtime.process.wait(30) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_leaves_no_process_and_keeps_its_objects(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path) as first:
        created = create_record(first, "kept")
        children = descendants(first.process.pid)
        code = first.stop(number)
        wait_until_gone(children)

    with started(tmp_path) as second:
        found = call(f"{second.url}/v1/objects/{created['id']}")
        last_words = second.stop() or second.output()

    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
    assert children, "the emulator is a child process"
    assert found["name"] == "kept"
    assert "Traceback" not in last_words


def create_record(runtime: Runtime, name: str) -> dict[str, Any]:
    body = json.dumps({"kind": "record", "name": name, "attributes": {}}).encode()
    headers = {"Content-Type": "application/json"}
    return call(urllib.request.Request(f"{runtime.url}/v1/objects", body, headers))


def call(request: urllib.request.Request | str) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def listener() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def descendants(pid: int) -> set[int]:
    children = {
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    }
    return children.union(*(descendants(child) for child in children))


def wait_until_gone(pids: set[int], seconds: float = 30) -> None:
    give_up = time.monotonic() + seconds
    while alive := {pid for pid in pids if is_alive(pid)}:
        assert time.monotonic() < give_up, f"still running: {alive}"
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """A zombie is not: it waits for whoever adopted it, and holds nothing."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"

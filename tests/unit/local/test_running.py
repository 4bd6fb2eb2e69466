"""A run is found by its data folder while it lives. One that was killed is told from one that was stopped."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.local import running
from app.local.__main__ import lock_folder, lock_state
from app.local.errors import CannotStart
from app.local.running import Run

RUN = Run(
    api_url="http://127.0.0.1:8000",
    aws_url="http://127.0.0.1:4566",
    aws_region="us-east-1",
    log_file="/var/log/wharf.jsonl",
    started_at="2026-03-01T09:30:00.000Z",
)
ANNOUNCE = """
import sys
from pathlib import Path
from app.local import running
from tests.unit.local.test_running import RUN
with running.announced(Path(sys.argv[1]), RUN):
    print("announced", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", ANNOUNCE, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "announced\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_run_is_found_until_it_stops(tmp_path: Path) -> None:
    with another_process(tmp_path) as process:
        assert running.find(tmp_path) == RUN
        # Looking at a run does not hold on to it.
        assert running.find(tmp_path) == RUN
        process.communicate()

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(CannotStart, match=f"Nothing runs in {tmp_path}. Start `make run`"):
        running.find(tmp_path)


def test_what_a_killed_run_left_is_said_and_not_used(tmp_path: Path) -> None:
    with another_process(tmp_path) as process:
        process.kill()
        process.wait()

    with pytest.raises(CannotStart, match=f"that began at {RUN.started_at} was killed"):
        running.find(tmp_path)
    assert running.last(tmp_path) == RUN


def test_a_run_takes_the_place_of_a_killed_one(tmp_path: Path) -> None:
    with another_process(tmp_path):
        pass
    with another_process(tmp_path):
        assert running.find(tmp_path) == RUN


def test_a_run_waits_until_the_emulator_of_a_killed_one_has_ended(tmp_path: Path) -> None:
    ends = threading.Timer(0.5, os.close, [lock_state(tmp_path)])
    ends.start()

    os.close(lock_state(tmp_path))

    ends.join()


def test_an_emulator_that_does_not_end_keeps_the_next_run_out(tmp_path: Path) -> None:
    emulators = lock_state(tmp_path)

    with pytest.raises(CannotStart, match=f"The AWS emulator of a run that was killed still uses {tmp_path}"):
        lock_state(tmp_path, seconds=0)
    os.close(emulators)


def test_a_folder_that_a_living_run_has_is_refused_at_once(tmp_path: Path) -> None:
    runs = lock_folder(tmp_path)

    with pytest.raises(CannotStart, match=f"Another run uses {tmp_path}"):
        lock_folder(tmp_path)
    os.close(runs)


def test_a_copy_of_a_data_folder_is_no_run(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    with another_process(folder):
        copy = shutil.copytree(folder, tmp_path / "copy")
        with pytest.raises(CannotStart, match="was killed"):
            running.find(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"api_url": 1}', "\x00"])
def test_a_file_that_cannot_be_read_is_no_run(tmp_path: Path, text: str) -> None:
    (tmp_path / running.FILE).write_text(text)

    with pytest.raises(CannotStart, match="Nothing runs in"):
        running.find(tmp_path)

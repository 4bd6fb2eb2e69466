"""What a killed worker leaves on disk goes when the next one starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.services import workspaces


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def left_by(pid: int, temporary: Path) -> Path:
    folder = temporary / f"wharf-{pid}-abc"
    (folder / "output").mkdir(parents=True)
    (folder / "output" / "data.parquet").write_bytes(b"x")
    return folder


def pid_of_the_dead() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_workspace_is_gone_when_its_work_is_done() -> None:
    with workspaces.workspace() as folder:
        assert Path(folder).is_dir()

    assert not Path(folder).exists()


def test_the_folders_of_the_dead_are_removed(temporary: Path) -> None:
    of_the_dead = left_by(pid_of_the_dead(), temporary)
    of_an_earlier_life = left_by(os.getpid(), temporary)

    workspaces.clear_leftovers()

    assert not of_the_dead.exists()
    assert not of_an_earlier_life.exists()


def test_the_folders_of_the_living_and_of_others_are_left(temporary: Path) -> None:
    of_the_living = left_by(os.getppid(), temporary)
    others = [temporary / name for name in ("wharf-abc", "wharf", "other-1-abc")]
    for folder in others:
        folder.mkdir()

    workspaces.clear_leftovers()

    assert all(folder.exists() for folder in (of_the_living, *others))

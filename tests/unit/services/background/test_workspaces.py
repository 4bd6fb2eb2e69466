"""Files that a killed worker leaves on disk are removed when the next one starts."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.sandbox.leftovers import remove
from app.services.background import workspaces


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield tmp_path
    for left in tmp_path.iterdir():  # pytest cannot remove what is nested deep
        remove(left)


def nest(folder: Path, depth: int) -> None:
    """Make folders within folders by descriptors, as a taken-over parser may: a path cannot be as long."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("deeper", dir_fd=here)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


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
        assert folder.is_dir()

    assert not folder.exists()


@pytest.mark.parametrize("depth", [900, 2_000])
def test_it_is_gone_however_deep_a_child_has_nested_folders_in_it(depth: int) -> None:
    with workspaces.workspace() as folder:
        nest(folder, depth)

    assert not folder.exists()


def test_it_is_gone_whatever_rights_a_child_has_taken_away() -> None:
    with workspaces.workspace() as folder:
        (folder / "closed" / "inner").mkdir(parents=True)
        (folder / "closed").chmod(0)

    assert not folder.exists()


def test_folders_of_the_dead_are_removed_however_deep(temporary: Path) -> None:
    """A worker that stumbles over one could never start again."""
    of_the_dead = left_by(pid_of_the_dead(), temporary)
    nest(of_the_dead, 2_000)

    workspaces.clear_leftovers()

    assert not of_the_dead.exists()


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

"""Files that a child hides in folders that Landlock does not close are gone before the next child."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap import adapters
from app.sandbox.leftovers import LeftoversError, empty
from tests.unit.sandbox.workers import LANDLOCK, PRCTL, picky, task, work

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="what only Linux can do")


def test_everything_but_the_workspace_goes(tmp_path: Path) -> None:
    workspace = tmp_path / "wharf-1-x"
    (workspace / "output").mkdir(parents=True)
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "file").write_bytes(bytes(10))
    (tmp_path / "file").write_bytes(bytes(5))
    (tmp_path / "link").symlink_to(workspace)
    os.mkfifo(tmp_path / "pipe")

    left = empty([tmp_path, tmp_path / "missing"], keep=[workspace / "source", workspace / "output"])

    assert left.entries == 4
    assert left.size >= 15  # a link has a size too
    assert list(tmp_path.iterdir()) == [workspace]


def test_what_has_no_rights_goes_too(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    (closed / "inner" / "file").touch()
    (closed / "inner").chmod(0)
    closed.chmod(0)

    empty([tmp_path], keep=[])

    assert list(tmp_path.iterdir()) == []


def test_folders_deeper_than_a_path_can_be_long_go_too(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("deeper", dir_fd=here)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)

    assert empty([tmp_path], keep=[]).entries == 1

    assert list(tmp_path.iterdir()) == []


def test_what_stays_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may stay, such as somebody else's in a folder where only owners may remove."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "unlink", lambda *_, **__: None)

    with pytest.raises(LeftoversError):
        empty([tmp_path], keep=[])


@on_linux
def test_without_landlock_the_shared_folder_is_emptied_after_each_task(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    hiding = task(shared / "wharf-1-x", "hide_something", folder=str(shared))

    seen = work(hiding, refused=(LANDLOCK,), shared=(shared,))

    assert (seen.status, seen.summaries) == (0, [{}]), seen.errors
    assert seen.events("sandbox.leftovers_removed") == [
        {"event": "sandbox.leftovers_removed", "entries": 3, "bytes": 2048}
    ]
    assert [path.name for path in shared.iterdir()] == ["wharf-1-x"]


@on_linux
def test_the_shared_folder_is_emptied_also_when_a_child_ended_its_server(tmp_path: Path) -> None:
    """Without any lock it may."""
    shared = tmp_path / "shared"
    shared.mkdir()
    ending = task(shared / "wharf-1-x", "hide_something_and_end_its_server", folder=str(shared))

    seen = work(ending, refused=(LANDLOCK, PRCTL), shared=(shared,))

    assert "The sandbox was lost twice." in seen.errors
    assert seen.events("sandbox.leftovers_removed")
    assert [path.name for path in shared.iterdir()] == ["wharf-1-x"]


@on_linux
def test_a_shared_folder_is_emptied_where_landlock_broke_a_sample(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "anothers").touch()

    seen = work(task(shared / "wharf-1-x", "/etc/passwd"), modules=picky("file"), shared=(shared,))

    assert seen.summaries == [{}], seen.errors
    assert [path.name for path in shared.iterdir()] == ["wharf-1-x"]


@on_linux
def test_a_shared_folder_that_cannot_be_emptied_ends_the_worker(tmp_path: Path) -> None:
    """A file in the place of the folder stands for one that stays."""
    shared = tmp_path / "shared"
    shared.write_bytes(b"")

    seen = work(
        task(tmp_path / "1", "nothing"),
        task(tmp_path / "2", "nothing"),
        refused=(LANDLOCK,),
        shared=(shared,),
    )

    assert (seen.status, seen.summaries) == (1, []), seen.errors
    assert seen.events("sandbox.leftovers_stay")


@pytest.mark.parametrize("is_alone", [True, False])
def test_only_lambdas_folders_are_emptied(monkeypatch: pytest.MonkeyPatch, *, is_alone: bool) -> None:
    """Elsewhere, others have files in /tmp. An emulator that runs the functions is elsewhere too."""
    assert not adapters.IS_ALONE
    monkeypatch.setattr(adapters, "IS_ALONE", is_alone)
    anything: Any = None

    with adapters.Adapters(anything, anything).sandbox as sandboxes:
        folders = [str(folder) for folder in sandboxes._shared]

    assert folders == (["/tmp", "/dev/shm"] if is_alone else [])  # noqa: S108


@on_linux
def test_with_landlock_nothing_is_removed(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "anothers").touch()

    seen = work(task(tmp_path / "task", "nothing"), shared=(shared,))

    if seen.events("sandbox.weakened"):
        pytest.skip("this kernel has no Landlock")
    assert (seen.summaries, list(shared.iterdir())) == ([{}], [shared / "anothers"]), seen.errors

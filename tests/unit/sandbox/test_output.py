"""The output folder of a child, as the worker looks at it."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.processors.report import ArtifactFile, Report
from app.sandbox.output import MOST_FILES, OutputError, OutputFolder, is_over


def swapped(folder: Path) -> None:
    """The worker's own environment, offered to it as an artifact."""
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("/proc/self")


def replaced(folder: Path) -> None:
    """Another folder, which somebody may fill later."""
    folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()
    (folder / "environ").touch()


UNFIT: dict[str, Callable[[Path], object]] = {
    "pipe": lambda folder: os.mkfifo(folder / "environ"),
    "link": lambda folder: folder.joinpath("environ").symlink_to("/proc/self/environ"),
    "folder": lambda folder: folder.joinpath("environ").mkdir(),
    "missing": lambda folder: None,
    "swapped": swapped,
    "replaced": replaced,
}


@pytest.mark.parametrize("left", UNFIT)
def test_what_is_no_file_in_this_very_folder_is_no_artifact(tmp_path: Path, left: str) -> None:
    path = tmp_path / "output"
    path.mkdir()
    output = OutputFolder(path)
    UNFIT[left](path)

    with pytest.raises(OutputError):
        output.check(Report({}, (ArtifactFile("environ", "text/plain"),)))


def test_two_artifacts_of_one_name_are_none(tmp_path: Path) -> None:
    output = OutputFolder(tmp_path)
    (tmp_path / "a").touch()

    with pytest.raises(OutputError):
        output.check(Report({}, (ArtifactFile("a", "text/plain"), ArtifactFile("a", "text/csv"))))


@contextmanager
def no_more_files() -> Iterator[None]:
    """Let this process open no further file."""
    found = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, found[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, found)


def test_a_worker_that_can_open_no_file_blames_no_payload(tmp_path: Path) -> None:
    output = OutputFolder(tmp_path)

    with pytest.raises(OSError, match=os.strerror(errno.EMFILE)), no_more_files():
        output.check(Report({}, ()))
    with pytest.raises(OSError, match=os.strerror(errno.EMFILE)), no_more_files():
        is_over(1, tmp_path)


def test_a_file_is_one(tmp_path: Path) -> None:
    output = OutputFolder(tmp_path)
    (tmp_path / "environ").touch()

    output.check(Report({}, (ArtifactFile("environ", "text/plain"),)))


@pytest.mark.parametrize("more", [0, 1])
def test_a_folder_holds_so_many_files_and_no_more(tmp_path: Path, more: int) -> None:
    for number in range(MOST_FILES + more):
        (tmp_path / str(number)).touch()

    assert is_over(1, tmp_path) is bool(more)

"""The output folder of a child, as the worker looks at it."""

import os
from collections.abc import Callable
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


def test_a_file_is_one(tmp_path: Path) -> None:
    output = OutputFolder(tmp_path)
    (tmp_path / "environ").touch()

    output.check(Report({}, (ArtifactFile("environ", "text/plain"),)))


@pytest.mark.parametrize("more", [0, 1])
def test_a_folder_holds_so_many_files_and_no_more(tmp_path: Path, more: int) -> None:
    for number in range(MOST_FILES + more):
        (tmp_path / str(number)).touch()

    assert is_over(1, tmp_path) is bool(more)

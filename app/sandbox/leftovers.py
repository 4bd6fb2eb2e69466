"""Removes what a child left, whatever it made of its folders.

Shared folders are emptied after each task where Landlock does not keep a child out of them. What a
child hides there, a later child of another owner's could read. So the folders must be this worker's
alone, as Lambda's /tmp is: everything in them goes, no matter who made it.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


class LeftoversError(Exception):
    """Something in a shared folder cannot be removed."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """The entries that were in the folders beside the task's own workspace, and their bytes."""

    entries: int = 0
    size: int = 0


def empty(folders: Sequence[Path], *, keep: Sequence[Path]) -> Leftovers:
    """Remove everything but the entries that hold what `keep` names, and return what it was.

    Raises LeftoversError if something stays.
    """
    strange = list(_strange(folders, keep))
    size = 0
    for path in strange:
        with contextlib.suppress(OSError):  # seen below
            size += remove(path)
    if left := next(_strange(folders, keep), None):
        raise LeftoversError(f"{left.parent} cannot be emptied")
    return Leftovers(len(strange), size)


def _strange(folders: Sequence[Path], keep: Sequence[Path]) -> Iterator[Path]:
    kept = {path for each in keep for path in (each, *each.parents)}
    for folder in folders:
        if folder.exists():
            yield from (path for path in folder.iterdir() if path not in kept)


def remove(top: Path) -> int:
    """Remove a file or folder, and return how many bytes it held.

    One folder is open at a time, and is left by "..": folders may be deeper than paths can be long,
    than Python can recurse, and than files can be open. They may also have no rights.
    """
    size = 0
    here = os.open(top.parent, os.O_RDONLY | os.O_DIRECTORY)
    #: The names that are left in each folder from the top down; the last is the one that is open.
    waiting = [[top.name]]
    try:
        while True:
            if waiting[-1]:
                name = waiting[-1][-1]
                status = os.lstat(name, dir_fd=here)
                if stat.S_ISDIR(status.st_mode):
                    os.chmod(name, stat.S_IRWXU, dir_fd=here)
                    here = _go(name, here)
                    waiting.append(os.listdir(here))  # noqa: PTH208  # a path may be too long
                    continue
                os.unlink(name, dir_fd=here)
                size += status.st_size
            else:
                waiting.pop()
                if not waiting:
                    return size
                here = _go("..", here)
                os.rmdir(waiting[-1][-1], dir_fd=here)
            waiting[-1].pop()
    finally:
        os.close(here)


def _go(name: str, here: int) -> int:
    """Open another folder in the place of the one that is open."""
    there = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
    os.close(here)
    return there

"""Checks the output folder from outside, because the child that wrote into it is not trusted."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.processors.report import Report

#: The limit for output and scratch; no processor needs as many. Each folder may take milliseconds to remove.
MOST_FILES = 1_000
#: The errors of the worker's own files: a disk that is full, broken or read-only, too many open files.
OF_THE_MACHINE = frozenset(
    {errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EROFS}
)
_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,128}")
#: The types of Office's documents are the longest.
_TYPE_WITHOUT_PARAMETERS = r"[a-z0-9][a-zA-Z0-9.+-]{0,60}/[a-z0-9][a-zA-Z0-9.+-]{0,99}"
_MEDIA_TYPE = re.compile(rf"{_TYPE_WITHOUT_PARAMETERS}(; ?[a-z]+=[\w.-]{{1,40}})?", re.A)


class OutputError(Exception):
    """The report and the output folder do not agree, or are not what they should be."""


class OutputFolder:
    """The output folder, remembered before a child can put another folder in its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = _identity(path.lstat())

    def check(self, report: Report) -> None:
        """Raise OutputError unless every artifact is a readable regular file in this very folder.

        Raises OSError if the machine is at fault.
        """
        if len({artifact.name for artifact in report.artifacts}) < len(report.artifacts):
            raise OutputError("two artifacts have one name")
        try:
            self._check_files(report)
        except OSError as error:
            if error.errno in OF_THE_MACHINE:
                raise
            raise OutputError(f"an artifact cannot be read: {error.strerror}") from error

    def _check_files(self, report: Report) -> None:
        folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            # A link to /proc/self, say, would have the worker give away its own files.
            if _identity(os.fstat(folder)) != self._identity:
                raise OutputError("the output folder is not the one it was")
            for artifact in report.artifacts:
                _check_file(artifact.name, artifact.media_type, folder)
        finally:
            os.close(folder)


def is_media_type(text: Any) -> bool:
    """True for a media type without parameters."""
    return isinstance(text, str) and re.fullmatch(_TYPE_WITHOUT_PARAMETERS, text, re.ASCII) is not None


def is_over(allowed: int, folder: Path, *, without: str | None = None) -> bool:
    """Return True if the files below `folder` are more than `allowed` bytes, too many, or unreadable.

    Raises OSError if the machine is at fault.
    """
    total = 0
    try:
        for count, entry in enumerate(_walk(folder, without), start=1):
            total += _size(entry)
            if total > allowed or count > MOST_FILES:
                return True
    except OSError as error:
        if error.errno in OF_THE_MACHINE:
            raise
        return True
    return False


def _walk(folder: Path, without: str | None) -> Iterator["os.DirEntry[str]"]:
    folders = [str(folder)]
    while folders:
        try:
            entries = os.scandir(folders.pop())
        except FileNotFoundError:  # a temporary one
            continue
        with entries:
            for entry in entries:
                if entry.name == without and entry.path == str(folder / without):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                yield entry


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


def _check_file(name: str, media_type: str, folder: int) -> None:
    if not (_NAME.fullmatch(name) and _MEDIA_TYPE.fullmatch(media_type)):
        raise OutputError("an artifact's name or media type is none")
    # Without O_NONBLOCK, a pipe would keep us here.
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OutputError("an artifact is not a regular file")
    finally:
        os.close(file)


def _identity(status: os.stat_result) -> tuple[int, int, bool]:
    return status.st_dev, status.st_ino, stat.S_ISDIR(status.st_mode)

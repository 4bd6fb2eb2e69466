"""A folder on disk for one payload, and none left of workers that were killed."""

import os
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from app.observability import logger

NAME = re.compile(r"wharf-(?P<pid>\d+)-.*")


def workspace() -> "TemporaryDirectory[str]":
    return TemporaryDirectory(prefix=f"wharf-{os.getpid()}-")


def clear_leftovers() -> None:
    """Remove the folders of workers that are no more; call it before this process has any.

    SIGKILL leaves them, and Lambda keeps /tmp for the next start (AWS Lambda
    Developer Guide, "Lambda execution environment").
    """
    for folder in Path(gettempdir()).iterdir():
        named = NAME.fullmatch(folder.name)
        if named and not _is_anothers(int(named["pid"])):
            # A worker that starts at the same time may be removing it too.
            shutil.rmtree(folder, ignore_errors=True)
            logger.info("workspace.cleared", folder=folder.name, is_gone=not folder.exists())


def _is_anothers(pid: int) -> bool:
    """Whether another process lives under this id."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

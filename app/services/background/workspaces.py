"""A folder on disk for each payload; the folders of killed workers are removed."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from app.observability import logger
from app.sandbox.leftovers import remove

NAME = re.compile(r"wharf-(?P<pid>\d+)-.*")


@contextmanager
def workspace() -> Iterator[Path]:
    """Make a folder, and remove it at the end, whatever a child has made of it."""
    folder = Path(mkdtemp(prefix=f"wharf-{os.getpid()}-"))
    try:
        yield folder
    finally:
        remove(folder)


def clear_leftovers() -> None:
    """Remove the folders of workers that have ended. Call it before this process has a folder.

    SIGKILL leaves them behind, and Lambda keeps /tmp for the next start (AWS Lambda
    Developer Guide, "Lambda execution environment").
    """
    for folder in Path(gettempdir()).iterdir():
        named = NAME.fullmatch(folder.name)
        if named and not _is_anothers(int(named["pid"])):
            with suppress(OSError):  # a worker that starts at the same time may be removing it too
                remove(folder)
            logger.info("workspace.cleared", folder=folder.name, is_gone=not folder.exists())


def _is_anothers(pid: int) -> bool:
    """True if another process has this id now."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

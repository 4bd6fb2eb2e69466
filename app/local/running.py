"""Says where a run answers, in a file in its data folder, so that an operator's command finds it.

The run holds the file locked for as long as it lives, and removes it when it stops. So a file that is
not locked was left by a run that was killed.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from app.local.errors import CannotStart

FILE = "running.json"


@dataclass(frozen=True, slots=True)
class Run:
    api_url: str
    aws_url: str
    aws_region: str
    log_file: str
    #: RFC 3339.
    started_at: str


@contextmanager
def announced(folder: Path, run: Run) -> Iterator[None]:
    """Say where a run answers until the block ends."""
    new = folder / f"{FILE}.new"
    with new.open("w", encoding="utf-8") as file:
        # Lock the file before it has its name, so that a process that finds it finds it locked.
        fcntl.flock(file, fcntl.LOCK_EX)
        json.dump(asdict(run), file)
        file.flush()
        os.replace(new, folder / FILE)  # noqa: PTH105  # the file stays open
        try:
            yield
        finally:
            forget(folder)


def find(folder: Path) -> Run:
    """Return the run that uses a data folder. Raises CannotStart if there is none."""
    found = last(folder)
    if found is None:
        raise CannotStart(f"Nothing runs in {folder}. Start `make run`, or give the DATA_DIR that it has.")
    if was_killed(folder):
        raise CannotStart(
            f"The run in {folder} that began at {found.started_at} was killed, and left {folder / FILE}. "
            "Start `make run` again."
        )
    return found


def last(folder: Path) -> Run | None:
    """Return the run that uses a data folder, or the last one if it was killed; else None."""
    try:
        return Run(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        return None


def forget(folder: Path) -> None:
    (folder / FILE).unlink(missing_ok=True)


def was_killed(folder: Path) -> bool:
    """Return whether the last run in a folder ended without removing its file."""
    try:
        with (folder / FILE).open(encoding="utf-8") as file:
            return not _is_locked(file)
    except OSError:
        return False


def _is_locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False

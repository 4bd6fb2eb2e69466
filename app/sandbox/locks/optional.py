"""The two locks of a child that may stop a processor on a machine that was not tried."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.sandbox.locks import kernel, landlock
from app.sandbox.locks.filters import allow_list, refusal_list

MACHINE: Final = os.uname().machine
#: The name of this step. The worker looks for it among those that the kernel refused.
LANDLOCK: Final = "landlock"


def prepare() -> None:
    """Find out beforehand what is the same for every child: the fork server does it once."""
    kernel.prepare()
    landlock.prepare()
    with contextlib.suppress(OSError):
        allow_list(MACHINE, os.getpid())


@dataclass(frozen=True, slots=True)
class Files:
    """The files and folders that a child may use besides its libraries. A folder includes its content."""

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Locks:
    """A child's locks, as self_check.py finds them out. Without the allow list, the refusal list is used."""

    allow_list: bool = True
    landlock: bool = True
    #: Numbers of system calls that the allow list allows beside its own.
    also: frozenset[int] = frozenset()

    def restrict_files(self, files: Files) -> None:
        """Leave this process its files; raise OSError where the kernel cannot."""
        if self.landlock:
            landlock.restrict(files.readable, files.writable)

    def filter_system_calls(self) -> None:
        """Leave this process its system calls; raise OSError where the kernel cannot."""
        pid = os.getpid()
        program = allow_list(MACHINE, pid, also=self.also) if self.allow_list else refusal_list(MACHINE, pid)
        kernel.filter_system_calls(program)

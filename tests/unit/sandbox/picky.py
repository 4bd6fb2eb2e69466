"""Processors that need what a sandbox refuses; each module below has other samples."""

import ctypes
import os
from pathlib import Path

from app.processors.report import Report, Task
from tests.unit.sandbox.calls import numbers_of

NUMBERS = numbers_of(os.uname().machine)


def process(task: Task) -> Report:
    """Do what the words of the payload say: make a system call, or read a file."""
    for word in task.source.read_text("ascii").split():
        if word.startswith("/"):
            Path(word).read_bytes()
        else:
            _make(NUMBERS[word])
    return Report({})


def _make(number: int) -> None:
    """Abort, as a library in C does that never thought that a call could be refused."""
    if ctypes.CDLL(None).syscall(number, ctypes.create_string_buffer(4096), 0, 0) < 0:
        os.abort()

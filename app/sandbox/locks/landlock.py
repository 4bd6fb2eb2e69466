"""Files, TCP and signals that a child may reach, by Linux's Landlock; see landlock(7).

What a ruleset handles and does not grant is refused, to root as well. It holds for the
process that asks for it, and for good. Kernels have it from 5.13 on, if it is not
switched off; each version handles more.
"""

import contextlib
import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from app.sandbox.locks import kernel

#: The same numbers on every machine.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_ONLY, _PATH_BENEATH = 1, 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(1, 6))
_MAKE_DIR, _MAKE_REGULAR, _MOVE, _TRUNCATE, _IOCTL_DEVICE = (1 << bit for bit in (7, 8, 13, 14, 15))
_ALL_OF_THE_FIRST = (1 << 13) - 1
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE
_BIND_AND_CONNECT_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_READ: Final = _READ_FILE | _READ_DIR
_WRITE: Final = (
    _READ | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REGULAR | _MOVE
)
#: Files in which DuckDB and C libraries read about the machine and about themselves.
_OF_THE_MACHINE = ("/proc/self", "/proc/stat", "/sys/devices/system/cpu", "/sys/fs/cgroup")
_SHARED_LIBRARIES = ("/usr", "/lib", "/lib64")


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Leave this process the libraries, and these files and folders; no TCP, and no signals to others.

    Raises OSError where the kernel has no Landlock.
    """
    attributes = handled()
    files = int.from_bytes(attributes[:8], sys.byteorder)
    ruleset = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for known, rights in _known():
            _grant(ruleset, known, rights)
        for paths, rights in ((readable, _READ), (writable, _WRITE & files)):
            for path in paths:
                _grant(ruleset, str(path), rights if path.is_dir() else rights & _OF_FILES)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def prepare() -> None:
    """Find out beforehand what every child is told: the fork server does it once."""
    _known()
    with contextlib.suppress(OSError):
        handled()


@cache
def _known() -> tuple[tuple[str, int], ...]:
    """Return the files and folders that every child may use, and its rights to each."""
    paths = [path for path in (*map(Path, _OF_THE_MACHINE), *libraries()) if path.exists()]
    return tuple((str(path), _READ if path.is_dir() else _READ_FILE) for path in paths)


def libraries() -> tuple[Path, ...]:
    """Return the folders of what this process has imported, and of the system's libraries and fonts.

    A package that is not installed, such as this one in a checkout, counts with its own folder only:
    beside it may be anything.
    """
    installed = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders = _resolved((*installed, *_SHARED_LIBRARIES))
    packages = _resolved(
        folder
        for name, module in tuple(sys.modules.items())
        if "." not in name
        for folder in getattr(module, "__path__", ())
    )
    everything = folders | packages
    return tuple(sorted(path for path in everything if everything.isdisjoint(path.parents)))


def _resolved(folders: Iterable[str]) -> set[Path]:
    return {Path(folder).resolve() for folder in folders}


@cache
def handled() -> bytes:
    """Return what this kernel can refuse: files, network, and what is sent to others."""
    version = _call(_CREATE_RULESET, None, 0, _VERSION_ONLY)
    files = _ALL_OF_THE_FIRST
    files |= _MOVE if version >= 2 else 0
    files |= _TRUNCATE if version >= 3 else 0
    files |= _IOCTL_DEVICE if version >= 5 else 0
    parts = [files]
    if version >= 4:
        parts.append(_BIND_AND_CONNECT_TCP)
    if version >= 6:
        parts.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    return struct.pack(f"={len(parts)}Q", *parts)


def _grant(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: int | bytes | None) -> int:
    words = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
    return kernel.system_call(number, *words)

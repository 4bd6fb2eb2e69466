"""The calls of Linux that lock a process in, by ctypes: prctl, capabilities, seccomp.

Every function raises OSError where the kernel (or another operating system)
refuses it; the caller goes on without.
"""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Callable
from functools import cache

_SET_PARENT_DEATH_SIGNAL = 1
_SET_DUMPABLE = 4
_SET_SECCOMP = 22
_SET_CHILD_SUBREAPER = 36
_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
#: More callbacks than the libraries of one task have at once.
_CALLBACKS = 128
#: One callback stays here, so that libffi gives none of the memory back.
_callbacks: list[Callable[[], None]] = []


def hide_from_other_processes() -> None:
    """Close /proc/<this process>/environ, mem and fd to processes of the same user."""
    _prctl(_SET_DUMPABLE, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when the *thread* that forked it ends."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal_number)


def never_gain_privileges() -> None:
    _prctl(_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Give up the powers of root, such as reading other processes. The user id stays."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _call("capset", header, bytes(24))


def prepare() -> None:
    """Look up beforehand what only children call: the fork server does it once."""
    if sys.platform == "linux":
        _ = _libc().capset


def prepare_callbacks() -> None:
    """Have libffi make the executable memory of ctypes callbacks. A filtered child cannot, but may use it."""
    callback = ctypes.CFUNCTYPE(None)
    _callbacks.extend(callback(_do_nothing) for _ in range(_CALLBACKS))
    del _callbacks[1:]


def filter_system_calls(program: bytes) -> None:
    """Put this process under one of the filters of filters.py, for good."""
    instructions = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    address = ctypes.create_string_buffer(header)
    _prctl(_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(address))


def system_call(number: int, *arguments: object) -> int:
    """Make a call that the C library has no function for."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "system calls have these numbers on Linux only")
    result: int = _libc().syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def _do_nothing() -> None:
    pass


def _prctl(option: int, value: int, address: int = 0) -> None:
    _call("prctl", option, *map(ctypes.c_ulong, (value, address, 0, 0)))


def _call(function: str, *arguments: object) -> None:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, f"{function} is a Linux call")
    if getattr(_libc(), function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)

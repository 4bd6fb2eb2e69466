"""What Linux offers to lock a process in, by ctypes: prctl, capabilities, seccomp.

Every function raises OSError where the kernel (or another operating system)
refuses it; the caller goes on without.
"""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterator
from functools import cache

_SET_PARENT_DEATH_SIGNAL = 1
_SET_DUMPABLE = 4
_SET_SECCOMP = 22
_SET_CHILD_SUBREAPER = 36
_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CLONE_THREAD = 0x00010000

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_SYSCALLS = 0x40000000
"""x86_64 numbers from here on are a second table of the same calls."""

_NEVER = {
    # network; io_uring could open sockets past this filter
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "io_uring_setup": (425, 425),
    # other programs
    "execve": (59, 221),
    "execveat": (322, 281),
    # other processes of the same user: their memory, files and lives
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "tkill": (200, 130),
    # the kernel's own large surfaces
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
"""Refused whatever the arguments; numbers on x86_64 and aarch64."""
_FORKS = {"fork": (57, None), "vfork": (58, None)}
_KILL = {"kill": (62, 129), "tgkill": (234, 131)}
_PRCTL = (157, 167)
_PRLIMIT64 = (302, 261)
_CLONE = (56, 220)
_CLONE3 = (435, 435)

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000
"""Plus the errno that the caller sees."""


def hide_from_other_processes() -> None:
    """Close /proc/<this process>/environ, mem and fd to processes of the same user."""
    _prctl(_SET_DUMPABLE, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal_number: int) -> None:
    """Strictly: with the *thread* that forked this process."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal_number)


def never_gain_privileges() -> None:
    _prctl(_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Root keeps its user id and loses its powers, reading other processes among them."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _call("capset", header, bytes(24))


def filter_system_calls(*, may_fork: bool) -> None:
    """Allow no network, no exec, no reach into other processes; for this process alone, for good."""
    program = filter_program(os.uname().machine, os.getpid(), may_fork=may_fork)
    instructions = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    address = ctypes.create_string_buffer(header)
    _prctl(_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(address))


def filter_program(machine: str, pid: int, *, may_fork: bool) -> bytes:
    """The seccomp filter in classic BPF, 8 bytes an instruction; see seccomp(2)."""
    if machine not in _AUDIT_ARCH:
        raise OSError(errno.ENOSYS, f"no system call numbers for {machine}")
    column = list(_AUDIT_ARCH).index(machine)
    rules = [
        *_only_native_calls(_AUDIT_ARCH[machine]),
        *(rule for numbers in _NEVER.values() for rule in _refuse(numbers[column])),
        *(rule for numbers in _KILL.values() for rule in _refuse_unless(numbers[column], _EQUAL, pid)),
        *_refuse_unless(_PRLIMIT64[column], _EQUAL, 0),
        *_refuse_if(_PRCTL[column], _EQUAL, _SET_PARENT_DEATH_SIGNAL),
        *(() if may_fork else _refuse_processes(column)),
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(rules)


def _only_native_calls(architecture: int) -> Iterator[bytes]:
    yield _instruction(_LOAD, _ARCHITECTURE)
    yield _instruction(_EQUAL, architecture, skip_if_true=1)
    yield _instruction(_RETURN, _REFUSE + errno.EPERM)
    yield _instruction(_LOAD, _NUMBER)
    yield _instruction(_AT_LEAST, _X32_SYSCALLS, skip_if_false=1)
    yield _instruction(_RETURN, _REFUSE + errno.EPERM)


def _refuse_processes(column: int) -> Iterator[bytes]:
    """Threads stay allowed: the C library tries clone3 first, whose flags no filter can see."""
    for numbers in _FORKS.values():
        yield from _refuse(numbers[column])
    yield from _refuse(_CLONE3[column], errno.ENOSYS)
    yield from _refuse_unless(_CLONE[column], _ANY_BIT, _CLONE_THREAD)


def _refuse(number: int | None, error: int = errno.EPERM) -> Iterator[bytes]:
    if number is not None:
        yield _instruction(_EQUAL, number, skip_if_false=1)
        yield _instruction(_RETURN, _REFUSE + error)


def _refuse_unless(number: int, test: int, value: int) -> Iterator[bytes]:
    """Refuse call `number` unless its first argument passes `test` with `value`."""
    yield from _with_first_argument(number, _instruction(test, value, skip_if_true=1))


def _refuse_if(number: int, test: int, value: int) -> Iterator[bytes]:
    yield from _with_first_argument(number, _instruction(test, value, skip_if_false=1))


def _with_first_argument(number: int, skip_refusal: bytes) -> Iterator[bytes]:
    yield _instruction(_EQUAL, number, skip_if_false=4)
    yield _instruction(_LOAD, _FIRST_ARGUMENT)
    yield skip_refusal
    yield _instruction(_RETURN, _REFUSE + errno.EPERM)
    yield _instruction(_RETURN, _ALLOW)


def _instruction(code: int, value: int, *, skip_if_true: int = 0, skip_if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, skip_if_true, skip_if_false, value)


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

"""Filters of system calls, in classic BPF, 8 bytes an instruction; see seccomp(2).

* allow_list     what a child may call; anything else is refused
* refusal_list   what a child may not call; anything else is allowed. For kernels or
                 machines on which the allow list stops a processor

A refused call fails with an errno. Nothing is killed for it.
"""

import errno
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from app.sandbox.locks.system_calls import (
    ALLOWED,
    CHECKED,
    CLONE3,
    DANGEROUS,
    FORKS,
    KILL,
    REFUSED,
    TGKILL,
    Check,
    Numbers,
)

#: Linux's numbers of the machines, in the order of the columns in system_calls.py.
_AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
#: x86_64 numbers from here on are a second table of the same calls.
_X32_SYSCALLS: Final = 0x40000000
_CLONE_THREAD = 0x0001_0000
_SET_PARENT_DEATH_SIGNAL = 1

_LOAD, _MASK, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ARGUMENT_BYTES, _HALF = 8, 4
_LEAF = 4
_ALLOW: Final = 0x7FFF0000
#: The errno that the caller sees is added to this.
_REFUSE: Final = 0x00050000


def allow_list(machine: str, pid: int, *, also: Iterable[int] = ()) -> bytes:
    """Return the filter for process `pid`; raise OSError for a machine without a table.

    `also` are numbers of further calls that it allows.
    """
    first = b"".join(rule for number in also for rule in _answer(number, _ALLOW))
    before, after = _around_pid(machine)
    return (
        b"".join(_only_native_calls(machine))
        + first
        + before
        + _instruction(_EQUAL, pid, skip_if_false=1)
        + after
    )


@cache
def _around_pid(machine: str) -> tuple[bytes, bytes]:
    """Return what stands before and behind the one instruction that depends on the process.

    The fork server makes these, once.
    """
    column = _column(machine)
    tgkill = TGKILL[column]
    assert tgkill is not None  # noqa: S101  # both machines have it
    before = _instruction(_EQUAL, tgkill, skip_if_false=4) + _instruction(_LOAD, _FIRST_ARGUMENT)
    allowed, refused = _instruction(_RETURN, _ALLOW), _instruction(_RETURN, _refusal(errno.EPERM))
    answers = dict.fromkeys(_numbers(DANGEROUS, column), refused)
    answers |= dict.fromkeys(_numbers(ALLOWED, column), allowed)
    answers |= {
        number: b"".join(_alternative(checks) for checks in rule) + refused
        for numbers, rule in CHECKED.values()
        if (number := numbers[column]) is not None
    }
    number_again = _instruction(_LOAD, _NUMBER)
    return before, allowed + refused + number_again + _tree(sorted(answers.items()))


def _tree(answers: Sequence[tuple[int, bytes]]) -> bytes:
    """Return a search by halves: Linux walks through a filter for every number when the filter is set."""
    if len(answers) <= _LEAF:
        chosen = (
            _instruction(_EQUAL, number, skip_if_false=_length(answer)) + answer for number, answer in answers
        )
        return b"".join(chosen) + _instruction(_RETURN, _refusal(errno.ENOSYS))
    middle = len(answers) // 2
    upper = _tree(answers[middle:])
    split = _instruction(_AT_LEAST, answers[middle][0], skip_if_false=_length(upper))
    return split + upper + _tree(answers[:middle])


def _numbers(table: Mapping[str, Numbers], column: int) -> list[int]:
    return [number for numbers in table.values() if (number := numbers[column]) is not None]


def refusal_list(machine: str, pid: int) -> bytes:
    """Return the filter for process `pid`; raise OSError for a machine without a table."""
    column = _column(machine)
    rules = [
        *_only_native_calls(machine),
        _instruction(_AT_LEAST, _X32_SYSCALLS, skip_if_false=1),
        _instruction(_RETURN, _refusal(errno.EPERM)),
        *(rule for numbers in REFUSED.values() for rule in _refuse(numbers[column])),
        *(rule for numbers in (KILL, TGKILL) for rule in _refuse_unless(numbers[column], _EQUAL, pid)),
        *_refuse_unless(_number("prlimit64", column), _EQUAL, 0),
        *_refuse_if(_number("prctl", column), _EQUAL, _SET_PARENT_DEATH_SIGNAL),
        *_refuse_processes(column),
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(rules)


def _column(machine: str) -> int:
    if machine not in _AUDIT_ARCH:
        raise OSError(errno.ENOSYS, f"no system call numbers for {machine}")
    return list(_AUDIT_ARCH).index(machine)


def _number(name: str, column: int) -> int | None:
    return CHECKED[name][0][column]


def _only_native_calls(machine: str) -> Iterator[bytes]:
    yield _instruction(_LOAD, _ARCHITECTURE)
    yield _instruction(_EQUAL, _AUDIT_ARCH[machine], skip_if_true=1)
    yield _instruction(_RETURN, _refusal(errno.EPERM))
    yield _instruction(_LOAD, _NUMBER)


def _answer(number: int | None, answer: int) -> Iterator[bytes]:
    if number is not None:
        yield _instruction(_EQUAL, number, skip_if_false=1)
        yield _instruction(_RETURN, answer)


def _alternative(checks: Iterable[Check]) -> bytes:
    """Allow the call if all checks hold, else go on behind this."""
    body = _instruction(_RETURN, _ALLOW)
    for check in reversed(tuple(checks)):
        body = b"".join(_check(check, behind=_length(body))) + body
    return body


def _check(check: Check, *, behind: int) -> Iterator[bytes]:
    """Skip the next `behind` instructions unless the check holds."""
    yield _instruction(_LOAD, _FIRST_ARGUMENT + _ARGUMENT_BYTES * check.argument + _HALF * check.upper)
    yield _instruction(_MASK, check.mask)
    left = len(check.values) - 1
    for value in check.values[:-1]:
        yield _instruction(_EQUAL, value, skip_if_true=left)
        left -= 1
    yield _instruction(_EQUAL, check.values[-1], skip_if_false=behind)


def _refuse_processes(column: int) -> Iterator[bytes]:
    """Refuse processes, not threads. The C library tries clone3 first, whose flags no filter can see."""
    for numbers in FORKS.values():
        yield from _refuse(numbers[column])
    yield from _answer(CLONE3[column], _refusal(errno.ENOSYS))
    yield from _refuse_unless(_number("clone", column), _ANY_BIT, _CLONE_THREAD)


def _refuse(number: int | None) -> Iterator[bytes]:
    return _answer(number, _refusal(errno.EPERM))


def _refuse_unless(number: int | None, test: int, value: int) -> Iterator[bytes]:
    """Refuse call `number` unless its first argument passes `test` with `value`."""
    return _with_first_argument(number, _instruction(test, value, skip_if_true=1))


def _refuse_if(number: int | None, test: int, value: int) -> Iterator[bytes]:
    return _with_first_argument(number, _instruction(test, value, skip_if_false=1))


def _with_first_argument(number: int | None, skip_refusal: bytes) -> Iterator[bytes]:
    assert number is not None  # noqa: S101  # both machines have these calls
    yield _instruction(_EQUAL, number, skip_if_false=4)
    yield _instruction(_LOAD, _FIRST_ARGUMENT)
    yield skip_refusal
    yield _instruction(_RETURN, _refusal(errno.EPERM))
    yield _instruction(_RETURN, _ALLOW)


def _refusal(error: int) -> int:
    return _REFUSE + error


def _length(program: bytes) -> int:
    return len(program) // len(_instruction(_RETURN, 0))


def _instruction(code: int, value: int, *, skip_if_true: int = 0, skip_if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, skip_if_true, skip_if_false, value)

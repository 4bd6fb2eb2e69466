"""The system calls that a child may make: the programs in a simulator, and the calls in a child."""

import errno
import os
import struct
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from app.sandbox.client import Sandbox
from app.sandbox.locks.filters import allow_list, refusal_list
from app.sandbox.locks.system_calls import ALLOWED, CHECKED, CLONE3, DANGEROUS, FORKS, KILL, REFUSED, TGKILL
from tests.unit.sandbox.calls import BOUND, FREE, HIGHEST, MACHINES, UNFILTERED, numbers_of, refused_numbers
from tests.unit.sandbox.test_sandbox import SAMPLES, Runner

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="what only Linux can do")
on_machines = pytest.mark.parametrize("machine", MACHINES)

ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
EPERM, ENOSYS = REFUSE + errno.EPERM, REFUSE + errno.ENOSYS
OWN, OTHER = 4711, 4712


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([SAMPLES]) as sandbox:
        yield sandbox


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Runner:
    return Runner(sandbox, tmp_path, count())


def verdict(program: bytes, machine: str, number: int, *arguments: int) -> int:
    """Return the answer of a filter, by running its classic BPF as far as the filters use it."""
    words = [argument % 2**64 for argument in (*arguments, *[0] * (6 - len(arguments)))]
    call = struct.pack("<IIQ6Q", number, ARCHITECTURE[machine], 0, *words)
    instructions = list(struct.iter_unpack("=HBBI", program))
    at = register = 0
    while True:
        code, if_true, if_false, value = instructions[at]
        at += 1
        match code:
            case 0x20:
                (register,) = struct.unpack_from("<I", call, value)
            case 0x54:
                register &= value
            case 0x06:
                return int(value)
            case _:
                holds = {0x15: register == value, 0x35: register >= value, 0x45: register & value}[code]
                at += if_true if holds else if_false


TABLES = {**ALLOWED, **DANGEROUS, **REFUSED, **FORKS} | {
    name: numbers for name, (numbers, _) in CHECKED.items()
}


@on_machines
@pytest.mark.parametrize("name", sorted(TABLES))
def test_the_tables_have_the_numbers_of_linux(machine: str, name: str) -> None:
    assert TABLES[name][MACHINES.index(machine)] == numbers_of(machine).get(name)


@on_machines
def test_so_have_the_calls_that_stand_alone(machine: str) -> None:
    alone = {"clone3": CLONE3, "kill": KILL, "tgkill": TGKILL}

    for name, numbers in alone.items():
        assert numbers[MACHINES.index(machine)] == numbers_of(machine)[name]


@on_machines
def test_the_allow_list_allows_what_is_on_it_and_nothing_else(machine: str) -> None:
    program = allow_list(machine, OWN)
    numbers = numbers_of(machine)

    free = {name for name in numbers if verdict(program, machine, numbers[name], -1, -1, -1, -1) == ALLOW}
    refused = [verdict(program, machine, number) for number in refused_numbers(machine)]

    assert free == FREE & numbers.keys()
    assert len(refused) == HIGHEST + 1 - len((FREE | BOUND) & numbers.keys())
    assert set(refused) == {EPERM, ENOSYS}


@on_machines
def test_what_is_known_to_do_harm_is_not_permitted_and_what_is_unknown_does_not_exist(machine: str) -> None:
    program = allow_list(machine, OWN)
    numbers = numbers_of(machine)
    harmful = "socket connect execve ptrace kill setpriority sched_setscheduler memfd_create shmget msgget"

    assert {verdict(program, machine, numbers[name]) for name in harmful.split()} == {EPERM}
    assert {verdict(program, machine, numbers[name]) for name in ("clone3", "getcpu", "statx")} == {ENOSYS}
    assert verdict(program, machine, HIGHEST + 1000) == ENOSYS


READ, WRITE, EXEC = 1, 2, 4
SHARED, PRIVATE, ANONYMOUS, VALIDATE = 1, 2, 0x20, 3
NEW_THREAD, NEW_USER = 0x3D0F00, 0x10000000
# Each argument of a call that is bound by its arguments, and whether it may be made so.
CASES = [
    ("mmap", (0, 9, READ, PRIVATE), True),
    ("mmap", (0, 9, READ | WRITE, PRIVATE | ANONYMOUS), True),
    ("mmap", (0, 9, 0, PRIVATE | ANONYMOUS), True),
    ("mmap", (0, 9, READ, SHARED), True),
    ("mmap", (0, 9, READ | EXEC, PRIVATE), False),
    ("mmap", (0, 9, EXEC, PRIVATE | ANONYMOUS), False),
    ("mmap", (0, 9, READ | WRITE | EXEC, PRIVATE | ANONYMOUS), False),
    ("mmap", (0, 9, READ | WRITE, SHARED), False),
    ("mmap", (0, 9, WRITE, VALIDATE), False),
    ("mmap", (0, 9, READ | EXEC, SHARED), False),
    ("mmap", (0, 9, READ, SHARED | ANONYMOUS), False),
    ("mmap", (0, 9, READ | WRITE, SHARED | ANONYMOUS), False),
    ("mprotect", (0, 9, READ | WRITE), True),
    ("mprotect", (0, 9, 0), True),
    ("mprotect", (0, 9, READ | EXEC), False),
    ("mprotect", (0, 9, EXEC), False),
    ("ioctl", (3, 0x5401), True),  # TCGETS
    ("ioctl", (3, 0x5451), True),  # FIOCLEX, which Python asks for when it opens temporary files
    ("ioctl", (3, 0x5450), False),  # FIONCLEX
    ("ioctl", (3, 0x5412), False),  # TIOCSTI
    ("ioctl", (3, 0x8901), False),  # FIOSETOWN
    ("ioctl", (3, 0x5452), False),  # FIOASYNC
    ("fcntl", (3, 3), True),  # F_GETFL
    ("fcntl", (3, 6), True),  # F_SETLK
    ("fcntl", (3, 1030), True),  # F_DUPFD_CLOEXEC
    ("fcntl", (3, 4, 0x2000), False),  # F_SETFL, O_ASYNC
    ("fcntl", (3, 8, 1), False),  # F_SETOWN
    ("fcntl", (3, 10, 9), False),  # F_SETSIG
    ("fcntl", (3, 15), False),  # F_SETOWN_EX
    ("fcntl", (3, 1024), False),  # F_SETLEASE
    ("fcntl", (3, 1026), False),  # F_NOTIFY
    ("fcntl", (3, 1033), False),  # F_ADD_SEALS
    ("prctl", (15,), True),  # PR_SET_NAME
    ("prctl", (1,), False),  # PR_SET_PDEATHSIG
    ("prctl", (4, 1), False),  # PR_SET_DUMPABLE
    ("prctl", (22,), False),  # PR_SET_SECCOMP
    ("prctl", (36,), False),  # PR_SET_CHILD_SUBREAPER
    ("clone", (NEW_THREAD,), True),
    ("clone", (0x11,), False),  # as fork does
    ("clone", (0x4111,), False),  # as vfork does
    ("clone", (NEW_THREAD | NEW_USER,), False),
    ("clone", (NEW_THREAD & ~0x10000,), False),
    ("clone", (NEW_THREAD | 0x8000,), False),  # CLONE_PARENT
    ("prlimit64", (0, 7, 0, 1), True),
    ("prlimit64", (OTHER, 7, 0, 1), False),
    ("prlimit64", (0, 7, 0x1000, 0), False),
    ("prlimit64", (0, 7, 0x7F00_0000_0000, 0), False),
    ("tgkill", (OWN, 1, 6), True),
    ("tgkill", (OTHER, 1, 6), False),
    ("tgkill", (-1, 1, 6), False),
]


@on_machines
@pytest.mark.parametrize(("name", "arguments", "may"), CASES)
def test_arguments_decide(machine: str, name: str, arguments: tuple[int, ...], *, may: bool) -> None:
    program = allow_list(machine, OWN)

    assert verdict(program, machine, numbers_of(machine)[name], *arguments) == (ALLOW if may else EPERM)


def test_every_call_that_is_bound_has_cases_of_both_kinds() -> None:
    assert {(name, may) for name, _, may in CASES} == {(name, may) for name in BOUND for may in (True, False)}


@on_machines
def test_another_architectures_calls_are_refused(machine: str) -> None:
    [other] = set(MACHINES) - {machine}

    for program in (allow_list(machine, OWN), refusal_list(machine, OWN)):
        assert verdict(program, other, numbers_of(machine)["read"]) == EPERM


def test_an_unknown_machine_has_no_filter() -> None:
    with pytest.raises(OSError, match="riscv64"):
        allow_list("riscv64", OWN)
    with pytest.raises(OSError, match="riscv64"):
        refusal_list("riscv64", OWN)


# Calls with first argument, and what the list of refusals answers; None is allowed.
REFUSALS = [
    ("socket", 2, errno.EPERM),
    ("execve", 0, errno.EPERM),
    ("fork", 0, errno.EPERM),
    ("clone", 0x11, errno.EPERM),
    ("clone", NEW_THREAD, None),
    ("clone3", 0, errno.ENOSYS),
    ("kill", OWN, None),
    ("kill", OTHER, errno.EPERM),
    ("kill", -1, errno.EPERM),
    ("prlimit64", 0, None),
    ("prlimit64", OTHER, errno.EPERM),
    ("prctl", 1, errno.EPERM),
    ("prctl", 15, None),
    ("write", 3, None),
    ("close", 3, None),
]


@on_machines
@pytest.mark.parametrize(("name", "argument", "error"), REFUSALS)
def test_the_list_of_refusals_decides(machine: str, name: str, argument: int, error: int | None) -> None:
    numbers = numbers_of(machine)
    if name not in numbers:
        pytest.skip(f"{machine} has no {name}")

    answer = verdict(refusal_list(machine, OWN), machine, numbers[name], argument)

    assert answer == (ALLOW if error is None else REFUSE + error)


def test_the_second_table_of_x86_64_is_refused() -> None:
    number = 0x40000000 + numbers_of("x86_64")["socket"]

    assert verdict(allow_list("x86_64", OWN), "x86_64", number) == ENOSYS
    assert verdict(refusal_list("x86_64", OWN), "x86_64", number) == EPERM


@on_linux
def test_no_other_call_can_be_made_in_a_child(run: Runner) -> None:
    outcomes = run("make_every_other_call").summary["outcomes"]

    assert {number for number, _ in outcomes} == set(refused_numbers(os.uname().machine)) - UNFILTERED
    assert {number for number, error in outcomes if error not in (errno.EPERM, errno.ENOSYS)} == set()


@on_linux
def test_shared_memory_signals_priorities_and_executable_memory_are_refused(run: Runner) -> None:
    attempts = run("reach_past_its_limits", media_type=f"x/{os.getpid()}").summary

    assert len(attempts) == 22
    assert {name for name, outcome in attempts.items() if outcome != "PermissionError"} == set()

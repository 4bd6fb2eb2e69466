"""The system calls that a child may make, written down a second time.

The tests must not believe the tables that they test.
"""

from pathlib import Path

MACHINES = ("x86_64", "aarch64")
HIGHEST = 480
#: Calls that are allowed with any arguments.
FREE = frozenset(
    (
        "read",
        "pread64",
        "write",
        "pwrite64",
        "lseek",
        "close",
        "openat",
        "fstat",
        "newfstatat",
        "stat",
        "lstat",
        "access",
        "faccessat",
        "readlink",
        "readlinkat",
        "getcwd",
        "getdents64",
        "ftruncate",
        "mkdir",
        "mkdirat",
        "rename",
        "renameat",
        "renameat2",
        "unlink",
        "unlinkat",
        "rmdir",
        "madvise",
        "munmap",
        "mremap",
        "brk",
        "futex",
        "set_robust_list",
        "rseq",
        "getpid",
        "gettid",
        "sched_yield",
        "sched_getaffinity",
        "exit",
        "exit_group",
        "rt_sigaction",
        "rt_sigprocmask",
        "rt_sigreturn",
        "clock_gettime",
        "clock_nanosleep",
        "restart_syscall",
        "getrandom",
        "sysinfo",
    )
)
#: Calls that are allowed or refused by their arguments.
BOUND = frozenset(("mmap", "mprotect", "ioctl", "fcntl", "prctl", "clone", "prlimit64", "tgkill"))

#: uretprobe and uprobe of x86_64: Linux answers them before any filter, by SIGILL to whoever makes them.
UNFILTERED = frozenset((335, 336))


def numbers_of(machine: str) -> dict[str, int]:
    """Every call of this machine by its name, as Linux's own headers number it."""
    column = 1 + MACHINES.index(machine)
    lines = Path(__file__).with_name("calls_of_linux.txt").read_text("utf-8").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def refused_numbers(machine: str) -> list[int]:
    """Every number up to HIGHEST that no argument opens."""
    numbers = numbers_of(machine)
    allowed = {numbers[name] for name in FREE | BOUND if name in numbers}
    return [number for number in range(HIGHEST + 1) if number not in allowed]

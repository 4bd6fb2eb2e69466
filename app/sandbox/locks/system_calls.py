"""The system calls that a child may make, and those that it is refused: numbers on x86_64 and aarch64.

None stands where a machine does not have the call. The filters that are made of
these tables are in filters.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

#: In the order of the columns.
MACHINES: Final = ("x86_64", "aarch64")

Numbers = tuple[int | None, int | None]

_ALL_BITS = 0xFFFF_FFFF
_PROT_READ, _PROT_WRITE = 1, 2
_MAP_SHARED, _MAP_ANONYMOUS = 0x01, 0x20
_TCGETS, _FIOCLEX = 0x5401, 0x5451
_F_GETFL, _F_SETLK, _F_DUPFD_CLOEXEC = 3, 6, 1030
_PR_SET_NAME = 15
_CLONE_THREAD = 0x0001_0000
#: The flags that C libraries set when they start a thread, CLONE_THREAD among them.
_CLONE_OF_A_THREAD = 0x007D_0F00


@dataclass(frozen=True, slots=True)
class Check:
    """Holds if the bits of `mask` in one argument are one of `values`."""

    argument: int
    mask: int
    values: tuple[int, ...]
    #: Most arguments are 32 bits wide. True looks at the upper half of one that is an address.
    upper: bool = False


#: Alternatives, each a group of checks. A call passes if all checks of one group hold.
Rule = tuple[tuple[Check, ...], ...]

#: Calls that are allowed with any arguments. Those of the processors were traced on x86_64. Beside them stand
#: the calls that aarch64 has in their place, and those that threads, signals and other C libraries need.
ALLOWED: Final[Mapping[str, Numbers]] = MappingProxyType(
    {
        # files
        "read": (0, 63),
        "pread64": (17, 67),
        "write": (1, 64),
        "pwrite64": (18, 68),
        "lseek": (8, 62),
        "close": (3, 57),
        "openat": (257, 56),
        "fstat": (5, 80),
        "newfstatat": (262, 79),
        "stat": (4, None),
        "lstat": (6, None),
        "access": (21, None),
        "faccessat": (269, 48),
        "readlink": (89, None),
        "readlinkat": (267, 78),
        "getcwd": (79, 17),
        "getdents64": (217, 61),
        "ftruncate": (77, 46),
        "mkdir": (83, None),
        "mkdirat": (258, 34),
        "rename": (82, None),
        "renameat": (264, 38),
        "renameat2": (316, 276),
        "unlink": (87, None),
        "unlinkat": (263, 35),
        "rmdir": (84, None),
        # memory
        "madvise": (28, 233),
        "munmap": (11, 215),
        "mremap": (25, 216),
        "brk": (12, 214),
        # threads
        "futex": (202, 98),
        "set_robust_list": (273, 99),
        "rseq": (334, 293),
        "getpid": (39, 172),
        "gettid": (186, 178),
        "sched_yield": (24, 124),
        "sched_getaffinity": (204, 123),
        "exit": (60, 93),
        "exit_group": (231, 94),
        # signals and time
        "rt_sigaction": (13, 134),
        "rt_sigprocmask": (14, 135),
        "rt_sigreturn": (15, 139),
        "clock_gettime": (228, 113),
        "clock_nanosleep": (230, 115),
        "restart_syscall": (219, 128),
        # the machine
        "getrandom": (318, 278),
        "sysinfo": (99, 179),
    }
)

#: Calls that are allowed only with these arguments.
CHECKED: Final[Mapping[str, tuple[Numbers, Rule]]] = MappingProxyType(
    {
        # Nothing becomes executable, and nothing that is shared becomes writable: shared memory
        # is in no limit of the process.
        "mmap": (
            (9, 222),
            (
                (
                    Check(2, _ALL_BITS & ~(_PROT_READ | _PROT_WRITE), (0,)),
                    Check(3, _MAP_SHARED, (0,)),
                ),
                (
                    Check(2, _ALL_BITS & ~_PROT_READ, (0,)),
                    Check(3, _MAP_SHARED | _MAP_ANONYMOUS, (_MAP_SHARED,)),
                ),
            ),
        ),
        "mprotect": ((10, 226), ((Check(2, _ALL_BITS & ~(_PROT_READ | _PROT_WRITE), (0,)),),)),
        "ioctl": ((16, 29), ((Check(1, _ALL_BITS, (_TCGETS, _FIOCLEX)),),)),
        "fcntl": ((72, 25), ((Check(1, _ALL_BITS, (_F_GETFL, _F_SETLK, _F_DUPFD_CLOEXEC)),),)),
        "prctl": ((157, 167), ((Check(0, _ALL_BITS, (_PR_SET_NAME,)),),)),
        "clone": (
            (56, 220),
            (
                (
                    Check(0, _CLONE_THREAD, (_CLONE_THREAD,)),
                    Check(0, _ALL_BITS & ~_CLONE_OF_A_THREAD, (0,)),
                ),
            ),
        ),
        # The child may read its own limits.
        "prlimit64": (
            (302, 261),
            (
                (
                    Check(0, _ALL_BITS, (0,)),
                    Check(2, _ALL_BITS, (0,)),
                    Check(2, _ALL_BITS, (0,), upper=True),
                ),
            ),
        ),
    }
)

#: A child may send signals to its own process only, as abort() does.
TGKILL: Final[Numbers] = (234, 131)

#: Calls that either filter refuses, with any arguments.
REFUSED: Final[Mapping[str, Numbers]] = MappingProxyType(
    {
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
)

FORKS: Final[Mapping[str, Numbers]] = MappingProxyType({"fork": (57, None), "vfork": (58, None)})

#: Calls that are known to do harm, so the allow list answers them with EPERM. A call that is in no table is
#: answered with ENOSYS, as by a kernel that does not have it, and libraries then do without.
DANGEROUS: Final[Mapping[str, Numbers]] = MappingProxyType(
    {
        **REFUSED,
        **FORKS,
        # lives, priorities and places of other processes
        "kill": (62, 129),
        "setpriority": (141, 140),
        "ioprio_set": (251, 30),
        "sched_setparam": (142, 118),
        "sched_setscheduler": (144, 119),
        "sched_setattr": (314, 274),
        "sched_setaffinity": (203, 122),
        "migrate_pages": (256, 238),
        "move_pages": (279, 239),
        # memory and queues that no limit of the process counts, or that outlive it
        "memfd_create": (319, 279),
        "memfd_secret": (447, 447),
        "shmget": (29, 194),
        "shmat": (30, 196),
        "semget": (64, 190),
        "msgget": (68, 186),
        "mq_open": (240, 180),
        "mlock": (149, 228),
        "mlockall": (151, 230),
        # names for what is elsewhere
        "symlink": (88, None),
        "symlinkat": (266, 36),
        "link": (86, None),
        "linkat": (265, 37),
        "mknod": (133, None),
        "mknodat": (259, 33),
        # rights
        "chmod": (90, None),
        "fchmod": (91, 52),
        "fchmodat": (268, 53),
        "setuid": (105, 146),
        "setresuid": (117, 147),
        "capset": (126, 91),
        "personality": (135, 92),
    }
)

CLONE3: Final[Numbers] = (435, 435)
KILL: Final[Numbers] = (62, 129)

#: No machine has numbers from here on.
NUMBERS: Final = 512


def name_of(number: int, machine: str) -> str:
    """Return the name of a call that stands in a table, else its number."""
    tables = {**ALLOWED, **DANGEROUS, "tgkill": TGKILL, "clone3": CLONE3}
    tables |= {name: numbers for name, (numbers, _) in CHECKED.items()}
    column = MACHINES.index(machine)
    return next((name for name, numbers in tables.items() if numbers[column] == number), str(number))

"""Finds out by samples which locks let the processors work on this machine.

The allow list of system calls was made by tracing the processors on one machine. Another
processor, C library or kernel may need a call that is not on it. Then objects must not
fail: the sandbox names the call, and goes on with the list of refusals.

The decision is made here; trials.py tries a set of locks in a child.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from app.processors.report import Sample
from app.sandbox.locks.optional import Locks
from app.sandbox.locks.system_calls import NUMBERS, name_of

#: A sandbox that needs more than these few calls needs another list, whatever the others are.
MOST_CALLS: Final = 4
_WEAKEST: Final = Locks(allow_list=False, landlock=False)


@dataclass(frozen=True, slots=True)
class Probe:
    """A sample, and the module that can read it."""

    module: str
    sample: Sample

    @property
    def name(self) -> str:
        return f"{self.module.rpartition('.')[2]} {self.sample.media_type}"


#: True if all of these are processed under these locks.
Passes = Callable[[Sequence[Probe], Locks], bool]


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of the self-check, for the log."""

    locks: Locks
    #: The samples that the full locks stop.
    stopped: tuple[str, ...] = ()
    #: The system calls, by name or number, that they need.
    calls: tuple[str, ...] = ()
    #: The samples that are not processed under any locks.
    broken: tuple[str, ...] = ()

    def encode(self) -> dict[str, Any]:
        locks = {"allow_list": self.locks.allow_list, "landlock": self.locks.landlock}
        return {"locks": locks, "stopped": self.stopped, "calls": self.calls, "broken": self.broken}

    @classmethod
    def decode(cls, fields: dict[str, Any]) -> Self:
        names = {name: tuple(map(str, fields[name])) for name in ("stopped", "calls", "broken")}
        return cls(Locks(**fields["locks"]), **names)


def check(probes: Sequence[Probe], passes: Passes, machine: str) -> Findings:
    """Return the strongest locks under which all samples pass that pass at all."""
    full = Locks()
    if passes(probes, full):
        return Findings(full)
    # One by one: a sample that ends its process hides those behind it.
    failed = [probe for probe in probes if not passes((probe,), full)]
    stopped = [probe for probe in failed if passes((probe,), _WEAKEST)]
    broken = _names(probe for probe in failed if probe not in stopped)
    if not stopped:
        return Findings(full, broken=broken)
    weaker = (Locks(landlock=False), Locks(allow_list=False), _WEAKEST)
    locks = next((each for each in weaker if passes(stopped, each)), _WEAKEST)
    calls: tuple[str, ...] = ()
    if not locks.allow_list:
        needed = missing_calls(stopped, passes, replace(locks, allow_list=True))
        calls = tuple(name_of(number, machine) for number in needed)
    return Findings(locks, _names(stopped), calls, broken)


def missing_calls(probes: Sequence[Probe], passes: Passes, locks: Locks) -> list[int]:
    """Return the numbers of the calls without which the samples do not pass.

    With all calls below a number allowed, they pass from a certain number on. The one before
    is needed. It is allowed from then on, and the search repeated.
    """
    found: list[int] = []
    while len(found) < MOST_CALLS and not passes(probes, replace(locks, also=frozenset(found))):
        low, high = 0, NUMBERS
        while low < high:
            middle = (low + high) // 2
            if passes(probes, replace(locks, also=frozenset((*found, *range(middle))))):
                high = middle
            else:
                low = middle + 1
        if low in (0, NUMBERS):
            break
        found.append(low - 1)
    return found


def _names(probes: Iterable[Probe]) -> tuple[str, ...]:
    return tuple(probe.name for probe in probes)

"""Limits on what an owner uses, checked against counters that are at most a few seconds old.

The relay counts a moment behind. So what this process let through since it read
is added to what it read; what other processes let through meanwhile is not.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from app.domain.times import utc_now
from app.domain.usage import NOTHING, Limits, Usage
from app.storage.usage import UsageRepository

QUOTA_SECONDS = 5
OWNERS_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    counted: Usage
    read_at: datetime
    admitted: Usage = NOTHING
    """By this process, since it read."""


class Quotas:
    """Several threads may use it. Without a limit it reads nothing. `remembered` is in owners."""

    def __init__(
        self,
        usage: UsageRepository,
        limits: Limits,
        *,
        remembered: int = OWNERS_REMEMBERED,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.limits = limits
        self._usage = usage
        self._remembered = remembered
        self._clock = clock
        self._owners: dict[str, Known] = {}
        self._lock = Lock()

    @contextmanager
    def taking(self, owner: str, change: Usage) -> Iterator[Callable[[], None]]:
        """Admit the change that is made in the block; one that fails has taken nothing.

        The block may give it back, when it was not needed. Raises QuotaExceeded before the block begins.
        """
        read_at = self._take(owner, change)

        def give_back() -> None:
            with self._lock:
                known = self._owners.get(owner)
                # What was read anew since has admitted nothing of it.
                if known is not None and known.read_at == read_at:
                    self._owners[owner] = replace(known, admitted=known.admitted - change)

        try:
            yield give_back
        except BaseException:
            give_back()
            raise

    def _take(self, owner: str, change: Usage) -> datetime | None:
        """When the counters were read that admitted it; None where nothing limits it."""
        if not self.limits.concern(change):
            return None
        read = self._fresh(owner) or self._read(owner)
        with self._lock:
            # Another thread may have read or admitted meanwhile.
            known = self._fresh(owner) or read
            self._remember(owner, known)
            self.limits.check(known.counted + known.admitted, change)
            self._owners[owner] = replace(known, admitted=known.admitted + change)
            return known.read_at

    def _read(self, owner: str) -> Known:
        now = self._clock()
        return Known(self._usage.read(owner), now)

    def _fresh(self, owner: str) -> Known | None:
        known = self._owners.get(owner)
        if known is None:
            return None
        age = self._clock() - known.read_at
        return known if timedelta(0) <= age < timedelta(seconds=QUOTA_SECONDS) else None

    def _remember(self, owner: str, known: Known) -> None:
        self._owners.pop(owner, None)
        if len(self._owners) >= self._remembered:
            del self._owners[next(iter(self._owners))]
        self._owners[owner] = known

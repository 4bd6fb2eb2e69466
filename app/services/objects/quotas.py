"""Limits on what an owner uses, checked against counters that are at most a few seconds old.

The relay counts with a short delay. So the changes that this process has admitted
since it read the counters are added to them. Changes that other processes have
admitted meanwhile are not, so a limit may be overshot by a bounded amount
(docs/operations.md).
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
    """One owner's usage, as far as this process knows it."""

    counted: Usage
    read_at: datetime
    #: Admitted by this process since it read the counters.
    admitted: Usage = NOTHING


class Quotas:
    """Checks what each owner may still take. Safe for several threads. Without a limit nothing is read."""

    def __init__(
        self,
        usage: UsageRepository,
        limits: Limits,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.limits = limits
        self._usage = usage
        self._clock = clock
        self._owners: dict[str, Known] = {}
        self._lock = Lock()

    @contextmanager
    def taking(self, owner: str, change: Usage) -> Iterator[Callable[[], None]]:
        """Admit the change that is made in the block. A block that fails has taken nothing.

        The block gets a function that gives the change back, for a block that did not need it.
        Raises QuotaExceeded before the block begins.
        """
        read_at = self._take(owner, change)

        def give_back() -> None:
            with self._lock:
                known = self._owners.get(owner)
                # Counters that were read anew since then have not admitted this change.
                if known is not None and known.read_at == read_at:
                    self._owners[owner] = replace(known, admitted=known.admitted - change)

        try:
            yield give_back
        except BaseException:
            give_back()
            raise

    def _take(self, owner: str, change: Usage) -> datetime | None:
        """Admit the change. Return when the counters were read, or None where nothing limits it."""
        if not self.limits.concern(change):
            return None
        read = self._fresh(owner)
        if read is None:
            began = self._clock()
            read = Known(self._usage.read(owner), began)
        with self._lock:
            # Another thread may have read or admitted meanwhile.
            known = self._fresh(owner) or read
            # The owner who was asked for longest ago makes room for a new one.
            self._owners.pop(owner, None)
            if len(self._owners) >= OWNERS_REMEMBERED:
                del self._owners[next(iter(self._owners))]
            self._owners[owner] = known
            self.limits.check(known.counted + known.admitted, change)
            self._owners[owner] = replace(known, admitted=known.admitted + change)
            return known.read_at

    def _fresh(self, owner: str) -> Known | None:
        known = self._owners.get(owner)
        if known is None:
            return None
        age = self._clock() - known.read_at
        return known if timedelta(0) <= age < timedelta(seconds=QUOTA_SECONDS) else None

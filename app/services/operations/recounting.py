"""Put the counters of usage right, when an operator asks for it.

Counters need it after a record was set aside, or after the rules of what counts have
changed. The relay goes on counting meanwhile, so a counter is only replaced if nothing of
it moved: it is as it was before the objects were read, and none of them was changed since
shortly before.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.times import utc_now
from app.domain.usage import NOTHING, Usage, usage_of
from app.storage.objects import ObjectRepository, Unreadable
from app.storage.usage import Counter, UsageRepository

#: The relay has counted a change after this time, unless its alarm for the age of records rings.
RELAY_SECONDS = 60


class Verdict(StrEnum):
    RIGHT = "right"
    CORRECTED = "corrected"
    #: Objects are being changed right now.
    BUSY = "busy"
    #: An object of the owner cannot be read, so nobody knows what the counter should be.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Recount:
    counter: Counter
    counted: Usage
    found: Usage
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Recounted:
    counters: tuple[Recount, ...]
    unreadable: tuple[Unreadable, ...]


class Recounting:
    def __init__(
        self,
        objects: ObjectRepository,
        usage: UsageRepository,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._usage = usage
        self._clock = clock

    def recount(self) -> Recounted:
        """Compare each counter with its objects, and correct it. It may be repeated.

        Reads the whole table twice. Leaves the counters of an owner who has an object that
        this version of the code cannot read.
        """
        quiet_since = self._clock() - timedelta(seconds=RELAY_SECONDS)
        counters = self._usage.counters()
        found: dict[Counter, Usage] = defaultdict(lambda: NOTHING)
        busy: set[Counter] = set()
        unreadable: list[Unreadable] = []
        for stored in self._objects.all():
            if isinstance(stored, Unreadable):
                unreadable.append(stored)
                continue
            counter = Counter(stored.owner, stored.shard)
            found[counter] += usage_of(stored)
            if stored.updated_at > quiet_since:
                busy.add(counter)
        unknown = {one.owner for one in unreadable}
        done = []
        for counter in sorted(counters.keys() | found.keys()):
            counted, right = counters.get(counter, NOTHING), found[counter]
            if counter.owner in unknown:
                verdict = Verdict.UNKNOWN
            elif counter in busy:
                verdict = Verdict.BUSY
            elif counted == right:
                verdict = Verdict.RIGHT
            else:
                is_correct = self._usage.replace(counter, counted, right)
                verdict = Verdict.CORRECTED if is_correct else Verdict.BUSY
            done.append(Recount(counter, counted, right, verdict))
        return Recounted(tuple(done), tuple(unreadable))

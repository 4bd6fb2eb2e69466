"""The feed: an owner's events in the order in which they were recorded, by position in each shard.

Positions are given one after another, so a reader who finds one missing either reads while it
is being written, or comes after it was dropped for its age. What is a minute old is not being
written any more. All decisions about a page of the feed are made here.
"""

import heapq
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from operator import attrgetter

#: How long an entry is kept, and how old a cursor may be.
KEPT = timedelta(days=30)
#: The time that a reader who begins with the oldest entry has to move on before its place expires.
HEAD_START = timedelta(days=1)
#: An entry of this age is not being written any more: transactions of the relay end long before.
SETTLED = timedelta(minutes=1)
#: The most bytes that the events of a page may take as JSON.
PAGE_BYTES = 4_000_000

BEGINNING_OF_TIME = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class End:
    """The end of a shard's feed."""

    position: int
    #: When the newest entry was recorded.
    recorded_at: datetime

    def is_settled(self, now: datetime) -> bool:
        return self.recorded_at <= now - SETTLED


NO_END = End(0, BEGINNING_OF_TIME)


@dataclass(frozen=True, slots=True)
class Entry(End):
    """One event in the feed."""

    shard: int
    event_id: str
    type: str
    kind: str
    #: The size of the event as JSON.
    bytes: int


@dataclass(frozen=True, slots=True)
class Place:
    """How far a reader has come."""

    #: The last position in each shard.
    positions: tuple[int, ...]
    #: The reader has had everything that was recorded before this moment.
    until: datetime

    #: The form of a place in a cursor. A moment of 11 digits is in the year 5138. At most 64 shards exist.
    FORM = re.compile(r"[0-9]{1,11}:(?:[0-9]{1,15}(?:\.[0-9]{1,15}){0,63})?", re.ASCII)

    @classmethod
    def of_text(cls, text: str) -> "Place":
        until, _, positions = text.partition(":")
        return cls(
            tuple(int(position) for position in positions.split(".") if position),
            datetime.fromtimestamp(int(until), UTC),
        )

    def __str__(self) -> str:
        return f"{int(self.until.timestamp())}:{'.'.join(str(position) for position in self.positions)}"

    def __getitem__(self, shard: int) -> int:
        """Return the position in a shard. In a shard that is new to the reader it is 0."""
        return self.positions[shard] if shard < len(self.positions) else 0

    def is_expired(self, now: datetime) -> bool:
        """True if entries that the reader has not had may have been dropped."""
        return self.until < now - KEPT

    def moved(self, to: Mapping[int, int], until: datetime) -> "Place":
        shards = range(max(len(self.positions), *(shard + 1 for shard in to), 0))
        return Place(tuple(to.get(shard, self[shard]) for shard in shards), max(self.until, until))


def beginning(now: datetime) -> Place:
    """Return the place before the oldest entry that is kept."""
    return Place((), now - KEPT + HEAD_START)


def latest(ends: Mapping[int, End], now: datetime) -> Place:
    """Return the place behind the newest entry."""
    return Place((), now - SETTLED).moved({shard: end.position for shard, end in ends.items()}, now - SETTLED)


@dataclass(frozen=True, slots=True)
class ShardPart:
    """The entries of a shard that can be read now, in the order of positions."""

    entries: tuple[Entry, ...]
    #: The position that a reader of all these entries has come to.
    last: int


def readable(found: Sequence[Entry], *, after: int, end: End, is_all: bool, now: datetime) -> ShardPart:
    """Return the entries behind a position up to the first gap that may still be filled.

    `end` was read before the entries were. If `is_all`, no entry follows those that were found.
    """
    last = after
    for count, entry in enumerate(found):
        if entry.position != last + 1 and not entry.is_settled(now):
            return ShardPart(tuple(found[:count]), last)
        last = entry.position
    if is_all and end.is_settled(now):
        last = max(last, end.position)
    return ShardPart(tuple(found), last)


def page_of(parts: Mapping[int, ShardPart], wanted: Callable[[Entry], bool], limit: int) -> list[Entry]:
    """Return the entries that a page passes, oldest first, with at most `limit` that are wanted.

    Across shards the order is that of time. A page ends before its events take PAGE_BYTES.
    """
    passed: list[Entry] = []
    count = size = 0
    for entry in heapq.merge(*(part.entries for part in parts.values()), key=attrgetter("recorded_at")):
        if wanted(entry):
            size += entry.bytes
            if count == limit or (count and size > PAGE_BYTES):
                break
            count += 1
        passed.append(entry)
    return passed


def settled(passed: Sequence[Entry], is_there: Callable[[Entry], bool], now: datetime) -> list[Entry]:
    """Return the entries up to the first whose event is not there yet. An old one was dropped."""
    return list(takewhile(lambda entry: is_there(entry) or entry.is_settled(now), passed))


def place_behind(
    passed: Sequence[Entry],
    place: Place,
    *,
    parts: Mapping[int, ShardPart],
    ends: Mapping[int, End],
    now: datetime,
) -> Place:
    """Return the place of a reader who had these entries of the parts."""
    newest = {entry.shard: entry for entry in passed}
    positions, moments = {}, [now - SETTLED]
    for shard, part in parts.items():
        had = newest.get(shard)
        is_passed = not part.entries or had == part.entries[-1]
        positions[shard] = part.last if is_passed else had.position if had else place[shard]
        if positions[shard] < ends[shard].position:
            moments.append(had.recorded_at if had else place.until)
    return place.moved(positions, min(moments))

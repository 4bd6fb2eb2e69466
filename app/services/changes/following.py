"""Read the feed: an owner's events in the order in which they were recorded, each once, without gaps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.errors import CursorExpired
from app.domain.feed import (
    Entry,
    Place,
    ShardPart,
    beginning,
    latest,
    page_of,
    place_behind,
    readable,
    settled,
)
from app.domain.times import utc_now
from app.services.cursors import decode_cursor, encode_cursor
from app.storage.feed import FeedRepository
from app.storage.history import HistoryRepository
from app.storage.usage import UsageRepository

#: This in the place of a cursor asks for the events that are recorded from now on.
LATEST = "latest"
#: How many entries of a shard a filtered page may read, since many may not match.
FILTERED_READ = 400


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """The events of an owner that a reader wants. Without types or without a kind, it is all of them."""

    owner: str
    types: frozenset[str] = field(default_factory=frozenset)
    kind: str | None = None
    limit: int = 100

    def wants(self, entry: Entry) -> bool:
        return (not self.types or entry.type in self.types) and self.kind in (None, entry.kind)

    @property
    def reads(self) -> int:
        """How many entries of a shard a page reads."""
        return max(self.limit, FILTERED_READ) if self.types or self.kind else self.limit

    @property
    def scope(self) -> list[Any]:
        return ["events", self.owner, sorted(self.types), self.kind]


@dataclass(frozen=True, slots=True)
class FeedPage:
    """CloudEvents, in the order in which they were recorded."""

    items: tuple[dict[str, Any], ...]
    #: The place that the reader has come to.
    place: Place
    #: True if more can be read at once.
    has_more: bool


class Following:
    def __init__(
        self,
        usage: UsageRepository,
        feed: FeedRepository,
        history: HistoryRepository,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._usage = usage
        self._feed = feed
        self._history = history
        self._clock = clock

    def place(self, query: FeedQuery, after: str | None) -> Place:
        """Return the place that a cursor, or the lack of one, stands for.

        Raises InvalidCursor, or CursorExpired if events behind it may have been dropped.
        """
        now = self._clock()
        if after is None:
            return beginning(now)
        if after == LATEST:
            return latest(self._usage.ends(query.owner), now)
        place = Place.of_text(decode_cursor(after, query.scope, of_form=Place.FORM))
        if place.is_expired(now):
            raise CursorExpired
        return place

    def cursor(self, query: FeedQuery, place: Place) -> str:
        return encode_cursor(str(place), query.scope)

    def read(self, query: FeedQuery, place: Place) -> FeedPage:
        """Return what follows a place: a page, which may be short or empty although more follow."""
        ends, now = self._usage.ends(query.owner), self._clock()
        parts: dict[int, ShardPart] = {}
        for shard, end in ends.items():
            if end.position > (after := place[shard]):
                found = self._feed.entries(query.owner, shard, after=after, limit=query.reads)
                parts[shard] = readable(found.items, after=after, end=end, is_all=found.is_all, now=now)
        passed = page_of(parts, query.wants, query.limit)
        events = self._history.events(query.owner, [one.event_id for one in passed if query.wants(one)])
        # The transaction of the newest entries may be under way, so that not all of it can be seen.
        passed = settled(passed, lambda one: one.event_id in events or not query.wants(one), now)
        come_to = place_behind(passed, place, parts=parts, ends=ends, now=now)
        # An event that was recorded twice has two entries.
        shown = dict.fromkeys(one.event_id for one in passed)
        items = [event for event_id in shown if (event := events.get(event_id)) is not None]
        return FeedPage(
            tuple(items), come_to, any(end.position > come_to[shard] for shard, end in ends.items())
        )

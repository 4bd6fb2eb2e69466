"""Relays that write one feed at the same time, at their worst, and readers who follow it meanwhile.

    Life     what happens to one object, as records of the stream
    Relay    writes the records of its objects in their order, some of them again
    Reader   keeps what it has read and its cursor, as a client does, and may be killed in between
    follow   runs them all, and returns what each reader has
    in_feed  returns what the feed itself has

All of it is chosen by the seed. What the threads make of it is not: each run is another one.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from threading import Event
from typing import Any
from uuid import UUID

from app.domain.causes import Cause
from app.domain.errors import Unavailable
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Payload, Result
from app.domain.usage import NOTHING, Usage, usage_of
from app.services.changes.following import FeedQuery, Following
from app.services.changes.relaying import Relaying
from app.storage.feed import FeedRepository
from tests.conftest import NOW, Aws, make_object
from tests.events import stream_record
from tests.faults import answering, cancelling, not_replying
from tests.services import relaying_on

SHARDS = 2
RELAYS = 4
TROUBLED = 0.15
DELAYED = 0.3
LONGEST_DELAY_SECONDS = 0.03
MakeAws = Callable[[], Aws]


@dataclass(frozen=True, slots=True)
class Life:
    states: tuple[StoredObject, ...]

    @property
    def records(self) -> list[dict[str, Any]]:
        changes = pairwise((None, *self.states))
        return [stream_record(before, after) for before, after in changes if after is not None]


def lives(owner: str, number: int, chance: Random) -> list[Life]:
    return [_life(owner, str(UUID(int=chance.getrandbits(128), version=4)), chance) for _ in range(number)]


def _life(owner: str, object_id: str, chance: Random) -> Life:
    created = make_object(owner=owner, id=object_id, shard=chance.randrange(SHARDS))
    claimed = created.claim(now=NOW, lease_until=NOW)
    ready = claimed.accept(Payload("text/csv", 12, "a" * 64, 1), Result({}, ()), now=NOW)
    states = [created, claimed, ready]
    for number in range(chance.randrange(4)):
        states.append(
            states[-1].edit(name=f"{number}", attributes={}, labels={}, now=NOW, cause=Cause("request-2"))
        )
    if chance.random() < 0.2:
        states.append(states[-1].delete(now=NOW, cause=Cause("request-3")))
    return Life(tuple(states))


@contextmanager
def troubled(aws: Aws, chance: Random) -> Iterator[None]:
    """Delay calls to the table, cancel or fail transactions, and lose replies of those that were made."""

    def strike(params: Mapping[str, Any], model: Any, **_: Any) -> Any:
        if chance.random() < DELAYED:
            time.sleep(chance.uniform(0, LONGEST_DELAY_SECONDS))
        if model.name != "TransactWriteItems" or chance.random() > TROUBLED:
            return None
        items = params["body"].count(b'"Put"') + 1
        conflict = cancelling(*["None"] * (items - 1), "TransactionConflict")
        return chance.choice((conflict, answering(500)))()

    def lose(**_: Any) -> None:
        if chance.random() < TROUBLED:
            not_replying()

    events = aws.dynamodb.meta.events
    events.register("before-call.dynamodb", strike)
    events.register("after-call.dynamodb.TransactWriteItems", lose)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", strike)
        events.unregister("after-call.dynamodb.TransactWriteItems", lose)


@dataclass(frozen=True, slots=True)
class Relay:
    relaying: Relaying
    records: Sequence[dict[str, Any]]
    chance: Random

    def run(self) -> None:
        """Write everything; a batch begins anew at the record that was not finished."""
        start = 0
        while start < len(self.records):
            batch = self.records[start : start + self.chance.randrange(1, 40)]
            left = self.relaying.relay(batch)
            numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
            start += len(batch) if left is None else numbers.index(left)
            if self.chance.random() < 0.2:
                again = self.chance.randrange(start + 1)
                self.relaying.relay(self.records[again : again + 30])


@dataclass(slots=True)
class Reader:
    """`rest` is called between two pages; `dies` after a page was handled, before its cursor was kept."""

    following: Following
    query: FeedQuery
    rest: Callable[[], None]
    dies: Callable[[], bool] = lambda: False
    read: list[dict[str, Any]] = field(default_factory=list)
    deaths: int = 0
    _had: set[str] = field(default_factory=set)
    _cursor: str | None = None

    def run(self, is_over: Event) -> None:
        while True:
            was_over = is_over.is_set()
            if not self._turn() and was_over:
                return
            self.rest()

    def _turn(self) -> bool:
        """Read a page; return True if more can be read."""
        try:
            page = self.following.read(self.query, self.following.place(self.query, self._cursor))
        except Unavailable:
            return True
        for event in page.items:
            if event["id"] not in self._had:
                self._had.add(event["id"])
                self.read.append(event)
        if self.dies():
            self.deaths += 1
            return True
        self._cursor = self.following.cursor(self.query, page.place)
        return page.has_more


@dataclass(frozen=True, slots=True)
class Followed:
    lives: Sequence[Life]
    readers: Mapping[str, Reader]

    @property
    def usage(self) -> Usage:
        """Return what the objects use in the end."""
        return sum((usage_of(life.states[-1]) for life in self.lives), NOTHING)


def follow(make_aws: MakeAws, *, owner: str, objects: int, seed: int) -> Followed:
    chance = Random(seed)
    found = lives(owner, objects, chance)
    readers = dict(_readers(make_aws, owner, chance))
    is_over = Event()
    with ThreadPoolExecutor(len(readers) + RELAYS) as threads:
        reading = [threads.submit(reader.run, is_over) for reader in readers.values()]
        try:
            _relay(make_aws, found, chance, threads)
        finally:
            is_over.set()
        for one in reading:
            one.result()
    return Followed(found, readers)


def in_feed(feed: FeedRepository, owner: str) -> dict[int, list[tuple[int, str]]]:
    """Return position and event of each entry, by shard."""
    found: dict[int, list[tuple[int, str]]] = {}
    for shard in range(SHARDS):
        after, is_all = 0, False
        found[shard] = []
        while not is_all:
            page = feed.entries(owner, shard, after=after, limit=100)
            found[shard] += [(entry.position, entry.event_id) for entry in page.items]
            after, is_all = (found[shard][-1][0] if found[shard] else 0), page.is_all
    return found


def _readers(make_aws: MakeAws, owner: str, chance: Random) -> Iterator[tuple[str, Reader]]:
    def following() -> Following:
        adapters = make_aws().adapters()
        return Following(adapters.usage, adapters.feed, adapters.history)

    own = Random(chance.random())
    everything = FeedQuery(owner)
    yield "polls", Reader(following(), everything, lambda: time.sleep(0.05))
    yield "sleeps", Reader(following(), everything, lambda: time.sleep(own.uniform(0, 1)))
    yield "is killed", Reader(following(), everything, lambda: time.sleep(0.1), lambda: own.random() < 0.4)
    yield "reads little", Reader(following(), FeedQuery(owner, limit=3), lambda: None)
    ready = FeedQuery(owner, frozenset({"object.ready"}))
    yield "wants few", Reader(following(), ready, lambda: time.sleep(0.1))


def _relay(make_aws: MakeAws, found: Sequence[Life], chance: Random, threads: ThreadPoolExecutor) -> None:
    """Relay as Lambda does: the records of one object are in one batch after another."""
    with ExitStack() as troubles:
        relays = []
        for number in range(RELAYS):
            aws = make_aws()
            records = _mixed(found[number::RELAYS], chance)
            relays.append(Relay(relaying_on(aws), records, Random(chance.random())))
            troubles.enter_context(troubled(aws, Random(chance.random())))
        for written in [threads.submit(relay.run) for relay in relays]:
            written.result()


def _mixed(found: Sequence[Life], chance: Random) -> list[dict[str, Any]]:
    """The records of several lives, each in its order."""
    left = [life.records for life in found]
    mixed = []
    while left:
        one = chance.choice(left)
        mixed.append(one.pop(0))
        left = [records for records in left if records]
    return mixed

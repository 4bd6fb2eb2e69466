"""The feed, on both backends: every event once, at positions without holes, whoever writes beside."""

from datetime import timedelta

import pytest

from app.domain.feed import KEPT, End
from app.domain.objects.stored import StoredObject
from app.domain.times import utc_now
from app.domain.usage import Usage
from app.storage.feed import FeedRepository
from app.storage.history import HistoryRepository
from app.storage.recording import CountedEvent, EventRecorder
from app.storage.usage import UsageRepository
from tests.conftest import Aws
from tests.contracts.conftest import MakeStored
from tests.contracts.test_history_repository import events_of
from tests.faults import before, lose_reply
from tests.services import purge_history

ONE = Usage(1, 12)


@pytest.fixture
def usage(backend: Aws) -> UsageRepository:
    return backend.adapters().usage


@pytest.fixture
def recorder(backend: Aws) -> EventRecorder:
    return backend.adapters().recorder


@pytest.fixture
def feed(backend: Aws) -> FeedRepository:
    return backend.adapters().feed


@pytest.fixture
def stored(make: MakeStored) -> StoredObject:
    return make()


def in_feed(feed: FeedRepository, owner: str, shard: int = 0) -> list[tuple[int, str]]:
    """The positions, each with the id of its event."""
    found = feed.entries(owner, shard, after=0, limit=100)
    assert found.is_all
    return [(entry.position, entry.event_id) for entry in found.items]


def numbered(stored: StoredObject, *versions: int) -> list[tuple[int, str]]:
    return list(enumerate((f"{stored.id}:{version}" for version in versions), 1))


def test_an_owner_without_events_has_no_feed(
    usage: UsageRepository, feed: FeedRepository, owner: str
) -> None:
    assert usage.ends(owner) == {}
    assert in_feed(feed, owner) == []


def test_positions_follow_one_another_over_transactions(
    usage: UsageRepository, recorder: EventRecorder, feed: FeedRepository, stored: StoredObject
) -> None:
    events = [CountedEvent(event, ONE) for event in events_of(stored, 5)]

    recorder.record(events[:3], shard=0)
    recorder.record(events[3:], shard=0)

    assert in_feed(feed, stored.owner) == numbered(stored, 1, 2, 3, 4, 5)
    assert usage.ends(stored.owner)[0].position == 5


def test_an_entry_tells_its_event_and_when_it_may_go(
    usage: UsageRepository, recorder: EventRecorder, feed: FeedRepository, backend: Aws, stored: StoredObject
) -> None:
    [event] = events_of(stored, 1)
    began = utc_now()

    recorder.record([CountedEvent(event, ONE)], shard=3)

    [entry] = feed.entries(stored.owner, 3, after=0, limit=10).items
    assert (entry.shard, entry.position, entry.event_id) == (3, 1, event.id)
    assert (entry.type, entry.kind, entry.bytes) == (event.type, "dataset", len(event.text.encode()))
    assert began <= entry.recorded_at <= utc_now()
    assert usage.ends(stored.owner) == {3: End(1, entry.recorded_at)}
    key = {"pk": {"S": f"{stored.owner}#feed#3"}, "sk": {"S": "000000000000001"}}
    item = backend.dynamodb.get_item(TableName=backend.table, Key=key)["Item"]
    assert item["purge_at"] == {"N": str(int((entry.recorded_at + KEPT).timestamp()))}
    assert timedelta(days=30) == KEPT


def test_a_page_begins_behind_a_position(
    recorder: EventRecorder, feed: FeedRepository, stored: StoredObject
) -> None:
    recorder.record([CountedEvent(event, ONE) for event in events_of(stored, 5)], shard=0)

    page = feed.entries(stored.owner, 0, after=1, limit=2)

    assert [entry.position for entry in page.items] == [2, 3]
    assert not page.is_all


def test_each_owner_and_shard_has_positions_of_its_own(
    recorder: EventRecorder, feed: FeedRepository, make: MakeStored
) -> None:
    mine, other = make(), make(owner="local-other")
    for stored, shard in ((mine, 0), (make(), 1), (other, 0)):
        recorder.record([CountedEvent(event, ONE) for event in events_of(stored, 2)], shard=shard)

    assert in_feed(feed, mine.owner) == numbered(mine, 1, 2)
    assert [position for position, _ in in_feed(feed, mine.owner, 1)] == [1, 2]


def test_a_repeated_event_takes_no_position(
    usage: UsageRepository, recorder: EventRecorder, feed: FeedRepository, stored: StoredObject
) -> None:
    events = [CountedEvent(event, ONE) for event in events_of(stored, 4)]

    recorder.record(events[1:3], shard=0)
    recorder.record(events, shard=0)
    recorder.record(events, shard=0)

    assert in_feed(feed, stored.owner) == numbered(stored, 2, 3, 1, 4)
    assert usage.read(stored.owner) == Usage(4, 48)


def test_an_event_whose_history_was_purged_takes_no_second_position(
    recorder: EventRecorder, feed: FeedRepository, history: HistoryRepository, stored: StoredObject
) -> None:
    [event] = events_of(stored, 1)
    recorder.record([CountedEvent(event, ONE)], shard=0)
    purge_history(history, stored.owner, stored.id)

    recorder.record([CountedEvent(event, ONE)], shard=0)

    assert in_feed(feed, stored.owner) == numbered(stored, 1)


def test_an_event_whose_reply_got_lost_takes_one_position(
    recorder: EventRecorder, feed: FeedRepository, backend: Aws, stored: StoredObject
) -> None:
    [event] = events_of(stored, 1)
    lose_reply(backend.dynamodb, "TransactWriteItems")

    recorder.record([CountedEvent(event, ONE)], shard=0)

    assert in_feed(feed, stored.owner) == numbered(stored, 1)


def test_another_relay_that_was_faster_leaves_no_hole_and_loses_nothing(
    usage: UsageRepository, recorder: EventRecorder, feed: FeedRepository, backend: Aws, make: MakeStored
) -> None:
    mine, other = make(), make()
    theirs = [CountedEvent(event, ONE) for event in events_of(other, 2)]
    before(backend.dynamodb, "TransactWriteItems", lambda: recorder.record(theirs, shard=0))

    recorder.record([CountedEvent(event, ONE) for event in events_of(mine, 3)], shard=0)

    assert [position for position, _ in in_feed(feed, mine.owner)] == [1, 2, 3, 4, 5]
    assert [event for _, event in in_feed(feed, mine.owner)] == [
        *(f"{other.id}:{version}" for version in (1, 2)),
        *(f"{mine.id}:{version}" for version in (1, 2, 3)),
    ]
    assert usage.read(mine.owner) == Usage(5, 60)
    assert usage.ends(mine.owner)[0].position == 5


def test_another_relay_with_the_same_events_leaves_each_once(
    usage: UsageRepository, recorder: EventRecorder, feed: FeedRepository, backend: Aws, stored: StoredObject
) -> None:
    events = [CountedEvent(event, ONE) for event in events_of(stored, 3)]
    before(backend.dynamodb, "TransactWriteItems", lambda: recorder.record(events[:2], shard=0))

    recorder.record(events, shard=0)

    assert in_feed(feed, stored.owner) == numbered(stored, 1, 2, 3)
    assert usage.read(stored.owner) == Usage(3, 36)


def test_a_counter_from_before_the_feed_goes_on_with_what_it_counted(
    usage: UsageRepository, recorder: EventRecorder, feed: FeedRepository, backend: Aws, stored: StoredObject
) -> None:
    counted = {"objects": {"N": "7"}, "bytes": {"N": "70"}}
    key = {"pk": {"S": f"{stored.owner}#usage"}, "sk": {"S": "shard#0"}}
    backend.dynamodb.put_item(TableName=backend.table, Item=key | counted)
    assert usage.ends(stored.owner)[0].position == 0

    recorder.record([CountedEvent(event, ONE) for event in events_of(stored, 1)], shard=0)

    assert in_feed(feed, stored.owner) == numbered(stored, 1)
    assert usage.read(stored.owner) == Usage(8, 82)

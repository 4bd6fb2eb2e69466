"""Readers of the feed see each event once and in order, whatever happens beside them."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.domain.causes import Cause
from app.domain.errors import CursorExpired, InvalidCursor
from app.domain.events import ObjectEvent, event_of
from app.domain.feed import KEPT, SETTLED
from app.domain.objects.stored import StoredObject
from app.domain.times import utc_now
from app.domain.usage import NOTHING
from app.services.changes.following import LATEST, FeedQuery, Following
from app.services.changes.relaying import Relaying
from app.storage.recording import CountedEvent
from tests.conftest import NOW, Aws, Clock, make_object
from tests.events import stream_record
from tests.faults import after, calls_of
from tests.services import purge_before, purge_history, relaying_on

OWNER = "local-me"
MINE = FeedQuery(OWNER)


@pytest.fixture
def now() -> Clock:
    """The storage notes the real time, so the reader's clock begins there."""
    return Clock(utc_now())


@pytest.fixture
def following(aws: Aws, now: Clock) -> Following:
    adapters = aws.adapters()
    return Following(adapters.usage, adapters.feed, adapters.history, clock=now)


def born(**changes: Any) -> ObjectEvent:
    event = event_of(None, make_object(**{"id": str(uuid4()), "owner": OWNER} | changes))
    assert event is not None
    return event


def record(aws: Aws, events: Sequence[ObjectEvent], shard: int = 0) -> list[str]:
    aws.adapters().recorder.record([CountedEvent(event, NOTHING) for event in events], shard=shard)
    return [event.id for event in events]


def read(
    following: Following, query: FeedQuery = MINE, after: str | None = None
) -> tuple[list[str], str, bool]:
    """The ids of a page, its cursor, and if more can be read."""
    page = following.read(query, following.place(query, after))
    return [event["id"] for event in page.items], following.cursor(query, page.place), page.has_more


def walk(following: Following, query: FeedQuery = MINE) -> Iterator[list[str]]:
    ids, cursor, has_more = read(following, query)
    yield ids
    while has_more:
        ids, cursor, has_more = read(following, query, cursor)
        yield ids


def drop(aws: Aws, position: int, shard: int = 0) -> None:
    """Drop an entry as TTL does."""
    key = {"pk": {"S": f"{OWNER}#feed#{shard}"}, "sk": {"S": f"{position:015d}"}}
    aws.dynamodb.delete_item(TableName=aws.table, Key=key)


def forget(aws: Aws, event: ObjectEvent) -> None:
    """Drop what proves that the event of a creation was recorded, as TTL does."""
    key = {"pk": {"S": f"{OWNER}#{event.object_id}"}, "sk": {"S": "event#000000000001"}}
    aws.dynamodb.delete_item(TableName=aws.table, Key=key)


def test_an_empty_feed_is_read_in_one_call(following: Following, aws: Aws) -> None:
    calls = calls_of(aws.dynamodb)

    ids, cursor, has_more = read(following)

    assert (ids, has_more) == ([], False)
    assert [call.operation for call in calls] == ["Query"]
    record(aws, [event := born()])
    assert read(following, after=cursor)[0] == [event.id]


def test_the_feed_holds_what_the_history_holds(following: Following, aws: Aws) -> None:
    created = make_object(owner=OWNER)
    claimed = created.claim(now=NOW, lease_until=NOW + timedelta(minutes=5))
    relaying_on(aws).relay([stream_record(None, created), stream_record(created, claimed)])

    page = following.read(MINE, following.place(MINE, None))

    assert page.items == aws.adapters().history.page(OWNER, created.id, after_version=0, limit=20).items
    assert len(page.items) == 2


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_together_hold_every_event_once(following: Following, aws: Aws, limit: int) -> None:
    recorded = record(aws, [born() for _ in range(5)]) + record(aws, [born()])

    pages = list(walk(following, FeedQuery(OWNER, limit=limit)))

    assert [one for page in pages for one in page] == recorded
    assert all(len(page) <= limit for page in pages)


def test_the_same_place_gives_the_same_page(following: Following, aws: Aws) -> None:
    record(aws, [born() for _ in range(4)])
    _, cursor, _ = read(following, FeedQuery(OWNER, limit=1))

    assert read(following, FeedQuery(OWNER, limit=1), cursor) == read(
        following, FeedQuery(OWNER, limit=1), cursor
    )


def test_all_shards_are_read_also_one_that_came_later(following: Following, aws: Aws) -> None:
    recorded = record(aws, [born(), born()], shard=0)
    ids, cursor, _ = read(following)
    assert ids == recorded

    later = record(aws, [born()], shard=3) + record(aws, [born()], shard=0)

    assert sorted(read(following, after=cursor)[0]) == sorted(later)


def test_a_poll_that_finds_nothing_new_costs_one_call(following: Following, aws: Aws) -> None:
    for shard in range(3):
        record(aws, [born()], shard=shard)
    _, cursor, _ = read(following)
    calls = calls_of(aws.dynamodb)

    assert read(following, after=cursor)[0] == []

    assert [call.operation for call in calls] == ["Query"]


def test_only_the_shards_that_moved_are_read(following: Following, aws: Aws) -> None:
    for shard in range(3):
        record(aws, [born()], shard=shard)
    _, cursor, _ = read(following)
    record(aws, [born()], shard=1)
    calls = calls_of(aws.dynamodb)

    assert len(read(following, after=cursor)[0]) == 1

    assert [call.operation for call in calls] == ["Query", "Query", "BatchGetItem"]


def test_reads_are_strongly_consistent(following: Following, aws: Aws) -> None:
    record(aws, [born()])
    calls = calls_of(aws.dynamodb)

    read(following)

    consistent = [
        call.parameters.get("ConsistentRead") or call.parameters["RequestItems"][aws.table]["ConsistentRead"]
        for call in calls
    ]
    assert consistent == [True, True, True]


def test_latest_begins_behind_what_is_there(following: Following, aws: Aws) -> None:
    record(aws, [born(), born()])
    ids, cursor, has_more = read(following, after=LATEST)
    assert (ids, has_more) == ([], False)

    recorded = record(aws, [born()])

    assert read(following, after=cursor)[0] == recorded


class TestFilters:
    def test_types_and_kind_combine(self, following: Following, aws: Aws) -> None:
        dataset, record_born = born(), born(kind="record")
        stored = make_object(owner=OWNER, id=dataset.object_id)
        claimed = event_of(stored, stored.claim(now=NOW, lease_until=NOW))
        assert claimed is not None
        record(aws, [dataset, record_born, claimed])

        def found(types: set[str] = frozenset(), kind: str | None = None) -> list[str]:  # type: ignore[assignment]
            return read(following, FeedQuery(OWNER, frozenset(types), kind))[0]

        assert found({"object.created"}) == [dataset.id, record_born.id]
        assert found({"object.created", "object.processing"}, "dataset") == [dataset.id, claimed.id]
        assert found(kind="record") == [record_born.id]
        assert found({"object.failed"}) == []

    def test_what_is_not_wanted_is_passed(self, following: Following, aws: Aws) -> None:
        record(aws, [born() for _ in range(3)])
        query = FeedQuery(OWNER, kind="record")

        ids, cursor, has_more = read(following, query)

        assert (ids, has_more) == ([], False)
        [last] = record(aws, [born(kind="record")])
        assert read(following, query, cursor)[0] == [last]

    def test_the_bodies_of_what_is_not_wanted_are_not_read(self, following: Following, aws: Aws) -> None:
        record(aws, [born() for _ in range(3)])
        calls = calls_of(aws.dynamodb)

        read(following, FeedQuery(OWNER, kind="record"))

        assert [call.operation for call in calls] == ["Query", "Query"]

    def test_a_rare_event_is_found_in_pages_that_say_that_more_follow(
        self, following: Following, aws: Aws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.services.changes.following.FILTERED_READ", 40)
        record(aws, [born() for _ in range(49)])
        rare = record(aws, [born(kind="record")])

        pages = list(walk(following, FeedQuery(OWNER, kind="record", limit=5)))

        assert pages == [[], rare]

    def test_a_cursor_is_bound_to_its_filters_and_owner(self, following: Following, aws: Aws) -> None:
        record(aws, [born()])
        _, cursor, _ = read(following)

        for other in (
            FeedQuery(OWNER, kind="record"),
            FeedQuery("local-ada"),
            FeedQuery(OWNER, frozenset({"a"})),
        ):
            with pytest.raises(InvalidCursor):
                read(following, other, cursor)
        # The number of events in a page is not a filter.
        read(following, FeedQuery(OWNER, limit=1), cursor)

    @pytest.mark.parametrize("damaged", ["", "x", "latest ", "AAAA"])
    def test_a_damaged_cursor_is_refused(self, following: Following, damaged: str) -> None:
        with pytest.raises(InvalidCursor):
            read(following, after=damaged)


class TestGaps:
    def test_a_reader_waits_for_a_position_that_may_still_come(
        self, following: Following, aws: Aws, now: Clock
    ) -> None:
        recorded = record(aws, [born() for _ in range(4)])
        drop(aws, 2)

        ids, cursor, has_more = read(following)
        assert (ids, has_more) == (recorded[:1], True)
        assert read(following, after=cursor)[0] == []

        now.move(seconds=SETTLED.total_seconds() + 1)
        assert read(following, after=cursor)[0] == recorded[2:]

    def test_where_the_rest_was_dropped_a_reader_is_told_of_no_more(
        self, following: Following, aws: Aws, now: Clock
    ) -> None:
        record(aws, [born() for _ in range(3)])
        for position in (1, 2, 3):
            drop(aws, position)
        now.move(days=29)

        ids, cursor, has_more = read(following)

        assert (ids, has_more) == ([], False)
        [event] = record(aws, [born()])
        assert read(following, after=cursor)[0] == [event]

    def test_an_event_whose_body_is_not_there_yet_is_waited_for(
        self, following: Following, aws: Aws, now: Clock
    ) -> None:
        """The items of a transaction do not become visible in one moment."""
        recorded = record(aws, [born() for _ in range(3)])

        def hide(answer: dict[str, Any]) -> None:
            answer["Responses"][aws.table] = [
                item for item in answer["Responses"][aws.table] if item["pk"]["S"][-36:] not in recorded[1]
            ]

        after(aws.dynamodb, "BatchGetItem", hide)
        ids, cursor, has_more = read(following)

        assert (ids, has_more) == (recorded[:1], True)
        assert read(following, after=cursor)[0] == recorded[1:]

    def test_a_purged_event_is_passed_over(self, following: Following, aws: Aws) -> None:
        events = [born(), born(), born()]
        recorded = record(aws, events)
        purge_history(aws.adapters().history, OWNER, events[1].object_id)

        ids, _, has_more = read(following)

        assert (ids, has_more) == ([recorded[0], recorded[2]], False)

    def test_an_event_that_was_recorded_twice_is_shown_once(self, following: Following, aws: Aws) -> None:
        """The proof of the first time is gone, say after a table was restored by hand."""
        events = [born(), born(), born()]
        recorded = record(aws, events)
        forget(aws, events[1])
        record(aws, [events[1]])

        ids, cursor, has_more = read(following)

        assert (ids, has_more) == (recorded, False)
        assert read(following, after=cursor)[0] == []

    def test_an_event_that_is_gone_with_its_object_is_passed_over(
        self, following: Following, aws: Aws, now: Clock
    ) -> None:
        events = [born(), born()]
        recorded = record(aws, events)
        forget(aws, events[0])
        now.move(seconds=SETTLED.total_seconds() + 1)

        assert read(following)[0] == recorded[1:]


class TestDeletion:
    def test_the_event_of_a_deletion_is_still_there_after_the_purge(
        self, following: Following, aws: Aws
    ) -> None:
        stored = make_object(owner=OWNER)
        relay(aws, None, stored)
        deleted = stored.delete(now=NOW, cause=Cause("request-2"))
        relay(aws, stored, deleted)
        history = aws.adapters().history
        purge_before(history, OWNER, stored.id, deleted.version)

        assert read(following)[0] == [f"{stored.id}:2"]


def relay(aws: Aws, before: StoredObject | None, changed: StoredObject) -> None:
    relaying: Relaying = relaying_on(aws)
    assert relaying.relay([stream_record(before, changed)]) is None


class TestAge:
    def test_a_cursor_is_good_for_thirty_days(self, following: Following, aws: Aws, now: Clock) -> None:
        record(aws, [born()])
        _, cursor, _ = read(following)

        now.move(days=KEPT.days, minutes=-2)
        read(following, after=cursor)
        now.move(minutes=3)
        with pytest.raises(CursorExpired):
            read(following, after=cursor)

    def test_polling_keeps_a_cursor_young(self, following: Following, aws: Aws, now: Clock) -> None:
        record(aws, [born()])
        _, cursor, _ = read(following)
        for _ in range(3):
            now.move(days=20)
            _, cursor, _ = read(following, after=cursor)

        assert read(following, after=cursor)[0] == []

    def test_a_reader_far_behind_is_told_before_it_misses_anything(
        self, following: Following, aws: Aws, now: Clock
    ) -> None:
        """Its cursor is as old as what it has read, not as the page that it came with."""
        record(aws, [born() for _ in range(3)])
        one = FeedQuery(OWNER, limit=1)
        now.move(days=20)
        _, cursor, _ = read(following, one)
        now.move(days=9)
        read(following, one, cursor)

        now.move(days=2)
        with pytest.raises(CursorExpired):
            read(following, one, cursor)

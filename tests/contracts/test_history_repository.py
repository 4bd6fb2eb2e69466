"""The promises of the history repository to the services that keep an object's events."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.domain.causes import Cause
from app.domain.events import ObjectEvent, event_of
from app.domain.objects.stored import StoredObject
from app.storage.history import HistoryPage, HistoryRepository
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, Aws
from tests.contracts.conftest import MakeStored
from tests.faults import Call, after, calls_of, lose_reply
from tests.services import add_to_history, purge_before, purge_history

ATTRIBUTES = {"share": 1 / 3, "big": 10**40, "größe": "日本 🚢", "": None, "deep": [[[{}]]]}


@pytest.fixture
def stored(make: MakeStored) -> StoredObject:
    return make()


def events_of(stored: StoredObject, number: int) -> list[ObjectEvent]:
    """Return the events of its creation and of the edits after it."""
    events = [event_of(None, stored)]
    for _ in range(number - 1):
        before = stored
        stored = stored.edit(
            name=stored.name, attributes=ATTRIBUTES, labels={}, now=NOW, cause=Cause("request-2")
        )
        events.append(event_of(before, stored))
    return [event for event in events if event is not None]


def add_all(history: HistoryRepository, events: Sequence[ObjectEvent]) -> None:
    for event in events:
        add_to_history(history, event)


def whole(history: HistoryRepository, stored: StoredObject) -> HistoryPage:
    return history.page(stored.owner, stored.id, after_version=0, limit=100)


def versions(events: Sequence[dict[str, object]]) -> list[int]:
    return [int(str(event["id"]).rpartition(":")[2]) for event in events]


def test_events_are_kept_as_cloud_events(history: HistoryRepository, stored: StoredObject) -> None:
    events = events_of(stored, 2)

    add_all(history, events)

    page = whole(history, stored)
    assert list(page.items) == [event.as_cloud_event() for event in events]
    assert page.last_version is None


def test_an_event_added_again_changes_nothing(history: HistoryRepository, stored: StoredObject) -> None:
    events = events_of(stored, 3)
    add_all(history, events)

    add_all(history, [*events, *events])

    assert versions(whole(history, stored).items) == [1, 2, 3]


def test_events_come_in_the_order_of_versions_not_of_arrival(
    history: HistoryRepository, stored: StoredObject
) -> None:
    events = events_of(stored, 12)

    for event in reversed(events):
        add_to_history(history, event)

    assert versions(whole(history, stored).items) == list(range(1, 13))


def test_an_event_that_was_purged_is_not_written_again(
    history: HistoryRepository, stored: StoredObject
) -> None:
    """A stream may bring its record once more, and nobody would purge it again."""
    events = events_of(stored, 2)
    add_all(history, events)
    purge_history(history, stored.owner, stored.id)

    add_all(history, events)

    assert whole(history, stored).items == ()


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_pages_follow_each_other_without_gap_or_repeat(
    history: HistoryRepository, stored: StoredObject, limit: int
) -> None:
    add_all(history, events_of(stored, 5))

    found: list[int] = []
    after: int | None = 0
    while after is not None:
        page = history.page(stored.owner, stored.id, after_version=after, limit=limit)
        assert len(page.items) <= limit
        found += versions(page.items)
        after = page.last_version

    assert found == [1, 2, 3, 4, 5]


def test_the_object_itself_is_no_event(
    history: HistoryRepository, objects: ObjectRepository, stored: StoredObject
) -> None:
    objects.add(stored)
    add_all(history, events_of(stored, 1))

    assert versions(whole(history, stored).items) == [1]


def test_a_history_is_of_one_object_only(
    history: HistoryRepository, stored: StoredObject, make: MakeStored
) -> None:
    other = make()
    add_all(history, [*events_of(stored, 2), *events_of(other, 3)])

    assert versions(whole(history, stored).items) == [1, 2]
    assert versions(whole(history, other).items) == [1, 2, 3]


def test_a_purged_history_is_empty(history: HistoryRepository, stored: StoredObject) -> None:
    add_all(history, events_of(stored, 3))

    purge_history(history, stored.owner, stored.id)

    assert whole(history, stored) == HistoryPage((), None)


@pytest.mark.parametrize("number", [0, 25, 26, 60])
def test_a_history_of_any_length_is_purged(
    history: HistoryRepository, stored: StoredObject, number: int
) -> None:
    add_all(history, events_of(stored, number)[:number])

    purge_history(history, stored.owner, stored.id)

    assert whole(history, stored).items == ()


def test_the_events_from_a_version_on_are_kept(history: HistoryRepository, stored: StoredObject) -> None:
    add_all(history, events_of(stored, 5))

    purge_before(history, stored.owner, stored.id, 4)

    assert versions(whole(history, stored).items) == [4, 5]


def test_a_purge_that_runs_out_of_time_is_gone_on_with_where_it_ended(
    history: HistoryRepository, stored: StoredObject, backend: Aws
) -> None:
    add_all(history, events_of(stored, 60))
    calls = calls_of(backend.dynamodb)
    times = iter([True, True, False])

    is_done = purge_before(history, stored.owner, stored.id, 60, has_time=lambda: next(times))
    left = versions(whole(history, stored).items)
    is_done_then = purge_before(history, stored.owner, stored.id, 60)

    assert (is_done, is_done_then) == (False, True)
    assert left == list(range(51, 61))
    assert versions(whole(history, stored).items) == [60]
    written = [call.parameters["RequestItems"][backend.table] for call in calls_by(calls, "BatchWriteItem")]
    assert [len(batch) for batch in written] == [25, 25, 9]


def calls_by(calls: Sequence[Call], operation: str) -> list[Call]:
    return [call for call in calls if call.operation == operation]


def test_the_event_of_a_deletion_goes_by_itself_before_the_tombstone_may(
    history: HistoryRepository, stored: StoredObject, backend: Aws
) -> None:
    """An object that is created anew under the same id has events of its own."""
    deleted = stored.delete(now=NOW, cause=Cause("request-2"))
    events = [event_of(None, stored), event_of(stored, deleted)]

    add_all(history, [event for event in events if event is not None])

    assert deleted.deadline is not None
    tombstone = deleted.purged(now=deleted.deadline).purge_at
    key = {"pk": {"S": f"{stored.owner}#{stored.id}"}}
    [first, last] = [
        backend.dynamodb.get_item(TableName=backend.table, Key=key | {"sk": {"S": f"event#{version:012d}"}})
        for version in (1, 2)
    ]
    assert "purge_at" not in first["Item"]
    assert tombstone is not None
    assert int(last["Item"]["purge_at"]["N"]) == int((tombstone - timedelta(days=2)).timestamp())


def test_a_history_larger_than_a_page_of_dynamodb_is_purged(
    history: HistoryRepository, stored: StoredObject
) -> None:
    """A query answers at most 1 MB at a time."""
    large = replace(stored, attributes={"text": "x" * 30_000})
    events = [replace(event, data=event_data(large)) for event in events_of(stored, 45)]
    add_all(history, events)

    purge_history(history, stored.owner, stored.id)

    assert whole(history, stored).items == ()


def event_data(stored: StoredObject) -> Mapping[str, Any]:
    event = event_of(None, stored)
    assert event is not None
    return event.data


def test_to_purge_a_history_again_changes_nothing(history: HistoryRepository, stored: StoredObject) -> None:
    add_all(history, events_of(stored, 2))

    for _ in range(2):
        purge_history(history, stored.owner, stored.id)

    assert whole(history, stored).items == ()


def test_a_purge_of_the_history_leaves_the_object_and_its_neighbours(
    history: HistoryRepository, objects: ObjectRepository, stored: StoredObject, make: MakeStored
) -> None:
    other = make()
    objects.add(stored)
    add_all(history, [*events_of(stored, 2), *events_of(other, 2)])

    purge_history(history, stored.owner, stored.id)

    assert objects.get(stored.owner, stored.id) == stored
    assert versions(whole(history, other).items) == [1, 2]


def test_a_purge_whose_reply_got_lost_has_succeeded(
    history: HistoryRepository, stored: StoredObject, backend: Aws
) -> None:
    add_all(history, events_of(stored, 3))
    lose_reply(backend.dynamodb, "BatchWriteItem")

    purge_history(history, stored.owner, stored.id)

    assert whole(history, stored).items == ()


def test_what_dynamodb_leaves_undeleted_is_deleted_again(
    history: HistoryRepository, stored: StoredObject, backend: Aws
) -> None:
    add_all(history, events_of(stored, 3))
    calls = calls_of(backend.dynamodb)
    key = {"pk": {"S": f"{stored.owner}#{stored.id}"}, "sk": {"S": "event#000000000002"}}
    left = {backend.table: [{"DeleteRequest": {"Key": key}}]}
    after(backend.dynamodb, "BatchWriteItem", lambda answer: answer.update(UnprocessedItems=left))

    purge_history(history, stored.owner, stored.id)

    assert [call.operation for call in calls] == ["Query", "BatchWriteItem", "BatchWriteItem"]
    assert calls[-1].parameters["RequestItems"] == left
    assert whole(history, stored).items == ()

"""Usage counters, on both backends: an event counts once, however often it comes."""

import pytest

from app.aws.faults import TRIES
from app.domain.errors import Unavailable
from app.domain.objects.stored import StoredObject
from app.domain.usage import NOTHING, Usage
from app.storage.history import HistoryRepository
from app.storage.recording import PAUSES_SECONDS, CountedEvent, EventRecorder, RefusedEvents
from app.storage.usage import UsageRepository
from tests.conftest import Aws
from tests.contracts.conftest import MakeStored
from tests.contracts.test_history_repository import events_of, whole
from tests.faults import Fault, answering, calls_of, cancelling, conflict, fail, lose_reply, unhook_all
from tests.services import purge_history


@pytest.fixture
def usage(backend: Aws) -> UsageRepository:
    return backend.adapters().usage


@pytest.fixture
def recorder(backend: Aws) -> EventRecorder:
    return backend.adapters().recorder


@pytest.fixture
def stored(make: MakeStored) -> StoredObject:
    return make()


def test_an_owner_without_objects_uses_nothing(usage: UsageRepository, owner: str) -> None:
    assert usage.read(owner) == NOTHING


def test_an_event_is_counted_and_kept(
    usage: UsageRepository, recorder: EventRecorder, history: HistoryRepository, stored: StoredObject
) -> None:
    [event] = events_of(stored, 1)

    recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)

    assert usage.read(stored.owner) == Usage(1, 12)
    assert list(whole(history, stored).items) == [event.as_cloud_event()]


def test_a_repeated_event_counts_once(
    usage: UsageRepository, recorder: EventRecorder, stored: StoredObject
) -> None:
    [event] = events_of(stored, 1)

    for _ in range(3):
        recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)

    assert usage.read(stored.owner) == Usage(1, 12)


def test_an_event_whose_reply_got_lost_counts_once(
    usage: UsageRepository, recorder: EventRecorder, backend: Aws, stored: StoredObject
) -> None:
    [event] = events_of(stored, 1)
    lose_reply(backend.dynamodb, "TransactWriteItems")

    recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)

    assert usage.read(stored.owner) == Usage(1, 12)


def test_the_shards_are_added_up(
    usage: UsageRepository, recorder: EventRecorder, make: MakeStored, stored: StoredObject
) -> None:
    first, second = events_of(stored, 2)
    recorder.record([CountedEvent(first, Usage(2, 30))], shard=0)
    recorder.record([CountedEvent(second, Usage(-1, -12))], shard=1)

    assert usage.read(stored.owner) == Usage(1, 18)


@pytest.mark.parametrize(
    ("lacking", "left"),
    [(Usage(-3, 0), Usage(0, 12)), (Usage(0, -30), Usage(1, 0)), (Usage(-3, -30), NOTHING)],
    ids=["objects", "bytes", "both"],
)
def test_nobody_uses_less_than_nothing(
    usage: UsageRepository, recorder: EventRecorder, stored: StoredObject, lacking: Usage, left: Usage
) -> None:
    """An object that the relay set aside was not counted, but its deletion is."""
    first, second = events_of(stored, 2)
    recorder.record([CountedEvent(first, Usage(1, 12))], shard=0)
    recorder.record([CountedEvent(second, lacking)], shard=1)

    assert usage.read(stored.owner) == left


TIRING = TRIES * len(PAUSES_SECONDS)


@pytest.mark.parametrize(
    "fault",
    [
        cancelling("None", "TransactionConflict"),
        cancelling("TransactionConflict", "None"),
        cancelling("ThrottlingError", "None"),
        answering(400, "TransactionInProgressException"),
        answering(500),
    ],
    ids=["the counter is taken", "the event is taken", "throttled", "still under way", "failed"],
)
def test_a_transaction_that_was_not_made_is_tried_again(
    usage: UsageRepository, recorder: EventRecorder, backend: Aws, stored: StoredObject, fault: Fault
) -> None:
    [event] = events_of(stored, 1)
    fail(backend.dynamodb, "TransactWriteItems", fault, times=TIRING)

    with pytest.raises(Unavailable):
        recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)
    unhook_all()
    recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)

    assert usage.read(stored.owner) == Usage(1, 12)


def test_others_at_the_same_counter_are_waited_for(
    usage: UsageRepository, recorder: EventRecorder, backend: Aws, stored: StoredObject
) -> None:
    [event] = events_of(stored, 1)
    conflict(backend.dynamodb, times=len(PAUSES_SECONDS) - 1)

    recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)

    assert usage.read(stored.owner) == Usage(1, 12)


def test_several_events_are_one_transaction(
    usage: UsageRepository,
    recorder: EventRecorder,
    history: HistoryRepository,
    backend: Aws,
    stored: StoredObject,
) -> None:
    events = events_of(stored, 3)
    calls = calls_of(backend.dynamodb)

    recorder.record([CountedEvent(event, Usage(1, 12)) for event in events], shard=0)

    assert [call.operation for call in calls] == ["GetItem", "TransactWriteItems"]
    assert usage.read(stored.owner) == Usage(3, 36)
    assert list(whole(history, stored).items) == [event.as_cloud_event() for event in events]


def test_of_several_events_those_that_are_there_already_are_left_out(
    usage: UsageRepository, recorder: EventRecorder, history: HistoryRepository, stored: StoredObject
) -> None:
    events = events_of(stored, 4)
    recorder.record([CountedEvent(event, Usage(1, 12)) for event in events[1:3]], shard=0)

    recorder.record([CountedEvent(event, Usage(1, 12)) for event in events], shard=0)

    assert usage.read(stored.owner) == Usage(4, 48)
    assert list(whole(history, stored).items) == [event.as_cloud_event() for event in events]


def test_where_nothing_changes_the_position_moves_all_the_same(
    usage: UsageRepository, recorder: EventRecorder, stored: StoredObject
) -> None:
    recorder.record([CountedEvent(event, NOTHING) for event in events_of(stored, 2)], shard=0)

    assert usage.read(stored.owner) == NOTHING
    assert usage.ends(stored.owner)[0].position == 2


@pytest.mark.parametrize(
    "fault",
    [cancelling("ValidationError", "None"), answering(400, "ValidationException")],
    ids=["an item", "the whole"],
)
def test_an_event_that_can_never_be_written_is_told_at_once(
    recorder: EventRecorder, backend: Aws, stored: StoredObject, fault: Fault
) -> None:
    [event] = events_of(stored, 1)
    fail(backend.dynamodb, "TransactWriteItems", fault)

    with pytest.raises(RefusedEvents):
        recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)


def test_an_event_that_was_counted_before_is_done_also_while_others_count(
    usage: UsageRepository, recorder: EventRecorder, backend: Aws, stored: StoredObject
) -> None:
    [event] = events_of(stored, 1)
    recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)
    fail(backend.dynamodb, "TransactWriteItems", cancelling("ConditionalCheckFailed", "TransactionConflict"))

    recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)

    assert usage.read(stored.owner) == Usage(1, 12)


def test_an_event_whose_history_was_purged_was_counted(
    usage: UsageRepository, recorder: EventRecorder, history: HistoryRepository, stored: StoredObject
) -> None:
    [event] = events_of(stored, 1)
    recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)
    purge_history(history, stored.owner, stored.id)

    recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)

    assert usage.read(stored.owner) == Usage(1, 12)

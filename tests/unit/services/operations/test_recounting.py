"""Counters that went wrong are put right, while the relay goes on counting."""

import pytest

from app.bootstrap.operations import compose_recounting
from app.domain.causes import Cause
from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.domain.usage import NOTHING, Usage, usage_of
from app.services.operations.recounting import RELAY_SECONDS, Recounting, Verdict
from app.storage.objects import ObjectRepository, Unreadable
from app.storage.recording import CountedEvent, EventRecorder
from app.storage.usage import Counter, UsageRepository
from tests.conftest import Aws, Clock
from tests.faults import before
from tests.statuses import STATUSES, make_in, make_record

ME, YOU = "local-me", "local-you"
MINE = make_in("ready").id


@pytest.fixture
def usage(aws: Aws) -> UsageRepository:
    return aws.adapters().usage


@pytest.fixture
def recorder(aws: Aws) -> EventRecorder:
    return aws.adapters().recorder


@pytest.fixture
def recounting(aws: Aws, clock: Clock) -> Recounting:
    """A minute after the sample objects were changed."""
    clock.move(seconds=RELAY_SECONDS + 1)
    return compose_recounting(aws.adapters(), clock=clock)


def count(recorder: EventRecorder, stored: StoredObject, change: Usage) -> None:
    event = event_of(None, stored)
    assert event is not None
    recorder.record([CountedEvent(event, change)], shard=stored.shard)


def test_each_counter_becomes_what_its_objects_take(
    recounting: Recounting, repository: ObjectRepository, usage: UsageRepository, recorder: EventRecorder
) -> None:
    mine = [repository.add(make_in(status, id=f"{n}" * 8 + MINE[8:])) for n, status in enumerate(STATUSES)]
    yours = repository.add(make_record(owner=YOU))
    count(recorder, mine[0], Usage(40, 7))
    count(recorder, yours, usage_of(yours))

    done = {one.counter: one.verdict for one in recounting.recount().counters}

    assert done == {Counter(ME, 0): Verdict.CORRECTED, Counter(YOU, 0): Verdict.RIGHT}
    assert usage.read(ME) == sum((usage_of(stored) for stored in mine), NOTHING)
    assert {one.verdict for one in recounting.recount().counters} == {Verdict.RIGHT}


def test_a_counter_that_was_never_written_is_made(
    recounting: Recounting, repository: ObjectRepository, usage: UsageRepository
) -> None:
    stored = repository.add(make_record())

    [done] = recounting.recount().counters

    assert (done.counted, done.found, done.verdict) == (NOTHING, usage_of(stored), Verdict.CORRECTED)
    assert usage.read(ME) == usage_of(stored)


def test_a_counter_without_objects_becomes_nothing(
    recounting: Recounting, usage: UsageRepository, recorder: EventRecorder
) -> None:
    count(recorder, make_record(), Usage(3, 30))

    [done] = recounting.recount().counters

    assert (done.verdict, usage.read(ME)) == (Verdict.CORRECTED, NOTHING)
    assert [one.verdict for one in recounting.recount().counters] == [Verdict.RIGHT]


def test_a_counter_whose_objects_are_being_changed_is_left_alone(
    recounting: Recounting,
    repository: ObjectRepository,
    usage: UsageRepository,
    recorder: EventRecorder,
    clock: Clock,
) -> None:
    """The relay may have counted the change, or not yet."""
    stored = repository.add(make_record())
    edited = stored.edit(name="new", attributes={}, labels={}, now=clock(), cause=Cause("request-2"))
    repository.save(edited, read=stored)
    count(recorder, stored, Usage(40, 7))

    [done] = recounting.recount().counters
    assert (done.verdict, usage.read(ME)) == (Verdict.BUSY, Usage(40, 7))

    clock.move(seconds=RELAY_SECONDS + 1)
    assert [one.verdict for one in recounting.recount().counters] == [Verdict.CORRECTED]
    assert usage.read(ME) == usage_of(edited)


def test_a_counter_that_the_relay_moves_meanwhile_is_left_alone(
    recounting: Recounting,
    repository: ObjectRepository,
    usage: UsageRepository,
    recorder: EventRecorder,
    aws: Aws,
) -> None:
    stored = repository.add(make_record())
    count(recorder, stored, Usage(40, 7))
    other = make_record(id="11111111-9a0e-4e6f-8a51-2f1c7f1f6a10")
    before(aws.dynamodb, "UpdateItem", lambda: count(recorder, other, Usage(1, 1)))

    [done] = recounting.recount().counters

    assert (done.verdict, usage.read(ME)) == (Verdict.BUSY, Usage(41, 8))


def test_an_object_that_cannot_be_read_is_named_and_leaves_the_counters_of_its_owner_as_they_are(
    recounting: Recounting, repository: ObjectRepository, usage: UsageRepository, aws: Aws
) -> None:
    repository.add(make_record())
    yours = repository.add(make_record(owner=YOU))
    unreadable = {"pk": {"S": f"{ME}#handmade"}, "sk": {"S": "object"}, "status": {"S": "weird"}}
    aws.dynamodb.put_item(TableName=aws.table, Item=unreadable)

    done = recounting.recount()

    assert done.unreadable == (Unreadable(ME, "handmade"),)
    assert {one.counter.owner: one.verdict for one in done.counters} == {
        ME: Verdict.UNKNOWN,
        YOU: Verdict.CORRECTED,
    }
    assert (usage.read(ME), usage.read(YOU)) == (NOTHING, usage_of(yours))

"""Every object whose deadline has passed is put right, and no other is looked at."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from app.bootstrap.worker import compose_sweeping
from app.config import WorkerSettings
from app.domain.causes import Cause
from app.domain.errors import InvalidPayload, ProblemCode, Unavailable
from app.domain.objects.stored import TOMBSTONE_DAYS, StoredObject
from app.domain.objects.values import Payload, PayloadKey, Result, Status
from app.messaging.messages import Arrival, parse_message
from app.services.background.purging import RESERVE_SECONDS
from app.services.background.sweeping import Action, Sweeping, decide
from app.storage.items import object_key
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore
from tests.conftest import NOW, Aws, Clock, make_object
from tests.faults import after, answering, before, calls_of, fail
from tests.in_parts import EXPIRES_AT, make_in_parts
from tests.unit.services.conftest import keys_in_bucket, messages_in

MAX_ATTEMPTS = 3
CSV = b"a,b\n1,2\n3,4\n"
#: The deadline of the sample object.
DUE = NOW + timedelta(minutes=20)
LEASE_UNTIL = NOW + timedelta(minutes=5)
#: The end of the sample object's upload URL.
URL_UNTIL = NOW + timedelta(minutes=15)
PLENTY = 300.0

CLAIMED = make_object().claim(now=NOW, lease_until=LEASE_UNTIL)
COMPLETING = make_in_parts().begin_parts("upload-1").ask_completion(now=NOW)
TOMBSTONE = make_object().delete(now=NOW, cause=Cause("request-2"))


def sweeping_on(aws: Aws, clock: Clock, *, list_shards: int = 1) -> Sweeping:
    settings = aws.settings(WorkerSettings, list_shards=list_shards, max_attempts=MAX_ATTEMPTS)
    return compose_sweeping(aws.adapters(list_shards=list_shards), settings, clock=clock)


@pytest.fixture
def sweeping(aws: Aws, clock: Clock) -> Sweeping:
    return sweeping_on(aws, clock)


def sweep(sweeping: Sweeping) -> Counter[Action]:
    return sweeping.sweep(seconds_left=lambda: PLENTY)


def key_of(stored: StoredObject) -> PayloadKey:
    assert stored.newest is not None
    return PayloadKey(stored.owner, stored.id, stored.newest.number)


def upload(payloads: PayloadStore, stored: StoredObject) -> None:
    assert stored.newest is not None
    payloads.put_once(key_of(stored), CSV, stored.newest)


def queued(aws: Aws) -> list[Arrival]:
    """The messages in the work queue, as the worker reads them."""
    contents = [parse_message(message["Body"]).content for message in messages_in(aws, aws.queue_url)]
    return [content for content in contents if isinstance(content, Arrival)]


DECISIONS: dict[str, tuple[StoredObject, bool, datetime, Action]] = {
    "pending, payload there": (make_object(), True, DUE, Action.REQUEUE),
    "pending, no payload": (make_object(), False, DUE, Action.EXPIRE),
    "pending, not due": (make_object(), False, DUE - timedelta(milliseconds=1), Action.LEAVE),
    "pending, to be put together": (COMPLETING, False, EXPIRES_AT + timedelta(days=1), Action.COMPLETE),
    "pending, put together, payload there": (COMPLETING, True, DUE, Action.REQUEUE),
    "pending, parts not all uploaded": (
        make_in_parts().begin_parts("upload-1"),
        False,
        EXPIRES_AT + timedelta(minutes=5),
        Action.EXPIRE,
    ),
    "processing, lease lapsed": (CLAIMED, False, LEASE_UNTIL, Action.REQUEUE),
    "processing, lease held": (
        CLAIMED,
        False,
        LEASE_UNTIL - timedelta(milliseconds=1),
        Action.LEAVE,
    ),
    "processing, lease longer than the deadline": (
        replace(CLAIMED, deadline=NOW),
        False,
        NOW + timedelta(minutes=1),
        Action.LEAVE,
    ),
    "processing, lease released": (CLAIMED.release(now=NOW), False, LEASE_UNTIL, Action.REQUEUE),
    "processing, attempts used up": (replace(CLAIMED, attempts=3), False, LEASE_UNTIL, Action.GIVE_UP),
    "processing, attempts used up, lease held": (
        replace(CLAIMED, attempts=3, deadline=NOW),
        False,
        NOW,
        Action.LEAVE,
    ),
    "ready": (
        CLAIMED.accept(Payload("text/csv", 12, "a" * 64, 1), Result({}, ()), now=NOW),
        False,
        DUE,
        Action.LEAVE,
    ),
    "rejected": (
        CLAIMED.reject(InvalidPayload(ProblemCode.INVALID_CONTENT, "no"), now=NOW),
        False,
        DUE,
        Action.LEAVE,
    ),
    "failed": (CLAIMED.give_up(now=NOW), False, DUE, Action.LEAVE),
    "expired": (make_object().expire(now=NOW), False, DUE, Action.LEAVE),
    "deleted": (TOMBSTONE, False, URL_UNTIL, Action.PURGE),
    "deleted, a URL still good": (
        TOMBSTONE,
        False,
        URL_UNTIL - timedelta(milliseconds=1),
        Action.LEAVE,
    ),
    "deleted and purged": (TOMBSTONE.purged(now=URL_UNTIL), False, DUE, Action.LEAVE),
}


@pytest.mark.parametrize(("stored", "payload_found", "now", "expected"), DECISIONS.values(), ids=DECISIONS)
def test_what_is_done_follows_from_status_payload_lease_and_attempts(
    stored: StoredObject, payload_found: bool, now: datetime, expected: Action
) -> None:
    action = decide(stored, payload_found=payload_found, now=now, max_attempts=MAX_ATTEMPTS)

    assert action is expected


def test_a_payload_whose_message_was_lost_is_queued_again(
    sweeping: Sweeping, repository: ObjectRepository, payloads: PayloadStore, aws: Aws, clock: Clock
) -> None:
    stored = repository.add(make_object())
    upload(payloads, stored)
    clock.move(minutes=21)

    done = sweep(sweeping)

    assert done == {Action.REQUEUE: 1}
    [arrival] = queued(aws)
    assert (arrival.key, arrival.size) == (key_of(stored), len(CSV))
    after = repository.get(stored.owner, stored.id)
    assert (after.status, after.version, after.requeues) == (Status.PENDING, 1, 1)


def test_each_time_a_message_is_queued_again_the_next_look_is_twice_as_far_off(
    sweeping: Sweeping, repository: ObjectRepository, payloads: PayloadStore, clock: Clock
) -> None:
    stored = repository.add(make_object())
    upload(payloads, stored)
    clock.move(minutes=21)

    waits = []
    for _ in range(4):
        sweep(sweeping)
        deadline = repository.get(stored.owner, stored.id).deadline
        assert deadline is not None
        waits.append((deadline - clock()).total_seconds() / 60)
        clock.now = deadline + timedelta(seconds=1)

    assert waits == [5, 10, 20, 40]


def test_a_sweep_right_after_another_does_nothing(
    sweeping: Sweeping, repository: ObjectRepository, payloads: PayloadStore, aws: Aws, clock: Clock
) -> None:
    upload(payloads, repository.add(make_object()))
    clock.move(minutes=21)
    sweep(sweeping)

    done = sweep(sweeping)

    assert done == {}
    assert len(queued(aws)) == 1


def test_an_upload_that_never_came_expires(
    sweeping: Sweeping, repository: ObjectRepository, aws: Aws, clock: Clock
) -> None:
    stored = repository.add(make_object())
    clock.move(minutes=21)

    done = sweep(sweeping)

    assert done == {Action.EXPIRE: 1}
    expired = repository.get(stored.owner, stored.id)
    assert (expired.status, expired.version, expired.deadline) == (Status.EXPIRED, 2, None)
    assert expired.problem is not None
    assert expired.problem.code is ProblemCode.UPLOAD_EXPIRED
    assert queued(aws) == []


def test_only_the_awaited_revision_counts_as_the_payload(
    sweeping: Sweeping, repository: ObjectRepository, payloads: PayloadStore, clock: Clock
) -> None:
    stored = make_object()
    upload(payloads, stored)
    assert stored.newest is not None
    repository.add(replace(stored, newest=replace(stored.newest, number=2)))
    clock.move(minutes=21)

    assert sweep(sweeping) == {Action.EXPIRE: 1}


def test_a_lease_that_lapsed_is_queued_again(
    sweeping: Sweeping, repository: ObjectRepository, aws: Aws, clock: Clock
) -> None:
    stored = repository.add(CLAIMED)
    clock.move(minutes=6)

    done = sweep(sweeping)

    assert done == {Action.REQUEUE: 1}
    assert [arrival.key for arrival in queued(aws)] == [key_of(stored)]
    assert repository.get(stored.owner, stored.id).attempts == 1


def test_attempts_used_up_fail_the_object(
    sweeping: Sweeping, repository: ObjectRepository, aws: Aws, clock: Clock
) -> None:
    stored = repository.add(replace(CLAIMED, attempts=MAX_ATTEMPTS))
    clock.move(minutes=6)

    done = sweep(sweeping)

    assert done == {Action.GIVE_UP: 1}
    failed = repository.get(stored.owner, stored.id)
    assert failed.status is Status.FAILED
    assert failed.problem is not None
    assert failed.problem.code is ProblemCode.ATTEMPTS_EXHAUSTED
    assert queued(aws) == []


def test_a_failed_object_is_not_swept_again(
    sweeping: Sweeping, repository: ObjectRepository, clock: Clock
) -> None:
    repository.add(replace(CLAIMED, attempts=MAX_ATTEMPTS))
    clock.move(minutes=6)
    sweep(sweeping)
    clock.move(days=30)

    assert sweep(sweeping) == {}


def test_a_held_lease_is_left(sweeping: Sweeping, repository: ObjectRepository, clock: Clock) -> None:
    stored = repository.add(replace(CLAIMED, deadline=NOW))
    clock.move(minutes=1)

    done = sweep(sweeping)

    assert done == {Action.LEAVE: 1}
    assert repository.get(stored.owner, stored.id) == stored


def test_an_object_that_somebody_changes_meanwhile_is_left_to_them(
    sweeping: Sweeping, repository: ObjectRepository, aws: Aws, clock: Clock
) -> None:
    stored = repository.add(CLAIMED)
    clock.move(minutes=6)
    lease_until = clock() + timedelta(minutes=5)
    theirs = stored.claim(now=clock(), lease_until=lease_until)
    before(aws.dynamodb, "PutItem", lambda: repository.save(theirs, read=stored))

    done = sweep(sweeping)

    assert done == {Action.LEAVE: 1}
    assert repository.get(stored.owner, stored.id) == theirs
    assert queued(aws) == []


def test_an_object_that_vanishes_meanwhile_is_left(
    sweeping: Sweeping, repository: ObjectRepository, aws: Aws, clock: Clock
) -> None:
    stored = repository.add(make_object())
    key = object_key(stored.owner, stored.id)
    before(aws.dynamodb, "GetItem", lambda: aws.dynamodb.delete_item(TableName=aws.table, Key=key))
    clock.move(minutes=21)

    assert sweep(sweeping) == {Action.LEAVE: 1}


def test_one_unreadable_object_does_not_keep_the_rest_waiting(
    sweeping: Sweeping, repository: ObjectRepository, aws: Aws, clock: Clock
) -> None:
    """It would stop every sweep at the same place, and what is due after it would be stuck."""
    broken, sound = (
        repository.add(make_object(id=str(uuid4()), deadline=NOW + timedelta(minutes=minutes)))
        for minutes in (1, 2)
    )
    aws.dynamodb.update_item(
        TableName=aws.table,
        Key=object_key(broken.owner, broken.id),
        UpdateExpression="SET #status = :unknown",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":unknown": {"S": "from a newer version"}},
    )
    clock.move(minutes=21)

    sweep(sweeping)

    assert repository.get(sound.owner, sound.id).status is Status.EXPIRED


def test_an_object_that_cannot_be_saved_does_not_keep_the_rest_waiting(
    sweeping: Sweeping, repository: ObjectRepository, aws: Aws, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        repository.add(make_object(id=str(uuid4()), deadline=NOW + timedelta(minutes=1)))
    clock.move(minutes=21)
    fail(aws.dynamodb, "PutItem", answering(400, "ValidationException"))

    done = sweeping.sweep(seconds_left=lambda: 60)

    assert done == {Action.LEAVE: 1, Action.EXPIRE: 1}
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == ["sweep.refused"]


def test_a_sweep_stops_when_its_time_is_short_and_the_next_one_goes_on(
    sweeping: Sweeping, repository: ObjectRepository, clock: Clock
) -> None:
    for _ in range(5):
        repository.add(make_object(id=str(uuid4())))
    clock.move(minutes=21)
    seconds_left = iter([PLENTY, RESERVE_SECONDS, RESERVE_SECONDS - 0.1])

    first = sweeping.sweep(seconds_left=lambda: next(seconds_left))
    second = sweep(sweeping)

    assert (first, second) == ({Action.EXPIRE: 2}, {Action.EXPIRE: 3})


def test_the_longest_overdue_comes_first(
    sweeping: Sweeping, repository: ObjectRepository, clock: Clock
) -> None:
    ids = {
        minutes: repository.add(make_object(id=str(uuid4()), deadline=NOW + timedelta(minutes=minutes))).id
        for minutes in (3, 1, 2)
    }
    clock.move(minutes=21)
    seconds_left = iter([PLENTY, 0])

    sweeping.sweep(seconds_left=lambda: next(seconds_left))

    expired = [minutes for minutes, id_ in ids.items() if _status(repository, id_) is Status.EXPIRED]
    assert expired == [1]


def _status(repository: ObjectRepository, object_id: str) -> Status:
    return repository.get(make_object().owner, object_id).status


def test_nothing_outside_the_index_of_unfinished_objects_is_read(
    sweeping: Sweeping, repository: ObjectRepository, aws: Aws, clock: Clock
) -> None:
    settled = CLAIMED.accept(Payload("text/csv", 12, "a" * 64, 1), Result({}, ()), now=NOW)
    for _ in range(10):
        repository.add(replace(settled, id=str(uuid4())))
        repository.add(make_object(id=str(uuid4()), deadline=NOW + timedelta(days=1)))
    due = repository.add(make_object())
    clock.move(minutes=21)
    calls = calls_of(aws.dynamodb)

    sweep(sweeping)

    assert [call.operation for call in calls] == ["Query", "GetItem", "PutItem"]
    assert calls[0].parameters["IndexName"] == "in_flight"
    assert calls[1].parameters["Key"] == object_key(due.owner, due.id)


def test_a_sweep_with_nothing_to_do_costs_one_query(sweeping: Sweeping, aws: Aws) -> None:
    calls = [calls_of(aws.dynamodb), calls_of(aws.s3), calls_of(aws.sqs)]

    done = sweep(sweeping)

    assert done == {}
    assert [call.operation for made in calls for call in made] == ["Query"]


def test_a_due_tombstone_is_purged_for_the_last_time(
    sweeping: Sweeping, repository: ObjectRepository, payloads: PayloadStore, aws: Aws, clock: Clock
) -> None:
    stored = repository.add(TOMBSTONE)
    upload(payloads, stored)
    clock.move(minutes=16)

    done = sweep(sweeping)

    assert done == {Action.PURGE: 1}
    assert keys_in_bucket(aws) == []
    purged = repository.get(stored.owner, stored.id)
    assert (purged.deadline, purged.purge_at) == (None, clock() + timedelta(days=TOMBSTONE_DAYS))


def test_a_tombstone_is_left_while_an_upload_url_is_good(
    sweeping: Sweeping, repository: ObjectRepository, clock: Clock
) -> None:
    stored = repository.add(TOMBSTONE)
    clock.move(minutes=14)

    assert sweep(sweeping) == {}
    assert repository.get(stored.owner, stored.id) == stored


def test_a_purged_tombstone_is_not_swept_again(
    sweeping: Sweeping, repository: ObjectRepository, clock: Clock
) -> None:
    repository.add(TOMBSTONE)
    clock.move(minutes=16)
    sweep(sweeping)
    clock.move(days=30)

    assert sweep(sweeping) == {}


def test_a_purge_that_s3_cannot_finish_is_swept_again(
    sweeping: Sweeping, repository: ObjectRepository, payloads: PayloadStore, aws: Aws, clock: Clock
) -> None:
    upload(payloads, repository.add(TOMBSTONE))
    clock.move(minutes=16)
    fail(aws.s3, "ListObjectsV2", answering(503))

    with pytest.raises(Unavailable):
        sweep(sweeping)

    assert sweep(sweeping) == {Action.PURGE: 1}
    assert keys_in_bucket(aws) == []


def test_one_object_that_cannot_be_purged_does_not_keep_the_rest_waiting(
    sweeping: Sweeping, repository: ObjectRepository, payloads: PayloadStore, aws: Aws, clock: Clock
) -> None:
    """The longest overdue is always first: it would keep every sweep from what is due after it."""
    stuck = repository.add(replace(TOMBSTONE, id=str(uuid4()), deadline=NOW))
    upload(payloads, stuck)
    awaiting = repository.add(make_object())
    clock.move(minutes=21)
    denied = {"Errors": [{"Key": str(key_of(stuck)), "Code": "AccessDenied"}]}
    after(aws.s3, "DeleteObjects", lambda answer: answer.update(denied), times=100)

    with suppress(Unavailable):
        sweep(sweeping)

    assert repository.get(stuck.owner, stuck.id) == stuck
    assert repository.get(awaiting.owner, awaiting.id).status is Status.EXPIRED


def test_every_shard_is_swept(aws: Aws, clock: Clock) -> None:
    sharded = aws.adapters(list_shards=3).objects
    for shard in range(3):
        sharded.add(make_object(id=str(uuid4()), shard=shard))
    clock.move(minutes=21)

    done = sweep(sweeping_on(aws, clock, list_shards=3))

    assert done == {Action.EXPIRE: 3}


def test_a_sweep_that_is_cut_short_takes_the_most_overdue_of_all_shards_and_tells_its_delay(
    aws: Aws, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    sharded = aws.adapters(list_shards=3).objects
    minutes_of_shards = {0: (7, 8, 9), 1: (4, 6), 2: (1, 5)}
    ids = {
        minutes: sharded.add(
            make_object(id=str(uuid4()), shard=shard, deadline=NOW + timedelta(minutes=minutes))
        ).id
        for shard, all_minutes in minutes_of_shards.items()
        for minutes in all_minutes
    }
    clock.move(minutes=21)
    seconds_left = iter([PLENTY, PLENTY, PLENTY, 0.0])

    sweeping_on(aws, clock, list_shards=3).sweep(seconds_left=lambda: next(seconds_left))

    assert [minutes for minutes in ids if _status(sharded, ids[minutes]) is Status.EXPIRED] == [4, 1, 5]
    [done] = [line for line in caplog.records if line.message == "sweep.done"]
    assert vars(done)["overdue_seconds"] == 20 * 60

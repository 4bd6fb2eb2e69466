"""Changes set aside from the stream are published in the order of each object, and then removed."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.bootstrap.operations import compose_replaying
from app.domain.causes import Cause
from app.domain.errors import StillAtFault, Unavailable
from app.domain.events import forgotten_at
from app.domain.objects.stored import StoredObject
from app.domain.usage import NOTHING
from app.services.operations.replaying import Replaying
from app.storage.history import HistoryRepository
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, Aws, Clock, make_object
from tests.events import stream_record
from tests.faults import calls_of, fail, throttling
from tests.statuses import LEASE_UNTIL
from tests.unit.services.conftest import keys_in_bucket

CREATED = make_object()
CLAIMED = CREATED.claim(now=NOW, lease_until=LEASE_UNTIL)
DELETED = CLAIMED.delete(now=NOW, cause=Cause("request-2"))
BATCH = "aws/lambda/0e1c/shardId-1/2026/03/01/2026-03-01T09.30.00-5b8e"


@pytest.fixture
def replaying(aws: Aws, clock: Clock) -> Replaying:
    return compose_replaying(aws.adapters(), clock=clock)


def by_relay(aws: Aws, record: dict[str, Any]) -> None:
    aws.adapters().set_aside.keep(record["dynamodb"]["SequenceNumber"], record)


def by_lambda(aws: Aws, *records: dict[str, Any]) -> None:
    body = json.dumps({"payload": json.dumps({"Records": records})})
    aws.s3.put_object(Bucket=aws.bucket, Key=BATCH, Body=body)


def replay(replaying: Replaying) -> list[str]:
    """Replay everything. Return what was said of each object that could not be."""
    said = []
    for changes in replaying.survey().changes:
        try:
            replaying.replay(changes)
        except StillAtFault as refused:
            said.append(str(refused))
    return said


def versions(history: HistoryRepository, stored: StoredObject) -> list[int]:
    page = history.page(stored.owner, stored.id, after_version=0, limit=20)
    return [event["data"]["version"] for event in page.items]


def broken(stored: StoredObject, number: str) -> dict[str, Any]:
    record = stream_record(None, stored, sequence_number=number)
    record["dynamodb"]["NewImage"]["version"] = {"S": "one"}
    return record


def test_records_of_one_object_go_out_in_their_order_from_whichever_file(
    replaying: Replaying, aws: Aws, repository: ObjectRepository, history: HistoryRepository
) -> None:
    repository.add(CLAIMED)
    other = repository.add(make_object(id=str(uuid4())))
    by_relay(aws, stream_record(CREATED, CLAIMED, sequence_number="100"))
    by_lambda(
        aws,
        stream_record(None, CREATED, sequence_number="99"),
        stream_record(None, other, sequence_number="5"),
    )
    calls = calls_of(aws.events)

    said = replay(replaying)

    published = [json.loads(call.parameters["Entries"][0]["Detail"])["id"] for call in calls]
    assert said == []
    assert [event_id for event_id in published if event_id.startswith(CREATED.id)] == [
        f"{CREATED.id}:1",
        f"{CREATED.id}:2",
    ]
    assert versions(history, CREATED) == [1, 2]
    assert aws.adapters().usage.read(CREATED.owner).objects == 2
    assert keys_in_bucket(aws) == []


def test_a_record_that_is_still_at_fault_keeps_those_behind_it(
    replaying: Replaying, aws: Aws, repository: ObjectRepository, history: HistoryRepository
) -> None:
    repository.add(CLAIMED)
    other = repository.add(make_object(id=str(uuid4())))
    behind = stream_record(CREATED, CLAIMED, sequence_number="8")
    by_lambda(aws, broken(CREATED, "7"), behind, stream_record(None, other, sequence_number="9"))

    said = replay(replaying)

    assert said == ["record 7: UnreadableItem"]
    assert keys_in_bucket(aws) == ["relay-failures/7.json", "relay-failures/8.json"]
    assert (versions(history, CREATED), versions(history, other)) == ([], [1])


def test_what_was_replayed_before_changes_nothing_again(
    replaying: Replaying, aws: Aws, repository: ObjectRepository, history: HistoryRepository
) -> None:
    repository.add(CREATED)
    for _ in range(2):
        by_relay(aws, stream_record(None, CREATED, sequence_number="7"))
        replay(replaying)

    assert aws.adapters().usage.read(CREATED.owner).objects == 1
    assert versions(history, CREATED) == [1]


def test_a_record_without_event_is_removed(replaying: Replaying, aws: Aws) -> None:
    by_relay(aws, stream_record(CREATED, CREATED, sequence_number="7"))

    assert replay(replaying) == []
    assert keys_in_bucket(aws) == []


def test_when_aws_is_away_everything_stays(
    replaying: Replaying, aws: Aws, repository: ObjectRepository
) -> None:
    repository.add(CREATED)
    by_relay(aws, stream_record(None, CREATED, sequence_number="7"))
    fail(aws.events, "PutEvents", throttling(), times=4)

    with pytest.raises(Unavailable):
        replay(replaying)

    assert keys_in_bucket(aws) == ["relay-failures/7.json"]


def test_of_an_object_that_was_deleted_meanwhile_no_history_stays(
    replaying: Replaying, aws: Aws, repository: ObjectRepository, history: HistoryRepository
) -> None:
    repository.add(DELETED)
    by_relay(aws, stream_record(None, CREATED, sequence_number="7"))

    assert replay(replaying) == []

    assert versions(history, CREATED) == []
    assert aws.adapters().usage.read(CREATED.owner).objects == 1


def test_weeks_after_the_purge_an_event_that_was_recorded_is_not_recorded_again(
    replaying: Replaying, aws: Aws, repository: ObjectRepository, clock: Clock
) -> None:
    """The relay died after it had recorded the event, and the operator comes late."""
    usage, purged = aws.adapters().usage, DELETED.purged(now=NOW)
    repository.add(purged)
    for _ in range(2):
        by_relay(aws, stream_record(None, CREATED, sequence_number="7"))
        clock.now = forgotten_at(purged) - timedelta(seconds=1)
        assert replay(replaying) == []

    [stub] = [item for item in items_of(aws) if item["sk"]["S"] == "event#000000000001"]
    assert int(stub["purge_at"]["N"]) >= clock().timestamp()
    assert (usage.read(CREATED.owner).objects, usage.ends(CREATED.owner)[0].position) == (1, 1)


def items_of(aws: Aws) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = aws.dynamodb.scan(TableName=aws.table)["Items"]
    return items


@pytest.mark.parametrize(
    ("stored", "days"),
    [
        pytest.param(None, 0, id="gone"),
        pytest.param(DELETED, 40, id="deleted long ago"),
        pytest.param(replace(CREATED, created_at=NOW + timedelta(days=40)), 40, id="created anew"),
    ],
)
def test_where_nothing_shows_any_more_what_was_recorded_nothing_is_published(
    replaying: Replaying,
    aws: Aws,
    repository: ObjectRepository,
    clock: Clock,
    stored: StoredObject | None,
    days: int,
) -> None:
    if stored:
        repository.add(stored)
    by_relay(aws, stream_record(None, CREATED, sequence_number="7"))
    clock.move(days=days)
    calls = calls_of(aws.events)

    [said] = replay(replaying)

    assert said.startswith("record 7: The object is gone")
    assert (calls, aws.adapters().usage.read(CREATED.owner)) == ([], NOTHING)
    assert keys_in_bucket(aws) == ["relay-failures/7.json"]


def test_an_object_that_lives_shows_at_any_age_what_was_recorded(
    replaying: Replaying, aws: Aws, repository: ObjectRepository, clock: Clock
) -> None:
    repository.add(CREATED)
    by_relay(aws, stream_record(None, CREATED, sequence_number="7"))
    clock.move(days=400)

    assert replay(replaying) == []


def test_a_file_of_another_kind_is_named_and_left(replaying: Replaying, aws: Aws) -> None:
    aws.s3.put_object(Bucket=aws.bucket, Key="relay-failures/note.txt", Body=b"look here")

    assert replaying.survey().strange == ("relay-failures/note.txt",)
    replay(replaying)
    assert keys_in_bucket(aws) == ["relay-failures/note.txt"]

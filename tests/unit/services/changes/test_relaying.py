"""Every public change in the table's stream becomes one event: in the history, then on the bus."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import Any
from uuid import uuid4

import pytest

from app.aws.faults import TRIES
from app.domain.causes import Cause, Trace
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Payload, Result
from app.domain.usage import VERSION_BYTES, Usage
from app.messaging.messages import parse_message
from app.services.changes.relaying import Relaying
from app.storage.history import HistoryRepository
from app.storage.set_aside import StreamRecord
from tests.conftest import NOW, Aws, make_object
from tests.events import stream_record as record
from tests.faults import Call, Fault, after, answering, calls_of, fail, not_connecting, throttling
from tests.services import purge_history, relaying_on
from tests.unit.services.conftest import content_of, keys_in_bucket, messages_in

LATER = NOW + timedelta(minutes=5)
CREATED = make_object()
CLAIMED = CREATED.claim(now=NOW, lease_until=LATER)
READY = CLAIMED.accept(Payload("text/csv", 12, "a" * 64, 1), Result({"rows": 2}, ()), now=NOW)
EDITED = READY.edit(name="new", attributes={}, labels={}, now=NOW, cause=Cause("request-2"))

TRACE = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)

BYTES_PER_CALL = 1_000_000


@pytest.fixture
def relaying(aws: Aws) -> Relaying:
    return relaying_on(aws)


@pytest.fixture
def subscriber(aws: Aws) -> str:
    """Return the URL of a queue that gets every event of the bus."""
    url: str = aws.sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    attributes = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = json.dumps({"source": ["wharf.objects"]})
    aws.events.put_rule(Name="everything", EventBusName=aws.bus, EventPattern=pattern)
    target = {"Id": "subscriber", "Arn": attributes["QueueArn"]}
    aws.events.put_targets(Rule="everything", EventBusName=aws.bus, Targets=[target])
    return url


def received(aws: Aws, subscriber: str) -> list[dict[str, Any]]:
    return [json.loads(message["Body"])["detail"] for message in messages_in(aws, subscriber)]


def history_of(aws: Aws, stored: StoredObject = CREATED) -> list[dict[str, Any]]:
    history = aws.adapters().history
    return list(history.page(stored.owner, stored.id, after_version=0, limit=20).items)


def removed(stored: StoredObject) -> dict[str, Any]:
    gone = record(stored, stored)
    del gone["dynamodb"]["NewImage"]
    return {**gone, "eventName": "REMOVE"}


def of_history(stored: StoredObject) -> dict[str, Any]:
    added = record(None, stored)
    keys = {"pk": {"S": f"{stored.owner}#{stored.id}"}, "sk": {"S": "event#000000000001"}}
    added["dynamodb"] |= {"Keys": keys, "NewImage": {**keys, "event": {"S": "{}"}}}
    return added


def births(number: int, **changes: Any) -> list[dict[str, Any]]:
    return [record(None, make_object(id=str(uuid4()), **changes)) for _ in range(number)]


def claims(number: int) -> list[dict[str, Any]]:
    """Changes that leave their owner's usage as it was."""
    stored = [make_object(id=str(uuid4())) for _ in range(number)]
    return [record(one, one.claim(now=NOW, lease_until=NOW + timedelta(minutes=5))) for one in stored]


def ids_put(calls: Sequence[Call]) -> list[list[str]]:
    """The ids of the events in each PutEvents call."""
    return [[json.loads(entry["Detail"])["id"] for entry in call.parameters["Entries"]] for call in calls]


def ids_of(records: Sequence[StreamRecord]) -> list[str]:
    images = [one["dynamodb"]["NewImage"] for one in records]
    return [f"{image['id']['S']}:{image['version']['N']}" for image in images]


@pytest.mark.parametrize(
    ("told", "type_"),
    [
        (record(None, CREATED), "object.created"),
        (record(CREATED, CLAIMED), "object.processing"),
        (record(CLAIMED, READY), "object.ready"),
        (record(READY, EDITED), "object.updated"),
        (record(READY, READY.delete(now=NOW, cause=Cause("request-2"))), "object.deleted"),
    ],
    ids=["created", "processing", "ready", "updated", "deleted"],
)
def test_a_public_change_is_one_event_in_history_and_on_the_bus(
    relaying: Relaying, aws: Aws, subscriber: str, told: StreamRecord, type_: str
) -> None:
    done = relaying.relay([told])

    assert done is None
    [event] = received(aws, subscriber)
    assert ([event["id"]], event["type"]) == (ids_of([told]), type_)
    assert history_of(aws) == [event]


def test_the_bus_shows_source_and_type_where_rules_match_on_them(
    relaying: Relaying, aws: Aws, subscriber: str
) -> None:
    relaying.relay([record(None, CREATED)])

    [message] = messages_in(aws, subscriber)
    envelope = json.loads(message["Body"])
    assert (envelope["source"], envelope["detail-type"]) == ("wharf.objects", "object.created")


IGNORED: dict[str, dict[str, Any]] = {
    "a release": record(CLAIMED, CLAIMED.release(now=NOW)),
    "a requeue": record(CREATED, CREATED.requeue(now=NOW)),
    "a repeated claim": record(CLAIMED, CLAIMED.claim(now=LATER, lease_until=LATER)),
    "a removal": removed(CREATED),
    "a history item": of_history(CREATED),
}


@pytest.mark.parametrize("ignored", IGNORED.values(), ids=IGNORED)
def test_what_is_no_public_change_is_no_event(
    relaying: Relaying, aws: Aws, subscriber: str, ignored: StreamRecord
) -> None:
    done = relaying.relay([ignored])

    assert done is None
    assert received(aws, subscriber) == []
    assert aws.dynamodb.scan(TableName=aws.table)["Count"] == 0
    assert keys_in_bucket(aws) == []


def test_a_batch_without_events_costs_no_call(relaying: Relaying, aws: Aws) -> None:
    calls = [calls_of(aws.dynamodb), calls_of(aws.events), calls_of(aws.s3)]

    relaying.relay([*IGNORED.values()])
    relaying.relay([])

    assert calls == [[], [], []]


def test_events_of_one_object_go_out_in_their_order(relaying: Relaying, aws: Aws) -> None:
    calls = calls_of(aws.events)

    relaying.relay([record(None, CREATED), record(CREATED, CLAIMED), record(CLAIMED, READY)])

    assert ids_put(calls) == [[f"{CREATED.id}:{version}"] for version in (1, 2, 3)]


def test_an_event_never_overtakes_an_earlier_one_of_its_object(relaying: Relaying, aws: Aws) -> None:
    """The bus may take one entry of a call and refuse another."""
    others = births(4)
    records = [
        others[0],
        record(None, CREATED),
        *others[1:3],
        record(CREATED, CLAIMED),
        others[3],
    ]
    calls = calls_of(aws.events)
    not_taking(aws, 1)

    go_on_from = relaying.relay(records)

    assert ids_put(calls) == [ids_of(records[:4]), *[ids_of(records[1:2])] * (TRIES - 1)]
    assert go_on_from == records[1]["dynamodb"]["SequenceNumber"]


def test_repeated_records_are_one_history_item(relaying: Relaying, aws: Aws, subscriber: str) -> None:
    records = [record(None, CREATED), record(CREATED, CLAIMED)]

    for batch in (records, records, [*records, *records]):
        assert relaying.relay(batch) is None

    kept = history_of(aws)
    assert [event["data"]["version"] for event in kept] == [1, 2]
    assert {event["id"] for event in received(aws, subscriber)} == {event["id"] for event in kept}


@pytest.mark.parametrize(("events", "per_call"), [(1, [1]), (10, [10]), (11, [10, 1]), (35, [10, 10, 10, 5])])
def test_a_call_takes_ten_events_at_most(
    relaying: Relaying, aws: Aws, events: int, per_call: list[int]
) -> None:
    records = births(events)
    calls = calls_of(aws.events)

    relaying.relay(records)

    assert [len(ids) for ids in ids_put(calls)] == per_call
    assert list(chain(*ids_put(calls))) == ids_of(records)


def test_events_of_one_owner_and_shard_are_one_transaction(relaying: Relaying, aws: Aws) -> None:
    records = [*births(40, owner="local-ada"), *births(3, owner="local-bob"), *births(60, owner="local-ada")]
    calls = calls_of(aws.dynamodb)

    assert relaying.relay(records) is None

    sizes = [
        len(call.parameters["TransactItems"]) for call in calls if call.operation == "TransactWriteItems"
    ]
    # A call holds each event and its entry in the feed, and one counter.
    assert sorted(sizes) == [2 * 2 + 1, 2 * 3 + 1, 2 * 49 + 1, 2 * 49 + 1]
    assert aws.adapters().usage.read("local-ada").objects == 100


@pytest.mark.parametrize(
    "text", ["x" * 120_000, "é" * 60_000, "日" * 40_000], ids=["ASCII", "2 bytes", "3 bytes"]
)
def test_a_call_takes_a_megabyte_at_most_counted_in_utf_8(relaying: Relaying, aws: Aws, text: str) -> None:
    records = births(20, attributes={"text": text})
    calls = calls_of(aws.events)

    relaying.relay(records)

    assert list(chain(*ids_put(calls))) == ids_of(records)
    assert len(calls) == 3
    assert all(size_of(call) <= BYTES_PER_CALL for call in calls)


def size_of(call: Call) -> int:
    """Return the size as the EventBridge User Guide counts it ("PutEvents event entry size")."""
    return sum(
        14 + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))
        for entry in call.parameters["Entries"]
    )


def test_where_the_bus_takes_less_a_call_that_is_too_large_is_made_entry_by_entry(
    relaying: Relaying, aws: Aws, subscriber: str
) -> None:
    records = births(8, attributes={"text": "x" * 120_000})
    fail(aws.events, "PutEvents", answering(400, "ValidationException"))

    assert relaying.relay(records) is None
    assert [event["id"] for event in received(aws, subscriber)] == ids_of(records)
    assert keys_in_bucket(aws) == []


def refusing(*entries: int) -> Any:
    """An answer 200 in which these entries were not taken."""

    def refuse(answer: dict[str, Any]) -> None:
        for number in entries:
            answer["Entries"][number] = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Not now."}
        answer["FailedEntryCount"] = len(entries)

    return refuse


def not_taking(aws: Aws, *entries: int, spared: int = 0) -> None:
    """Refuse these entries of a call, and each time that they are sent again."""
    after(aws.events, "PutEvents", refusing(*entries), spared=spared)
    again = refusing(*range(len(entries)))
    after(aws.events, "PutEvents", again, spared=spared + 1, times=TRIES - 1)


def test_an_entry_that_was_not_taken_is_sent_again_alone(
    relaying: Relaying, aws: Aws, subscriber: str
) -> None:
    records = births(5)
    after(aws.events, "PutEvents", refusing(1, 3))
    calls = calls_of(aws.events)

    assert relaying.relay(records) is None
    assert ids_put(calls) == [ids_of(records), ids_of([records[1], records[3]])]


def test_the_relay_goes_on_from_the_first_entry_that_was_not_taken(relaying: Relaying, aws: Aws) -> None:
    records = births(5)
    not_taking(aws, 1, 3)

    go_on_from = relaying.relay(records)

    assert go_on_from == records[1]["dynamodb"]["SequenceNumber"]


def test_records_without_event_do_not_shift_where_the_relay_goes_on(relaying: Relaying, aws: Aws) -> None:
    records = [*births(2), *IGNORED.values(), *births(2)]
    not_taking(aws, 2)

    go_on_from = relaying.relay(records)

    assert go_on_from == records[-2]["dynamodb"]["SequenceNumber"]


def test_after_a_refused_entry_later_events_wait(relaying: Relaying, aws: Aws) -> None:
    records = births(25)
    not_taking(aws, 9)
    calls = calls_of(aws.events)

    go_on_from = relaying.relay(records)

    assert len(calls) == TRIES
    assert go_on_from == records[9]["dynamodb"]["SequenceNumber"]


def test_a_call_taken_whole_before_a_refused_entry_is_not_repeated(relaying: Relaying, aws: Aws) -> None:
    records = births(25)
    not_taking(aws, 0, spared=1)

    go_on_from = relaying.relay(records)

    assert go_on_from == records[10]["dynamodb"]["SequenceNumber"]


TROUBLE: dict[str, Fault] = {
    "throttled": throttling(),
    "failing": answering(500),
    "away": not_connecting,
}


@pytest.mark.parametrize("operation", ["TransactWriteItems", "PutEvents"])
@pytest.mark.parametrize("fault", TROUBLE.values(), ids=TROUBLE)
def test_a_call_that_fails_is_made_again_in_place(
    relaying: Relaying, aws: Aws, subscriber: str, operation: str, fault: Fault
) -> None:
    records = births(3)
    fail(aws.events if operation == "PutEvents" else aws.dynamodb, operation, fault, times=TRIES - 1)

    assert relaying.relay(records) is None
    assert [event["id"] for event in received(aws, subscriber)] == ids_of(records)


def test_an_event_that_was_not_taken_is_published_the_next_time(
    relaying: Relaying, aws: Aws, subscriber: str
) -> None:
    records = births(3)
    fail(aws.events, "PutEvents", throttling(), times=TRIES)
    go_on_from = relaying.relay(records)

    done = relaying.relay(records)

    assert (go_on_from, done) == (records[0]["dynamodb"]["SequenceNumber"], None)
    assert [event["id"] for event in received(aws, subscriber)] == ids_of(records)


@pytest.mark.parametrize("fault", TROUBLE.values(), ids=TROUBLE)
def test_history_is_written_before_the_bus_is_called(relaying: Relaying, aws: Aws, fault: Fault) -> None:
    fail(aws.events, "PutEvents", fault, times=TRIES)

    relaying.relay([record(None, CREATED)])

    assert len(history_of(aws)) == 1


@pytest.mark.parametrize("fault", TROUBLE.values(), ids=TROUBLE)
def test_nothing_is_published_that_is_not_in_the_history(relaying: Relaying, aws: Aws, fault: Fault) -> None:
    records = [*births(1), *claims(1)]
    fail(aws.dynamodb, "TransactWriteItems", fault, times=TRIES)
    calls = calls_of(aws.events)

    assert relaying.relay(records) == records[0]["dynamodb"]["SequenceNumber"]
    assert calls == []


def test_what_is_in_the_history_is_published_before_a_fault_ends_the_batch(
    relaying: Relaying, aws: Aws, subscriber: str
) -> None:
    """The records are of several owners: each takes a transaction of its own."""
    records = [*births(2, owner="local-ada"), *births(1, owner="local-bob"), *births(1, owner="local-cyd")]
    fail(aws.dynamodb, "TransactWriteItems", answering(500), spared=1, times=TRIES)

    go_on_from = relaying.relay(records)

    assert go_on_from == records[2]["dynamodb"]["SequenceNumber"]
    assert [event["id"] for event in received(aws, subscriber)] == ids_of(records[:2])


def deletions(number: int) -> list[dict[str, Any]]:
    stored = [replace(READY, id=str(uuid4())) for _ in range(number)]
    return [record(one, one.delete(now=NOW, cause=Cause("request-2", TRACE))) for one in stored]


def work_in(aws: Aws) -> list[str]:
    """The ids of the objects that the worker is told of."""
    return [parse_message(message["Body"]).object_id or "" for message in messages_in(aws, aws.queue_url)]


def objects_of(records: Sequence[StreamRecord]) -> list[str]:
    return [one["dynamodb"]["NewImage"]["id"]["S"] for one in records]


def test_the_worker_is_told_in_batches_and_in_the_owners_name(relaying: Relaying, aws: Aws) -> None:
    records = [*births(1), *deletions(12)]
    calls = calls_of(aws.sqs)

    assert relaying.relay(records) is None

    entries = [call.parameters["Entries"] for call in calls]
    assert [len(each) for each in entries] == [10, 2]
    assert {entry["MessageGroupId"] for entry in chain(*entries)} == {READY.owner}
    sent = entries[0][0]["MessageSystemAttributes"]["AWSTraceHeader"]
    assert sent["StringValue"] == TRACE.xray_header
    assert work_in(aws) == objects_of(records[1:])


@pytest.mark.parametrize("fault", TROUBLE.values(), ids=TROUBLE)
def test_the_relay_goes_on_from_the_first_event_of_which_the_queue_took_no_message(
    relaying: Relaying, aws: Aws, subscriber: str, fault: Fault
) -> None:
    records = [*births(2), *deletions(11)]
    fail(aws.sqs, "SendMessageBatch", fault, spared=1, times=TRIES)

    go_on_from = relaying.relay(records)

    assert go_on_from == records[-1]["dynamodb"]["SequenceNumber"]
    assert [event["id"] for event in received(aws, subscriber)] == ids_of(records)
    assert work_in(aws) == objects_of(records[2:-1])


def test_a_message_that_was_not_taken_is_sent_again_alone(relaying: Relaying, aws: Aws) -> None:
    records = deletions(3)
    after(aws.sqs, "SendMessageBatch", lambda answer: answer.update(Failed=[{"Id": "1"}]))
    calls = calls_of(aws.sqs)

    assert relaying.relay(records) is None
    assert [[entry["Id"] for entry in call.parameters["Entries"]] for call in calls] == [
        ["0", "1", "2"],
        ["1"],
    ]


def test_the_worker_is_not_told_of_what_is_not_published_yet(relaying: Relaying, aws: Aws) -> None:
    records = deletions(3)
    not_taking(aws, 1)

    assert relaying.relay(records) == records[1]["dynamodb"]["SequenceNumber"]
    assert work_in(aws) == objects_of(records[:1])


def test_the_worker_is_told_of_an_event_that_the_bus_never_takes(relaying: Relaying, aws: Aws) -> None:
    records = deletions(1)
    fail(aws.events, "PutEvents", answering(400, "ValidationException"))

    assert relaying.relay(records) is None
    assert work_in(aws) == objects_of(records)


def with_image(**values: Any) -> dict[str, Any]:
    """A record whose new image has these values; None takes one away."""
    spoilt = record(None, CREATED, sequence_number="4711")
    image = spoilt["dynamodb"]["NewImage"] | values
    spoilt["dynamodb"]["NewImage"] = {name: value for name, value in image.items() if value is not None}
    return spoilt


def with_old_image(**values: Any) -> dict[str, Any]:
    spoilt = record(CREATED, CLAIMED, sequence_number="4711")
    spoilt["dynamodb"]["OldImage"] |= values
    return spoilt


UNREADABLE: dict[str, dict[str, Any]] = {
    "a field is missing": with_image(status=None),
    "an unknown status": with_image(status={"S": "lost"}),
    "a version that is no number": with_image(version={"S": "one"}),
    "a field of another type": with_image(created_at={"N": "5"}),
    "broken JSON": with_image(attributes={"S": "{"}),
    "a number that is not JSON": with_image(attributes={"S": '{"share": NaN}'}),
    "no time": with_image(created_at={"S": "yesterday"}),
    "a revision that is none": with_image(newest={"L": []}),
    "an image of DynamoDB's that is none": with_image(name="cities.csv"),
    "an old image": with_old_image(status={"S": "lost"}),
}


@pytest.mark.parametrize("unreadable", UNREADABLE.values(), ids=UNREADABLE)
def test_a_record_that_cannot_be_read_is_set_aside_whole_and_the_rest_goes_on(
    relaying: Relaying,
    aws: Aws,
    subscriber: str,
    unreadable: StreamRecord,
    caplog: pytest.LogCaptureFixture,
) -> None:
    around = births(2)

    done = relaying.relay([around[0], unreadable, around[1]])

    assert done is None
    assert keys_in_bucket(aws) == ["relay-failures/4711.json"]
    assert json.loads(content_of(aws, "relay-failures/4711.json")) == unreadable
    assert [event["id"] for event in received(aws, subscriber)] == ids_of(around)
    [line] = [vars(line) for line in caplog.records if line.levelname == "ERROR"]
    assert (line["message"], line["sequence_number"]) == ("relay.set_aside", "4711")
    assert (line["owner"], line["object_id"]) == (CREATED.owner, CREATED.id)


def test_a_record_that_cannot_be_set_aside_now_holds_up_what_follows(
    relaying: Relaying, aws: Aws, subscriber: str
) -> None:
    fail(aws.s3, "PutObject", answering(503, "SlowDown"), times=TRIES)
    before, after_it = births(1), births(1)

    go_on_from = relaying.relay([*before, with_image(status=None), *after_it])

    assert go_on_from == "4711"
    assert [event["id"] for event in received(aws, subscriber)] == ids_of(before)


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("TransactWriteItems", answering(400, "ValidationException")),
        ("PutEvents", answering(400, "ValidationException")),
    ],
    ids=["the history", "the bus"],
)
def test_an_event_that_aws_never_takes_is_set_aside_and_the_rest_goes_on(
    relaying: Relaying, aws: Aws, subscriber: str, operation: str, fault: Fault
) -> None:
    """The call with all of them is refused first, then the one with the first of them."""
    records = births(3)
    fail(aws.events if operation == "PutEvents" else aws.dynamodb, operation, fault, times=2)

    assert relaying.relay(records) is None
    assert keys_in_bucket(aws) == [f"relay-failures/{records[0]['dynamodb']['SequenceNumber']}.json"]
    assert [event["id"] for event in received(aws, subscriber)] == ids_of(records[1:])


def test_any_text_of_an_object_reaches_a_subscriber_unchanged(
    relaying: Relaying, aws: Aws, subscriber: str
) -> None:
    attributes: dict[str, Any] = {
        "quotes": "\"'\\",
        "line": "a\nb\t\x00",
        "text": "Größe 日本 🚢",
        "": None,
        "deep": [[[{}]]],
    }
    stored = replace(CREATED, attributes=attributes, name="<Größe> & 日本")

    relaying.relay([record(None, stored)])

    [event] = received(aws, subscriber)
    assert (event["data"]["attributes"], event["data"]["name"]) == (attributes, stored.name)


def test_an_object_that_an_operator_puts_back_is_announced_and_counted(
    relaying: Relaying, aws: Aws, history: HistoryRepository, subscriber: str
) -> None:
    """docs/operations.md says how: restored from before its deletion, at the version after that."""
    deleted = READY.delete(now=NOW, cause=Cause("request-2"))
    relaying.relay([record(None, CREATED), record(CREATED, CLAIMED), record(CLAIMED, READY)])
    before = aws.adapters().usage.read(READY.owner)
    relaying.relay([record(READY, deleted)])
    purge_history(history, deleted.owner, deleted.id)
    received(aws, subscriber)

    back = replace(READY, version=deleted.version + 1)
    relaying.relay([record(deleted, back)])

    [event] = received(aws, subscriber)
    assert (event["id"], event["type"]) == (f"{READY.id}:5", "object.ready")
    assert history_of(aws) == [event]
    versions = VERSION_BYTES * (back.version - READY.version)
    assert aws.adapters().usage.read(READY.owner) == before + Usage(0, versions)

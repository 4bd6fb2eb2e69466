"""The SQS edge, on events as Lambda hands them over."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.domain.causes import Cause
from app.domain.errors import NotFound, Unavailable, UnknownMessage
from app.domain.events import EventType, event_of
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Payload, PayloadKey, Revision
from app.messaging.messages import (
    Arrival,
    Deletion,
    Message,
    Outcome,
    Replacement,
    Sweep,
    Trial,
    Unreadable,
    message_about,
    parse_message,
)
from app.worker.batch import SWEEP_SECONDS, BatchWorker, retry_seconds
from tests.conftest import NOW, Aws
from tests.events import domain_event, load, object_created, queue_batch, s3_notice
from tests.statuses import make_in

ID = "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"
KEY = f"payloads/local-me/{ID}/1"


def arrived(key: str = KEY, size: int = 12) -> str:
    return object_created(key, size)


SWEEP = json.dumps(load("sweep"))


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class RecordingDispatcher:
    """Takes the messages in the place of the use cases; fails where told to."""

    def __init__(self, failures: dict[str, Exception]) -> None:
        self.seen: list[Message] = []
        self._failures = failures

    def dispatch(self, message: Message, *, seconds_left: Callable[[], float]) -> None:
        assert seconds_left() == 60
        if isinstance(message.content, Unreadable):
            raise UnknownMessage(message.content.reason)
        self.seen.append(message)
        key = str(message.content.key) if isinstance(message.content, Arrival) else "sweep"
        if key in self._failures:
            raise self._failures[key]


def take_batch(aws: Aws, *bodies: str) -> dict[str, Any]:
    """Send the bodies, receive them, and wrap them as Lambda does."""
    for body in bodies:
        aws.sqs.send_message(QueueUrl=aws.queue_url, MessageBody=body)
    received = aws.sqs.receive_message(
        QueueUrl=aws.queue_url, MaxNumberOfMessages=10, AttributeNames=["All"], VisibilityTimeout=1800
    )
    return queue_batch(received["Messages"])


def handle(
    aws: Aws, event: dict[str, Any], failures: dict[str, Exception] | None = None
) -> tuple[RecordingDispatcher, list[str]]:
    dispatcher = RecordingDispatcher(failures or {})
    queue = aws.adapters().queue
    answer = BatchWorker(dispatcher, queue).handle(event, Context())  # type: ignore[arg-type]  # same shape
    return dispatcher, [failed["itemIdentifier"] for failed in answer["batchItemFailures"]]


def dead_letters(aws: Aws) -> list[Any]:
    received = aws.sqs.receive_message(
        QueueUrl=aws.dead_letter_queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return list(received.get("Messages", []))


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"detail-type": "Object Created", "detail": {"object": {"key": 5, "size": 1}}}),
        json.dumps({"detail-type": "Object Created", "detail": {"object": {"key": KEY, "size": math.inf}}}),
        json.dumps({"detail-type": ["Object Created"], "detail": []}),
        "[" * 100_000,
        "5",
    ],
    ids=["no text for a key", "an endless size", "a list for a type", "too deep", "a number"],
)
def test_a_message_of_any_shape_harms_none_of_its_neighbours(aws: Aws, body: str) -> None:
    event = take_batch(aws, body, arrived())

    dispatcher, failed = handle(aws, event)

    assert (len(dispatcher.seen), failed) == (1, [])
    assert [letter["Body"] for letter in dead_letters(aws)] == [body]


def test_the_smallest_payload_goes_first(aws: Aws) -> None:
    event = take_batch(aws, arrived(size=3000), arrived(size=20), SWEEP, arrived(size=100))

    dispatcher, failed = handle(aws, event)

    assert [message.size for message in dispatcher.seen] == [0, 20, 100, 3000]
    assert failed == []


def test_a_message_that_may_succeed_later_comes_back_alone_and_soon(aws: Aws) -> None:
    bad = arrived("payloads/local-me/bad/1")
    event = take_batch(aws, arrived(), bad, SWEEP)

    dispatcher, failed = handle(aws, event, {"payloads/local-me/bad/1": Unavailable("busy")})

    assert len(dispatcher.seen) == 3
    assert failed == [record["messageId"] for record in event["Records"] if record["body"] == bad]
    waiting = aws.sqs.get_queue_attributes(
        QueueUrl=aws.queue_url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )
    assert waiting["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "3"
    assert dead_letters(aws) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"detail-type":"nonsense"}',
        '{"detail-type":"Object Created","detail":{}}',
    ]
    + [arrived(key) for key in ("artifacts/me/x/1/a", "payloads/me/x", "payloads/me/x/one", "payloads")],
)
def test_a_message_that_nothing_understands_is_kept_for_the_operator(aws: Aws, body: str) -> None:
    assert isinstance(parse_message(body).content, Unreadable)

    if body:
        _, failed = handle(aws, take_batch(aws, body))

        (letter,) = dead_letters(aws)
        assert (failed, letter["Body"]) == ([], body)
        assert letter["MessageAttributes"]["error"]["StringValue"] == "UnknownMessage"


def test_a_payload_of_an_unknown_object_is_kept_for_the_operator(aws: Aws) -> None:
    _, failed = handle(aws, take_batch(aws, arrived()), {KEY: NotFound()})

    (letter,) = dead_letters(aws)
    assert (failed, letter["Body"]) == ([], arrived())
    assert letter["MessageAttributes"]["error"]["StringValue"] == "NotFound"


def test_when_a_whole_batch_fails_it_comes_back_without_an_exception(aws: Aws) -> None:
    event = take_batch(aws, arrived(), arrived())

    _, failed = handle(aws, event, {KEY: RuntimeError("a fault of ours")})

    assert len(failed) == 2


def test_the_messages_mean_what_was_sent() -> None:
    assert parse_message(SWEEP).content == Sweep()
    assert parse_message(arrived()).content == Arrival(
        PayloadKey("local-me", "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10", 1), 12
    )


def test_a_notice_of_s3_is_an_arrival_with_its_time_and_id() -> None:
    notice = parse_message(s3_notice(KEY, 40))

    assert notice.content == Arrival(PayloadKey("local-me", ID, 1), 40)
    assert notice.sent_at == NOW
    assert notice.correlation_id == "N4N7GDK58NMKJ12R"
    assert notice.owner == "local-me"


def test_the_key_in_a_notice_is_encoded_as_in_a_form() -> None:
    content = parse_message(s3_notice("payloads/a b+ä/x/1")).content

    assert content == Arrival(PayloadKey("a b+ä", "x", 1), 12)


def test_that_s3_tries_the_queue_needs_nothing() -> None:
    assert parse_message(json.dumps(load("s3_test"))).content == Trial()


def altered(**record: Any) -> str:
    notice = load("s3_notice")
    notice["Records"][0] |= record
    return json.dumps(notice)


@pytest.mark.parametrize(
    "body",
    [
        altered(eventName="ObjectRemoved:Delete"),
        altered(s3={}),
        altered(s3={"object": {"key": KEY}}),
        altered(s3={"object": {"key": "artifacts/me/x/1/a", "size": 1}}),
        json.dumps({"Records": load("s3_notice")["Records"] * 2}),
        '{"Records": []}',
    ],
    ids=["a deletion", "no object", "no size", "an artifact", "two records", "no record"],
)
def test_another_notice_is_unreadable(body: str) -> None:
    assert isinstance(parse_message(body).content, Unreadable)


SECOND = Revision(2, "text/csv", 40, None, None)
EVENTS = {
    "deleted": (make_in("ready"), make_in("ready").delete(now=NOW, cause=Cause("request-2"))),
    "reprocess": (
        make_in("rejected"),
        make_in("rejected").reprocess(now=NOW, deadline=NOW, cause=Cause("request-2")),
    ),
    "upload": (
        make_in("rejected"),
        make_in("rejected").request_upload(SECOND, now=NOW, deadline=NOW, cause=Cause("request-2")),
    ),
    "ready again": (
        make_in("processing", newest=SECOND),
        replace(make_in("ready", newest=SECOND), payload=Payload("text/csv", 40, "a" * 64, 2)),
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_what_the_worker_is_told_of_an_event_means_what_the_event_means(name: str) -> None:
    event = event_of(*EVENTS[name])
    assert event is not None
    body = message_about(event)
    assert body is not None

    message, whole = parse_message(body), parse_message(domain_event(event))
    assert not isinstance(message.content, Unreadable)
    assert (message.content, message.owner) == (whole.content, event.owner)
    assert (message.correlation_id, message.sent_at) == (event.cause.correlation_id, event.time)


@pytest.mark.parametrize("event_type", EventType)
def test_the_worker_understands_all_that_it_is_told(event_type: EventType) -> None:
    event = event_of(*EVENTS["upload"])
    assert event is not None

    body = message_about(replace(event, type=event_type))

    assert body is None or not isinstance(parse_message(body).content, Unreadable)


@pytest.mark.parametrize("status", ["pending", "processing", "ready", "rejected", "failed", "expired"])
def test_of_a_first_revision_the_worker_is_told_nothing(status: str) -> None:
    before = None if status == "pending" else replace(make_in("pending"), version=0)
    event = event_of(before, make_in(status))

    assert event is not None
    assert message_about(event) is None


def told(after: StoredObject, before: StoredObject) -> str:
    event = event_of(before, after)
    assert event is not None
    return domain_event(event)


def deleted_event() -> str:
    ready = make_in("ready")
    return told(ready.delete(now=NOW, cause=Cause("request-2")), ready)


def reprocess_event() -> str:
    rejected = make_in("rejected", newest=Revision(7, "text/csv", 40, None, None))
    again = rejected.reprocess(now=NOW, deadline=NOW, cause=Cause("request-2"))
    return told(again, rejected)


def test_a_deletion_names_what_is_to_be_purged() -> None:
    assert parse_message(deleted_event()).content == Deletion("local-me", ID)


def test_a_ready_event_is_read_as_a_replacement() -> None:
    body = told(make_in("ready"), make_in("processing"))

    assert parse_message(body).content == Replacement("local-me", ID)


def test_a_request_for_an_upload_is_read_as_a_replacement() -> None:
    rejected, second = make_in("rejected"), Revision(2, "text/csv", 40, None, None)
    asked = rejected.request_upload(second, now=NOW, deadline=NOW, cause=Cause("request-2"))

    assert parse_message(told(asked, rejected)).content == Replacement("local-me", ID)


def test_what_is_to_be_processed_again_is_an_arrival_of_the_newest_payload() -> None:
    body = reprocess_event()

    assert parse_message(body).content == Arrival(PayloadKey("local-me", ID, 7), 40)


def test_a_payload_to_be_processed_again_waits_behind_a_smaller_one(aws: Aws) -> None:
    event = take_batch(aws, reprocess_event(), arrived(size=41), arrived(size=39), deleted_event())

    dispatcher, failed = handle(aws, event)

    assert ([message.size for message in dispatcher.seen], failed) == ([0, 39, 40, 41], [])


def without(body: str, *path: str) -> str:
    """The same envelope, one field less."""
    envelope = inner = json.loads(body)
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return json.dumps(envelope)


@pytest.mark.parametrize(
    "body",
    [
        without(deleted_event(), "detail"),
        without(deleted_event(), "detail", "owner"),
        without(deleted_event(), "detail", "subject"),
        without(reprocess_event(), "detail", "owner"),
        without(reprocess_event(), "detail", "data", "incoming"),
        without(reprocess_event(), "detail", "data", "incoming", "revision"),
        without(reprocess_event(), "detail", "data", "incoming", "size"),
        deleted_event().replace("object.deleted", "object.updated"),
        deleted_event().replace('"local-me"', "null"),
        deleted_event().replace(f'"{ID}"', "7"),
        reprocess_event().replace('"revision": 7', '"revision": "seven"'),
        reprocess_event().replace('"size": 40', '"size": null'),
    ],
)
def test_an_event_that_lacks_what_the_worker_needs_is_kept_for_the_operator(aws: Aws, body: str) -> None:
    assert isinstance(parse_message(body).content, Unreadable)

    _, failed = handle(aws, take_batch(aws, body))
    (letter,) = dead_letters(aws)
    assert (failed, letter["Body"]) == ([], body)


@pytest.mark.parametrize("size", ["null", '"40"', "[]"])
def test_an_event_of_no_known_size_does_not_harm_its_neighbours(aws: Aws, size: str) -> None:
    body = reprocess_event().replace('"size": 40', f'"size": {size}')
    event = take_batch(aws, arrived(), body, SWEEP)

    dispatcher, failed = handle(aws, event)

    assert failed == []
    assert parse_message(arrived()) in dispatcher.seen
    assert parse_message(SWEEP) in dispatcher.seen


class LongContext:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def test_a_sweep_ends_before_the_clock_asks_for_the_next(aws: Aws) -> None:
    seconds: list[float] = []

    class Sweeper:
        def dispatch(self, message: Message, *, seconds_left: Callable[[], float]) -> Outcome:
            assert message.content == Sweep()
            seconds.append(seconds_left())
            return Outcome.SWEPT

    BatchWorker(Sweeper(), aws.adapters().queue).sweep(LongContext())  # type: ignore[arg-type]  # same shape

    assert 0 < seconds[0] <= SWEEP_SECONDS


def test_each_retry_waits_twice_as_long_up_to_a_quarter_of_an_hour() -> None:
    assert [retry_seconds(receives) for receives in range(1, 10)] == [
        5, 10, 20, 40, 80, 160, 320, 640, 900,
    ]  # fmt: skip


def test_a_message_that_was_sent_back_keeps_its_count_when_it_is_buried_again(aws: Aws) -> None:
    event = take_batch(aws, "not JSON")
    event["Records"][0]["messageAttributes"] = {
        "redrives": {
            "stringValue": "2",
            "dataType": "Number",
            "stringListValues": [],
            "binaryListValues": [],
        }
    }

    handle(aws, event)

    [letter] = dead_letters(aws)
    assert letter["MessageAttributes"]["redrives"]["StringValue"] == "2"

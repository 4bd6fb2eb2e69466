"""The promises of the work queue to the services."""

from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from app.domain.causes import Trace
from app.domain.objects.values import PayloadKey
from app.messaging.messages import Arrival, parse_message
from app.messaging.work_queue import WorkMessage, WorkQueue
from tests.conftest import Aws

TRACE = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)
KEY = PayloadKey("local-me", str(uuid4()), 3)


@pytest.fixture
def queue(backend: Aws) -> WorkQueue:
    return backend.adapters().queue


def receive(backend: Aws, url: str) -> list[dict[str, Any]]:
    """Waits for a message, not longer than a second."""
    messages: list[dict[str, Any]] = backend.sqs.receive_message(
        QueueUrl=url,
        WaitTimeSeconds=1,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["ApproximateReceiveCount", "AWSTraceHeader"],
    ).get("Messages", [])
    return messages


def receive_now(backend: Aws, url: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = backend.sqs.receive_message(QueueUrl=url).get("Messages", [])
    return messages


def test_a_payload_queued_again_is_read_as_its_arrival(queue: WorkQueue, backend: Aws) -> None:
    queue.send_payload_created(KEY, 12)

    [message] = receive(backend, backend.queue_url)
    assert parse_message(message["Body"]).content == Arrival(KEY, 12)


def test_a_payload_queued_again_is_its_owners_work(queue: WorkQueue, backend: Aws) -> None:
    queue.send_payload_created(KEY, 12)

    assert groups(backend) == ["local-me"]


def groups(backend: Aws) -> list[str | None]:
    messages = backend.sqs.receive_message(
        QueueUrl=backend.queue_url, MaxNumberOfMessages=10, AttributeNames=["All"], WaitTimeSeconds=1
    ).get("Messages", [])
    return [message["Attributes"].get("MessageGroupId") for message in messages]


def test_work_is_sent_ten_at_a_time_each_in_its_owners_name(queue: WorkQueue, backend: Aws) -> None:
    owners = [*("ada", "bob") * 6, None]

    left = queue.send_all([WorkMessage(str(number), owner) for number, owner in enumerate(owners)])

    assert left == frozenset()
    received = groups(backend) + groups(backend)
    assert Counter(received) == Counter(owners)


def test_nothing_is_sent_to_the_dead_letter_queue_by_that(queue: WorkQueue, backend: Aws) -> None:
    queue.send_payload_created(KEY, 12)

    assert receive_now(backend, backend.dead_letter_queue_url) == []


@pytest.mark.parametrize("body", ['{"detail-type":"Object Created"}', "not JSON", "größe 日本 🚢\n\t"])
def test_a_buried_message_keeps_its_body_and_says_why(queue: WorkQueue, backend: Aws, body: str) -> None:
    queue.bury(body, error="Unavailable", attempts=3)

    [message] = receive(backend, backend.dead_letter_queue_url)
    assert message["Body"] == body
    attributes = message["MessageAttributes"]
    assert (attributes["error"]["StringValue"], attributes["attempts"]["StringValue"]) == ("Unavailable", "3")
    assert receive_now(backend, backend.queue_url) == []


def test_a_buried_message_that_is_moved_back_is_read_as_before(queue: WorkQueue, backend: Aws) -> None:
    queue.send_payload_created(KEY, 12)
    [sent] = receive(backend, backend.queue_url)
    queue.bury(sent["Body"], error="Unavailable", attempts=3)

    [buried] = receive(backend, backend.dead_letter_queue_url)

    assert parse_message(buried["Body"]) == parse_message(sent["Body"])


def test_a_received_message_is_hidden_until_it_is_to_be_tried_again(queue: WorkQueue, backend: Aws) -> None:
    queue.send_payload_created(KEY, 12)
    [first] = receive(backend, backend.queue_url)
    hidden = receive_now(backend, backend.queue_url)

    queue.retry_in(first["ReceiptHandle"], 0)

    [second] = receive(backend, backend.queue_url)
    assert hidden == []
    assert second["MessageId"] == first["MessageId"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_message_put_off_stays_hidden(queue: WorkQueue, backend: Aws) -> None:
    queue.send_payload_created(KEY, 12)
    [first] = receive(backend, backend.queue_url)

    queue.retry_in(first["ReceiptHandle"], 900)

    assert receive_now(backend, backend.queue_url) == []


def test_a_message_carries_the_trace_of_its_cause_on(queue: WorkQueue, backend: Aws) -> None:
    queue.send_payload_created(KEY, 12, trace=TRACE)
    queue.bury("{}", error="Unavailable", attempts=3, trace=TRACE)

    for url in (backend.queue_url, backend.dead_letter_queue_url):
        [message] = receive(backend, url)
        assert message["Attributes"]["AWSTraceHeader"] == TRACE.xray_header


def test_a_message_without_a_trace_says_none(queue: WorkQueue, backend: Aws) -> None:
    queue.send_payload_created(KEY, 12)

    [message] = receive(backend, backend.queue_url)
    assert "AWSTraceHeader" not in message["Attributes"]

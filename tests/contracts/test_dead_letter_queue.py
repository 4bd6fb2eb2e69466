"""The promises to an operator who empties the dead-letter queue."""

import json
from typing import Any

import pytest

from app.domain.causes import Trace
from app.messaging import dead_letters
from app.messaging.dead_letters import DeadLetter, DeadLetterQueue
from app.messaging.work_queue import WorkQueue
from tests.conftest import Aws

BODY = '{"detail-type":"sweep"}'


@pytest.fixture
def work(backend: Aws) -> WorkQueue:
    return backend.adapters().queue


@pytest.fixture
def letters(backend: Aws, monkeypatch: pytest.MonkeyPatch) -> DeadLetterQueue:
    # Neither backend has a second host whose messages would come later.
    monkeypatch.setattr(dead_letters, "WAIT_SECONDS", 0)
    return backend.adapters().dead_letters


def described(letter: DeadLetter) -> tuple[str, str, int, int]:
    return letter.body, letter.error, letter.attempts, letter.redrives


def received(backend: Aws, url: str) -> list[dict[str, Any]]:
    answer = backend.sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], VisibilityTimeout=0)
    return list(answer.get("Messages", []))


def test_a_buried_message_is_read_with_what_the_worker_noted(
    work: WorkQueue, letters: DeadLetterQueue
) -> None:
    work.bury(BODY, error="Unavailable", attempts=3, redrives=2)

    [letter] = letters.receive_all(seconds=60)

    assert described(letter) == (BODY, "Unavailable", 3, 2)


def test_what_eventbridge_could_not_deliver_is_read_with_its_reason(
    letters: DeadLetterQueue, backend: Aws
) -> None:
    attributes = {"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "Denied.", "RETRY_ATTEMPTS": "185"}
    backend.sqs.send_message(
        QueueUrl=backend.dead_letter_queue_url,
        MessageBody=BODY,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )

    [letter] = letters.receive_all(seconds=60)

    assert described(letter) == (BODY, "NO_PERMISSIONS", 185, 0)


def test_what_sqs_moved_itself_was_not_processed_in_time(letters: DeadLetterQueue, backend: Aws) -> None:
    backend.sqs.send_message(QueueUrl=backend.dead_letter_queue_url, MessageBody="not JSON")

    [letter] = letters.receive_all(seconds=60)

    assert described(letter) == ("not JSON", "not processed in time", 0, 0)


def test_all_of_many_are_read_once_the_oldest_first(work: WorkQueue, letters: DeadLetterQueue) -> None:
    bodies = [json.dumps({"number": number}) for number in range(25)]
    for body in bodies:
        work.bury(body, error="UnknownMessage", attempts=1)

    found = letters.receive_all(seconds=60)

    assert sorted(letter.body for letter in found) == sorted(bodies)
    assert [letter.sent_at for letter in found] == sorted(letter.sent_at for letter in found)


def test_what_was_read_is_hidden_until_it_is_released(work: WorkQueue, letters: DeadLetterQueue) -> None:
    work.bury(BODY, error="UnknownMessage", attempts=1)
    found = letters.receive_all(seconds=60)
    hidden = letters.receive_all(seconds=60)

    letters.release(found)

    assert hidden == []
    assert [letter.message_id for letter in letters.receive_all(seconds=60)] == [found[0].message_id]


def test_what_is_sent_back_is_in_the_work_queue_only_and_counted(
    work: WorkQueue, letters: DeadLetterQueue, backend: Aws
) -> None:
    work.bury(BODY, error="UnknownMessage", attempts=1, redrives=1)
    [letter] = letters.receive_all(seconds=0)

    letters.send_back(letter)

    [message] = received(backend, backend.queue_url)
    assert message["Body"] == BODY
    assert message["MessageAttributes"]["redrives"]["StringValue"] == "2"
    assert received(backend, backend.dead_letter_queue_url) == []


def test_what_is_deleted_is_gone(work: WorkQueue, letters: DeadLetterQueue, backend: Aws) -> None:
    work.bury(BODY, error="UnknownMessage", attempts=1)
    [letter] = letters.receive_all(seconds=0)

    letters.delete(letter)

    assert received(backend, backend.dead_letter_queue_url) == []
    assert received(backend, backend.queue_url) == []


def test_what_is_sent_back_is_of_the_same_trace(
    work: WorkQueue, letters: DeadLetterQueue, backend: Aws
) -> None:
    trace = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)
    work.bury(BODY, error="Unavailable", attempts=3, trace=trace)

    [letter] = letters.receive_all(seconds=60)
    letters.send_back(letter)

    answer = backend.sqs.receive_message(
        QueueUrl=backend.queue_url, WaitTimeSeconds=1, MessageSystemAttributeNames=["All"]
    )
    [message] = answer["Messages"]
    assert letter.trace == trace
    assert message["Attributes"]["AWSTraceHeader"] == trace.xray_header

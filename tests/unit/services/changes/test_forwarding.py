"""S3's notices reach the work queue as they came, each in its owner's name."""

from typing import Any
from uuid import uuid4

import pytest

from app.aws.faults import TRIES
from app.bootstrap.relay import compose_forwarding
from app.services.changes.forwarding import Forwarding
from tests.conftest import Aws
from tests.events import queue_batch, s3_notice
from tests.faults import answering, calls_of, fail
from tests.unit.services.conftest import messages_in


@pytest.fixture
def forwarding(aws: Aws) -> Forwarding:
    return compose_forwarding(aws.adapters())


def notices(*owners: str) -> list[str]:
    return [s3_notice(f"payloads/{owner}/{uuid4()}/1") for owner in owners]


def batch(*bodies: str) -> list[dict[str, Any]]:
    received = [{"MessageId": str(number), "Body": body} for number, body in enumerate(bodies)]
    records: list[dict[str, Any]] = queue_batch(received)["Records"]
    return records


def test_a_notice_is_passed_on_as_it_is_in_its_owners_name(forwarding: Forwarding, aws: Aws) -> None:
    bodies = notices("ada", "bob", "ada")
    calls = calls_of(aws.sqs)

    assert forwarding.forward(batch(*bodies)) == []

    [call] = calls
    assert [entry["MessageGroupId"] for entry in call.parameters["Entries"]] == ["ada", "bob", "ada"]
    assert [message["Body"] for message in messages_in(aws, aws.queue_url)] == bodies


@pytest.mark.parametrize("body", ["", "{", '{"Event": "s3:TestEvent"}', '{"Records": []}'])
def test_what_is_no_notice_is_passed_on_for_the_worker_to_judge(
    forwarding: Forwarding, aws: Aws, body: str
) -> None:
    calls = calls_of(aws.sqs)

    forwarding.forward(batch(body))

    [entry] = calls[0].parameters["Entries"]
    assert entry["MessageBody"] == body
    assert "MessageGroupId" not in entry


def test_only_what_was_not_taken_comes_again(forwarding: Forwarding, aws: Aws) -> None:
    bodies = notices(*["ada"] * 12)
    fail(aws.sqs, "SendMessageBatch", answering(503), spared=1, times=TRIES)

    assert forwarding.forward(batch(*bodies)) == ["10", "11"]
    assert [message["Body"] for message in messages_in(aws, aws.queue_url)] == bodies[:10]

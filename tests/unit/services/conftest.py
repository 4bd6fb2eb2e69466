"""The real repositories and queues, on AWS in this process."""

from typing import Any

import pytest

from app.api.services import ApiServices
from app.messaging.work_queue import WorkQueue
from app.storage.history import HistoryRepository
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore
from tests.conftest import Aws, Clock
from tests.services import services_on


@pytest.fixture
def api(aws: Aws, clock: Clock) -> ApiServices:
    return services_on(aws, clock=clock)


@pytest.fixture
def repository(aws: Aws) -> ObjectRepository:
    return aws.adapters().objects


@pytest.fixture
def payloads(aws: Aws) -> PayloadStore:
    return aws.adapters().payloads


@pytest.fixture
def history(aws: Aws) -> HistoryRepository:
    return aws.adapters().history


@pytest.fixture
def queue(aws: Aws) -> WorkQueue:
    return aws.adapters().queue


def keys_in_bucket(aws: Aws) -> list[str]:
    return [found["Key"] for found in aws.s3.list_objects_v2(Bucket=aws.bucket).get("Contents", [])]


def content_of(aws: Aws, key: str) -> bytes:
    content: bytes = aws.s3.get_object(Bucket=aws.bucket, Key=key)["Body"].read()
    return content


def messages_in(aws: Aws, queue_url: str) -> list[dict[str, Any]]:
    """All that can be received, oldest first."""
    messages: list[dict[str, Any]] = []
    while found := aws.sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        messages += found
    return messages

"""The real repositories and queues, on AWS in this process."""

from typing import Any

import pytest

from app.messaging.work_queue import WorkQueue
from app.services.quotas import Quotas
from app.storage.history import HistoryRepository
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore
from tests.conftest import Aws
from tests.services import unlimited


@pytest.fixture
def repository(aws: Aws) -> ObjectRepository:
    return ObjectRepository(aws.dynamodb, aws.table, shards=1)


@pytest.fixture
def payloads(aws: Aws) -> PayloadStore:
    return PayloadStore(aws.s3, aws.bucket, presigner=aws.s3)


@pytest.fixture
def history(aws: Aws) -> HistoryRepository:
    return HistoryRepository(aws.dynamodb, aws.table)


@pytest.fixture
def queue(aws: Aws) -> WorkQueue:
    return WorkQueue(aws.sqs, aws.queue_url, aws.dead_letter_queue_url)


@pytest.fixture
def quotas(aws: Aws) -> Quotas:
    return unlimited(aws)


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

"""A service is ready if its table and bucket answer."""

from collections.abc import Callable

import pytest

from app.api.services import ApiServices
from app.services.operations.readiness import Readiness
from tests.conftest import Aws
from tests.faults import Fault, answering, calls_of, fail, not_connecting, not_replying, throttling


@pytest.fixture
def readiness(api: ApiServices) -> Readiness:
    return api.readiness


def test_what_answers_is_ready(readiness: Readiness) -> None:
    assert readiness.check() == {"table": True, "bucket": True}


@pytest.mark.parametrize(
    "fault",
    [throttling(), answering(500), not_connecting, not_replying],
    ids=["throttled", "failing", "away", "silent"],
)
@pytest.mark.parametrize(
    ("client", "operation", "dependency"),
    [("dynamodb", "GetItem", "table"), ("s3", "HeadBucket", "bucket")],
)
def test_what_does_not_answer_is_named(
    readiness: Readiness, aws: Aws, client: str, operation: str, dependency: str, fault: Fault
) -> None:
    fail(getattr(aws, client), operation, fault)

    assert readiness.check() == {"table": True, "bucket": True} | {dependency: False}


@pytest.mark.parametrize(
    ("remove", "dependency"),
    [
        (lambda aws: aws.dynamodb.delete_table(TableName=aws.table), "table"),
        (lambda aws: aws.s3.delete_bucket(Bucket=aws.bucket), "bucket"),
        (lambda aws: fail(aws.dynamodb, "GetItem", answering(400, "AccessDeniedException")), "table"),
        (lambda aws: fail(aws.s3, "HeadBucket", answering(403, "403")), "bucket"),
    ],
    ids=["no table", "no bucket", "no right to read the table", "no right to see the bucket"],
)
def test_what_is_not_there_or_not_ours_is_not_ready(
    readiness: Readiness, aws: Aws, remove: Callable[[Aws], object], dependency: str
) -> None:
    remove(aws)

    assert readiness.check() == {"table": True, "bucket": True} | {dependency: False}


def test_a_check_writes_nothing(readiness: Readiness, aws: Aws) -> None:
    calls = [calls_of(aws.dynamodb), calls_of(aws.s3)]

    readiness.check()

    assert [call.operation for made in calls for call in made] == ["GetItem", "HeadBucket"]

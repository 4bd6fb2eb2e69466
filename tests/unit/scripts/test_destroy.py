"""The deletion of a stage's data."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from app.local.errors import CannotStart
from scripts.ops.destroy import delete_all, delete_bucket, delete_table, main, plan
from scripts.ops.kept_data import BUCKET, TABLE, Data, Stage
from tests.faults import after, calls_of, unhook_all

NAME = "wharf-dev-objects"
DATA = (Data("ObjectsTable", TABLE, NAME), Data("PayloadBucket", BUCKET, NAME))


@pytest.fixture
def session() -> Iterator[boto3.session.Session]:
    with mock_aws():
        yield boto3.session.Session()
    unhook_all()


@pytest.fixture
def dynamodb(session: boto3.session.Session) -> Any:
    client = session.client("dynamodb")
    client.create_table(
        TableName=NAME,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        DeletionProtectionEnabled=True,
    )
    return client


@pytest.fixture
def s3(session: boto3.session.Session) -> Any:
    client = session.client("s3")
    client.create_bucket(Bucket=NAME)
    client.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket=NAME, Key="payloads/1", Body=b"old")
    client.put_object(Bucket=NAME, Key="payloads/1", Body=b"new")
    client.delete_object(Bucket=NAME, Key="payloads/1")
    return client


def test_a_protected_table_is_deleted_once_it_is_updated_and_nothing_is_repeated(dynamodb: Any) -> None:
    calls = calls_of(dynamodb)
    after(dynamodb, "DescribeTable", lambda answer: answer["Table"].update(TableStatus="UPDATING"), spared=1)

    delete_table(dynamodb, NAME)
    delete_table(dynamodb, NAME)

    described = "DescribeTable"
    assert [call.operation for call in calls] == [
        *(described, "UpdateTable", described, described, "DeleteTable", described),
        *(described, described),
    ]
    assert dynamodb.list_tables()["TableNames"] == []


def test_a_stack_that_failed_to_be_created_finds_its_data_unprotected(
    session: boto3.session.Session, dynamodb: Any, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CloudFormation deletes the data of such a stack itself, and ends in ROLLBACK_FAILED if it may not."""
    protected: list[bool] = []

    def delete_stack(_client: Any, _stack_id: str) -> None:
        protected.append(dynamodb.describe_table(TableName=NAME)["Table"]["DeletionProtectionEnabled"])

    monkeypatch.setattr("app.local.aws.stack.delete", delete_stack)
    monkeypatch.setattr("scripts.ops.kept_data.find", lambda _session, _name: Stage("id", False, DATA))
    monkeypatch.setattr("sys.argv", ["destroy", "prod", "--with-data", "--yes", "wharf-prod"])

    assert main() == 0

    assert protected == [False]
    assert dynamodb.list_tables()["TableNames"] == []
    assert s3.list_buckets()["Buckets"] == []


def test_a_bucket_goes_with_its_old_versions_and_a_second_time(s3: Any) -> None:
    delete_bucket(s3, NAME)
    delete_bucket(s3, NAME)

    assert s3.list_buckets()["Buckets"] == []


def test_a_key_that_s3_does_not_delete_is_told(s3: Any) -> None:
    refused = {"Key": "payloads/1", "Code": "AccessDenied", "Message": "Access Denied"}
    after(s3, "DeleteObjects", lambda answer: answer.update(Errors=[refused]))

    with pytest.raises(CannotStart, match="payloads/1: AccessDenied"):
        delete_bucket(s3, NAME)


def test_one_that_cannot_be_deleted_does_not_keep_the_others(
    session: boto3.session.Session, s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = Data("PayloadBucket", BUCKET, "not a name")

    left = delete_all(session, (refused, Data("PayloadBucket", BUCKET, NAME)))

    assert left == 1
    assert "PayloadBucket not a name is NOT deleted: " in capsys.readouterr().out
    assert s3.list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    ("is_deleted", "with_data", "lines"),
    [
        (False, False, ["The stack s will be deleted.", "stays.", "stays."]),
        (False, True, ["The stack s will be deleted.", "will be deleted, with everything in it."]),
        (True, True, ["The stack s was deleted before.", "will be deleted, with everything in it."]),
    ],
)
def test_a_run_first_says_what_it_does(is_deleted: bool, with_data: bool, lines: list[str]) -> None:
    told = plan("s", Stage("id", is_deleted, DATA), with_data=with_data)

    assert len(told) == 3
    assert all(line.endswith(end) for line, end in zip(told, lines, strict=False))
    assert all(NAME in line for line in told[1:])

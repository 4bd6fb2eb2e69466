"""The data of a stage: what stays when its stack is deleted, and where to find it then.

CloudFormation knows a deleted stack for 90 days, by its id (CloudFormation API Reference,
"DescribeStackEvents"). So its data can be found, deleted or adopted although the stack is gone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from app.local.aws import stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

TABLE = "AWS::DynamoDB::Table"
BUCKET = "AWS::S3::Bucket"
USER_POOL = "AWS::Cognito::UserPool"
#: The types that hold data, and the property that an import identifies one by.
IDENTIFIERS = {TABLE: "TableName", BUCKET: "BucketName", USER_POOL: "UserPoolId"}
#: How the services say that something does not exist. HEAD has no body to say it in.
NOT_FOUND = {"ResourceNotFoundException", "NoSuchBucket", "404"}


@dataclass(frozen=True, slots=True)
class Data:
    """A table, a bucket or a user pool."""

    logical_id: str
    resource_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A stack with its data, or a deleted stack with the data that is left of it."""

    stack_id: str
    is_deleted: bool
    #: Resources that a change or the deletion of the stack left behind come last, the newest of them first.
    #: A logical id may occur twice.
    data: tuple[Data, ...]


def find(session: boto3.session.Session, name: str) -> Stage | None:
    """Return the stack, or else the last deleted one of this name that has data left."""
    return _existing(session, name) or last_deleted(session, name)


def _existing(session: boto3.session.Session, name: str) -> Stage | None:
    """Return the stack with its data, and with the data that its changes have left behind."""
    cloudformation = session.client("cloudformation")
    if (described := stack.described(cloudformation, name)) is None:
        return None
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    own = [
        Data(one["LogicalResourceId"], one["ResourceType"], one["PhysicalResourceId"])
        for page in pages
        for one in page["StackResourceSummaries"]
        if one["ResourceType"] in IDENTIFIERS and one.get("PhysicalResourceId")
    ]
    stack_id, owned = described["StackId"], _owned(cloudformation)
    left = [one for one in _left_behind(cloudformation, stack_id) if one.name not in owned]
    return Stage(stack_id, False, tuple(one for one in (*own, *left) if exists(session, one)))


def last_deleted(session: boto3.session.Session, name: str) -> Stage | None:
    """Return the last deleted stack of this name that has data left which no other stack has adopted."""
    return next(deleted(session, name), None)


def deleted(session: boto3.session.Session, name: str) -> Iterator[Stage]:
    """Yield the deleted stacks of this name that have data left which no other stack has adopted.

    The last one comes first.
    """
    cloudformation = session.client("cloudformation")
    pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    found = [one for page in pages for one in page["StackSummaries"] if one["StackName"] == name]
    owned = _owned(cloudformation) if found else set()
    for one in sorted(found, key=lambda one: one["CreationTime"], reverse=True):
        left = [data for data in _left_behind(cloudformation, one["StackId"]) if data.name not in owned]
        if data := tuple(one for one in left if exists(session, one)):
            yield Stage(one["StackId"], True, data)


def _owned(cloudformation: "CloudFormationClient") -> set[str]:
    """Return the physical ids of all resources of all stacks of the account that are not deleted."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    stack_ids = [one["StackId"] for page in pages for one in page["Stacks"]]
    return {name for each in stack_ids for name in stack.resources_of(cloudformation, each).values()}


def _left_behind(cloudformation: "CloudFormationClient", stack_id: str) -> list[Data]:
    """Return the data that changes of the stack and its deletion have kept, each once, the newest first.

    CloudFormation tells the events of a stack in this order.
    """
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    kept = (
        Data(event["LogicalResourceId"], event["ResourceType"], event["PhysicalResourceId"])
        for page in pages
        for event in page["StackEvents"]
        if event["ResourceType"] in IDENTIFIERS and event["ResourceStatus"] == "DELETE_SKIPPED"
    )
    return list(dict.fromkeys(kept))


def exists(session: boto3.session.Session, data: Data) -> bool:
    try:
        if data.resource_type == TABLE:
            session.client("dynamodb").describe_table(TableName=data.name)
        elif data.resource_type == BUCKET:
            session.client("s3").head_bucket(Bucket=data.name)
        else:
            session.client("cognito-idp").describe_user_pool(UserPoolId=data.name)
    except ClientError as refused:
        if not is_not_found(refused):
            raise
        return False
    return True


def is_not_found(refused: ClientError) -> bool:
    return refused.response["Error"]["Code"] in NOT_FOUND

"""Delete a stage's stack, and its data only if asked to.

scripts/ops/destroy.sh STAGE               keeps the tables, the bucket and the user pool
scripts/ops/destroy.sh STAGE --with-data   deletes them too, with everything in them

It can be repeated. If the stack is gone, --with-data deletes what the last deleted stack of the
stage has kept.
"""

from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from app.local.aws import stack
from app.local.errors import CannotStart
from scripts.ops import kept_data, stages
from scripts.ops.kept_data import BUCKET, TABLE, USER_POOL, Data, Stage

#: Waits for up to an hour: a table with many indexes takes long to be deleted.
PATIENT: Any = {"Delay": 2, "MaxAttempts": 1800}


def main() -> int:
    parser = stages.parser("destroy", "Delete a stage's stack. Its data is kept unless you add --with-data.")
    parser.add_argument(
        "--with-data", action="store_true", help="also delete the tables, the bucket and the user pool"
    )
    parser.add_argument("--yes", metavar="STACK", help="confirm with the stack's name instead of at a prompt")
    given = parser.parse_args()
    if given.stage == stages.LOCAL:
        stages.use_emulator(given)
    name, session = stages.stack_name(given.stage), boto3.session.Session()
    found = kept_data.find(session, name)
    if found is None:
        print(f"There is no stack {name}, and no deleted one that has kept data.")
        return 0
    # Told before anything is deleted, because a deleted stack has no outputs.
    print("\n".join(plan(name, found, with_data=given.with_data)))
    if given.stage == stages.LOCAL and not given.with_data:
        print(KEPT_HERE)
    if found.is_deleted and not given.with_data:
        return 0
    if (given.yes or input("Type the stack's name to continue: ")) != name:
        print("Nothing was deleted.")
        return 1
    if given.with_data:
        # A stack whose creation failed deletes its data itself, and gets stuck at what is protected.
        unprotect(session, found.data)
    if not found.is_deleted:
        stack.delete(session.client("cloudformation"), found.stack_id)
        print(f"The stack {name} is deleted.")
    return delete_all(session, found.data) if given.with_data else 0


#: The emulator makes a table anew under the name that a kept one has.
KEPT_HERE = (
    "The run that is up cannot work without its stack, and the next one begins with empty tables. "
    "To keep the data, run scripts/ops/adopt.sh local before you stop this one."
)


def plan(name: str, found: Stage, *, with_data: bool) -> list[str]:
    """Return the lines that say what a run does."""
    first = f"The stack {name} {'was deleted before' if found.is_deleted else 'will be deleted'}."
    fate = "will be deleted, with everything in it" if with_data else "stays"
    return [first, *(f"{one.logical_id} {one.name} {fate}." for one in found.data)]


def unprotect(session: boto3.session.Session, data: tuple[Data, ...]) -> None:
    """Let CloudFormation or anybody else delete the data."""
    for one in data:
        if one.resource_type in PROTECTIONS:
            service, lift = PROTECTIONS[one.resource_type]
            lift(session.client(service), one.name)


def unprotect_table(dynamodb: Any, name: str) -> None:
    """Lift the table's protection from deletion, and wait until the table is no longer being updated.

    DynamoDB refuses to delete a table meanwhile (DynamoDB API Reference, "DeleteTable").
    """
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig=PATIENT)


def unprotect_user_pool(cognito: Any, name: str) -> None:
    if cognito.describe_user_pool(UserPoolId=name)["UserPool"].get("DeletionProtection") == "ACTIVE":
        cognito.update_user_pool(UserPoolId=name, DeletionProtection="INACTIVE")


def delete_all(session: boto3.session.Session, data: tuple[Data, ...]) -> int:
    """Delete each, also if another one could not be deleted. Return 1 if something is left."""
    left = 0
    for one in data:
        try:
            service, delete = DELETIONS[one.resource_type]
            delete(session.client(service), one.name)
        except (BotoCoreError, CannotStart, ClientError) as fault:
            print(f"{one.logical_id} {one.name} is NOT deleted: {fault}")
            left = 1
        else:
            print(f"{one.logical_id} {one.name} is deleted.")
    return left


def delete_table(dynamodb: Any, name: str) -> None:
    """Delete the table, whether or not it is protected from deletion, and wait until it is gone."""
    try:
        unprotect_table(dynamodb, name)
        dynamodb.delete_table(TableName=name)
    except ClientError as refused:
        if not kept_data.is_not_found(refused):
            raise
    dynamodb.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig=PATIENT)


def delete_bucket(s3: Any, name: str) -> None:
    """Delete the bucket with everything in it, and wait until it is gone."""
    try:
        empty(s3, name)
        s3.delete_bucket(Bucket=name)
    except ClientError as refused:
        if not kept_data.is_not_found(refused):
            raise
    s3.get_waiter("bucket_not_exists").wait(Bucket=name, WaiterConfig=PATIENT)


def empty(s3: Any, bucket: str) -> None:
    """Delete every version of every key. Raises CannotStart with the first one that S3 does not delete."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        if keys:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            for error in answer.get("Errors", []):
                raise CannotStart(f"{error['Key']}: {error['Code']}, {error.get('Message')}")


def delete_user_pool(cognito: Any, name: str) -> None:
    """Delete the user pool, whether or not it is protected from deletion."""
    try:
        unprotect_user_pool(cognito, name)
        cognito.delete_user_pool(UserPoolId=name)
    except ClientError as refused:
        if not kept_data.is_not_found(refused):
            raise


#: The service that deletes a resource, and the function that asks for it, by the resource's type.
DELETIONS: Mapping[str, tuple[Any, Callable[[Any, str], None]]] = {
    TABLE: ("dynamodb", delete_table),
    BUCKET: ("s3", delete_bucket),
    USER_POOL: ("cognito-idp", delete_user_pool),
}
#: The same for resources that can be protected from deletion: they are unprotected.
PROTECTIONS: Mapping[str, tuple[Any, Callable[[Any, str], None]]] = {
    TABLE: ("dynamodb", unprotect_table),
    USER_POOL: ("cognito-idp", unprotect_user_pool),
}


if __name__ == "__main__":
    stages.run(main)

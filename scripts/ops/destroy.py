"""Deletes a stage's stack; its data only when that is asked for.

scripts/ops/destroy.sh STAGE               the table, the bucket and the user pool stay
scripts/ops/destroy.sh STAGE --with-data   they go too, with everything in them
"""

from collections.abc import Sequence
from typing import Any

import boto3

from app.local import stack
from scripts.ops import stages

DATA = ("TableName", "BucketName", "UserPoolId")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = stages.parser("destroy", "Delete a stage's stack; its data stays unless you say otherwise.")
    parser.add_argument("--with-data", action="store_true", help="delete table, bucket and user pool as well")
    parser.add_argument("--yes", metavar="STACK", help="the stack's name, instead of being asked for it")
    given = parser.parse_args(arguments)
    if given.stage == stages.LOCAL:
        stages.use_emulator(given.aws_port)
    name = stages.stack_name(given.stage)
    if (given.yes or input(f"This deletes {name}. Type its name to go on: ")) != name:
        print("Nothing was deleted.")
        return 1
    session = boto3.session.Session()
    cloudformation = session.client("cloudformation")
    outputs = stack.outputs_of(cloudformation, name)
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 2})
    print(f"{name} is deleted.")
    kept = {output: outputs[output] for output in DATA if output in outputs}
    for output, value in kept.items():
        if given.with_data:
            delete(session, output, value)
        print(f"{output} {value}: {'deleted' if given.with_data else 'kept'}")
    return 0


def delete(session: boto3.session.Session, output: str, value: str) -> None:
    """The table of prod is protected: that is switched off first, as you asked for it by name."""
    match output:
        case "TableName":
            table = session.client("dynamodb")
            table.update_table(TableName=value, DeletionProtectionEnabled=False)
            table.delete_table(TableName=value)
        case "BucketName":
            empty(session.client("s3"), value)
            session.client("s3").delete_bucket(Bucket=value)
        case "UserPoolId":
            pool = session.client("cognito-idp")
            pool.update_user_pool(UserPoolId=value, DeletionProtection="INACTIVE")
            pool.delete_user_pool(UserPoolId=value)


def empty(s3: Any, bucket: str) -> None:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


if __name__ == "__main__":
    stages.run(main)

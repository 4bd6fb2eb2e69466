"""Delete a stage's stack, and its data only if asked to.

scripts/ops/destroy.sh STAGE               keeps the table, the bucket and the user pool
scripts/ops/destroy.sh STAGE --with-data   deletes them too, with everything in them
"""

from typing import Any

import boto3

from app.local import stack
from scripts.ops import stages

DATA = ("TableName", "BucketName", "UserPoolId")


def main() -> int:
    parser = stages.parser("destroy", "Delete a stage's stack. Its data is kept unless you add --with-data.")
    parser.add_argument(
        "--with-data", action="store_true", help="also delete the table, the bucket and the user pool"
    )
    parser.add_argument("--yes", metavar="STACK", help="confirm with the stack's name instead of at a prompt")
    given = parser.parse_args()
    if given.stage == stages.LOCAL:
        stages.use_emulator(given.aws_port)
    name = stages.stack_name(given.stage)
    if (given.yes or input(f"This deletes the stack {name}. Type its name to continue: ")) != name:
        print("Nothing was deleted.")
        return 1
    session = boto3.session.Session()
    outputs = delete_stack(session, name)
    print(f"The stack {name} is deleted.")
    for output in DATA:
        if output in outputs:
            if given.with_data:
                delete(session, output, outputs[output])
            print(f"{output} {outputs[output]}: {'deleted' if given.with_data else 'kept'}")
    return 0


def delete_stack(session: boto3.session.Session, name: str) -> dict[str, str]:
    """Delete the stack and return the outputs it had."""
    cloudformation = session.client("cloudformation")
    outputs = stack.outputs_of(cloudformation, name)
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 2})
    return outputs


def delete(session: boto3.session.Session, output: str, value: str) -> None:
    """Delete the resource that an output names, whether or not it is protected from deletion."""
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

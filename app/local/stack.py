"""Deploys template.yaml, the only description of the resources, without AWS.

without code    the functions are placeholders and nothing feeds them: this
                process calls the handlers itself (`make run`)
with code       queue, stream and API Gateway call the functions, which the
                emulator runs as processes of its own
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from app.local.errors import CannotStart
from app.local.template import ROOT, local_template

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

Json = dict[str, Any]

STACK_NAME = "wharf"
LONGEST_REASON = 300
"""Some reasons quote the whole template first."""
CODE_BUCKET = "wharf-code"


@dataclass(frozen=True, slots=True)
class Stack:
    outputs: Mapping[str, str]
    resources: Mapping[str, str]
    """Logical to physical ids."""

    def api_url(self, endpoint: str) -> str:
        """Where the emulator serves this stack's API Gateway; the output names AWS's own host."""
        return f"{endpoint}/_aws/execute-api/{self.resources['RestApi']}/{self.resources['ApiStage']}"


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function, as far as calling its handler somewhere else needs it."""

    name: str
    arn: str
    memory_mb: int
    timeout_seconds: int
    environment: Mapping[str, str]
    source_arn: str | None
    """Of the queue or the stream that feeds it."""
    batch_size: int
    filters: tuple[Json, ...]


def deploy(
    cloudformation: "CloudFormationClient",
    *,
    code_uri: str | None = None,
    parameters: Mapping[str, str] | None = None,
    name: str = STACK_NAME,
) -> Stack:
    """Create the stack, or change it where the template did; its data stays.

    Raises CannotStart with the first reason when the stack is refused.
    """
    given = {**(parameters or {}), "Polling": "on" if code_uri else "off"}
    given["Revision"] = revision_of(code_uri or "", given)
    apply(cloudformation, name, json.dumps(local_template(code_uri, given["Revision"])), given)
    return Stack(outputs_of(cloudformation, name), dict(_resources(cloudformation, name)))


def revision_of(code: str, parameters: Mapping[str, str]) -> str:
    """Of this code with these parameters, for the template's parameter Revision."""
    named = json.dumps([code, sorted(parameters.items())])
    return hashlib.sha256(named.encode()).hexdigest()[:12]


def outputs_of(cloudformation: "CloudFormationClient", name: str) -> dict[str, str]:
    described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def upload_code(s3: "S3Client", folder: Path = ROOT / "app") -> str:
    """Put `folder` where the emulator's functions can load it; its URI, for `deploy`.

    The key changes with the code: a function is only renewed when its key is new.
    """
    archive = _zipped(folder)
    key = f"{hashlib.sha256(archive).hexdigest()}.zip"
    s3.create_bucket(Bucket=CODE_BUCKET)
    s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=archive)
    return f"s3://{CODE_BUCKET}/{key}"


def describe_function(client: "LambdaClient", stack: Stack, logical_id: str) -> Function:
    configured = client.get_function_configuration(FunctionName=stack.resources[logical_id])
    mappings = client.list_event_source_mappings(FunctionName=configured["FunctionName"])
    mapping: Any = next(iter(mappings["EventSourceMappings"]), {})
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    return Function(
        name=configured["FunctionName"],
        arn=configured["FunctionArn"],
        memory_mb=configured["MemorySize"],
        timeout_seconds=configured["Timeout"],
        environment=configured["Environment"]["Variables"],
        source_arn=mapping.get("EventSourceArn"),
        batch_size=mapping.get("BatchSize", 1),
        filters=tuple(json.loads(one["Pattern"]) for one in filters),
    )


def expire_items(dynamodb: "DynamoDBClient", stack: Stack) -> None:
    """Switch on the table's TTL, which the emulator's CloudFormation passes over."""
    wanted = local_template()["Resources"]["ObjectsTable"]["Properties"]["TimeToLiveSpecification"]
    table = stack.outputs["TableName"]
    found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if found.get("TimeToLiveStatus") == "DISABLED":
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)


def _zipped(folder: Path) -> bytes:
    """The same bytes for the same files, whenever they were written."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                file.writestr(zipfile.ZipInfo(str(path.relative_to(folder.parent))), path.read_bytes())
    return archive.getvalue()


def apply(cloudformation: "CloudFormationClient", name: str, template: str, given: Mapping[str, str]) -> None:
    """Create or change a stack from a template as JSON. Raises CannotStart."""
    parameters: list[ParameterTypeDef] = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in given.items()
    ]
    action = "update" if _exists(cloudformation, name) else "create"
    change = cloudformation.update_stack if action == "update" else cloudformation.create_stack
    try:
        change(
            StackName=name,
            TemplateBody=template,
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        waiter = cloudformation.get_waiter(f"stack_{action}_complete")  # type: ignore[call-overload]
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1})
    except ClientError as refused:
        if "No updates are to be performed" not in str(refused):
            reason = refused.response["Error"].get("Message", "")[-LONGEST_REASON:]
            raise CannotStart(f"The template was refused: {reason}") from None
    except WaiterError:
        raise CannotStart(f"The template was refused: {_first_failure(cloudformation, name)}") from None


def _exists(cloudformation: "CloudFormationClient", name: str) -> bool:
    """Whether there is a stack to update; one whose creation failed is removed first."""
    try:
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except ClientError as unknown:
        if "does not exist" not in str(unknown):
            raise
        return False
    if status not in {"ROLLBACK_COMPLETE", "CREATE_FAILED"}:
        return True
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    return False


def _first_failure(cloudformation: "CloudFormationClient", name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failures = [event for event in events if event.get("ResourceStatus", "").endswith("FAILED")]
    if not failures:
        return "for no stated reason"
    first = min(failures, key=lambda event: event["Timestamp"])
    return f"{first.get('LogicalResourceId')}: {first.get('ResourceStatusReason')}"


def _resources(cloudformation: "CloudFormationClient", name: str) -> Iterator[tuple[str, str]]:
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=name):
        for resource in page["StackResourceSummaries"]:
            yield resource["LogicalResourceId"], resource.get("PhysicalResourceId", "")

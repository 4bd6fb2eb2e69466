"""Deploys template.yaml, the only description of the resources, without AWS.

The functions are placeholders that nothing feeds, because the local runtime calls
the handlers itself. If they are given code, the queue, the stream and API Gateway
call them, and the emulator runs each as a process of its own.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError, WaiterError

from app.local.aws.template import local_template
from app.local.errors import CannotStart

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient

Json = dict[str, Any]

STACK_NAME = "wharf"
#: Characters kept from the end of a reason: some begin with the whole template.
LONGEST_REASON = 300
#: A stack with a domain or a distribution can take half an hour.
WAIT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack."""

    outputs: Mapping[str, str]
    #: Physical ids by logical ids.
    resources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Function:
    """The facts about a deployed function that another process needs to call its handler."""

    name: str
    timeout_seconds: int
    environment: Mapping[str, str]
    #: The queue or the stream that feeds the function.
    source_arn: str | None
    batch_size: int
    filters: tuple[Json, ...]


def deploy(cloudformation: "CloudFormationClient", parameters: Mapping[str, str]) -> Stack:
    """Create the stack, or update it and keep its data.

    Raises CannotStart with the first reason if the stack is refused.
    """
    given = {**parameters, "Polling": "off"}
    given["Revision"] = revision_of("", given)
    # Without spaces: CloudFormation takes a template of up to 51,200 bytes with the request.
    template = json.dumps(local_template(given["Revision"]), separators=(",", ":"))
    apply(cloudformation, STACK_NAME, template, given)
    return stack_at(cloudformation, STACK_NAME)


def stack_at(cloudformation: "CloudFormationClient", name: str) -> Stack:
    return Stack(outputs_of(cloudformation, name), resources_of(cloudformation, name))


def revision_of(code: str, parameters: Mapping[str, str]) -> str:
    """Return the template's parameter Revision for this code with these parameters."""
    named = json.dumps([code, sorted(parameters.items())])
    return hashlib.sha256(named.encode()).hexdigest()[:12]


def outputs_of(cloudformation: "CloudFormationClient", name: str) -> dict[str, str]:
    described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def parameters_of(cloudformation: "CloudFormationClient", name: str) -> dict[str, str]:
    """Return the values of the stack's parameters; none if there is no such stack.

    A stack under review is only a change set that nobody carried out. Its creation begins with the defaults.
    """
    found = described(cloudformation, name) or {}
    given = [] if found.get("StackStatus") == "REVIEW_IN_PROGRESS" else found.get("Parameters", [])
    return {one["ParameterKey"]: one["ParameterValue"] for one in given}


def described(cloudformation: "CloudFormationClient", name: str) -> Json | None:
    """Return what CloudFormation says of the stack, or None. It knows a deleted stack by its id only."""
    try:
        stacks: Any = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as unknown:
        if "does not exist" not in str(unknown):
            raise
        return None
    found: Json = stacks[0]
    return found


def resources_of(cloudformation: "CloudFormationClient", name: str) -> dict[str, str]:
    """Return the physical ids of the stack's resources by their logical ids.

    `describe_stack_resources` would return 100 of them at most.
    """
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    found = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return {one["LogicalResourceId"]: one.get("PhysicalResourceId", "") for one in found}


def describe_function(
    client: "LambdaClient", stack: Stack, logical_id: str, source: str | None = None
) -> Function:
    """Return the function as one of its event sources feeds it; `source` is its name in the template."""
    configured = client.get_function_configuration(FunctionName=stack.resources[logical_id])
    mapping: Any = {}
    if source is not None:
        mapping = client.get_event_source_mapping(UUID=stack.resources[f"{logical_id}{source}"])
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    return Function(
        name=configured["FunctionName"],
        timeout_seconds=configured["Timeout"],
        environment=configured["Environment"]["Variables"],
        source_arn=mapping.get("EventSourceArn"),
        batch_size=mapping.get("BatchSize", 1),
        filters=tuple(json.loads(one["Pattern"]) for one in filters),
    )


def expire_items(dynamodb: "DynamoDBClient", stack: Stack, logical_id: str) -> None:
    """Switch on the TTL of a table, if the stack has it. The emulator's CloudFormation ignores it."""
    if logical_id not in stack.resources:
        return
    wanted = local_template()["Resources"][logical_id]["Properties"]["TimeToLiveSpecification"]
    table = stack.resources[logical_id]
    found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if found.get("TimeToLiveStatus") == "DISABLED":
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)


def apply(cloudformation: "CloudFormationClient", name: str, template: str, given: Mapping[str, str]) -> None:
    """Create or update a stack from a template in JSON; raise CannotStart if it is refused."""
    parameters: list[ParameterTypeDef] = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in given.items()
    ]
    action = "update" if _exists(cloudformation, name) else "create"
    change = cloudformation.update_stack if action == "update" else cloudformation.create_stack
    token = str(uuid4())
    try:
        changed = change(
            StackName=name,
            TemplateBody=template,
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            ClientRequestToken=token,
        )
    except ClientError as refused:
        if "No updates are to be performed" not in str(refused):
            reason = refused.response["Error"].get("Message", "")[-LONGEST_REASON:]
            raise CannotStart(f"The template was refused: {reason}") from None
    else:
        wait_until(cloudformation, f"stack_{action}_complete", changed["StackId"], token)


def delete(cloudformation: "CloudFormationClient", stack_id: str) -> None:
    """Delete the stack and wait until it is gone; raise CannotStart with the reason if it stays."""
    token = str(uuid4())
    cloudformation.delete_stack(StackName=stack_id, ClientRequestToken=token)
    wait_until(cloudformation, "stack_delete_complete", stack_id, token)


def wait_until(cloudformation: "CloudFormationClient", state: str, stack_id: str, token: str) -> None:
    """Wait for a state that CloudFormation's client has a waiter for, for up to an hour.

    `token` is the ClientRequestToken of the operation. Raises CannotStart with the first reason that
    CloudFormation states for its failure, or with the stack's status after an hour.
    """
    waiter = cloudformation.get_waiter(state)  # type: ignore[call-overload]
    try:
        waiter.wait(StackName=stack_id, WaiterConfig={"Delay": 1, "MaxAttempts": WAIT_SECONDS})
    except WaiterError:
        found = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
        status, name = found["StackStatus"], found["StackName"]
        if status.endswith("IN_PROGRESS") and "ROLLBACK" not in status:
            raise CannotStart(f"The stack {name} is still {status} after an hour.") from None
        reason = _first_failure(cloudformation, stack_id, token)
        raise CannotStart(f"The stack {name} is {status}: {reason}") from None


def _exists(cloudformation: "CloudFormationClient", name: str) -> bool:
    """True if there is a stack to update. A stack whose creation failed is deleted first."""
    found = described(cloudformation, name)
    if found and found["StackStatus"] in {"ROLLBACK_COMPLETE", "CREATE_FAILED"}:
        delete(cloudformation, found["StackId"])
        return False
    return found is not None


def _first_failure(cloudformation: "CloudFormationClient", stack_id: str, token: str) -> str:
    """Return what the operation with this token failed on first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    failures = [
        event
        for page in pages
        for event in page["StackEvents"]
        if event.get("ClientRequestToken") == token and event.get("ResourceStatus", "").endswith("FAILED")
    ]
    if not failures:
        return "for no stated reason"
    first = min(failures, key=lambda event: event["Timestamp"])
    return f"{first.get('LogicalResourceId')}: {first.get('ResourceStatusReason')}"

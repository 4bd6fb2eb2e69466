"""Adopt the data that the last deleted stack of a stage has kept: make a new stack of it.

scripts/ops/adopt.sh STAGE     then run scripts/ops/deploy.sh STAGE, which adds everything else

CloudFormation imports the table, the bucket and the user pool as the deleted stack described
them, and changes nothing in them (CloudFormation User Guide, "Import AWS resources into a
CloudFormation stack").
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from app.local import stack
from app.local.errors import CannotStart
from scripts.checks.resolved_template import resolved
from scripts.ops import kept_data, stages
from scripts.ops.kept_data import IDENTIFIERS, Data

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

CHANGE_SET = "adopt"
Json = dict[str, Any]


def main() -> int:
    given = stages.parser("adopt", "Make a stack of the data that a stage's deleted stack kept.").parse_args()
    if given.stage == stages.LOCAL:
        stages.use_emulator(given.aws_port)
    name, session = stages.stack_name(given.stage), boto3.session.Session()
    cloudformation = session.client("cloudformation")
    if stack.described(cloudformation, name):
        raise CannotStart(f"The stack {name} exists. It cannot take other data.")
    found = kept_data.last_deleted(session, name)
    if found is None:
        raise CannotStart(f"No stack {name} that was deleted in the last 90 days has kept data.")
    adopt(cloudformation, name, template_of(cloudformation, found.stack_id, found.data), found.data)
    for one in found.data:
        print(f"{one.logical_id} {one.name} is adopted.")
    print(f"Now deploy the rest: scripts/ops/deploy.sh {given.stage}")
    return 0


def template_of(cloudformation: "CloudFormationClient", stack_id: str, data: tuple[Data, ...]) -> Json:
    """Return a template of the data alone, as the deleted stack had it with its parameters."""
    template = cloudformation.get_template(StackName=stack_id, TemplateStage="Processed")["TemplateBody"]
    return importable(template, stack.parameters_of(cloudformation, stack_id), data)


def importable(template: Json, parameters: Mapping[str, str], data: tuple[Data, ...]) -> Json:
    """Return the part of a template that an import takes: resources to import, which are never deleted."""
    resources = resolved(template, parameters)["Resources"]
    parts = {one.logical_id: resources[one.logical_id] for one in data}
    return {
        "Resources": {
            name: {
                "Type": part["Type"],
                "Properties": part["Properties"],
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
            }
            for name, part in parts.items()
        }
    }


def adopt(cloudformation: "CloudFormationClient", name: str, template: Json, data: tuple[Data, ...]) -> None:
    token = str(uuid4())
    imported: Any = [
        {
            "ResourceType": one.resource_type,
            "LogicalResourceId": one.logical_id,
            "ResourceIdentifier": {IDENTIFIERS[one.resource_type]: one.name},
        }
        for one in data
    ]
    made = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=CHANGE_SET,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(template),
        ResourcesToImport=imported,
    )
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    cloudformation.execute_change_set(ChangeSetName=made["Id"], ClientRequestToken=token)
    stack.wait_until(cloudformation, "stack_import_complete", made["StackId"], token)


if __name__ == "__main__":
    stages.run(main)

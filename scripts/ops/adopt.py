"""Adopt the data that the last deleted stack of a stage has kept: make a new stack of it.

scripts/ops/adopt.sh STAGE     then run scripts/ops/deploy.sh STAGE, which adds everything else; for the
                               stage local, `make run` does

CloudFormation imports the tables, the bucket and the user pool as the deleted stack described
them, and changes nothing in them (CloudFormation User Guide, "Import AWS resources into a
CloudFormation stack"). What the deleted stack did not have in the end is left alone, such as the
table of webhooks that had been switched off.
"""

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from app.local.aws import stack
from app.local.errors import CannotStart
from scripts.checks.resolved_template import references, resolved
from scripts.ops import kept_data, stages
from scripts.ops.kept_data import IDENTIFIERS, Data

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

CHANGE_SET = "adopt"
Json = dict[str, Any]


def main() -> int:
    given = stages.parser("adopt", "Make a stack of the data that a stage's deleted stack kept.").parse_args()
    if given.stage == stages.LOCAL:
        stages.use_emulator(given)
    name, session = stages.stack_name(given.stage), boto3.session.Session()
    cloudformation = session.client("cloudformation")
    if stack.described(cloudformation, name):
        raise CannotStart(f"The stack {name} exists. It cannot take other data.")
    for found in kept_data.deleted(session, name):
        template = template_of(cloudformation, found.stack_id)
        if data := adoptable(template, found.data):
            break
    else:
        raise CannotStart(f"No stack {name} that was deleted in the last 90 days has kept data to adopt.")
    adopt(cloudformation, name, importable(template, data), data)
    for one in found.data:
        fate = "adopted" if one in data else "not adopted: the deleted stack did not have it in the end"
        print(f"{one.logical_id} {one.name} is {fate}.")
    print(f"Now deploy the rest: {rest(given.stage)}")
    return 0


def rest(stage: str) -> str:
    """Return how the rest of the stage's stack is deployed."""
    return "stop `make run` and start it again" if stage == stages.LOCAL else f"scripts/ops/deploy.sh {stage}"


def template_of(cloudformation: "CloudFormationClient", stack_id: str) -> Json:
    """Return the template of a deleted stack as its parameters made it in the end."""
    template = cloudformation.get_template(StackName=stack_id, TemplateStage="Processed")["TemplateBody"]
    partition = {"AWS::Partition": stack_id.split(":")[1]}
    return resolved(template, {**stack.parameters_of(cloudformation, stack_id), **partition})


def adoptable(template: Json, data: tuple[Data, ...]) -> tuple[Data, ...]:
    """Return the data that a stack of this template had: the newest of each logical id, which comes first."""
    newest = {one.logical_id: one for one in reversed(data)}
    return tuple(one for name, one in newest.items() if name in template["Resources"])


def importable(template: Json, data: tuple[Data, ...]) -> Json:
    """Return the part of a template that an import takes: resources to import, which are never deleted.

    A property that names a resource that is not imported is left out. The deployment that follows sets it.
    """
    resources = template["Resources"]
    parts = {one.logical_id: resources[one.logical_id] for one in data}
    others = resources.keys() - parts.keys()
    return {
        "Resources": {
            name: {
                "Type": part["Type"],
                "Properties": {
                    key: value
                    for key, value in part["Properties"].items()
                    if others.isdisjoint(references(value))
                },
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

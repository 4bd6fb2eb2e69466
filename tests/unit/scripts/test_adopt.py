"""The import that CloudFormation is asked for when a stage adopts its data."""

import pytest
from samtranslator.yaml_helper import yaml_parse

from app.local.aws.template import TEMPLATE
from scripts.checks.resolved_template import dangling, expanded, resolved
from scripts.ops.adopt import Json, adoptable, importable, rest
from scripts.ops.kept_data import BUCKET, TABLE, USER_POOL, Data

DATA = (
    Data("ObjectsTable", TABLE, "objects"),
    Data("PayloadBucket", BUCKET, "payloads"),
    Data("UserPool", USER_POOL, "eu-north-1_a"),
)
PARAMETERS = {"Stage": "prod", "AuthMode": "cognito", "DebugSampleRate": "0.01", "Revision": "1"}


def in_the_end(parameters: dict[str, str]) -> Json:
    return resolved(expanded(yaml_parse(TEMPLATE.read_text())), parameters)


@pytest.mark.parametrize("data", [DATA, DATA[:1], DATA[1:2]], ids=str)
def test_the_data_alone_is_imported_as_its_parameters_made_it(data: tuple[Data, ...]) -> None:
    template = importable(in_the_end(PARAMETERS), data)

    assert set(template) == {"Resources"}
    assert set(template["Resources"]) == {one.logical_id for one in data}
    assert dangling(template) == set()


def test_a_failed_import_deletes_nothing() -> None:
    template = importable(in_the_end(PARAMETERS), DATA)

    for part in template["Resources"].values():
        assert (part["DeletionPolicy"], part["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert template["Resources"]["ObjectsTable"]["Properties"]["DeletionProtectionEnabled"] is True


def test_a_template_without_parameters_and_conditions_can_be_imported_again() -> None:
    """A stack that was made of adopted data alone has such a template."""
    first = importable(in_the_end(PARAMETERS), DATA)

    assert importable(resolved(first, {}), DATA) == first


@pytest.mark.parametrize(("webhooks", "adopted"), [("on", ("newer",)), ("off", ())])
def test_the_newest_data_is_adopted_of_each_resource_that_the_stack_had(
    webhooks: str, adopted: tuple[str, ...]
) -> None:
    left = tuple(Data("WebhooksTable", TABLE, name) for name in ("newer", "older"))

    found = adoptable(in_the_end({**PARAMETERS, "Webhooks": webhooks}), (*DATA, *left))

    assert set(found) == {*DATA, *(Data("WebhooksTable", TABLE, name) for name in adopted)}


@pytest.mark.parametrize(
    ("stage", "told"),
    [("local", "stop `make run` and start it again"), ("prod", "scripts/ops/deploy.sh prod")],
)
def test_what_deploys_the_rest_is_what_takes_the_stage(stage: str, told: str) -> None:
    """deploy.sh does not take the stage local."""
    assert rest(stage) == told

"""What CloudFormation is asked to import when a stage adopts its data."""

import pytest
from samtranslator.yaml_helper import yaml_parse

from app.local.template import TEMPLATE
from scripts.checks.resolved_template import dangling, expanded
from scripts.ops.adopt import importable
from scripts.ops.kept_data import BUCKET, TABLE, USER_POOL, Data

DATA = (
    Data("ObjectsTable", TABLE, "objects"),
    Data("PayloadBucket", BUCKET, "payloads"),
    Data("UserPool", USER_POOL, "eu-north-1_a"),
)
PARAMETERS = {"Stage": "prod", "AuthMode": "cognito", "DebugSampleRate": "0.01", "Revision": "1"}


@pytest.mark.parametrize("data", [DATA, DATA[:1], DATA[1:2]], ids=str)
def test_the_data_alone_is_imported_as_its_parameters_made_it(data: tuple[Data, ...]) -> None:
    template = importable(expanded(yaml_parse(TEMPLATE.read_text())), PARAMETERS, data)

    assert set(template) == {"Resources"}
    assert set(template["Resources"]) == {one.logical_id for one in data}
    assert dangling(template) == set()


def test_a_failed_import_deletes_nothing() -> None:
    template = importable(expanded(yaml_parse(TEMPLATE.read_text())), PARAMETERS, DATA)

    for part in template["Resources"].values():
        assert (part["DeletionPolicy"], part["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert template["Resources"]["ObjectsTable"]["Properties"]["DeletionProtectionEnabled"] is True

"""Makes the emulator's version of template.yaml.

It lacks only what the two lists in this module name: what the emulator cannot do. It also lacks what
only people and linters read, because a template that comes with the request has a limit of 51,200 bytes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

Json = dict[str, Any]

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "template.yaml"
FUNCTION = "AWS::Serverless::Function"

#: Resource types to leave out, and what the emulator does with them.
LEFT_OUT_TYPES: Mapping[str, str] = {
    "AWS::ApiGateway::GatewayResponse": "kept, but never answered with",
    "AWS::CloudWatch::Alarm": "nothing is measured",
    "AWS::CloudWatch::Dashboard": "nothing is measured",
    "AWS::Events::Archive": "not implemented",
    "AWS::SNS::Topic": "no alarm rings",
    "AWS::SNS::TopicPolicy": "no alarm rings",
    "AWS::SNS::Subscription": "no alarm rings",
    "AWS::CodeDeploy::Application": "refuses the stack",
    "AWS::CodeDeploy::DeploymentGroup": "refuses the stack",
}

#: Properties to leave out, by resource type; `*` stands for any name.
LEFT_OUT_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    # The emulator throttles nothing.
    "AWS::ApiGateway::Stage": ("MethodSettings",),
    FUNCTION: (
        # SAM expands it to CodeDeploy resources.
        "DeploymentPreference",
        # The emulator keeps a parameter's value as text, and then cannot compare it.
        "Events.*.Properties.ScalingConfig",
        # Nothing is measured.
        "Events.*.Properties.MetricsConfig",
    ),
}

PARTITION = {"Ref": "AWS::Partition"}
PLACEHOLDER = {
    "Handler": "index.handler",
    "InlineCode": "def handler(event, context): raise RuntimeError('The local runtime calls the handlers.')",
}


def local_template(revision: str = "0") -> Json:
    """Return template.yaml without what only AWS has, and with placeholders for the functions.

    `revision` is the value of the parameter Revision, which the emulator's SAM cannot look up.
    """
    template = deepcopy(_parsed())
    left_out = {name for name, body in template["Resources"].items() if body["Type"] in LEFT_OUT_TYPES}
    template["Resources"] = {
        name: _local_resource(body, left_out, revision)
        for name, body in template["Resources"].items()
        if name not in left_out
    }
    template["Outputs"] = {
        name: output
        for name, output in template["Outputs"].items()
        if left_out.isdisjoint(_references(output))
    }
    # In a condition, the emulator takes a pseudo parameter for its own name.
    conditions = json.dumps(template["Conditions"])
    template["Conditions"] = json.loads(conditions.replace(json.dumps(PARTITION), '"aws"'))
    template["Globals"]["Function"].pop("CodeUri")
    for one in (*template["Parameters"].values(), *template["Outputs"].values()):
        one.pop("Description", None)
    return template


@cache
def _parsed() -> Json:
    """Return template.yaml, which takes a fifth of a second to parse."""
    parsed: Json = yaml_parse(TEMPLATE.read_text())
    return parsed


def _local_resource(resource: Json, left_out: set[str], revision: str) -> Json:
    properties = deepcopy(resource.get("Properties", {}))
    for path in LEFT_OUT_PROPERTIES.get(resource["Type"], ()):
        _leave_out(properties, path.split("."))
    if resource["Type"] == FUNCTION:
        properties |= {**PLACEHOLDER, "AutoPublishCodeSha256": revision}
    local = {**resource, "Properties": properties}
    local.pop("Metadata", None)
    if "DependsOn" in local:
        needed = [local["DependsOn"]] if isinstance(local["DependsOn"], str) else local["DependsOn"]
        local["DependsOn"] = [name for name in needed if name not in left_out]
    return local


def _leave_out(properties: Json, path: Sequence[str]) -> None:
    first, *rest = path
    for name in [name for name in properties if first in {name, "*"}]:
        if not rest:
            del properties[name]
        elif isinstance(properties[name], dict):
            _leave_out(properties[name], rest)


def _references(value: Any) -> Iterator[str]:
    """Yield the logical ids that a piece of the template names by Ref, GetAtt or Sub."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from (part.split("}")[0].split(".")[0] for part in text.split("${")[1:])
        case dict():
            for inner in value.values():
                yield from _references(inner)
        case list():
            for inner in value:
                yield from _references(inner)

"""The IAM policies of a resolved template, with ARNs like those of a deployment.

An IAM linter checks that actions and kinds of resources fit together, so it needs ARNs of
the right shape. A reference to an attribute that is not known here raises `LookupError`.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]

ACCOUNT = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "wharf-dev",
}
HERE = "us-east-1:123456789012"
RETURNED = {
    ("AWS::DynamoDB::Table", "Arn"): f"arn:aws:dynamodb:{HERE}:table/{{name}}",
    ("AWS::Events::EventBus", "Arn"): f"arn:aws:events:{HERE}:event-bus/{{name}}",
    ("AWS::Events::Rule", "Arn"): f"arn:aws:events:{HERE}:rule/{{name}}",
    ("AWS::Logs::LogGroup", "Arn"): f"arn:aws:logs:{HERE}:log-group:{{name}}:*",
    ("AWS::S3::Bucket", "Arn"): "arn:aws:s3:::{name}",
    ("AWS::SNS::Topic", "Ref"): f"arn:aws:sns:{HERE}:{{name}}",
    ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{HERE}:{{name}}",
}


class Policy(NamedTuple):
    where: str
    document: Json


def policies(template: Json) -> Iterator[Policy]:
    """Yield the policies of roles, and those of resources such as buckets, queues and topics."""
    resources = template["Resources"]
    for name, resource in resources.items():
        given = resource.get("Properties", {})
        for policy in given.get("Policies", []) if resource["Type"] == "AWS::IAM::Role" else []:
            yield Policy(f"{name}.{policy['PolicyName']}", deployed(policy["PolicyDocument"], resources))
        if "PolicyDocument" in given:
            yield Policy(name, deployed(given["PolicyDocument"], resources))


def deployed(part: Any, resources: Json) -> Any:
    """Return the part of a template with text in place of every reference."""
    match part:
        case {"Ref": name}:
            return _returned(name, "Ref", resources)
        case {"Fn::GetAtt": [name, attribute]}:
            return _returned(name, attribute, resources)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^!}]+)\}", lambda found: _named(found[1], resources), text)
        case dict():
            return {key: deployed(inner, resources) for key, inner in part.items()}
        case list():
            return [deployed(inner, resources) for inner in part]
    return part


def _named(reference: str, resources: Json) -> str:
    name, _, attribute = reference.partition(".")
    return _returned(name, attribute or "Ref", resources)


def _returned(name: str, attribute: str, resources: Json) -> str:
    if name in ACCOUNT:
        return ACCOUNT[name]
    return RETURNED[resources[name]["Type"], attribute].format(name=name.lower())

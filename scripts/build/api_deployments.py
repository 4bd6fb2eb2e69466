"""Rename the template's API deployments when the API changes: `python -m scripts.build.api_deployments`.

A deployment is a snapshot of the API's methods (Amazon API Gateway Developer Guide,
"Deploy REST APIs"). CloudFormation makes a new snapshot only under a new logical id, so
the id ends with a hash of the resources that are in the snapshot.
"""

import hashlib
import json
import re
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from app.local.aws.template import TEMPLATE

#: Types of the resources that a deployment is a snapshot of.
SNAPSHOTTED = {
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Authorizer",
    "AWS::ApiGateway::GatewayResponse",
}
NAME = re.compile(r"\b(ApiKey|Iam|Cognito)Deployment[0-9a-f]{8}\b")


def fingerprint(template: dict[str, Any]) -> str:
    """Return eight hex digits, a hash of all resources that are in a deployment's snapshot."""
    resources = {
        name: {part: value for part, value in body.items() if part != "Metadata"}
        for name, body in template["Resources"].items()
        if body["Type"] in SNAPSHOTTED
    }
    return hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()[:8]


def renamed(text: str) -> str:
    digits = fingerprint(yaml_parse(text))
    return NAME.sub(lambda found: f"{found[1]}Deployment{digits}", text)


if __name__ == "__main__":
    TEMPLATE.write_text(renamed(TEMPLATE.read_text()))

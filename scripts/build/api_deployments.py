"""Names the template's API deployments after what they depict: `python -m scripts.build.api_deployments`.

A deployment is a snapshot of the API's methods (Amazon API Gateway Developer Guide,
"Deploy REST APIs"). CloudFormation takes a new one only when its logical id is new.
"""

import hashlib
import json
import re
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from app.local.template import TEMPLATE

DEPICTED = {
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Authorizer",
    "AWS::ApiGateway::GatewayResponse",
}
NAME = re.compile(r"\b(ApiKey|Iam|Cognito)Deployment[0-9a-f]{8}\b")


def fingerprint(template: dict[str, Any]) -> str:
    """Eight hex digits, of everything that a deployment is a snapshot of."""
    depicted = {
        name: {part: value for part, value in body.items() if part != "Metadata"}
        for name, body in template["Resources"].items()
        if body["Type"] in DEPICTED
    }
    return hashlib.sha256(json.dumps(depicted, sort_keys=True).encode()).hexdigest()[:8]


def renamed(text: str) -> str:
    digits = fingerprint(yaml_parse(text))
    return NAME.sub(lambda found: f"{found[1]}Deployment{digits}", text)


if __name__ == "__main__":
    TEMPLATE.write_text(renamed(TEMPLATE.read_text()))

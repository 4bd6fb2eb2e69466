"""Deploy the example subscriber, docs/subscriber.yaml, beside a stack and show what it has recorded.

scripts/ops/subscriber.sh local
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from samtranslator.yaml_helper import yaml_parse

from app.aws.sdk import CONFIG
from app.local.aws import stack
from scripts.ops import stages

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TEMPLATE = Path(__file__).parents[2] / "docs" / "subscriber.yaml"
STACK_NAME = "wharf-subscriber"
NOTHING_YET = "Deployed. Nothing is recorded yet: create an object with a payload, then run this again."


def main() -> int:
    parser = stages.parser("subscriber", "Deploy the example subscriber, and show what it has recorded.")
    given = parser.parse_args()
    settings = stages.connect(given)
    session = boto3.session.Session()
    cloudformation = session.client("cloudformation", config=CONFIG)
    template = json.dumps(yaml_parse(TEMPLATE.read_text()))
    stack.apply(cloudformation, STACK_NAME, template, {"BusName": settings.bus_name})
    table = stack.outputs_of(cloudformation, STACK_NAME)["ReadyObjects"]
    lines = list(noted(session.client("dynamodb", config=CONFIG), table))
    print("\n".join(lines or [NOTHING_YET]))
    return 0


def noted(client: "DynamoDBClient", table: str) -> Iterator[str]:
    for page in client.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            yield f"{item['id']['S']} version {item['version']['N']}: {item['summary']['S']}"


if __name__ == "__main__":
    stages.run(main)

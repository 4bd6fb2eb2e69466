"""Create and read records: a handler with boto3 and no framework."""

import json
import os
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import boto3

TABLE = os.environ["RECORDS_TABLE"]
dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if event["httpMethod"] == "POST":
        return create(event)
    return read(event["pathParameters"]["record_id"])


def create(event: dict[str, Any]) -> dict[str, Any]:
    try:
        body = json.loads(event["body"])
    except ValueError:
        return answer(400, {"message": "The body is not JSON."})
    if fault := fault_of(body):
        return answer(400, {"message": fault})
    owner = event["requestContext"]["identity"]["apiKeyId"]
    key = event["headers"]["Idempotency-Key"]
    item: dict[str, Any] = {
        "id": {"S": str(uuid5(NAMESPACE_URL, f"{owner}/{key}"))},
        "name": {"S": body["name"]},
        "attributes": {"S": json.dumps(body.get("attributes", {}))},
        "created_at": {"S": datetime.now(UTC).isoformat()},
    }
    try:
        dynamodb.put_item(
            TableName=TABLE,
            Item=item,
            ConditionExpression="attribute_not_exists(id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException as exists:
        item = exists.response["Item"]  # type: ignore[typeddict-item]  # as ALL_OLD asks; the stubs lack it
    return answer(201, record_of(item))


def fault_of(body: Any) -> str | None:
    if not isinstance(body, dict) or body.get("kind") != "record":
        return "The kind must be record."
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 200:
        return "The name must have 1 to 200 characters."
    if not isinstance(body.get("attributes", {}), dict):
        return "The attributes must be an object."
    return None


def read(record_id: str) -> dict[str, Any]:
    found = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": record_id}}, ConsistentRead=True)
    if "Item" not in found:
        return answer(404, {"message": "There is no such record."})
    return answer(200, record_of(found["Item"]))


def record_of(item: Any) -> dict[str, Any]:
    return {
        "id": item["id"]["S"],
        "kind": "record",
        "name": item["name"]["S"],
        "attributes": json.loads(item["attributes"]["S"]),
        "created_at": item["created_at"]["S"],
    }


def answer(status: int, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(content),
    }

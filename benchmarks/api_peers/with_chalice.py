"""Create and read records: Chalice."""

import json
import os
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import boto3
from chalice import BadRequestError, Chalice, NotFoundError, Response

TABLE = os.environ["RECORDS_TABLE"]
dynamodb = boto3.client("dynamodb")
app = Chalice(app_name="records")


@app.route("/v1/objects", methods=["POST"])  # type: ignore[untyped-decorator]  # Chalice has no types
def create() -> Response:
    request = app.current_request
    body = checked(request.json_body)
    owner = request.context["identity"]["apiKeyId"]
    key = request.headers["Idempotency-Key"]
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
    return Response(record_of(item), status_code=201)


def checked(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict) or body.get("kind") != "record":
        raise BadRequestError("The kind must be record.")
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 200:
        raise BadRequestError("The name must have 1 to 200 characters.")
    if not isinstance(body.get("attributes", {}), dict):
        raise BadRequestError("The attributes must be an object.")
    return body


@app.route("/v1/objects/{record_id}")  # type: ignore[untyped-decorator]  # Chalice has no types
def read(record_id: str) -> dict[str, Any]:
    found = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": record_id}}, ConsistentRead=True)
    if "Item" not in found:
        raise NotFoundError("There is no such record.")
    return record_of(found["Item"])


def record_of(item: Any) -> dict[str, Any]:
    return {
        "id": item["id"]["S"],
        "kind": "record",
        "name": item["name"]["S"],
        "attributes": json.loads(item["attributes"]["S"]),
        "created_at": item["created_at"]["S"],
    }

"""Create and read records: Powertools for AWS Lambda, with its resolver, its idempotency and its logger."""

import json
import os
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

TABLE = os.environ["RECORDS_TABLE"]
dynamodb = boto3.client("dynamodb")
logger = Logger(service="records")
app = APIGatewayRestResolver()
persistence = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
config = IdempotencyConfig(event_key_jmespath="key")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    config.register_lambda_context(context)
    return app.resolve(event, context)


@app.post("/v1/objects")
def create() -> Response[str]:
    event = app.current_event
    body = checked(event.json_body)
    owner = event.request_context.identity.api_key_id
    record = store(request={"key": f"{owner}/{event.headers['Idempotency-Key']}", "body": body})
    return Response(201, content_type="application/json", body=json.dumps(record))


@idempotent_function(  # type: ignore[untyped-decorator]  # Powertools gives it no types
    data_keyword_argument="request", config=config, persistence_store=persistence
)
def store(request: dict[str, Any]) -> dict[str, Any]:
    body = request["body"]
    item: dict[str, Any] = {
        "id": {"S": str(uuid4())},
        "name": {"S": body["name"]},
        "attributes": {"S": json.dumps(body.get("attributes", {}))},
        "created_at": {"S": datetime.now(UTC).isoformat()},
    }
    dynamodb.put_item(TableName=TABLE, Item=item)
    logger.info("The record is stored.", extra={"record_id": item["id"]["S"]})
    return record_of(item)


def checked(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict) or body.get("kind") != "record":
        raise BadRequestError("The kind must be record.")
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 200:
        raise BadRequestError("The name must have 1 to 200 characters.")
    if not isinstance(body.get("attributes", {}), dict):
        raise BadRequestError("The attributes must be an object.")
    return body


@app.get("/v1/objects/<record_id>")
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

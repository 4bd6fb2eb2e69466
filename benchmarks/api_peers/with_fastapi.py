"""Create and read records: FastAPI through Mangum, as their documentation shows, with boto3."""

import json
import os
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

import boto3
from fastapi import FastAPI, Header, HTTPException, Request
from mangum import Mangum
from pydantic import BaseModel, Field

TABLE = os.environ["RECORDS_TABLE"]
dynamodb = boto3.client("dynamodb")
app = FastAPI(title="Records")


class RecordIn(BaseModel):
    kind: Literal["record"]
    name: str = Field(min_length=1, max_length=200)
    attributes: dict[str, Any] = {}


class RecordOut(RecordIn):
    id: UUID
    created_at: datetime


@app.post("/v1/objects", status_code=201)
def create(record: RecordIn, idempotency_key: Annotated[str, Header()], request: Request) -> RecordOut:
    owner = request.scope["aws.event"]["requestContext"]["identity"]["apiKeyId"]
    item: dict[str, Any] = {
        "id": {"S": str(uuid5(NAMESPACE_URL, f"{owner}/{idempotency_key}"))},
        "name": {"S": record.name},
        "attributes": {"S": json.dumps(record.attributes)},
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
    return record_of(item)


@app.get("/v1/objects/{record_id}")
def read(record_id: UUID) -> RecordOut:
    found = dynamodb.get_item(TableName=TABLE, Key={"id": {"S": str(record_id)}}, ConsistentRead=True)
    if "Item" not in found:
        raise HTTPException(404, "There is no such record.")
    return record_of(found["Item"])


def record_of(item: Any) -> RecordOut:
    return RecordOut(
        id=item["id"]["S"],
        kind="record",
        name=item["name"]["S"],
        attributes=json.loads(item["attributes"]["S"]),
        created_at=item["created_at"]["S"],
    )


handler = Mangum(app)

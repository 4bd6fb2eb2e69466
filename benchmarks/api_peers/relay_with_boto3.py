"""Publish each change of a table, and keep it as history: a handler with boto3 and no framework."""

import json
import os
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

TABLE, BUS = os.environ["RECORDS_TABLE"], os.environ["BUS"]
dynamodb = boto3.client("dynamodb")
events = boto3.client("events")
deserializer = TypeDeserializer()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    failed = []
    for record in event["Records"]:
        change = record["dynamodb"]
        values = {name: deserializer.deserialize(value) for name, value in change["NewImage"].items()}
        detail = json.dumps(values, default=str)
        dynamodb.put_item(
            TableName=TABLE,
            Item={"pk": {"S": values["pk"]}, "sk": {"S": record["eventID"]}, "event": {"S": detail}},
        )
        entry = {"EventBusName": BUS, "Source": "records", "DetailType": "created", "Detail": detail}
        answer = events.put_events(Entries=[entry])  # type: ignore[list-item]  # a dict is one
        if answer["FailedEntryCount"]:
            failed.append({"itemIdentifier": change["SequenceNumber"]})
            break
    return {"batchItemFailures": failed}

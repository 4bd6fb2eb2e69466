"""Read the object that an uploaded file belongs to, and process the file if that is due.

A handler with boto3 and no framework. It has clients for the table and for the files.
"""

import json
import os
from typing import Any

import boto3

TABLE = os.environ["RECORDS_TABLE"]
dynamodb = boto3.client("dynamodb")
s3 = boto3.client("s3")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    for message in event["Records"]:
        detail = json.loads(message["body"])["detail"]
        _, owner, object_id, _ = detail["object"]["key"].split("/")
        key = {"pk": {"S": f"{owner}#{object_id}"}, "sk": {"S": "object"}}
        found = dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        if found["Item"]["status"]["S"] == "pending":
            payload = s3.get_object(Bucket=detail["bucket"]["name"], Key=detail["object"]["key"])[
                "Body"
            ].read()
            status = "ready" if len(payload) == detail["object"]["size"] else "rejected"
            dynamodb.update_item(
                TableName=TABLE,
                Key=key,
                UpdateExpression="SET #status = :status",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":status": {"S": status}},
            )
    return {"batchItemFailures": []}

"""Announces the changes that the emulator's stream lost over a restart.

The stream's records are not kept when the emulator stops, the table is. An
object whose version is ahead of its history has changed unannounced: what it
is now is known, what it was before is not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.local.invocation import Json
from app.local.stream import stream_record
from app.storage.history import EVENT_PREFIX
from app.storage.items import OBJECT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Behind:
    """An object that is ahead of its history."""

    pk: str
    announced: int
    """The version of its last event; 0 without any."""


def lost_records(client: "DynamoDBClient", table: str, stream_arn: str) -> Iterator[Json]:
    """Stream records for every object that changed unannounced. Scans: for a local table only."""
    for behind in objects_behind(_keys(client, table)):
        key = {"pk": {"S": behind.pk}, "sk": {"S": OBJECT}}
        found = client.get_item(TableName=table, Key=key, ConsistentRead=True)
        yield lost_record(found["Item"], behind.announced, stream_arn)


def objects_behind(items: Iterable[Item]) -> tuple[Behind, ...]:
    """Of all items of the table, by their keys and versions."""
    versions: dict[str, int] = {}
    announced: dict[str, int] = {}
    for item in items:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if sk == OBJECT:
            versions[pk] = int(item["version"]["N"])
        elif sk.startswith(EVENT_PREFIX):
            announced[pk] = max(announced.get(pk, 0), int(sk.removeprefix(EVENT_PREFIX)))
    return tuple(
        Behind(pk, announced.get(pk, 0)) for pk, version in versions.items() if version > announced.get(pk, 0)
    )


def lost_record(item: Item, announced: int, stream_arn: str) -> Json:
    """The change to `item`, from itself at the version that was announced last."""
    version = item["version"]["N"]
    before = {"OldImage": {**item, "version": {"N": str(announced)}}} if announced else {}
    return stream_record(
        {
            "eventID": f"{item['pk']['S']}:{version}",
            "eventName": "MODIFY" if announced else "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": stream_arn.split(":")[3],
            "dynamodb": {
                "Keys": {"pk": item["pk"], "sk": item["sk"]},
                "NewImage": item,
                **before,
                "SequenceNumber": f"{item['pk']['S']}:{version}",
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        },
        stream_arn,
    )


def _keys(client: "DynamoDBClient", table: str) -> Iterator[Item]:
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        ProjectionExpression="#pk, #sk, #version",
        ExpressionAttributeNames={"#pk": "pk", "#sk": "sk", "#version": "version"},
    )
    for page in pages:
        yield from page["Items"]

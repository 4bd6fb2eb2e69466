"""Announces the changes that the emulator's stream lost over a restart.

The stream's records are not kept when the emulator stops, the table is. An
object whose version is ahead of its history has changed unannounced. What it
is now becomes one event; versions in between are not known any more.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.domain.objects import Status, StoredObject
from app.local.invocation import Json
from app.local.stream import stream_record
from app.storage.history import EVENT_PREFIX, sort_key
from app.storage.items import OBJECT, from_item, to_item

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
        item = _item(client, table, behind.pk, OBJECT)
        event = _item(client, table, behind.pk, sort_key(behind.announced)) if behind.announced else None
        yield lost_record(item, event and json.loads(event["event"]["S"])["data"], stream_arn)


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


def lost_record(item: Item, announced: Mapping[str, Any] | None, stream_arn: str) -> Json:
    """The change to `item` from what its last event announced; None when it never had one."""
    event_id = f"{item['pk']['S']}:{item['version']['N']}"
    before = {"OldImage": to_item(as_announced(from_item(item), announced))} if announced else {}
    return stream_record(
        {
            "eventID": event_id,
            "eventName": "MODIFY" if announced else "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": stream_arn.split(":")[3],
            "dynamodb": {
                "Keys": {"pk": item["pk"], "sk": item["sk"]},
                "NewImage": item,
                **before,
                "SequenceNumber": event_id,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        },
        stream_arn,
    )


def as_announced(stored: StoredObject, announced: Mapping[str, Any]) -> StoredObject:
    """What the object was, as far as its last event tells: enough to name the change since."""
    revision = announced["incoming"] or announced["payload"]
    newest = stored.newest and replace(
        stored.newest, number=revision["revision"] if revision else stored.newest.number
    )
    return replace(stored, version=announced["version"], status=Status(announced["status"]), newest=newest)


def _item(client: "DynamoDBClient", table: str, pk: str, sk: str) -> Item:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    return client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]


def _keys(client: "DynamoDBClient", table: str) -> Iterator[Item]:
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        ProjectionExpression="#pk, #sk, #version",
        ExpressionAttributeNames={"#pk": "pk", "#sk": "sk", "#version": "version"},
    )
    for page in pages:
        yield from page["Items"]

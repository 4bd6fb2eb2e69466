"""Announces the changes that the emulator's stream lost over a crash.

The emulator keeps the table when it stops, but not the records of the stream. An
object whose version is ahead of its history has changed without an event. Its
present state becomes one event; the versions in between are lost. After two such
crashes, the bytes of a revision that is in no event may be counted twice.

An item that cannot be read here gets a record all the same, and the relay sets it aside.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact, Payload, Revision, Status
from app.local.feeding.invocation import Json
from app.local.feeding.stream import stream_record
from app.storage.history import EVENT_PREFIX
from app.storage.items import OBJECT, UnreadableItem, from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = Mapping[str, Any]
NO_VERSION: Item = {"version": {"N": "0"}}


@dataclass(frozen=True, slots=True)
class Behind:
    """An object that is ahead of its history."""

    pk: str
    #: The version of its last event; 0 if there is none.
    announced: int


def lost_records(client: "DynamoDBClient", table: str, stream_arn: str) -> Iterator[Json]:
    """Yield a stream record for every object that changed without an event.

    Scans the whole table, so it is for a local one only.
    """
    for behind in objects_behind(_keys(client, table)):
        key: Item = {"pk": {"S": behind.pk}, "sk": {"S": OBJECT}}
        found = client.get_item(TableName=table, Key=key, ConsistentRead=True)
        if "Item" in found:
            yield lost_record(found["Item"], _announced(client, table, behind.pk), stream_arn)


def unfinished(client: "DynamoDBClient", table: str, in_hand: Iterable[Json]) -> Iterator[Json]:
    """Yield the records that the relay had in hand, which may be in the history but not on the bus.

    The table may be older than they are. A change that it does not have is left out.
    """
    for record in in_hand:
        found = client.get_item(TableName=table, Key=record["dynamodb"]["Keys"], ConsistentRead=True)
        changed = record["dynamodb"].get("NewImage", {})
        if _version_of(changed) <= _version_of(found.get("Item", NO_VERSION)):
            yield record


def objects_behind(items: Iterable[Item]) -> tuple[Behind, ...]:
    """Return the objects that are ahead of their history, given the keys of all items."""
    versions: dict[str, float] = {}
    announced: dict[str, int] = {}
    for item in items:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        number = sk.removeprefix(EVENT_PREFIX)
        if sk == OBJECT:
            versions[pk] = _version_of(item)
        elif number != sk and number.isdecimal():
            announced[pk] = max(announced.get(pk, 0), int(number))
    return tuple(
        Behind(pk, announced.get(pk, 0)) for pk, version in versions.items() if version > announced.get(pk, 0)
    )


def lost_record(item: Item, announced: Sequence[Mapping[str, Any]], stream_arn: str) -> Json:
    """Return the record of a change from what the events of `item` announced, if any, to `item`."""
    event_id = f"{item['pk']['S']}:{item.get('version', {}).get('N')}"
    before = {"OldImage": _image_before(item, announced)} if announced else {}
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


def _image_before(item: Item, announced: Sequence[Mapping[str, Any]]) -> Item:
    """Return the item as it was announced; nothing, which the relay cannot read, if that cannot be told."""
    try:
        return to_item(as_announced(from_item(item), announced))
    except (LookupError, TypeError, ValueError, UnreadableItem):
        return {}


def _version_of(item: Item) -> float:
    """Return an object's version; one ahead of all events if it cannot be read."""
    try:
        return int(item["version"]["N"])
    except (LookupError, TypeError, ValueError):
        return inf


def as_announced(stored: StoredObject, announced: Sequence[Mapping[str, Any]]) -> StoredObject:
    """Return the object as its events tell it, which is enough to name and count the change since.

    The revision that a rejected or failed object awaited is in an earlier event only.
    """
    last = announced[-1]
    payload = last["payload"] and Payload(**last["payload"])
    revisions = [event["incoming"] for event in announced if event["incoming"]]
    revisions += [last["payload"]] if payload else []
    newest = max(revisions, key=lambda revision: int(revision["revision"]), default=None)
    artifacts = [] if last["result"] is None else last["result"]["artifacts"]
    return replace(
        stored,
        version=last["version"],
        status=Status(last["status"]),
        attributes=last["attributes"],
        payload=payload,
        artifacts=tuple(Artifact(**artifact) for artifact in artifacts),
        newest=newest
        and Revision(newest["revision"], newest["media_type"], newest["size"], newest["sha256"], None),
    )


def _announced(client: "DynamoDBClient", table: str, pk: str) -> list[Mapping[str, Any]]:
    """Return the object after each of its events, oldest first."""
    pages = client.get_paginator("query").paginate(
        TableName=table,
        ConsistentRead=True,
        KeyConditionExpression="#pk = :pk AND begins_with(#sk, :prefix)",
        FilterExpression="attribute_exists(#event)",
        ExpressionAttributeNames={"#pk": "pk", "#sk": "sk", "#event": "event"},
        ExpressionAttributeValues={":pk": {"S": pk}, ":prefix": {"S": EVENT_PREFIX}},
    )
    return [_data_of(item) for page in pages for item in page["Items"]]


def _data_of(item: Item) -> Mapping[str, Any]:
    """Return the object in an event; nothing if the event cannot be read."""
    try:
        data: Mapping[str, Any] = json.loads(item["event"]["S"])["data"]
    except (LookupError, RecursionError, TypeError, ValueError):
        return {}
    return data


def _keys(client: "DynamoDBClient", table: str) -> Iterator[Item]:
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        ProjectionExpression="#pk, #sk, #version",
        ExpressionAttributeNames={"#pk": "pk", "#sk": "sk", "#version": "version"},
    )
    for page in pages:
        yield from page["Items"]

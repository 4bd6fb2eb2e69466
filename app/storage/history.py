"""The repository of history events. They stand beside their object, under its partition key."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.aws.faults import transient_faults
from app.domain.errors import Unavailable
from app.domain.events import ObjectEvent
from app.storage.items import owner_and_id, partition_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVENT_PREFIX = "event#"
#: BatchWriteItem takes no more (Amazon DynamoDB API Reference).
ITEMS_PER_CALL = 25
CALLS_PER_BATCH = 4


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Events as CloudEvents, oldest first; `last_version` is None on the last page."""

    items: tuple[dict[str, Any], ...]
    last_version: int | None


class HistoryRepository:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def _write(self, batch: Sequence[Any]) -> None:
        requests: Any = {self._table: batch}
        for _ in range(CALLS_PER_BATCH):
            requests = self._client.batch_write_item(RequestItems=requests)["UnprocessedItems"]
            if not requests:
                return
        raise Unavailable("DynamoDB left history items unwritten.")

    @transient_faults()
    def purge(
        self,
        owner: str,
        object_id: str,
        *,
        before_version: int,
        forgotten_at: datetime,
        has_time: Callable[[], bool],
    ) -> bool:
        """Empty the events of an object before a version. To purge again changes nothing.

        The key of each event stays until `forgotten_at`: it proves that the event was written and
        counted, because the stream or an operator may bring its record again. It also shows the
        next purge what is done. Returns False if the time ended first: then the next purge goes on there.
        """
        purge_at = {"N": str(int(forgotten_at.timestamp()))}
        keys = self._keys(owner, object_id, before_version)
        while batch := list(islice(keys, ITEMS_PER_CALL)):
            if not has_time():
                return False
            self._write([{"PutRequest": {"Item": {**key, "purge_at": purge_at}}} for key in batch])
        return True

    def _keys(self, owner: str, object_id: str, before_version: int) -> Iterator[Mapping[str, Any]]:
        """Yield the keys of the events that are not empty yet, as far as they are asked for."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#pk = :pk AND #sk BETWEEN :first AND :last",
            FilterExpression="attribute_exists(#event)",
            ProjectionExpression="#pk, #sk",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk", "#event": "event"},
            ExpressionAttributeValues={
                ":pk": {"S": partition_key(owner, object_id)},
                ":first": {"S": sort_key(0)},
                ":last": {"S": sort_key(before_version - 1)},
            },
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    @transient_faults()
    def page(self, owner: str, object_id: str, *, after_version: int, limit: int) -> HistoryPage:
        """Return up to `limit` events of an object that follow a version."""
        found = self._client.query(
            TableName=self._table,
            KeyConditionExpression="#pk = :pk AND #sk BETWEEN :first AND :last",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk", "#event": "event"},
            ExpressionAttributeValues={
                ":pk": {"S": partition_key(owner, object_id)},
                ":first": {"S": sort_key(after_version + 1)},
                ":last": {"S": f"{EVENT_PREFIX}~"},
            },
            FilterExpression="attribute_exists(#event)",
            Limit=limit,
        )
        last = found.get("LastEvaluatedKey")
        return HistoryPage(
            tuple(json.loads(item["event"]["S"]) for item in found["Items"]),
            None if last is None else int(last["sk"]["S"].removeprefix(EVENT_PREFIX)),
        )

    @transient_faults()
    def events(self, owner: str, ids: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        """Return up to 100 events of an owner by their ids, with strong consistency. An id may be repeated.

        None stands for an event that was purged. An event that is not there is left out.
        """
        found: dict[str, dict[str, Any] | None] = {}
        keys: Any = [_key(owner, event_id) for event_id in dict.fromkeys(ids)]
        requests: Any = {self._table: {"Keys": keys, "ConsistentRead": True}} if keys else {}
        for _ in range(CALLS_PER_BATCH):
            if not requests:
                return found
            answer: Any = self._client.batch_get_item(RequestItems=requests)
            for item in answer["Responses"].get(self._table, ()):
                _, object_id = owner_and_id(item["pk"]["S"])
                event_id = f"{object_id}:{int(item['sk']['S'].removeprefix(EVENT_PREFIX))}"
                found[event_id] = json.loads(item["event"]["S"]) if "event" in item else None
            requests = answer["UnprocessedKeys"]
        if requests:
            raise Unavailable("DynamoDB left history items unread.")
        return found

    @transient_faults()
    def text(self, owner: str, object_id: str, version: int) -> str | None:
        """Return one event as the JSON of its CloudEvent; None if it was purged."""
        found = self._client.get_item(
            TableName=self._table,
            Key={"pk": {"S": partition_key(owner, object_id)}, "sk": {"S": sort_key(version)}},
        )
        text: str | None = found.get("Item", {}).get("event", {}).get("S")
        return text


def _key(owner: str, event_id: str) -> dict[str, Any]:
    object_id, _, version = event_id.rpartition(":")
    return {"pk": {"S": partition_key(owner, object_id)}, "sk": {"S": sort_key(int(version))}}


def sort_key(version: int) -> str:
    return f"{EVENT_PREFIX}{version:012d}"


def new_event(event: ObjectEvent) -> dict[str, Any]:
    """Return the parameters of a put that fails if the event is there already, or was purged."""
    item = {
        "pk": {"S": partition_key(event.owner, event.object_id)},
        "sk": {"S": sort_key(event.version)},
        "event": {"S": event.text},
    }
    if event.purge_at is not None:
        item["purge_at"] = {"N": str(int(event.purge_at.timestamp()))}
    return {
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }

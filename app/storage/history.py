"""The repository of history events. They stand beside their object, under its partition key."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.aws import passing_faults
from app.domain.errors import Unavailable
from app.domain.events import ObjectEvent
from app.domain.times import utc_now
from app.storage.items import partition_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVENT_PREFIX = "event#"
#: BatchWriteItem takes no more (Amazon DynamoDB API Reference).
ITEMS_PER_CALL = 25
CALLS_PER_BATCH = 4
#: Longer than the day for which a stream keeps a record, shorter than a tombstone stays.
STUB_DAYS = 2


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

    @passing_faults()
    def purge(self, owner: str, object_id: str) -> None:
        """Empty every event of an object. To purge again changes nothing.

        The key of each event stays for a while: it proves that the event was written and
        counted, because the stream may bring its record again.
        """
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#pk = :pk AND begins_with(#sk, :prefix)",
            ProjectionExpression="#pk, #sk",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues={
                ":pk": {"S": partition_key(owner, object_id)},
                ":prefix": {"S": EVENT_PREFIX},
            },
            ConsistentRead=True,
        )
        keys = [item for page in pages for item in page["Items"]]
        purge_at = int((utc_now() + timedelta(days=STUB_DAYS)).timestamp())
        puts = [{"PutRequest": {"Item": {**key, "purge_at": {"N": str(purge_at)}}}} for key in keys]
        for start in range(0, len(puts), ITEMS_PER_CALL):
            self._write(puts[start : start + ITEMS_PER_CALL])

    @passing_faults()
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


def sort_key(version: int) -> str:
    return f"{EVENT_PREFIX}{version:012d}"


def new_event(event: ObjectEvent) -> dict[str, Any]:
    """Return the parameters of a put that fails if the event is there already, or was purged."""
    item = {
        "pk": {"S": partition_key(event.owner, event.object_id)},
        "sk": {"S": sort_key(event.version)},
        "event": {"S": event.text},
    }
    return {
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }

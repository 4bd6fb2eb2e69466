"""The repository of usage: counters per owner, spread over the shards.

pk   <owner>#usage
sk   shard#<n>

A counter also holds the position of the newest entry of its shard's feed, and when that was
recorded. What an event adds to it is written with the event (recording.py).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from app.aws.faults import transient_faults
from app.domain.feed import NO_END, End
from app.domain.usage import NOTHING, Usage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

USAGE_SUFFIX = "#usage"
SHARD_PREFIX = "shard#"


class Counter(NamedTuple):
    owner: str
    shard: int


class UsageRepository:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    @transient_faults()
    def read(self, owner: str) -> Usage:
        """Return the sum of the owner's counters, a moment behind the newest change."""
        used = sum((_usage(item) for item in self._of(owner)), NOTHING)
        # If the relay set a creation aside, only the deletion was counted.
        return Usage(max(0, used.objects), max(0, used.bytes))

    @transient_faults()
    def ends(self, owner: str) -> dict[int, End]:
        """Return where the owner's feed ends now, for each shard that has a counter."""
        return {_counter(item).shard: end_in(item) for item in self._of(owner, ConsistentRead=True)}

    def _of(self, owner: str, **options: Any) -> Sequence[Mapping[str, Any]]:
        return self._client.query(
            TableName=self._table,
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues={":pk": {"S": _partition(owner)}},
            **options,
        )["Items"]

    @transient_faults()
    def counters(self) -> dict[Counter, Usage]:
        """Return every counter there is. Reads the whole table, so only an operator may ask."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="begins_with(#sk, :prefix)",
            ExpressionAttributeNames={"#sk": "sk"},
            ExpressionAttributeValues={":prefix": {"S": SHARD_PREFIX}},
            ConsistentRead=True,
        )
        items = [item for page in pages for item in page["Items"]]
        return {_counter(item): _usage(item) for item in items}

    @transient_faults()
    def replace(self, counter: Counter, read: Usage, right: Usage) -> bool:
        """Set a counter to what is right. Return False if it is not as it was read any more."""
        is_as_read = "attribute_not_exists(#pk) OR (#objects = :read_objects AND #bytes = :read_bytes)"
        try:
            self._client.update_item(
                TableName=self._table,
                Key=counter_key(counter),
                UpdateExpression="SET #objects = :objects, #bytes = :bytes",
                ConditionExpression=is_as_read,
                ExpressionAttributeNames={"#objects": "objects", "#bytes": "bytes", "#pk": "pk"},
                ExpressionAttributeValues={
                    ":objects": {"N": str(right.objects)},
                    ":bytes": {"N": str(right.bytes)},
                    ":read_objects": {"N": str(read.objects)},
                    ":read_bytes": {"N": str(read.bytes)},
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _partition(owner: str) -> str:
    return f"{owner}{USAGE_SUFFIX}"


def counter_key(counter: Counter) -> dict[str, Any]:
    return {"pk": {"S": _partition(counter.owner)}, "sk": {"S": f"{SHARD_PREFIX}{counter.shard}"}}


def _counter(item: Mapping[str, Any]) -> Counter:
    owner, shard = item["pk"]["S"], item["sk"]["S"]
    return Counter(owner.removesuffix(USAGE_SUFFIX), int(shard.removeprefix(SHARD_PREFIX)))


def _usage(item: Mapping[str, Any]) -> Usage:
    return Usage(int(item["objects"]["N"]), int(item["bytes"]["N"]))


def end_in(item: Mapping[str, Any]) -> End:
    if "position" not in item:
        return NO_END
    return End(int(item["position"]["N"]), datetime.fromisoformat(item["recorded_at"]["S"]))

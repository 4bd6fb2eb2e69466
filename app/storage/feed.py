"""The repository of the feed: an owner's events in the order in which they were recorded.

pk   <owner>#feed#<shard>
sk   <position, 15 digits>

An entry names its event, which stands in the history. The repository of usage writes the entries,
in the transaction that moves the counter's position on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.aws.faults import transient_faults
from app.domain.events import ObjectEvent
from app.domain.feed import KEPT, Entry
from app.domain.times import timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of one shard that follow a position, in their order."""

    items: tuple[Entry, ...]
    #: True if no more follow.
    is_all: bool


class FeedRepository:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    @transient_faults()
    def entries(self, owner: str, shard: int, *, after: int, limit: int) -> Entries:
        """Read up to `limit` entries behind a position, with strong consistency."""
        found = self._client.query(
            TableName=self._table,
            KeyConditionExpression="#pk = :pk AND #sk > :after",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues={
                ":pk": {"S": _partition(owner, shard)},
                ":after": {"S": _sort_key(after)},
            },
            ConsistentRead=True,
            Limit=limit,
        )
        return Entries(
            tuple(_entry(item, shard) for item in found["Items"]), is_all="LastEvaluatedKey" not in found
        )


def new_entry(event: ObjectEvent, shard: int, position: int, now: datetime) -> dict[str, Any]:
    """Return the parameters of a put. The counter's new position in the same transaction keeps it unique."""
    return {
        "Item": {
            "pk": {"S": _partition(event.owner, shard)},
            "sk": {"S": _sort_key(position)},
            "event_id": {"S": event.id},
            "type": {"S": event.type.value},
            "kind": {"S": event.data["kind"]},
            "bytes": {"N": str(len(event.text.encode()))},
            "recorded_at": {"S": timestamp(now)},
            "purge_at": {"N": str(int((now + KEPT).timestamp()))},
        }
    }


def _partition(owner: str, shard: int) -> str:
    return f"{owner}#feed#{shard}"


def _sort_key(position: int) -> str:
    return f"{position:015d}"


def _entry(item: Mapping[str, Any], shard: int) -> Entry:
    return Entry(
        position=int(item["sk"]["S"]),
        recorded_at=datetime.fromisoformat(item["recorded_at"]["S"]),
        shard=shard,
        event_id=item["event_id"]["S"],
        type=item["type"]["S"],
        kind=item["kind"]["S"],
        bytes=int(item["bytes"]["N"]),
    )

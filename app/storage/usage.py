"""The repository of usage: counters per owner, spread over the shards.

pk   <owner>#usage
sk   shard#<n>
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.aws import passing_faults
from app.domain.errors import Unavailable
from app.domain.events import ObjectEvent
from app.domain.usage import NOTHING, Usage
from app.storage.history import new_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COUNTED_BEFORE = "ConditionalCheckFailed"
CONFLICT = "TransactionConflict"
#: The relays of several stream shards may write one counter at once, each for a few milliseconds.
TRIES = 5


class UsageRepository:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    @passing_faults()
    def count(self, event: ObjectEvent, change: Usage, *, shard: int) -> None:
        """Write the event's history item and the counters in one transaction.

        The item proves that the event was counted, so a repeated event counts once.
        """
        put = {"TableName": self._table, **new_event(event)}
        addition = {
            "TableName": self._table,
            "Key": {"pk": {"S": _partition(event.owner)}, "sk": {"S": f"shard#{shard}"}},
            "UpdateExpression": "ADD #objects :objects, #bytes :bytes",
            "ExpressionAttributeNames": {"#objects": "objects", "#bytes": "bytes"},
            "ExpressionAttributeValues": {
                ":objects": {"N": str(change.objects)},
                ":bytes": {"N": str(change.bytes)},
            },
        }
        transaction: list[Any] = [{"Put": put}, {"Update": addition}]
        if not any(self._is_done(transaction) for _ in range(TRIES)):
            raise Unavailable("DynamoDB cancelled a transaction each time; others were writing.")

    def _is_done(self, transaction: Sequence[Any]) -> bool:
        """Return True if it is done, now or before; False if another writer was writing one of the items."""
        try:
            self._client.transact_write_items(TransactItems=transaction)
        except self._client.exceptions.TransactionCanceledException as cancelled:
            reasons = [reason["Code"] for reason in cancelled.response["CancellationReasons"]]
            if reasons[0] == COUNTED_BEFORE:
                return True
            if CONFLICT in reasons:
                return False
            raise Unavailable(f"DynamoDB cancelled a transaction: {', '.join(reasons)}") from cancelled
        return True

    @passing_faults()
    def read(self, owner: str) -> Usage:
        """Return the sum of the owner's counters, a moment behind the newest change."""
        found = self._client.query(
            TableName=self._table,
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "pk"},
            ExpressionAttributeValues={":pk": {"S": _partition(owner)}},
        )
        counters = (Usage(int(item["objects"]["N"]), int(item["bytes"]["N"])) for item in found["Items"])
        used = sum(counters, NOTHING)
        # If the relay set a creation aside, only the deletion was counted.
        return Usage(max(0, used.objects), max(0, used.bytes))


def _partition(owner: str) -> str:
    return f"{owner}#usage"

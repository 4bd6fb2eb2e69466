"""The repository of usage: counters per owner, spread over the shards.

pk   <owner>#usage
sk   shard#<n>
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from app.aws import error_code, insist, passing_faults
from app.domain.errors import Unavailable
from app.domain.events import ObjectEvent
from app.domain.usage import NOTHING, Usage
from app.storage.history import new_event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COUNTED_BEFORE = "ConditionalCheckFailed"
#: What is wrong with an item itself (Amazon DynamoDB API Reference, "TransactWriteItems").
REFUSALS = frozenset({"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"})
#: A transaction holds 100 items and 4 MB; an event takes up to 450 KB in practice.
MOST_EVENTS = 49
MOST_BYTES = 3_500_000
#: The relays of several stream shards may write one counter at once, each for a few milliseconds.
PAUSES_SECONDS = (0.02, 0.04, 0.08, 0.16, 0.32, 0.32)


class RefusedEvents(Exception):
    """One of the events can never be written, such as one that is too large."""


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """An event, and what its change adds to its owner's usage."""

    event: ObjectEvent
    usage: Usage


class UsageRepository:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def record(self, events: Sequence[CountedEvent], *, shard: int) -> None:
        """Write events of one owner to the history, and add what they change to the counter of a shard.

        It is one transaction of at most MOST_EVENTS different events. A history item proves
        that its event was counted: an event that is there already, or was purged, is left out.
        Raises RefusedEvents if one of the events can never be written.
        """
        missing = list(events)
        for longest in PAUSES_SECONDS:
            if not missing:
                return
            reasons = insist(partial(self._try, missing, shard))
            counted_before = [reason == COUNTED_BEFORE for reason in reasons[: len(missing)]]
            if not reasons:
                return
            if not any(counted_before):
                time.sleep(random.uniform(0, longest))  # noqa: S311  # so that not all come back at once
            missing = [event for event, is_there in zip(missing, counted_before, strict=True) if not is_there]
        if missing:
            raise Unavailable("DynamoDB cancelled a transaction each time; others were writing.")

    @passing_faults()
    def _try(self, events: Sequence[CountedEvent], shard: int) -> list[str]:
        """Return why each item of the transaction was cancelled; nothing if it was made."""
        puts: list[Any] = [{"Put": {"TableName": self._table, **new_event(one.event)}} for one in events]
        change = sum((one.usage for one in events), NOTHING)
        updates = [] if change == NOTHING else [self._addition(events[0].event.owner, change, shard)]
        try:
            self._client.transact_write_items(TransactItems=[*puts, *updates])
        except self._client.exceptions.TransactionCanceledException as cancelled:
            reasons = [reason["Code"] for reason in cancelled.response["CancellationReasons"]]
            if any(reason in REFUSALS for reason in reasons):
                raise RefusedEvents from cancelled
            return reasons
        except ClientError as fault:
            if error_code(fault) in REFUSALS:
                raise RefusedEvents from fault
            raise
        return []

    def _addition(self, owner: str, change: Usage, shard: int) -> Any:
        values = {":objects": {"N": str(change.objects)}, ":bytes": {"N": str(change.bytes)}}
        return {
            "Update": {
                "TableName": self._table,
                "Key": {"pk": {"S": _partition(owner)}, "sk": {"S": f"shard#{shard}"}},
                "UpdateExpression": "ADD #objects :objects, #bytes :bytes",
                "ExpressionAttributeNames": {"#objects": "objects", "#bytes": "bytes"},
                "ExpressionAttributeValues": values,
            }
        }

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

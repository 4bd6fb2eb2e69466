"""Write events to history, feed and counter in one transaction, so that none is ahead of another."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from app.aws.faults import error_code, insist, transient_faults
from app.domain.errors import Unavailable
from app.domain.events import ObjectEvent
from app.domain.feed import End
from app.domain.times import timestamp, utc_now
from app.domain.usage import NOTHING, Usage
from app.storage.feed import new_entry
from app.storage.history import new_event
from app.storage.usage import Counter, counter_key, end_in

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COUNTED_BEFORE = "ConditionalCheckFailed"
#: Codes for a fault of the item itself (Amazon DynamoDB API Reference, "TransactWriteItems").
REFUSALS = frozenset({"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"})
#: A transaction holds 100 items and 4 MB. An event is two items, and takes up to 450 KB in practice.
MOST_EVENTS = 49
MOST_BYTES = 3_500_000
#: Several relays may write one counter at once, each for a few milliseconds.
PAUSES_SECONDS = (0.02, 0.04, 0.08, 0.16, 0.32, 0.32, 0.64, 0.64, 0.64)


class RefusedEvents(Exception):
    """One of the events can never be written, such as one that is too large."""


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """An event, and what its change adds to its owner's usage."""

    event: ObjectEvent
    usage: Usage


class EventRecorder:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def record(self, events: Sequence[CountedEvent], *, shard: int) -> None:
        """Write events of one owner to history and feed, and add what they change to the counter of a shard.

        It is one transaction of at most MOST_EVENTS different events. A history item proves that
        its event was counted and is in the feed: an event that is there already, or was purged,
        is left out. Raises RefusedEvents if one of the events can never be written.
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

    @transient_faults()
    def _try(self, events: Sequence[CountedEvent], shard: int) -> list[str]:
        """Return why each item of the transaction was cancelled; nothing if it was made."""
        counter = Counter(events[0].event.owner, shard)
        read = self._end(counter).position
        change = sum((one.usage for one in events), NOTHING)
        now = utc_now()
        puts = [new_event(one.event) for one in events]
        puts += [new_entry(one.event, shard, read + number, now) for number, one in enumerate(events, 1)]
        items: list[Any] = [{"Put": {"TableName": self._table, **put}} for put in puts]
        items.append(self._addition(counter, change, read=read, moved_to=read + len(events), now=now))
        try:
            self._client.transact_write_items(TransactItems=items)
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

    def _end(self, counter: Counter) -> End:
        found = self._client.get_item(TableName=self._table, Key=counter_key(counter), ConsistentRead=True)
        return end_in(found.get("Item", {}))

    def _addition(self, counter: Counter, change: Usage, *, read: int, moved_to: int, now: datetime) -> Any:
        """Return the update of a counter, which fails if others have moved its position since it was read."""
        values = {
            ":objects": {"N": str(change.objects)},
            ":bytes": {"N": str(change.bytes)},
            ":moved_to": {"N": str(moved_to)},
            ":now": {"S": timestamp(now)},
        }
        return {
            "Update": {
                "TableName": self._table,
                "Key": counter_key(counter),
                "UpdateExpression": "SET #position = :moved_to, #recorded_at = :now "
                "ADD #objects :objects, #bytes :bytes",
                "ConditionExpression": "#position = :read" if read else "attribute_not_exists(#position)",
                "ExpressionAttributeNames": {
                    "#objects": "objects",
                    "#bytes": "bytes",
                    "#position": "position",
                    "#recorded_at": "recorded_at",
                },
                "ExpressionAttributeValues": values | ({":read": {"N": str(read)}} if read else {}),
            }
        }

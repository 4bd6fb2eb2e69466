"""The repository of deliveries: what is due, and the log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.aws.faults import transient_faults
from app.domain.errors import NotFound, StaleWrite
from app.domain.times import timestamp
from app.domain.webhooks.deliveries import Delivery, Lane, Outcome
from app.storage.webhooks.items import delivery_from, delivery_item, lane_partition, log_partition, serialized

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: BatchGetItem takes no more (Amazon DynamoDB API Reference).
KEYS_PER_CALL = 100
#: How many items a page of a filtered log may read.
FILTERED_READ = 200
#: Behind an event time, this sorts after all sort keys of that time, which go on with `#`.
AFTER = "~"


@dataclass(frozen=True, slots=True)
class LogPage:
    """Deliveries, newest first; `position` is the sort key where the next page starts, None at the end."""

    items: tuple[Delivery, ...]
    position: str | None


class DeliveryRepository:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    @transient_faults()
    def add(self, delivery: Delivery) -> bool:
        """Write a new delivery. Return False if the event is in the webhook's log already."""
        try:
            self._client.put_item(
                TableName=self._table,
                Item=delivery_item(delivery),
                ConditionExpression="attribute_not_exists(#pk)",
                ExpressionAttributeNames={"#pk": "pk"},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    @transient_faults()
    def get(self, owner: str, webhook_id: str, sort_key: str) -> Delivery:
        """Read a delivery, with strong consistency. Raises NotFound."""
        key = {"pk": {"S": log_partition(owner, webhook_id)}, "sk": {"S": sort_key}}
        found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "time" not in found.get("Item", {}):
            raise NotFound("delivery")
        return delivery_from(found["Item"])

    @transient_faults()
    def save(self, after: Delivery, *, read: Delivery) -> None:
        """Replace `read` by `after`. Raises StaleWrite when another writer wrote in between.

        Our own write, repeated by the SDK after a lost reply, is recognised by its token.
        """
        try:
            self._client.put_item(
                TableName=self._table,
                Item=delivery_item(after),
                ConditionExpression="#write_token = :read_token",
                ExpressionAttributeNames={"#write_token": "write_token"},
                ExpressionAttributeValues={":read_token": {"S": read.write_token}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            item: Mapping[str, Any] = refused.response.get("Item", {})  # type: ignore[assignment]
            if item.get("write_token") != {"S": after.write_token}:
                raise StaleWrite from None

    @transient_faults()
    def due(self, owner: str, webhook_id: str, lane: Lane, *, now: datetime, limit: int) -> list[str]:
        """Return the sort keys of deliveries that are due, the longest due first.

        The index is a moment behind: some may be settled already, and the newest may be missing.
        """
        found = self._in_lane(
            owner, webhook_id, lane, " AND #due_at <= :now", {":now": timestamp(now)}, limit
        )
        return [item["sk"]["S"] for item in found]

    @transient_faults()
    def next_due_at(self, owner: str, webhook_id: str, lane: Lane) -> datetime | None:
        """Return when the first delivery of a lane is due, or was; None if there is none."""
        found = self._in_lane(owner, webhook_id, lane, "", {}, 1)
        return datetime.fromisoformat(found[0]["due_at"]["S"]) if found else None

    @transient_faults()
    def read(self, owner: str, webhook_id: str, sort_keys: Sequence[str]) -> list[Delivery]:
        """Return the deliveries with these sort keys, in their order, with strong consistency."""
        pk = {"S": log_partition(owner, webhook_id)}
        waiting: Any = [{"pk": pk, "sk": {"S": sort_key}} for sort_key in sort_keys]
        found: dict[str, Delivery] = {}
        while waiting:
            request: Any = {self._table: {"Keys": waiting[:KEYS_PER_CALL], "ConsistentRead": True}}
            answer = self._client.batch_get_item(RequestItems=request)
            for item in answer["Responses"].get(self._table, []):
                found[item["sk"]["S"]] = delivery_from(item)
            unprocessed: Any = answer.get("UnprocessedKeys", {})
            left = unprocessed.get(self._table, {}).get("Keys", [])
            waiting = [*left, *waiting[KEYS_PER_CALL:]]
        return [found[sort_key] for sort_key in sort_keys if sort_key in found]

    @transient_faults()
    def page(
        self, owner: str, webhook_id: str, *, outcome: Outcome | None, before: str | None, limit: int
    ) -> LogPage:
        """Return one page of the log. With an outcome, it may be short or empty although more follow."""
        found = self._log(
            owner,
            webhook_id,
            "#sk < :before",
            {":before": before or AFTER},
            outcome,
            ScanIndexForward=False,
            Limit=limit if outcome is None else max(limit, FILTERED_READ),
        )
        items = [item for item in found["Items"] if "time" in item]
        last = found.get("LastEvaluatedKey")
        position = last and last["sk"]["S"]
        if len(items) > limit:
            items = items[:limit]
            position = items[-1]["sk"]["S"]
        return LogPage(tuple(delivery_from(item) for item in items), position)

    def between(self, owner: str, webhook_id: str, after: datetime, until: datetime) -> Iterator[Delivery]:
        """Yield the deliveries of events later than `after`, up to and with `until`, the oldest first."""
        if until <= after:
            return
        bounds = {":first": f"{timestamp(after)}{AFTER}", ":last": f"{timestamp(until)}{AFTER}"}
        start: dict[str, Any] = {"ConsistentRead": True}
        while True:
            with transient_faults():
                found = self._log(owner, webhook_id, "#sk BETWEEN :first AND :last", bounds, None, **start)
            yield from (delivery_from(item) for item in found["Items"])
            if "LastEvaluatedKey" not in found:
                return
            start["ExclusiveStartKey"] = found["LastEvaluatedKey"]

    def _in_lane(
        self, owner: str, webhook_id: str, lane: Lane, more: str, values: Mapping[str, Any], limit: int
    ) -> Sequence[Mapping[str, Any]]:
        names = {"#due": "due"} | ({"#due_at": "due_at"} if more else {})
        return self._client.query(
            TableName=self._table,
            IndexName="due",
            KeyConditionExpression=f"#due = :due{more}",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=serialized({":due": lane_partition(owner, webhook_id, lane), **values}),
            Limit=limit,
        )["Items"]

    def _log(
        self,
        owner: str,
        webhook_id: str,
        condition: str,
        values: Mapping[str, Any],
        outcome: Outcome | None,
        **options: Any,
    ) -> Any:
        names = {"#pk": "pk", "#sk": "sk"}
        given = {":pk": log_partition(owner, webhook_id), **values}
        if outcome is not None:
            names["#outcome"], given[":outcome"] = "outcome", outcome.value
            options["FilterExpression"] = "#outcome = :outcome"
        return self._client.query(
            TableName=self._table,
            KeyConditionExpression=f"#pk = :pk AND {condition}",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=serialized(given),
            **options,
        )

"""The repository of webhooks.

What the owner sets and what the sender notes are different attributes of one item, so neither
overwrites the other. The owner's changes depend on the write token, the sender's on its lease.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from app.aws.faults import transient_faults
from app.domain.errors import NotFound, ObjectDeleted, StaleWrite, TooManyWebhooks
from app.domain.times import timestamp
from app.domain.webhooks.deliveries import LOG_KEPT
from app.domain.webhooks.webhook import MOST_WEBHOOKS, Webhook
from app.storage.webhooks.items import (
    WEBHOOK_PREFIX,
    count_key,
    endpoints_partition,
    owned_values,
    serialized,
    state_values,
    tombstone_key,
    webhook_from,
    webhook_item,
    webhook_key,
)
from app.storage.webhooks.updates import DUE, LEASE, NOBODY_WROTE_SINCE, update_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: Longer than any delivery is kept.
TOMBSTONE_KEPT = LOG_KEPT + timedelta(days=3)
NOT_THERE_YET = "attribute_not_exists(#pk)"


class WebhookRepository:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    @transient_faults()
    def add(self, created: Webhook) -> Webhook:
        """Write a new webhook and count it. Return the webhook that is stored under its id.

        Raises TooManyWebhooks, or ObjectDeleted if the id was used before.
        """
        items = [
            {"Put": {"Item": webhook_item(created), **_condition(NOT_THERE_YET)}},
            {"Update": self._counting(created.owner, 1, f"{NOT_THERE_YET} OR #count < :most")},
            {
                "ConditionCheck": {
                    "Key": tombstone_key(created.owner, created.id),
                    **_condition(NOT_THERE_YET),
                }
            },
        ]
        try:
            self._transact(items)
        except self._client.exceptions.TransactionCanceledException:
            return self._in_the_way(created)
        return created

    def _in_the_way(self, created: Webhook) -> Webhook:
        try:
            return self.get(created.owner, created.id)
        except NotFound:
            if self.was_deleted(created.owner, created.id):
                raise ObjectDeleted("webhook") from None
            if len(self.list(created.owner)) >= MOST_WEBHOOKS:
                raise TooManyWebhooks(MOST_WEBHOOKS) from None
            raise StaleWrite from None

    @transient_faults()
    def get(self, owner: str, webhook_id: str) -> Webhook:
        """Read a webhook, with strong consistency. Raises NotFound."""
        key = webhook_key(owner, webhook_id)
        found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in found:
            raise NotFound("webhook")
        return webhook_from(found["Item"])

    @transient_faults()
    def was_deleted(self, owner: str, webhook_id: str) -> bool:
        key = tombstone_key(owner, webhook_id)
        return "Item" in self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)

    @transient_faults()
    def list(self, owner: str) -> tuple[Webhook, ...]:
        """Return all webhooks of an owner, the oldest first, with strong consistency."""
        found = self._client.query(
            TableName=self._table,
            KeyConditionExpression="#pk = :pk AND begins_with(#sk, :prefix)",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues=serialized({":pk": owner, ":prefix": WEBHOOK_PREFIX}),
            ConsistentRead=True,
        )
        webhooks = (webhook_from(item) for item in found["Items"])
        return tuple(sorted(webhooks, key=lambda webhook: (webhook.created_at, webhook.id)))

    @transient_faults()
    def save(self, after: Webhook, *, read: Webhook) -> None:
        """Write what the owner changed. Raises StaleWrite when another writer wrote in between.

        A webhook with a new URL, and one that is enabled, is tried at once. It loses its lease, so that
        a sender that is at work for its old state notes nothing more.
        """
        values, freed = owned_values(after), tuple[str, ...]()
        if after.disabled is not None:
            freed = (*LEASE, *DUE)
        elif after.url != read.url or read.disabled is not None:
            due = {"due": endpoints_partition(after.id), "due_at": timestamp(after.updated_at)}
            values, freed = values | state_values(after) | due, LEASE
        try:
            self._client.update_item(
                TableName=self._table,
                **update_of(after, values, freed, NOBODY_WROTE_SINCE, {":read_token": read.write_token}),
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            if _item_in_the_way(refused).get("write_token") != {"S": after.write_token}:
                raise StaleWrite from None

    @transient_faults()
    def delete(self, read: Webhook, now: datetime) -> None:
        """Replace a webhook by a tombstone. Raises StaleWrite when another writer wrote in between."""
        purge_at = int((now + TOMBSTONE_KEPT).timestamp())
        tombstone = tombstone_key(read.owner, read.id) | serialized({"purge_at": purge_at})
        as_read = _condition(NOBODY_WROTE_SINCE, {":read_token": read.write_token})
        items = [
            {"Delete": {"Key": webhook_key(read.owner, read.id), **as_read}},
            {"Update": self._counting(read.owner, -1, "#count > :most", most=0)},
            {"Put": {"Item": tombstone}},
        ]
        try:
            self._transact(items)
        except self._client.exceptions.TransactionCanceledException:
            raise StaleWrite from None

    def _counting(self, owner: str, by: int, condition: str, *, most: int = MOST_WEBHOOKS) -> dict[str, Any]:
        names = {"#count": "count"} | ({"#pk": "pk"} if "#pk" in condition else {})
        return {
            "Key": count_key(owner),
            "UpdateExpression": "ADD #count :by",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": serialized({":by": by, ":most": most}),
        }

    def _transact(self, items: Sequence[Any]) -> None:
        for item in items:
            for operation in item.values():
                operation["TableName"] = self._table
        self._client.transact_write_items(TransactItems=items)


def _condition(expression: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    name = "pk" if "#pk" in expression else "write_token"
    return {
        "ConditionExpression": expression,
        "ExpressionAttributeNames": {f"#{name}": name},
        **({"ExpressionAttributeValues": serialized(values)} if values else {}),
    }


def _item_in_the_way(refused: ClientError) -> Mapping[str, Any]:
    """Return the item that failed the condition; DynamoDB sends it along (ALL_OLD)."""
    response: Mapping[str, Any] = refused.response
    return response.get("Item", {})  # type: ignore[no-any-return]  # botocore's stubs leave it out

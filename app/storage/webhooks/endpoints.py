"""The repository of endpoints: which are due, and who looks at them.

All of it stands in the item of the webhook. Deliveries wake an endpoint, a sender claims it by a
lease, and what the sender notes depends on that lease.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from app.aws.faults import transient_faults
from app.domain.times import timestamp
from app.domain.webhooks.webhook import Webhook
from app.storage.webhooks.items import (
    ENDPOINT_SHARDS,
    ENDPOINTS,
    WEBHOOK_PREFIX,
    endpoints_partition,
    owned_values,
    serialized,
    state_values,
    webhook_from,
    webhook_key,
)
from app.storage.webhooks.updates import DUE, LEASE, NOBODY_WROTE_SINCE, update_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FREE_AND_ENABLED = (
    "attribute_exists(#pk) AND #disabled = :null AND (attribute_not_exists(#lease) OR #lease_until < :now)"
)
LEASE_IS_MINE = "#lease = :lease"


class DueEndpoint(NamedTuple):
    owner: str
    webhook_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A webhook that one sender works for until its lease lapses."""

    webhook: Webhook
    lease: str


class EndpointRepository:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    @transient_faults()
    def wake(self, owner: str, webhook_id: str, now: datetime, *, replays: bool = False) -> None:
        """Note that deliveries became due, if the webhook is there. Replays are tried at once."""
        values = {":now": timestamp(now), ":due": endpoints_partition(webhook_id)}
        due_at = "if_not_exists(#due_at, :now)"
        setting = "SET #woken_at = :now, #due = :due"
        names = {"#pk": "pk", "#woken_at": "woken_at", "#due": "due", "#due_at": "due_at"}
        if replays:
            due_at = ":now"
            setting += ", #replays.#retry_at = :null, #announced_at = :null"
            names |= {"#replays": "replays", "#retry_at": "retry_at", "#announced_at": "announced_at"}
        try:
            self._client.update_item(
                TableName=self._table,
                Key=webhook_key(owner, webhook_id),
                UpdateExpression=f"{setting}, #due_at = {due_at}",
                ConditionExpression="attribute_exists(#pk)",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=serialized(values | ({":null": None} if replays else {})),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    @transient_faults()
    def claim(
        self, owner: str, webhook_id: str, lease: str, *, now: datetime, until: datetime
    ) -> Claim | None:
        """Take the lease of an enabled webhook. Return None if it is held, or there is no such webhook."""
        names = ("pk", "disabled", "lease", "lease_until", "due", "due_at")
        values = {
            ":now": timestamp(now),
            ":lease": lease,
            ":until": timestamp(until),
            ":due": endpoints_partition(webhook_id),
            ":null": None,
        }
        try:
            found = self._client.update_item(
                TableName=self._table,
                Key=webhook_key(owner, webhook_id),
                UpdateExpression="SET #lease = :lease, #lease_until = :until, #due = :due, #due_at = :until",
                ConditionExpression=f"({FREE_AND_ENABLED}) OR {LEASE_IS_MINE}",
                ExpressionAttributeNames={f"#{name}": name for name in names},
                ExpressionAttributeValues=serialized(values),
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return Claim(webhook_from(found["Attributes"]), lease)

    @transient_faults()
    def release(self, claim: Claim, after: Webhook, due_at: datetime | None) -> Webhook | None:
        """Give the lease back, with the state that the sender leaves. Return the webhook as it was before.

        `due_at` is when the sweep should look again; None if nothing is due. Returns None if the lease
        was lost, or the owner changed what is to be disabled: then nothing is written.
        """
        freed: tuple[str, ...] = LEASE
        values = state_values(after)
        condition, given = LEASE_IS_MINE, {":lease": claim.lease}
        if after.disabled is not None:
            values |= owned_values(after)
            condition += f" AND {NOBODY_WROTE_SINCE}"
            given[":read_token"] = claim.webhook.write_token
        if due_at is None or after.disabled is not None:
            freed = (*LEASE, *DUE)
        else:
            values["due_at"] = timestamp(due_at)
        try:
            found = self._client.update_item(
                TableName=self._table, **update_of(after, values, freed, condition, given)
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return webhook_from(found["Attributes"])

    def due(self, before: datetime) -> Iterator[DueEndpoint]:
        """Yield every webhook that should be looked at; in each shard the longest due first."""
        for shard in range(ENDPOINT_SHARDS):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName="due",
                KeyConditionExpression="#due = :due AND #due_at < :before",
                ExpressionAttributeNames={"#due": "due", "#due_at": "due_at"},
                ExpressionAttributeValues=serialized(
                    {":due": f"{ENDPOINTS}{shard}", ":before": timestamp(before)}
                ),
            )
            with transient_faults():
                for page in pages:
                    for item in page["Items"]:
                        webhook_id = item["sk"]["S"].removeprefix(WEBHOOK_PREFIX)
                        at = datetime.fromisoformat(item["due_at"]["S"])
                        yield DueEndpoint(item["pk"]["S"], webhook_id, at)

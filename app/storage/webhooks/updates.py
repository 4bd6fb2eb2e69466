"""Builds the update of a webhook's item: attributes that are set and removed, on a condition."""

from collections.abc import Mapping
from typing import Any

from app.domain.webhooks.webhook import Webhook
from app.storage.webhooks.items import serialized, webhook_key

NOBODY_WROTE_SINCE = "#write_token = :read_token"
LEASE = ("lease", "lease_until")
DUE = ("due", "due_at")


def update_of(
    webhook: Webhook,
    values: Mapping[str, Any],
    removed: tuple[str, ...],
    condition: str,
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the parameters of an UpdateItem that answers what was there before."""
    asked = [name.removeprefix("#") for name in condition.split() if name.startswith("#")]
    setting = ", ".join(f"#{name} = :new_{name}" for name in values)
    removing = f" REMOVE {', '.join(f'#{name}' for name in removed)}" if removed else ""
    return {
        "Key": webhook_key(webhook.owner, webhook.id),
        "UpdateExpression": f"SET {setting}{removing}",
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#{name}": name for name in (*values, *removed, *asked)},
        "ExpressionAttributeValues": serialized(
            {**given, **{f":new_{name}": value for name, value in values.items()}}
        ),
        "ReturnValues": "ALL_OLD",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }

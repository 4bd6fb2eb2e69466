"""How webhooks and deliveries are laid out as DynamoDB items, and read back.

    item        pk                      sk
    webhook     <owner>                 webhook#<id>
    count       <owner>                 count
    tombstone   <owner>#<webhook id>    deleted
    delivery    <owner>#<webhook id>    <event time>#<event id>

The index `due` has the partition `due` and the sort key `due_at`:

    webhook     endpoints#<n>                      when the sweep should look at it
    delivery    <owner>#<webhook id>#<lane>        when it may be sent

`count` is how many webhooks the owner has. A tombstone keeps the id of a deleted webhook
from being used again, as long as its deliveries may be there.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zlib import crc32

from app.domain.times import timestamp
from app.domain.webhooks.deliveries import Attempt, Delivery, Lane, Outcome
from app.domain.webhooks.webhook import Disabled, Reason, Schedule, Secret, Wanted, Webhook
from app.storage.attribute_values import deserialize, serialize

WEBHOOK_PREFIX = "webhook#"
COUNT = "count"
DELETED = "deleted"
ENDPOINTS = "endpoints#"
#: A webhook's shard follows from its id, so the number must never change.
ENDPOINT_SHARDS = 4

Item = dict[str, Any]


def webhook_key(owner: str, webhook_id: str) -> Item:
    return _key(owner, f"{WEBHOOK_PREFIX}{webhook_id}")


def count_key(owner: str) -> Item:
    return _key(owner, COUNT)


def tombstone_key(owner: str, webhook_id: str) -> Item:
    return _key(log_partition(owner, webhook_id), DELETED)


def delivery_key(delivery: Delivery) -> Item:
    return _key(log_partition(delivery.owner, delivery.webhook_id), sort_key(delivery))


def log_partition(owner: str, webhook_id: str) -> str:
    return f"{owner}#{webhook_id}"


def sort_key(delivery: Delivery) -> str:
    """Return the place of a delivery in the log."""
    return f"{timestamp(delivery.time)}#{delivery.event_id}"


def endpoints_partition(webhook_id: str) -> str:
    return f"{ENDPOINTS}{crc32(webhook_id.encode()) % ENDPOINT_SHARDS}"


def lane_partition(owner: str, webhook_id: str, lane: Lane) -> str:
    return f"{owner}#{webhook_id}#{lane.value}"


def owned_values(webhook: Webhook) -> dict[str, Any]:
    """Return what an owner's change of a webhook writes, as values that `serialize` takes."""
    return {
        "url": webhook.url,
        "types": list(webhook.wanted.types),
        "kinds": list(webhook.wanted.kinds),
        "labels": dict(webhook.wanted.labels),
        "description": webhook.description,
        "secrets": [_stored(asdict(secret)) for secret in webhook.secrets],
        "version": webhook.version,
        "updated_at": timestamp(webhook.updated_at),
        "disabled": webhook.disabled and _stored(asdict(webhook.disabled)),
        "write_token": webhook.write_token,
    }


def state_values(webhook: Webhook) -> dict[str, Any]:
    """Return what the sender notes of a webhook."""
    return {
        "schedule": _stored(asdict(webhook.schedule)),
        "replays": _stored(asdict(webhook.replays)),
        "announced_at": webhook.announced_at and timestamp(webhook.announced_at),
    }


def webhook_item(webhook: Webhook) -> Item:
    values = {
        "id": webhook.id,
        "created_at": timestamp(webhook.created_at),
        "fingerprint": webhook.fingerprint,
    }
    return webhook_key(webhook.owner, webhook.id) | serialized(
        values | owned_values(webhook) | state_values(webhook)
    )


def webhook_from(item: Mapping[str, Any]) -> Webhook:
    found = _values(item)
    disabled = found["disabled"]
    return Webhook(
        owner=found["pk"],
        id=found["id"],
        url=found["url"],
        wanted=Wanted(tuple(found["types"]), tuple(found["kinds"]), found["labels"]),
        description=found["description"],
        secrets=tuple(
            Secret(one["text"], _moment(one["created_at"]), _perhaps(one["expires_at"]))
            for one in found["secrets"]
        ),
        version=found["version"],
        created_at=_moment(found["created_at"]),
        updated_at=_moment(found["updated_at"]),
        fingerprint=found["fingerprint"],
        disabled=disabled and Disabled(_moment(disabled["at"]), Reason(disabled["reason"])),
        schedule=_schedule(found["schedule"]),
        replays=_schedule(found["replays"]),
        announced_at=_perhaps(found["announced_at"]),
        woken_at=_perhaps(found.get("woken_at")),
        write_token=found["write_token"],
    )


def delivery_item(delivery: Delivery) -> Item:
    """Return the item; it is in the index while the delivery is due."""
    values = _stored(asdict(delivery)) | {"purge_at": int(delivery.purge_at.timestamp())}
    if delivery.due_at is not None:
        values["due"] = lane_partition(delivery.owner, delivery.webhook_id, delivery.lane)
    else:
        del values["due_at"]
    return delivery_key(delivery) | serialized(values)


def delivery_from(item: Mapping[str, Any]) -> Delivery:
    found = {name: value for name, value in _values(item).items() if name not in ("pk", "sk", "due")}
    last = found["last"]
    moments = {name: _moment(found[name]) for name in ("time", "give_up_at")}
    return Delivery(
        **found
        | moments
        | {
            "outcome": Outcome(found["outcome"]),
            "lane": Lane(found["lane"]),
            "due_at": _perhaps(found.get("due_at")),
            "last": last and _attempt(last),
            "purge_at": datetime.fromtimestamp(found["purge_at"], moments["time"].tzinfo),
        }
    )


def serialized(values: Mapping[str, Any]) -> Item:
    return {name: serialize(value) for name, value in values.items()}


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as they are stored: moments as text, seconds as whole milliseconds."""
    stored: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, datetime):
            stored[name] = timestamp(value)
        elif isinstance(value, float):
            stored[name] = round(value * 1000)
        else:
            stored[name] = _stored(value) if isinstance(value, Mapping) else value
    return stored


def _values(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: deserialize(value) for name, value in item.items()}


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _schedule(found: Mapping[str, Any]) -> Schedule:
    return Schedule(_perhaps(found["failing_since"]), found["failures"], _perhaps(found["retry_at"]))


def _attempt(found: Mapping[str, Any]) -> Attempt:
    seconds = found["seconds"] / 1000
    return Attempt(**{**found, "at": _moment(found["at"]), "seconds": seconds})


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _perhaps(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)

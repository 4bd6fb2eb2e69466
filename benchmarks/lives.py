"""The lives of a record and of a data set, as the README makes them, and what DynamoDB writes for them.

A write is billed in units of 1 KB: for the item, and for its entry in each index. An entry that
moves to another key is deleted and put, which are two (Amazon DynamoDB Developer Guide, "DynamoDB
item sizes and formats" and "Provisioned throughput considerations for Global Secondary Indexes").
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from app.domain.causes import Cause, Trace
from app.domain.events import ObjectEvent, event_of
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact, Payload, Result, Revision, Status
from app.local.aws.template import local_template
from app.storage.feed import new_entry
from app.storage.history import new_event
from app.storage.items import to_item

UNIT_BYTES = 1024
#: A strongly consistent read unit.
READ_BYTES = 4096
#: A transaction writes everything twice (Amazon DynamoDB Developer Guide, "Amazon DynamoDB Transactions").
IN_TRANSACTION = 2
#: The counter of an owner and shard is a short item.
COUNTER_UNITS = 1
ITEM = "item"
HISTORY = "history, feed and counter"

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
CAUSE = Cause(
    "5d8fa000-802f-4dcd-8674-cf4598f6adae",
    Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True),
)

Item = Mapping[str, Any]
#: An object before a write (None if the write creates it) and after it.
Change = tuple[StoredObject | None, StoredObject]


@dataclass(frozen=True, slots=True)
class Life:
    """The writes of an object up to its last status, and those of its deletion."""

    made: tuple[StoredObject, ...]
    deleted: tuple[StoredObject, ...]

    @property
    def changes_made(self) -> list[Change]:
        return list(zip((None, *self.made), self.made, strict=False))

    @property
    def changes_of_deletion(self) -> list[Change]:
        return list(zip((self.made[-1], *self.deleted), self.deleted, strict=False))


def record() -> Life:
    return _life(
        _object(
            kind="record", name="order 42", attributes={"total": "9.90"}, status=Status.READY, newest=None
        )
    )


def dataset() -> Life:
    declared = Revision(1, "text/csv", 4_061_734, None, NOW + timedelta(minutes=15))
    created = _object(
        kind="dataset",
        name="trips.csv",
        labels={"team": "growth"},
        attributes={},
        status=Status.PENDING,
        newest=declared,
        deadline=NOW + timedelta(minutes=20),
        writable_until=declared.expires_at,
    )
    claimed = created.claim(now=NOW, lease_until=NOW + timedelta(minutes=5))
    artifacts = tuple(
        Artifact(name, media_type, 10_000, "b" * 64)
        for name, media_type in (
            ("profile.json", "application/json"),
            ("preview.json", "application/json"),
            ("data.parquet", "application/vnd.apache.parquet"),
        )
    )
    result = Result({"format": "csv", "rows": 120_000, "columns": 5}, artifacts)
    ready = claimed.accept(Payload("text/csv", 4_061_734, "a" * 64, 1), result, now=NOW)
    return _life(created, claimed, ready)


def _object(**values: Any) -> StoredObject:
    common: dict[str, Any] = {
        "owner": "cognito-0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10",
        "id": "37a49ca3-3b6d-4e44-9c16-0988661b85f2",
        "labels": {},
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
        "shard": 0,
        "fingerprint": "f" * 64,
        "cause": CAUSE,
    }
    return StoredObject(**common | values)


def _life(*made: StoredObject) -> Life:
    tombstone = made[-1].delete(now=NOW, cause=CAUSE)
    return Life(made, (tombstone, tombstone.purged(now=NOW)))


def units(changes: Sequence[Change]) -> Counter[str]:
    """Return the write units of changes: of the item, of each index, and of history, feed and counter."""
    total: Counter[str] = Counter()
    for before, after in changes:
        total += _units_of_change(to_item(before) if before else None, to_item(after))
        if event := event_of(before, after):
            total[HISTORY] += _units_of_event(event)
    return total


def _units_of_change(before: Item | None, after: Item) -> Counter[str]:
    total = Counter({ITEM: _units(max(size(before or {}), size(after)))})
    for name, keys, projected in indexes():
        old, new = (_entry(item, keys, projected) for item in (before or {}, after))
        total[name] += _units_of_entry(old, new, keys)
    return total


def _units_of_entry(old: Item | None, new: Item | None, keys: Sequence[str]) -> int:
    if old is None or new is None:
        return _units(size(old or new or {})) if old or new else 0
    if any(old[key] != new[key] for key in keys):
        return _units(size(old)) + _units(size(new))
    return 0 if old == new else _units(max(size(old), size(new)))


def entry() -> Item:
    """Return an entry of the feed, of common length."""
    event = event_of(None, record().made[0])
    assert event is not None
    item: Item = new_entry(event, shard=0, position=1_000_000, now=NOW)["Item"]
    return item


def _units_of_event(event: ObjectEvent) -> int:
    """Return the units of the transaction that the relay writes for one event alone, the dearest case."""
    puts = (new_event(event), new_entry(event, shard=0, position=1_000_000, now=NOW))
    return IN_TRANSACTION * (sum(_units(size(put["Item"])) for put in puts) + COUNTER_UNITS)


def purge_units(changes: Sequence[Change]) -> int:
    """Return the units of emptying the history that these changes left behind."""
    events = [event for before, after in changes if (event := event_of(before, after))]
    return sum(_units(size(new_event(event)["Item"])) for event in events)


@cache
def indexes() -> tuple[tuple[str, tuple[str, ...], frozenset[str]], ...]:
    """Return the name, the keys and the other projected attributes of each index in template.yaml."""
    table = local_template()["Resources"]["ObjectsTable"]["Properties"]
    return tuple(
        (
            index["IndexName"],
            tuple(key["AttributeName"] for key in index["KeySchema"]),
            frozenset({"pk", "sk", *index["Projection"].get("NonKeyAttributes", ())}),
        )
        for index in table["GlobalSecondaryIndexes"]
    )


def _entry(item: Item, keys: Sequence[str], projected: frozenset[str]) -> Item | None:
    if not all(key in item for key in keys):
        return None
    return {name: value for name, value in item.items() if name in projected or name in keys}


def _units(size_bytes: int) -> int:
    return math.ceil(size_bytes / UNIT_BYTES)


def size(item: Item) -> int:
    """Return the bytes of an item in DynamoDB's JSON, as DynamoDB counts them."""
    return sum(len(name.encode()) + _size_of_value(value) for name, value in item.items())


def _size_of_value(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return math.ceil(len(content.strip("-").replace(".", "")) / 2) + 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size_of_value(inner) for name, inner in content.items())
        case "L":
            return 3 + sum(1 + _size_of_value(inner) for inner in content)
    return 1

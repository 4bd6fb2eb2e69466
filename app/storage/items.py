"""How an object is laid out as a DynamoDB item, and read back.

    pk            <owner>#<id>
    sk            object
    by_owner      <owner>#<shard>           \\
    by_status     <owner>#<status>#<shard>   > not on tombstones: they are out of the lists
    listed_at     <created_at>#<id>         /
    in_flight     in_flight#<shard>, or failed#<shard>
    due_at        the deadline, or when it failed

The shard is stored and never recomputed, so LIST_SHARDS may be raised.
`attributes` and `summary` are JSON strings: floats, depth and big numbers survive.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from app.domain.causes import Cause, Trace
from app.domain.errors import ProblemCode
from app.domain.json import compact_json, parse_json
from app.domain.objects import ObjectSummary, StoredObject
from app.domain.times import parse_timestamp, timestamp
from app.domain.values import Artifact, Lease, Payload, Problem, Revision, Status

type_serializer = TypeSerializer()
type_deserializer = TypeDeserializer()

OBJECT = "object"


def partition_key(owner: str, object_id: str) -> str:
    return f"{owner}#{object_id}"


def object_key(owner: str, object_id: str) -> dict[str, Any]:
    return {"pk": {"S": partition_key(owner, object_id)}, "sk": {"S": OBJECT}}


def owner_and_id(pk: str) -> tuple[str, str]:
    owner, _, object_id = pk.partition("#")
    return owner, object_id


def owner_partition(owner: str, status: str | None, shard: int) -> str:
    return "#".join(part for part in (owner, status, str(shard)) if part is not None)


def to_item(stored: StoredObject) -> dict[str, Any]:
    values = _summary_values(stored) | _internal_values(stored) | _index_values(stored)
    return {name: type_serializer.serialize(value) for name, value in values.items() if value is not None}


def _summary_values(stored: StoredObject) -> dict[str, Any]:
    return {
        "id": stored.id,
        "kind": stored.kind,
        "name": stored.name,
        "labels": dict(stored.labels),
        "status": stored.status.value,
        "version": stored.version,
        "newest": stored.newest and _revision_values(stored.newest),
        "payload": stored.payload and asdict(stored.payload),
        "summary": None if stored.summary is None else compact_json(stored.summary),
        "problem": stored.problem and asdict(stored.problem),
        "created_at": timestamp(stored.created_at),
        "updated_at": timestamp(stored.updated_at),
    }


def _internal_values(stored: StoredObject) -> dict[str, Any]:
    return {
        "pk": partition_key(stored.owner, stored.id),
        "sk": OBJECT,
        "owner": stored.owner,
        "attributes": compact_json(stored.attributes),
        "artifacts": [asdict(artifact) for artifact in stored.artifacts],
        "shard": stored.shard,
        "fingerprint": stored.fingerprint,
        **_cause_values(stored.cause),
        "revision_cause": stored.revision_cause and _known(_cause_values(stored.revision_cause)),
        "write_token": stored.write_token,
        "attempts": stored.attempts,
        "requeues": stored.requeues,
        "redrives": stored.redrives,
        "lease": stored.lease and {"token": stored.lease.token, "until": timestamp(stored.lease.until)},
        "deadline": _text(stored.deadline),
        "writable_until": _text(stored.writable_until),
        # DynamoDB reads it as seconds since 1970 (Amazon DynamoDB Developer Guide, "Time to Live").
        "purge_at": stored.purge_at and int(stored.purge_at.timestamp()),
    }


def _index_values(stored: StoredObject) -> dict[str, Any]:
    values = dict(_in_flight_values(stored))
    if stored.status is not Status.DELETED:
        values["by_owner"] = owner_partition(stored.owner, None, stored.shard)
        values["by_status"] = owner_partition(stored.owner, stored.status, stored.shard)
        values["listed_at"] = f"{timestamp(stored.created_at)}#{stored.id}"
    return values


def _in_flight_values(stored: StoredObject) -> dict[str, str]:
    if stored.status is Status.FAILED:
        return {"in_flight": f"failed#{stored.shard}", "due_at": timestamp(stored.updated_at)}
    if stored.deadline is not None:
        return {"in_flight": f"in_flight#{stored.shard}", "due_at": timestamp(stored.deadline)}
    return {}


def _revision_values(revision: Revision) -> dict[str, Any]:
    return _known(asdict(revision) | {"expires_at": _text(revision.expires_at)})


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _cause_values(cause: Cause) -> dict[str, Any]:
    trace = cause.trace
    return {
        "correlation_id": cause.correlation_id,
        "traceparent": trace and trace.traceparent,
        "tracestate": trace and trace.state,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


class UnreadableItem(Exception):
    """A stored item is not an object in a form that this version of the code knows."""


def from_item(item: Mapping[str, Any]) -> StoredObject:
    """Return the object that an item holds. Raises UnreadableItem."""
    try:
        return _from_values(_plain(item))
    except (AttributeError, KeyError, TypeError, ValueError) as unreadable:
        raise UnreadableItem from unreadable


def _from_values(values: Mapping[str, Any]) -> StoredObject:
    return StoredObject(
        **_summary_fields(values),
        owner=values["owner"],
        attributes=parse_json(values["attributes"]),
        artifacts=tuple(_artifact(artifact) for artifact in values["artifacts"]),
        shard=int(values["shard"]),
        fingerprint=values["fingerprint"],
        cause=_cause(values),
        revision_cause=_cause(values["revision_cause"]) if "revision_cause" in values else None,
        write_token=values["write_token"],
        attempts=int(values["attempts"]),
        requeues=int(values["requeues"]),
        redrives=int(values.get("redrives", 0)),
        lease=_lease(values.get("lease")),
        deadline=_moment(values.get("deadline")),
        writable_until=_moment(values.get("writable_until")),
        purge_at=_from_epoch(values.get("purge_at")),
    )


def summary_from_item(item: Mapping[str, Any]) -> ObjectSummary:
    """Return the summary in an item of `by_owner` or `by_status`, which project only its fields."""
    return ObjectSummary(**_summary_fields(_plain(item)))


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: type_deserializer.deserialize(value) for name, value in item.items()}


def _summary_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    summary = values.get("summary")
    return {
        "id": values["id"],
        "kind": values["kind"],
        "name": values["name"],
        "labels": values["labels"],
        "status": Status(values["status"]),
        "version": int(values["version"]),
        "newest": _revision(values.get("newest")),
        "payload": _payload(values.get("payload")),
        "summary": None if summary is None else parse_json(summary),
        "problem": _problem(values.get("problem")),
        "created_at": parse_timestamp(values["created_at"]),
        "updated_at": parse_timestamp(values["updated_at"]),
    }


def _cause(values: Mapping[str, Any]) -> Cause:
    traceparent = values.get("traceparent")
    trace = Trace.from_w3c(traceparent, values.get("tracestate")) if traceparent else None
    return Cause(values["correlation_id"], trace)


def _revision(values: Mapping[str, Any] | None) -> Revision | None:
    return (
        None
        if values is None
        else Revision(
            number=int(values["number"]),
            media_type=values["media_type"],
            size=int(values["size"]),
            sha256=values.get("sha256"),
            expires_at=_moment(values.get("expires_at")),
        )
    )


def _payload(values: Mapping[str, Any] | None) -> Payload | None:
    return (
        None
        if values is None
        else Payload(
            media_type=values["media_type"],
            size=int(values["size"]),
            sha256=values["sha256"],
            revision=int(values["revision"]),
        )
    )


def _artifact(values: Mapping[str, Any]) -> Artifact:
    return Artifact(
        name=values["name"],
        media_type=values["media_type"],
        size=int(values["size"]),
        sha256=values["sha256"],
    )


def _problem(values: Mapping[str, Any] | None) -> Problem | None:
    return None if values is None else Problem(ProblemCode(values["code"]), values["detail"])


def _lease(values: Mapping[str, Any] | None) -> Lease | None:
    return None if values is None else Lease(values["token"], parse_timestamp(values["until"]))


def _from_epoch(seconds: Decimal | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_timestamp(text)

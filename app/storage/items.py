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
`payload` also holds the names and media types of the artifacts, because the indexes project it.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from app.domain.causes import Cause, Trace
from app.domain.errors import ProblemCode
from app.domain.json import compact_json, parse_json
from app.domain.objects.state import ListedObject
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact, Lease, PartsUpload, Payload, Problem, Revision, Status
from app.domain.times import timestamp
from app.storage.attribute_values import deserialize, serialize

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
    values = _as_stored(_summary_values(stored) | _internal_values(stored))
    values |= _index_keys(stored, values)
    return {name: serialize(value) for name, value in values.items()}


def _as_stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as they are stored: moments as text, and nothing that is None."""
    return {
        name: timestamp(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }


def _summary_values(stored: StoredObject) -> dict[str, Any]:
    payload = stored.payload and asdict(stored.payload)
    if payload and stored.artifacts:
        payload["artifact_types"] = {artifact.name: artifact.media_type for artifact in stored.artifacts}
    return {
        "id": stored.id,
        "kind": stored.kind,
        "name": stored.name,
        "labels": dict(stored.labels),
        "status": stored.status.value,
        "version": stored.version,
        "newest": stored.newest and _as_stored(asdict(stored.newest)),
        "payload": payload,
        "summary": None if stored.summary is None else compact_json(stored.summary),
        "problem": stored.problem and asdict(stored.problem),
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
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
        "revision_cause": stored.revision_cause and _cause_values(stored.revision_cause),
        "write_token": stored.write_token,
        "attempts": stored.attempts,
        "requeues": stored.requeues,
        "redrives": stored.redrives,
        "lease": stored.lease and _as_stored(asdict(stored.lease)),
        "parts_upload": stored.parts_upload and _as_stored(asdict(stored.parts_upload)),
        "deadline": stored.deadline,
        "writable_until": stored.writable_until,
        # DynamoDB reads it as seconds since 1970 (Amazon DynamoDB Developer Guide, "Time to Live").
        "purge_at": stored.purge_at and int(stored.purge_at.timestamp()),
    }


def _cause_values(cause: Cause) -> dict[str, Any]:
    trace = cause.trace
    values = {
        "correlation_id": cause.correlation_id,
        "traceparent": trace and trace.traceparent,
        "tracestate": trace and trace.state,
    }
    return _as_stored(values)


def _index_keys(stored: StoredObject, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of the indexes that the object is in, made from its stored values."""
    keys = {}
    if stored.status is Status.FAILED:
        keys = {"in_flight": f"failed#{stored.shard}", "due_at": values["updated_at"]}
    elif stored.deadline is not None:
        keys = {"in_flight": f"in_flight#{stored.shard}", "due_at": values["deadline"]}
    if stored.status is not Status.DELETED:
        keys["by_owner"] = owner_partition(stored.owner, None, stored.shard)
        keys["by_status"] = owner_partition(stored.owner, stored.status, stored.shard)
        keys["listed_at"] = f"{values['created_at']}#{stored.id}"
    return keys


class UnreadableItem(Exception):
    """A stored item is not an object in a form that this version of the code knows."""


def from_item(item: Mapping[str, Any]) -> StoredObject:
    """Return the object that an item holds. Raises UnreadableItem."""
    try:
        values = _plain(item)
        lease, purge_at, begun = values.get("lease"), values.get("purge_at"), values.get("parts_upload")
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
            lease=None if lease is None else Lease(lease["token"], datetime.fromisoformat(lease["until"])),
            parts_upload=None
            if begun is None
            else PartsUpload(begun["id"], _moment(begun.get("completion_asked_at"))),
            deadline=_moment(values.get("deadline")),
            writable_until=_moment(values.get("writable_until")),
            purge_at=None if purge_at is None else datetime.fromtimestamp(int(purge_at), UTC),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as unreadable:
        raise UnreadableItem from unreadable


def listed_from_item(item: Mapping[str, Any]) -> ListedObject:
    """Return the object in an item of `by_owner` or `by_status`, which project only some fields."""
    values = _plain(item)
    # Items that were last written before lists had artifacts lack their types.
    types = values.get("payload", {}).get("artifact_types", {})
    return ListedObject(**_summary_fields(values), artifact_types=types)


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: deserialize(value) for name, value in item.items()}


def _summary_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    problem = values.get("problem")
    return {
        "id": values["id"],
        "kind": values["kind"],
        "name": values["name"],
        "labels": values["labels"],
        "status": Status(values["status"]),
        "version": int(values["version"]),
        "newest": _revision(values["newest"]) if "newest" in values else None,
        "payload": _payload(values["payload"]) if "payload" in values else None,
        "summary": parse_json(values["summary"]) if "summary" in values else None,
        "problem": None if problem is None else Problem(ProblemCode(problem["code"]), problem["detail"]),
        "created_at": datetime.fromisoformat(values["created_at"]),
        "updated_at": datetime.fromisoformat(values["updated_at"]),
    }


def _cause(values: Mapping[str, Any]) -> Cause:
    traceparent = values.get("traceparent")
    trace = Trace.from_w3c(traceparent, values.get("tracestate")) if traceparent else None
    return Cause(values["correlation_id"], trace)


def _revision(values: Mapping[str, Any]) -> Revision:
    return Revision(
        number=int(values["number"]),
        media_type=values["media_type"],
        size=int(values["size"]),
        sha256=values.get("sha256"),
        expires_at=_moment(values.get("expires_at")),
        part_size=int(values["part_size"]) if "part_size" in values else None,
    )


def _payload(values: Mapping[str, Any]) -> Payload:
    return Payload(
        media_type=values["media_type"],
        size=int(values["size"]),
        sha256=values["sha256"],
        revision=int(values["revision"]),
    )


def _artifact(values: Mapping[str, Any]) -> Artifact:
    return Artifact(
        name=values["name"],
        media_type=values["media_type"],
        size=int(values["size"]),
        sha256=values["sha256"],
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

"""The sample object in each of its statuses, as its own transitions lead there."""

from datetime import timedelta
from typing import Any

from app.domain.causes import Cause
from app.domain.errors import InvalidPayload, ProblemCode
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact, Payload, Result, Status
from tests.conftest import NOW, make_object

LEASE_UNTIL = NOW + timedelta(minutes=5)
SHA256 = "b9485148546419a0f6a85e8d708c923557c15d7f3c7d078ef1fa7f7c0f57d5a5"
#: The bytes that SHA256 is of.
CSV = b"a,b\n1,2\n3,4\n"
PROFILE = Artifact("profile.json", "application/json", 2, "b" * 64)
SUMMARIES: dict[str, dict[str, Any]] = {
    "dataset": {"format": "csv", "rows": 2, "columns": 2},
    "file": {"detected_media_type": "text/plain"},
    "image": {"format": "png", "width": 1, "height": 1, "frames": 1, "mode": "L", "exif": {}},
}
STATUSES = ("pending", "processing", "ready", "rejected", "failed", "expired", "deleted")


def make_in(status: str, **changes: Any) -> StoredObject:
    pending = make_object(**changes)
    claimed = pending.claim(now=NOW, lease_until=LEASE_UNTIL)
    invalid = InvalidPayload(ProblemCode.INVALID_CONTENT, "Line 3 has no end.")
    payload, result = Payload("text/csv", 12, SHA256, 1), Result(SUMMARIES[pending.kind], (PROFILE,))
    return {
        "pending": pending,
        "processing": claimed,
        "ready": claimed.accept(payload, result, now=NOW),
        "rejected": claimed.reject(invalid, now=NOW),
        "failed": claimed.give_up(now=NOW),
        "expired": pending.expire(now=NOW),
        "deleted": pending.delete(now=NOW, cause=Cause("request-2")),
    }[status]


def make_record(**changes: Any) -> StoredObject:
    """Return a record, which is ready since its birth and has no payload."""
    values: dict[str, Any] = {
        "kind": "record",
        "name": "order 42",
        "status": Status.READY,
        "newest": None,
        "deadline": None,
        "writable_until": None,
    }
    return make_object(**values | changes)

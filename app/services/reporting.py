"""Makes the fields of log lines, and the metrics of an object on its way, for all services."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.domain.objects.stored import StoredObject
from app.observability.metrics import (
    OBJECTS,
    PAYLOAD_BYTES,
    PROCESSING_SECONDS,
    QUEUE_SECONDS,
    REJECTIONS,
    Sample,
)


def of_object(stored: StoredObject) -> dict[str, Any]:
    """Return the fields that name an object and its owner."""
    return {"owner": stored.owner, "object_id": stored.id, "kind": stored.kind}


def waited(claimed: StoredObject, sent_at: datetime | None, now: datetime) -> Iterator[Sample]:
    """Measure the time in the queue, of the first attempt only: later ones waited for the one before."""
    if claimed.attempts == 1 and sent_at is not None:
        yield QUEUE_SECONDS(max(0.0, (now - sent_at).total_seconds()), kind=claimed.kind)


def finished(claimed: StoredObject, settled: StoredObject) -> Iterator[Sample]:
    """Measure an object that became ready or was rejected, and the time since its claim."""
    yield OBJECTS(1, kind=settled.kind, outcome=settled.status.value)
    yield PROCESSING_SECONDS((settled.updated_at - claimed.updated_at).total_seconds(), kind=settled.kind)
    if settled.newest is not None:
        yield PAYLOAD_BYTES(settled.newest.size, kind=settled.kind)
    if settled.problem is not None:
        yield REJECTIONS(1, code=settled.problem.code.value)

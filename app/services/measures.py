"""What is measured of an object on its way."""

from collections.abc import Iterator
from datetime import datetime

from app.domain.objects import StoredObject
from app.observability.metrics import (
    OBJECTS,
    PAYLOAD_BYTES,
    PROCESSING_SECONDS,
    QUEUE_SECONDS,
    REJECTIONS,
    Sample,
)


def waited(claimed: StoredObject, sent_at: datetime | None, now: datetime) -> Iterator[Sample]:
    """Only before the first attempt: later ones waited for the one before."""
    if claimed.attempts == 1 and sent_at is not None:
        yield QUEUE_SECONDS(max(0.0, (now - sent_at).total_seconds()), kind=claimed.kind)


def settled(finished: StoredObject, seconds: float) -> Iterator[Sample]:
    yield OBJECTS(1, kind=finished.kind, outcome=finished.status.value)
    yield PROCESSING_SECONDS(seconds, kind=finished.kind)
    if finished.newest is not None:
        yield PAYLOAD_BYTES(finished.newest.size, kind=finished.kind)
    if finished.problem is not None:
        yield REJECTIONS(1, code=finished.problem.code.value)

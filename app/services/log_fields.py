"""What each log line about an object tells of it, whatever function writes it."""

from app.domain.objects import StoredObject


def fields_of(stored: StoredObject) -> dict[str, str | None]:
    return {
        "correlation_id": stored.cause.correlation_id,
        "trace_id": stored.cause.trace_id,
        "owner": stored.owner,
        "object_id": stored.id,
        "kind": stored.kind,
    }

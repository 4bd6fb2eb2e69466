"""What each log line about an object tells of it, whatever function writes it."""

from app.domain.objects import StoredObject


def fields_of(stored: StoredObject) -> dict[str, str]:
    return {
        "correlation_id": stored.correlation_id,
        "owner": stored.owner,
        "object_id": stored.id,
        "kind": stored.kind,
    }

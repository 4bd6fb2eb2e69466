"""What log lines tell of an object and of a cause, whatever function writes them."""

from typing import Any

from app.domain.causes import Cause
from app.domain.objects import StoredObject


def of_object(stored: StoredObject) -> dict[str, Any]:
    return {"owner": stored.owner, "object_id": stored.id, "kind": stored.kind}


def of_cause(cause: Cause) -> dict[str, Any]:
    return {"correlation_id": cause.correlation_id, "trace_id": cause.trace_id}

"""The ids of what clients create: new ones, and those that an Idempotency-Key gives."""

from uuid import UUID, uuid4, uuid5


def id_for(idempotency_key: str | None, *, namespace: UUID, scope: str) -> str:
    """Fold the key into the id, so that a retry meets what it created. Without a key the id is new."""
    if idempotency_key is None:
        return str(uuid4())
    return str(uuid5(uuid5(namespace, scope), idempotency_key))

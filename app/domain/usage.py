"""What an owner's objects take: how many there are, and the bytes of their payloads.

Bytes are reserved when a payload is declared, and released when it expires or
its object is deleted. Artifacts and history are the service's own, not counted.
"""

from dataclasses import dataclass

from app.domain.objects import Status, StoredObject


@dataclass(frozen=True, slots=True)
class Usage:
    objects: int = 0
    bytes: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.objects + other.objects, self.bytes + other.bytes)

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.objects - other.objects, self.bytes - other.bytes)


NOTHING = Usage()


def usage_change(before: StoredObject | None, after: StoredObject) -> Usage:
    return usage_of(after) - (NOTHING if before is None else usage_of(before))


def usage_of(stored: StoredObject) -> Usage:
    if stored.status is Status.DELETED:
        return NOTHING
    ready = 0 if stored.payload is None else stored.payload.size
    return Usage(1, ready + _reserved(stored))


def _reserved(stored: StoredObject) -> int:
    """Of the newest revision, while it is not the ready one and may still come or has come."""
    newest, payload = stored.newest, stored.payload
    if newest is None or stored.status is Status.EXPIRED:
        return 0
    return 0 if payload is not None and payload.revision == newest.number else newest.size

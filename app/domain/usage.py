"""The usage of an owner: the number of objects, and the bytes that they take.

These are the bytes of payloads, attributes and artifacts, and a fixed part for each version,
which stays in the history. The bytes of a payload are reserved when it is declared. They are
released when it expires. All are released when the object is deleted.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from app.domain.errors import QuotaExceeded
from app.domain.json import compact_json
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status

#: The bytes that each version counts: an event and its share of the indexes, in a common case.
VERSION_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Usage:
    objects: int = 0
    bytes: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.objects + other.objects, self.bytes + other.bytes)

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.objects - other.objects, self.bytes - other.bytes)


NOTHING = Usage()


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one owner; None means unlimited."""

    objects: int | None = None
    bytes: int | None = None

    def concern(self, change: Usage) -> bool:
        """True if the change takes more of anything that is limited."""
        return any(limit is not None and more > 0 for _, _, more, limit in self._units(NOTHING, change))

    def check(self, used: Usage, change: Usage) -> None:
        """Raise QuotaExceeded if the change takes more than is left.

        A change that takes nothing passes, even when the owner is above a limit.
        """
        for unit, so_far, more, limit in self._units(used, change):
            if limit is not None and more > 0 and so_far + more > limit:
                raise QuotaExceeded(used=so_far, limit=limit, unit=unit)

    def _units(self, used: Usage, change: Usage) -> Iterator[tuple[str, int, int, int | None]]:
        yield "objects", used.objects, change.objects, self.objects
        yield "bytes", used.bytes, change.bytes, self.bytes


def usage_change(before: StoredObject | None, after: StoredObject) -> Usage:
    return usage_of(after) - (NOTHING if before is None else usage_of(before))


def usage_of(stored: StoredObject) -> Usage:
    if stored.status is Status.DELETED:
        return NOTHING
    payloads = _reserved(stored) + (0 if stored.payload is None else stored.payload.size)
    artifacts = sum(artifact.size for artifact in stored.artifacts)
    attributes = len(compact_json(stored.attributes).encode())
    return Usage(1, payloads + artifacts + attributes + VERSION_BYTES * stored.version)


def _reserved(stored: StoredObject) -> int:
    """Return the bytes of a newest revision that is not the ready one, and has come or may still come."""
    newest, payload = stored.newest, stored.payload
    if newest is None or stored.status is Status.EXPIRED:
        return 0
    return 0 if payload is not None and payload.revision == newest.number else newest.size

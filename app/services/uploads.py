"""How a payload comes in: inside a request, or uploaded by the client to a presigned URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from app.domain.objects import StoredObject
from app.domain.values import Revision, Status
from app.storage.payloads import PayloadStore

INLINE_DEADLINE_SECONDS = 60
#: An upload that began before its URL expired may still be under way.
UPLOAD_GRACE_SECONDS = 5 * 60


@dataclass(frozen=True, slots=True)
class InlinePayload:
    """A payload inside the request."""

    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class DeclaredPayload:
    """A payload that the client will upload; `sha256` in lower-case hex."""

    media_type: str
    size: int
    sha256: str | None


NewPayload = InlinePayload | DeclaredPayload


@dataclass(frozen=True, slots=True)
class Upload:
    """The client must PUT exactly the declared bytes with exactly these headers."""

    url: str
    headers: Mapping[str, str]
    expires_at: datetime


class Uploads:
    def __init__(self, payloads: PayloadStore, *, seconds: int) -> None:
        self._payloads = payloads
        self._seconds = seconds

    def declare(self, payload: NewPayload, number: int, now: datetime) -> tuple[Revision, datetime]:
        """Return the revision to await, and the moment when the sweep must look after it."""
        match payload:
            case InlinePayload(media_type, body):
                revision = Revision(number, media_type, len(body), sha256(body).hexdigest(), None)
                return revision, now + timedelta(seconds=INLINE_DEADLINE_SECONDS)
            case DeclaredPayload(media_type, size, checksum):
                expires_at = now + timedelta(seconds=self._seconds)
                revision = Revision(number, media_type, size, checksum, expires_at)
                return revision, expires_at + timedelta(seconds=UPLOAD_GRACE_SECONDS)

    def sign(self, stored: StoredObject, now: datetime) -> Upload | None:
        """Sign the awaited upload for the time that is left, so that a retry needs no write.

        Where the service's credentials end before that, the URL ends with them, and a retry
        gets another one. Returns None when no upload is awaited.
        """
        incoming = stored.incoming
        if incoming is None or incoming.expires_at is None or stored.status is Status.PROCESSING:
            return None
        expires_at = self._payloads.signable_until(incoming.expires_at)
        seconds = int((expires_at - now).total_seconds())
        if seconds < 1:
            return None
        key = stored.payload_key(incoming.number)
        signed = self._payloads.sign_upload(key, incoming, seconds=seconds)
        return Upload(signed.url, signed.headers, expires_at)

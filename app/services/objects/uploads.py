"""How a payload comes in: inside a request, or uploaded by the client to presigned URLs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from app.domain.errors import Unavailable
from app.domain.kinds import KINDS, LARGEST_PUT_BYTES, WorkerCapacity
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import PartPlan, Revision, Status
from app.observability import logger
from app.storage.parts import PartsStore
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
    multipart: bool = False

    @property
    def is_in_parts(self) -> bool:
        return self.multipart or self.size > LARGEST_PUT_BYTES


NewPayload = InlinePayload | DeclaredPayload


@dataclass(frozen=True, slots=True)
class Upload:
    """The client must PUT exactly the declared bytes with exactly these headers."""

    url: str
    headers: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UploadInParts:
    """The client must PUT each part of the plan, then complete the upload (app/services/objects/parts.py)."""

    plan: PartPlan
    expires_at: datetime


class Uploads:
    def __init__(
        self, payloads: PayloadStore, capacity: WorkerCapacity, *, seconds: int, multipart_hours: int
    ) -> None:
        """`seconds` is how long one URL is valid, `multipart_hours` how long an upload in parts may take."""
        self._payloads = payloads
        self._capacity = capacity
        self._seconds = seconds
        self._multipart_hours = multipart_hours

    def check(self, kind: str, media_type: str, size: int, *, at: str = "/payload") -> None:
        """Raise NoPayloadAllowed, or InvalidInput with pointers below `at`, if the payload does not fit."""
        self._capacity.fit(KINDS[kind]).check_payload(media_type, size, at=at)

    def declare(self, payload: NewPayload, number: int, now: datetime) -> tuple[Revision, datetime]:
        """Return the revision to await, and the moment when the sweep must look after it."""
        match payload:
            case InlinePayload(media_type, body):
                revision = Revision(number, media_type, len(body), sha256(body).hexdigest(), None)
                return revision, now + timedelta(seconds=INLINE_DEADLINE_SECONDS)
            case DeclaredPayload(media_type, size, checksum) as declared:
                in_parts = declared.is_in_parts
                life = (
                    timedelta(hours=self._multipart_hours) if in_parts else timedelta(seconds=self._seconds)
                )
                part_size = PartPlan.of(size).part_size if in_parts else None
                revision = Revision(number, media_type, size, checksum, now + life, part_size)
                return revision, upload_deadline(revision)

    def sign(self, stored: StoredObject, now: datetime) -> Upload | UploadInParts | None:
        """Sign the awaited upload for the time that is left, so that a retry needs no write.

        Where the service's credentials end before that, the URL ends with them, and a retry
        gets another one. The parts of an upload in parts are signed apart. Returns None when no
        upload is awaited.
        """
        incoming = stored.incoming
        if incoming is None or incoming.expires_at is None or stored.status is Status.PROCESSING:
            return None
        if incoming.plan is not None:
            return UploadInParts(incoming.plan, incoming.expires_at) if stored.awaits_parts else None
        expires_at = self._payloads.signable_until(incoming.expires_at)
        seconds = int((expires_at - now).total_seconds())
        if seconds < 1:
            return None
        key = stored.payload_key(incoming.number)
        signed = self._payloads.sign_upload(key, incoming, seconds=seconds)
        return Upload(signed.url, signed.headers, expires_at)


def upload_deadline(revision: Revision) -> datetime:
    """Return the moment when the sweep must look after an upload."""
    assert revision.expires_at is not None  # noqa: S101  # it is awaited
    return revision.expires_at + timedelta(seconds=UPLOAD_GRACE_SECONDS)


def drop_parts(parts: PartsStore, ended: StoredObject) -> None:
    """Abort S3's upload for a revision that is no longer awaited. The object that says so is saved by now.

    If AWS is away, the bucket aborts it after a week.
    """
    if ended.parts_upload is None:
        return
    try:
        parts.abort(ended.payload_key(ended.newest_number), ended.parts_upload.id)
    except Unavailable as fault:
        logger.warning("parts.left", error=str(fault))

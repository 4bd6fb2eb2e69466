"""Presign downloads: of a payload, of an artifact, and of one artifact of each object in a list.

Presigning is arithmetic on the credentials. It makes no call to AWS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.errors import NotFound, PayloadNotReady
from app.domain.objects.links import inline_type
from app.domain.objects.state import ListedObject
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import PayloadKey
from app.domain.times import utc_now
from app.storage.payloads import PayloadStore


@dataclass(frozen=True, slots=True)
class DownloadUrl:
    """A short-lived URL to download from."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Downloadable:
    """A file in the bucket, as it is handed out."""

    key: str
    media_type: str
    file_name: str


def payload_of(stored: StoredObject) -> Downloadable:
    """Return the last ready payload. Raises PayloadNotReady, or NotFound (a record has no payload)."""
    if stored.newest is None:
        raise NotFound("payload")
    if stored.payload is None:
        raise PayloadNotReady(stored.status)
    key = stored.payload_key(stored.payload.revision)
    return Downloadable(str(key), stored.payload.media_type, stored.name)


def artifact_of(stored: StoredObject, name: str) -> Downloadable:
    """Return one artifact of the last ready payload. Raises NotFound."""
    artifact = stored.artifact(name)
    if artifact is None or stored.payload is None:
        raise NotFound("artifact")
    key = stored.payload_key(stored.payload.revision).artifact(artifact.name)
    return Downloadable(key, artifact.media_type, artifact.name)


def artifact_in_list(owner: str, listed: ListedObject, name: str) -> Downloadable | None:
    """Return one artifact of an object in a list, or None if the object has none of this name."""
    media_type = listed.artifact_types.get(name)
    if media_type is None or listed.payload is None:
        return None
    key = PayloadKey(owner, listed.id, listed.payload.revision).artifact(name)
    return Downloadable(key, media_type, name)


class Downloads:
    def __init__(self, payloads: PayloadStore, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._payloads = payloads
        self._clock = clock

    def presign(
        self, file: Downloadable, *, seconds: int, method: str = "GET", is_inline: bool = False
    ) -> DownloadUrl:
        """Presign one request. `is_inline` is granted to types that a browser shows without running them."""
        now = self._clock()
        expires_at = self._payloads.signable_until(now + timedelta(seconds=seconds))
        shown_as = inline_type(file.media_type) if is_inline else None
        url = self._payloads.sign_download(
            file.key,
            media_type=shown_as or file.media_type,
            file_name=file.file_name,
            seconds=int((expires_at - now).total_seconds()),
            method=method,
            disposition="inline" if shown_as else "attachment",
        )
        return DownloadUrl(url, expires_at)

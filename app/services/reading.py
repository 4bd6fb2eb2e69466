"""Read what is there: one object, a list, a download, the history."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.domain.errors import NotFound, PayloadNotReady
from app.domain.objects import ObjectSummary, StoredObject
from app.domain.times import utc_now
from app.domain.values import Status
from app.services.cursors import decode_cursor, encode_cursor
from app.storage.history import HistoryRepository
from app.storage.objects import ListQuery, ObjectRepository
from app.storage.payloads import PayloadStore

LIST_POSITION = re.compile(r"[-0-9]{10}T[:.0-9]{12}Z#[-0-9a-f]{36}")
VERSION = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Link:
    """A short-lived URL to download from."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[ObjectSummary, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class History:
    """CloudEvents, oldest first."""

    items: tuple[dict[str, Any], ...]
    next_cursor: str | None


class Reading:
    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        history: HistoryRepository,
        *,
        download_seconds: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._payloads = payloads
        self._history = history
        self._download_seconds = download_seconds
        self._clock = clock

    def read(self, owner: str, object_id: UUID) -> StoredObject:
        """Return the object as it is now. Raises NotFound."""
        stored = self._objects.get(owner, str(object_id))
        if stored.status is Status.DELETED:
            raise NotFound
        return stored

    def list(self, query: ListQuery, cursor: str | None) -> Listing:
        """Return one page, newest first. Raises InvalidCursor."""
        scope = ["objects", query.owner, query.kind, query.status, query.labels]
        before = None if cursor is None else decode_cursor(cursor, scope, of_form=LIST_POSITION)
        page = self._objects.list_page(replace(query, before=before))
        return Listing(page.items, page.position and encode_cursor(page.position, scope))

    def link_to_payload(self, owner: str, object_id: UUID, *, method: str = "GET") -> Link:
        """Presign the last ready payload. Raises PayloadNotReady, or NotFound (a record has no payload)."""
        stored = self.read(owner, object_id)
        if stored.newest is None:
            raise NotFound("payload")
        if stored.payload is None:
            raise PayloadNotReady(stored.status)
        key = str(stored.payload_key(stored.payload.revision))
        return self._link(key, stored.payload.media_type, stored.name, method)

    def link_to_artifact(self, owner: str, object_id: UUID, name: str, *, method: str = "GET") -> Link:
        """Presign one artifact of the last ready payload. Raises NotFound."""
        stored = self.read(owner, object_id)
        artifact = stored.artifact(name)
        if artifact is None or stored.payload is None:
            raise NotFound("artifact")
        key = stored.payload_key(stored.payload.revision).artifact(artifact.name)
        return self._link(key, artifact.media_type, artifact.name, method)

    def _link(self, key: str, media_type: str, file_name: str, method: str) -> Link:
        now = self._clock()
        expires_at = self._payloads.signable_until(now + timedelta(seconds=self._download_seconds))
        seconds = int((expires_at - now).total_seconds())
        url = self._payloads.sign_download(
            key, media_type=media_type, file_name=file_name, seconds=seconds, method=method
        )
        return Link(url, expires_at)

    def history(self, owner: str, object_id: UUID, *, cursor: str | None, limit: int) -> History:
        """Return one page of the object's events, oldest first. Raises NotFound or InvalidCursor."""
        self.read(owner, object_id)
        scope = ["history", owner, str(object_id)]
        after = 0 if cursor is None else int(decode_cursor(cursor, scope, of_form=VERSION))
        page = self._history.page(owner, str(object_id), after_version=after, limit=limit)
        last = page.last_version
        return History(page.items, None if last is None else encode_cursor(str(last), scope))

"""Read what is there: one object, a list, a download, the history."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from app.domain.errors import NotFound
from app.domain.objects.state import ListedObject
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status
from app.services.cursors import decode_cursor, encode_cursor
from app.services.objects.downloads import Downloads, DownloadUrl, artifact_in_list, artifact_of, payload_of
from app.storage.history import HistoryRepository
from app.storage.objects import ListQuery, ObjectRepository

LIST_POSITION = re.compile(r"[-0-9]{10}T[:.0-9]{12}Z#[-0-9a-f]{36}")
VERSION = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[ListedObject, ...]
    next_cursor: str | None
    #: The URLs of the artifact that was asked for, by the ids of the objects that have it.
    artifacts: Mapping[str, DownloadUrl]


@dataclass(frozen=True, slots=True)
class History:
    """CloudEvents, oldest first."""

    items: tuple[dict[str, Any], ...]
    next_cursor: str | None


class Reading:
    def __init__(
        self,
        objects: ObjectRepository,
        history: HistoryRepository,
        downloads: Downloads,
        *,
        download_seconds: int,
    ) -> None:
        self._objects = objects
        self._history = history
        self._downloads = downloads
        self._download_seconds = download_seconds

    def read(self, owner: str, object_id: UUID) -> StoredObject:
        """Return the object as it is now. Raises NotFound."""
        stored = self._objects.get(owner, str(object_id))
        if stored.status is Status.DELETED:
            raise NotFound
        return stored

    def list(self, query: ListQuery, cursor: str | None, artifact: str | None = None) -> Listing:
        """Return one page, newest first, with URLs of an artifact if one is named. Raises InvalidCursor."""
        scope = ["objects", query.owner, query.kind, query.status, query.labels]
        before = None if cursor is None else decode_cursor(cursor, scope, of_form=LIST_POSITION)
        page = self._objects.list_page(replace(query, before=before))
        next_cursor = page.position and encode_cursor(page.position, scope)
        return Listing(page.items, next_cursor, self._listed(query.owner, page.items, artifact))

    def _listed(
        self, owner: str, items: tuple[ListedObject, ...], artifact: str | None
    ) -> Mapping[str, DownloadUrl]:
        if artifact is None:
            return {}
        files = ((item.id, artifact_in_list(owner, item, artifact)) for item in items)
        seconds = self._download_seconds
        return {
            object_id: self._downloads.presign(file, seconds=seconds)
            for object_id, file in files
            if file is not None
        }

    def url_of_payload(self, owner: str, object_id: UUID, *, method: str = "GET") -> DownloadUrl:
        """Presign the last ready payload. Raises PayloadNotReady, or NotFound (a record has no payload)."""
        file = payload_of(self.read(owner, object_id))
        return self._downloads.presign(file, seconds=self._download_seconds, method=method)

    def url_of_artifact(self, owner: str, object_id: UUID, name: str, *, method: str = "GET") -> DownloadUrl:
        """Presign one artifact of the last ready payload. Raises NotFound."""
        file = artifact_of(self.read(owner, object_id), name)
        return self._downloads.presign(file, seconds=self._download_seconds, method=method)

    def history(self, owner: str, object_id: UUID, *, cursor: str | None, limit: int) -> History:
        """Return one page of the object's events, oldest first. Raises NotFound or InvalidCursor."""
        self.read(owner, object_id)
        scope = ["history", owner, str(object_id)]
        after = 0 if cursor is None else int(decode_cursor(cursor, scope, of_form=VERSION))
        page = self._history.page(owner, str(object_id), after_version=after, limit=limit)
        last = page.last_version
        return History(page.items, None if last is None else encode_cursor(str(last), scope))

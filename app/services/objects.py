"""What a client does with objects: create, read, list, download, look back."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5
from zlib import crc32

from app.domain.causes import Cause
from app.domain.errors import (
    IdempotencyKeyReused,
    InvalidCursor,
    NotFound,
    ObjectDeleted,
    PayloadNotReady,
    QuotaExceeded,
)
from app.domain.kinds import KINDS
from app.domain.objects import ObjectSummary, Status, StoredObject
from app.domain.times import utc_now
from app.domain.usage import usage_change
from app.observability import bind
from app.services.cursors import decode_cursor, encode_cursor
from app.services.quotas import Quotas
from app.services.uploads import InlinePayload, NewPayload, Upload, Uploads
from app.storage.history import HistoryRepository
from app.storage.objects import ListQuery, ObjectRepository
from app.storage.payloads import PayloadKey, PayloadStore

NAMESPACE = UUID("6d1f3f3a-6f0e-5a53-9a52-5b8f0f2f7c11")
"""Of the ids that an Idempotency-Key gives; never change it."""

LIST_POSITION = re.compile(r"[-0-9]{10}T[:.0-9]{12}Z#[-0-9a-f]{36}")
VERSION = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObject:
    """A create request. `fingerprint` tells a retry from another request with the same key."""

    kind: str
    name: str
    attributes: Mapping[str, Any]
    labels: Mapping[str, str]
    payload: NewPayload | None
    fingerprint: str
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Creation:
    """`replayed` when the object was there already; `upload` while one is awaited."""

    stored: StoredObject
    replayed: bool
    upload: Upload | None


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


class Objects:
    """Times are in seconds. `shards` may be raised between deployments, never lowered."""

    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        history: HistoryRepository,
        uploads: Uploads,
        quotas: Quotas,
        *,
        shards: int,
        download_seconds: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._payloads = payloads
        self._history = history
        self._shards = shards
        self._uploads = uploads
        self._quotas = quotas
        self._download_seconds = download_seconds
        self._clock = clock

    def create(self, owner: str, new: NewObject, *, cause: Cause) -> Creation:
        """Store the record, then its inline payload; a retry heals a crash between the two.

        Raises InvalidInput, IdempotencyKeyReused, ObjectDeleted or QuotaExceeded.
        """
        created = self._born(owner, new, cause)
        bind(object_id=created.id, kind=created.kind)
        stored = self._add(created, may_be_there=new.idempotency_key is not None)
        replayed = stored.write_token != created.write_token
        if replayed:
            _check_replay(stored, created)
        if isinstance(new.payload, InlinePayload) and stored.awaits(1) and stored.newest is not None:
            self._payloads.put_once(_key(stored, 1), new.payload.body, stored.newest)
        return Creation(stored, replayed, self._uploads.sign(stored, self._clock()))

    def _add(self, created: StoredObject, *, may_be_there: bool) -> StoredObject:
        """Return what stands under its id. Raises QuotaExceeded."""
        change = usage_change(None, created)
        try:
            with self._quotas.taking(created.owner, change) as give_back:
                stored = self._objects.add(created)
                if stored.write_token != created.write_token:
                    give_back()
                return stored
        except QuotaExceeded:
            # A retry takes nothing: it gets what it created before, whatever is used by now.
            earlier = self._find(created.owner, created.id) if may_be_there else None
            if earlier is None:
                raise
            return earlier

    def _find(self, owner: str, object_id: str) -> StoredObject | None:
        with suppress(NotFound):
            return self._objects.get(owner, object_id)
        return None

    def _born(self, owner: str, new: NewObject, cause: Cause) -> StoredObject:
        now = self._clock()
        object_id = _object_id(owner, new.idempotency_key)
        KINDS[new.kind].check_attributes(new.attributes)
        record = StoredObject(
            owner=owner,
            id=object_id,
            kind=new.kind,
            name=new.name,
            attributes=new.attributes,
            labels=new.labels,
            status=Status.READY,
            version=1,
            newest=None,
            created_at=now,
            updated_at=now,
            shard=crc32(object_id.encode()) % self._shards,
            fingerprint=new.fingerprint,
            cause=cause,
        )
        return record if new.payload is None else self._awaiting(record, new.payload, now)

    def _awaiting(self, record: StoredObject, payload: NewPayload, now: datetime) -> StoredObject:
        revision, deadline = self._uploads.declare(payload, 1, now)
        KINDS[record.kind].check_payload(revision.media_type, revision.size)
        return replace(
            record,
            status=Status.PENDING,
            newest=revision,
            deadline=deadline,
            writable_until=revision.expires_at or deadline,
        )

    def read(self, owner: str, object_id: UUID) -> StoredObject:
        """Raises NotFound."""
        stored = self._objects.get(owner, str(object_id))
        if stored.status is Status.DELETED:
            raise NotFound
        return stored

    def list(self, query: ListQuery, cursor: str | None) -> Listing:
        """Raises InvalidCursor."""
        scope = ["objects", query.owner, query.kind, query.status, query.labels]
        before = None if cursor is None else _list_position(decode_cursor(cursor, scope))
        page = self._objects.list_page(replace(query, before=before))
        return Listing(page.items, page.position and encode_cursor(page.position, scope))

    def link_to_payload(self, owner: str, object_id: UUID, *, method: str = "GET") -> Link:
        """Raises NotFound (also for a kind without payload) or PayloadNotReady."""
        stored = self.read(owner, object_id)
        if stored.newest is None:
            raise NotFound("payload")
        if stored.payload is None:
            raise PayloadNotReady(stored.status)
        key = str(_key(stored, stored.payload.revision))
        return self._link(key, stored.payload.media_type, stored.name, method)

    def link_to_artifact(self, owner: str, object_id: UUID, name: str, *, method: str = "GET") -> Link:
        """Raises NotFound."""
        stored = self.read(owner, object_id)
        artifact = stored.artifact(name)
        if artifact is None or stored.payload is None:
            raise NotFound("artifact")
        key = _key(stored, stored.payload.revision).artifact(artifact.name)
        return self._link(key, artifact.media_type, artifact.name, method)

    def _link(self, key: str, media_type: str, file_name: str, method: str) -> Link:
        expires_at = self._clock() + timedelta(seconds=self._download_seconds)
        url = self._payloads.sign_download(
            key,
            media_type=media_type,
            file_name=file_name,
            seconds=self._download_seconds,
            method=method,
        )
        return Link(url, expires_at)

    def history(self, owner: str, object_id: UUID, *, cursor: str | None, limit: int) -> History:
        """Raises NotFound or InvalidCursor."""
        self.read(owner, object_id)
        scope = ["history", owner, str(object_id)]
        after = 0 if cursor is None else _version(decode_cursor(cursor, scope))
        page = self._history.page(owner, str(object_id), after_version=after, limit=limit)
        if page.last_version is None:
            return History(page.items, None)
        return History(page.items, encode_cursor(str(page.last_version), scope))


def _object_id(owner: str, idempotency_key: str | None) -> str:
    """Fold the key into the primary key, so that a retry meets its own object."""
    if idempotency_key is None:
        return str(uuid4())
    return str(uuid5(uuid5(NAMESPACE, owner), idempotency_key))


def _check_replay(stored: StoredObject, created: StoredObject) -> None:
    if stored.status is Status.DELETED:
        raise ObjectDeleted
    if stored.fingerprint != created.fingerprint:
        raise IdempotencyKeyReused


def _key(stored: StoredObject, revision: int) -> PayloadKey:
    return PayloadKey(stored.owner, stored.id, revision)


def _list_position(position: str) -> str:
    if not LIST_POSITION.fullmatch(position):
        raise InvalidCursor
    return position


def _version(position: str) -> int:
    if not VERSION.fullmatch(position):
        raise InvalidCursor
    return int(position)

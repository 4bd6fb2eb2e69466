"""Create an object: one conditional write of the record, then its inline payload."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import crc32

from app.domain.causes import Cause
from app.domain.errors import IdempotencyKeyReused, NotFound, ObjectDeleted, QuotaExceeded
from app.domain.kinds import KINDS
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status
from app.domain.times import utc_now
from app.domain.usage import usage_change
from app.observability import bind
from app.services.ids import id_for
from app.services.objects.quotas import Quotas
from app.services.objects.uploads import InlinePayload, NewPayload, Upload, UploadInParts, Uploads
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore

#: The namespace of the ids that Idempotency-Keys give. It must never change.
NAMESPACE = UUID("6d1f3f3a-6f0e-5a53-9a52-5b8f0f2f7c11")


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
    """`replayed` is true if the object existed already; `upload` is given while one is awaited."""

    stored: StoredObject
    replayed: bool
    upload: Upload | UploadInParts | None


class Creating:
    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        uploads: Uploads,
        quotas: Quotas,
        *,
        shards: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`shards` may be raised between deployments, never lowered."""
        self._objects = objects
        self._payloads = payloads
        self._uploads = uploads
        self._quotas = quotas
        self._shards = shards
        self._clock = clock

    def create(self, owner: str, new: NewObject, *, cause: Cause) -> Creation:
        """Store the record, then its inline payload. A retry heals a crash between the two.

        Raises InvalidInput, IdempotencyKeyReused, ObjectDeleted or QuotaExceeded.
        """
        created = self._born(owner, new, cause)
        bind(object_id=created.id, kind=created.kind)
        stored = self._add(created, may_exist=new.idempotency_key is not None)
        replayed = stored.write_token != created.write_token
        if replayed and stored.status is Status.DELETED:
            raise ObjectDeleted
        if replayed and stored.fingerprint != created.fingerprint:
            raise IdempotencyKeyReused
        if isinstance(new.payload, InlinePayload) and stored.awaits(1) and stored.newest is not None:
            self._payloads.put_once(stored.payload_key(1), new.payload.body, stored.newest)
        return Creation(stored, replayed, self._uploads.sign(stored, self._clock()))

    def _add(self, created: StoredObject, *, may_exist: bool) -> StoredObject:
        """Return the object that is now stored under this id. Raises QuotaExceeded."""
        try:
            with self._quotas.taking(created.owner, usage_change(None, created)) as give_back:
                stored = self._objects.add(created)
                if stored.write_token != created.write_token:
                    give_back()
                return stored
        except QuotaExceeded:
            # A retry takes nothing: it gets the object that it created before, however much is used now.
            if may_exist:
                with suppress(NotFound):
                    return self._objects.get(created.owner, created.id)
            raise

    def _born(self, owner: str, new: NewObject, cause: Cause) -> StoredObject:
        """Return the object as it is first stored. Raises InvalidInput."""
        now = self._clock()
        object_id = id_for(new.idempotency_key, namespace=NAMESPACE, scope=owner)
        kind = KINDS[new.kind]
        kind.check_attributes(new.attributes)
        awaited: dict[str, Any] = {"status": Status.READY, "newest": None}
        if new.payload is not None:
            revision, deadline = self._uploads.declare(new.payload, 1, now)
            self._uploads.check(new.kind, revision.media_type, revision.size)
            awaited = {
                "status": Status.PENDING,
                "newest": revision,
                "deadline": deadline,
                "writable_until": revision.expires_at or deadline,
            }
        return StoredObject(
            owner=owner,
            id=object_id,
            kind=new.kind,
            name=new.name,
            attributes=new.attributes,
            labels=new.labels,
            version=1,
            created_at=now,
            updated_at=now,
            shard=crc32(object_id.encode()) % self._shards,
            fingerprint=new.fingerprint,
            cause=cause,
            **awaited,
        )

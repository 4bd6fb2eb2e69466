"""Change an object that exists: edit it, delete it, give it a new payload, reprocess it.

Each use case reads, decides and saves. A save that meets another writer starts
over a few times, so that changes of different fields both survive. With
`expected` versions (If-Match, If-None-Match) it ends in VersionMismatch instead, and no update
is lost.
"""

from collections.abc import Callable, Container, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from app.domain.causes import Cause
from app.domain.errors import (
    NoPayloadAllowed,
    NotFound,
    StaleWrite,
    VersionMismatch,
)
from app.domain.json import compact_json, merge_patch
from app.domain.kinds import KINDS
from app.domain.media_types import meant_media_type, media_type_parameters
from app.domain.objects.stored import FIRST_REQUEUE_SECONDS, StoredObject
from app.domain.objects.values import Status
from app.domain.times import utc_now
from app.domain.usage import usage_change
from app.domain.validation import check_labels
from app.services.objects.quotas import Quotas
from app.services.objects.uploads import (
    DeclaredPayload,
    InlinePayload,
    Upload,
    UploadInParts,
    Uploads,
    drop_parts,
)
from app.storage.objects import ObjectRepository
from app.storage.parts import PartsStore
from app.storage.payloads import PayloadStore

WRITE_TRIES = 5
SHORTEST_UPLOAD = timedelta(seconds=1)

#: The versions that the client accepts; None accepts any.
Versions = Container[int] | None
Change = Callable[[StoredObject, datetime], StoredObject]


class Editing:
    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        parts: PartsStore,
        uploads: Uploads,
        quotas: Quotas,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._payloads = payloads
        self._parts = parts
        self._uploads = uploads
        self._quotas = quotas
        self._clock = clock

    def edit(
        self,
        owner: str,
        object_id: UUID,
        patch: Mapping[str, Any],
        *,
        expected: Versions = None,
        cause: Cause,
    ) -> StoredObject:
        """Apply a merge patch over name, attributes and labels. A patch that changes nothing writes nothing.

        Raises NotFound, VersionMismatch or InvalidInput.
        """

        def change(stored: StoredObject, now: datetime) -> StoredObject:
            current = {
                "name": stored.name,
                "attributes": dict(stored.attributes),
                "labels": dict(stored.labels),
            }
            merged = {"attributes": {}, "labels": {}, **merge_patch(current, patch)}
            if compact_json(merged, sort_keys=True) == compact_json(current, sort_keys=True):
                return stored
            check_labels(merged["labels"])
            KINDS[stored.kind].check_attributes(merged["attributes"])
            return stored.edit(
                name=merged["name"],
                attributes=merged["attributes"],
                labels=merged["labels"],
                now=now,
                cause=cause,
            )

        return self._change(owner, object_id, change, expected)

    def delete(self, owner: str, object_id: UUID, *, expected: Versions = None, cause: Cause) -> None:
        """Leave a tombstone. To delete again changes nothing. Raises NotFound or VersionMismatch."""

        def change(stored: StoredObject, now: datetime) -> StoredObject:
            if stored.status is Status.DELETED:
                return stored
            check_version(stored, expected)
            return stored.delete(now=now, cause=cause)

        self._save(owner, object_id, change)

    def request_upload(
        self,
        owner: str,
        object_id: UUID,
        declared: DeclaredPayload,
        *,
        expected: Versions = None,
        cause: Cause,
    ) -> tuple[StoredObject, Upload | UploadInParts | None]:
        """Await a new revision. To ask again for the revision that is awaited returns the same upload.

        Raises NotFound, VersionMismatch, NoPayloadAllowed, InvalidInput, WrongState or QuotaExceeded.
        """

        def change(stored: StoredObject, now: datetime) -> StoredObject:
            self._uploads.check(stored.kind, declared.media_type, declared.size, at="")
            if _is_awaited(stored, declared, now):
                return stored
            revision, deadline = self._uploads.declare(declared, stored.newest_number + 1, now)
            return stored.request_upload(revision, now=now, deadline=deadline, cause=cause)

        stored = self._change(owner, object_id, change, expected)
        return stored, self._uploads.sign(stored, self._clock())

    def put_payload(
        self,
        owner: str,
        object_id: UUID,
        payload: InlinePayload,
        *,
        expected: Versions = None,
        cause: Cause,
    ) -> StoredObject:
        """Take a small payload as a new revision. The same bytes again change nothing.

        Raises NotFound, VersionMismatch, NoPayloadAllowed, InvalidInput, WrongState or QuotaExceeded.
        """
        checksum = sha256(payload.body).hexdigest()

        def change(stored: StoredObject, now: datetime) -> StoredObject:
            self._uploads.check(stored.kind, payload.media_type, len(payload.body), at="")
            if _is_newest(stored, payload, checksum):
                return stored
            revision, deadline = self._uploads.declare(payload, stored.newest_number + 1, now)
            return stored.request_upload(revision, now=now, deadline=deadline, cause=cause)

        stored = self._change(owner, object_id, change, expected)
        incoming = stored.incoming
        if incoming is not None and stored.status is not Status.PROCESSING:
            self._payloads.put_once(stored.payload_key(incoming.number), payload.body, incoming)
        return stored

    def reprocess(
        self, owner: str, object_id: UUID, *, expected: Versions = None, cause: Cause
    ) -> StoredObject:
        """Run the pipeline again on the newest payload.

        Raises NotFound, VersionMismatch, NoPayloadAllowed or WrongState.
        """

        def change(stored: StoredObject, now: datetime) -> StoredObject:
            if stored.newest is None:
                raise NoPayloadAllowed(stored.kind)
            deadline = now + timedelta(seconds=FIRST_REQUEUE_SECONDS)
            return stored.reprocess(now=now, deadline=deadline, cause=cause)

        return self._change(owner, object_id, change, expected)

    def _change(self, owner: str, object_id: UUID, change: Change, expected: Versions = None) -> StoredObject:
        def change_living(stored: StoredObject, now: datetime) -> StoredObject:
            if stored.status is Status.DELETED:
                raise NotFound
            check_version(stored, expected)
            return change(stored, now)

        return self._save(owner, object_id, change_living)

    def _save(self, owner: str, object_id: UUID, change: Change) -> StoredObject:
        for _ in range(WRITE_TRIES):
            stored = self._objects.get(owner, str(object_id))
            after = change(stored, self._clock())
            if after is stored:
                return stored
            try:
                with self._quotas.taking(owner, usage_change(stored, after)):
                    self._objects.save(after, read=stored)
            except StaleWrite:
                continue
            if after.parts_upload is None:
                drop_parts(self._parts, stored)
            return after
        raise StaleWrite


def check_version(stored: StoredObject, expected: Versions) -> None:
    if expected is not None and stored.version not in expected:
        raise VersionMismatch(stored.version)


def _is_awaited(stored: StoredObject, declared: DeclaredPayload, now: datetime) -> bool:
    """True if exactly this upload was asked for before and can still be made."""
    newest = stored.newest
    return (
        stored.status is Status.PENDING
        and newest is not None
        and newest.expires_at is not None
        and newest.expires_at - now >= SHORTEST_UPLOAD
        and (newest.media_type, newest.size, newest.sha256, newest.part_size is not None)
        == (declared.media_type, declared.size, declared.sha256, declared.is_in_parts)
    )


def _is_newest(stored: StoredObject, payload: InlinePayload, checksum: str) -> bool:
    """True if the newest revision has, or is about to have, these bytes."""
    newest, ready = stored.newest, stored.payload
    if stored.status is Status.EXPIRED or stored.awaits_parts:
        # An expired revision is no longer awaited. A new one has a deadline again, so the sweep looks after
        # it. A new one also ends an upload in parts, which nobody would end otherwise.
        return False
    if newest is None or _reading(newest.media_type) != _reading(payload.media_type):
        return False
    if ready is not None and ready.revision == newest.number:
        return checksum == ready.sha256
    came_inline_or_may_come = newest.expires_at is None or stored.incoming is not None
    return came_inline_or_may_come and (newest.sha256, newest.size) == (checksum, len(payload.body))


def _reading(media_type: str) -> tuple[str, dict[str, str]]:
    """Return what of a media type decides how a processor reads the bytes.

    To name UTF-8 is to name nothing: many clients add it by themselves.
    """
    parameters = media_type_parameters(media_type)
    if parameters.get("charset", "").lower() == "utf-8":
        del parameters["charset"]
    return meant_media_type(media_type), parameters

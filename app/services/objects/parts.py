"""Upload a payload in parts: any client that knows the object's id can go on with it.

    sign        begin the upload in S3 if need be, and presign some of its parts
    state       tell which parts are there
    complete    ask the worker to put them together (app/services/background/completing.py)
    cancel      give the upload up

The id of S3's upload is kept on the record by a bookkeeping write. Of two clients that
begin at once, one finds the other's id there and aborts its own. An upload that S3 no
longer knows counts as nothing uploaded, unless the payload is there: then it was completed.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.domain.causes import Cause
from app.domain.errors import (
    FieldError,
    InvalidInput,
    NotFound,
    PartsMissing,
    StaleWrite,
    WrongState,
)
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Part, PartPlan, PayloadKey, Revision, Status
from app.domain.times import utc_now
from app.messaging.work_queue import WorkQueue
from app.services.objects.editing import Versions, check_version
from app.services.objects.uploads import Upload, Uploads, drop_parts
from app.storage.objects import ObjectRepository
from app.storage.parts import PartsStore
from app.storage.payloads import PayloadStore

WRITE_TRIES = 5
#: How many missing parts a refusal names.
NAMED_AT_MOST = 100
#: Statuses that follow once the parts were put together.
COMPLETED = frozenset({Status.PROCESSING, Status.READY, Status.REJECTED, Status.FAILED})


@dataclass(frozen=True, slots=True)
class PartsState:
    """The state of an upload in parts: the parts that S3 has, and those that are missing."""

    plan: PartPlan
    uploaded: tuple[Part, ...]
    missing: tuple[int, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedPart:
    """The client must PUT exactly the part's bytes with exactly these headers."""

    number: int
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignedParts:
    parts: tuple[SignedPart, ...]
    expires_at: datetime


class PartUploads:
    def __init__(
        self,
        objects: ObjectRepository,
        payloads: PayloadStore,
        parts: PartsStore,
        queue: WorkQueue,
        uploads: Uploads,
        *,
        seconds: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`seconds` is how long the URL of a part is valid."""
        self._objects = objects
        self._payloads = payloads
        self._parts = parts
        self._queue = queue
        self._uploads = uploads
        self._seconds = seconds
        self._clock = clock

    def state(self, owner: str, object_id: UUID) -> PartsState | Upload:
        """Return which parts are there; of an upload as a whole, its URL again.

        Raises NotFound, or WrongState when no upload is awaited.
        """
        stored = self._living(owner, object_id)
        if stored.awaits_parts:
            declared, plan, expires_at = _awaited(stored)
            listed = self._listed(stored)
            if listed is None and self._payloads.exists(stored.payload_key(declared.number)):
                listed = tuple(Part(number, plan.length(number), "") for number in range(1, plan.count + 1))
            found = listed or ()
            return PartsState(plan, plan.right(found), plan.missing(found), expires_at)
        upload = self._uploads.sign(stored, self._clock())
        if not isinstance(upload, Upload):
            raise WrongState("upload", stored.status)
        return upload

    def sign(self, owner: str, object_id: UUID, numbers: Sequence[int]) -> SignedParts:
        """Presign parts. Raises NotFound, WrongState or InvalidInput."""
        for _ in range(WRITE_TRIES):
            stored = self._living(owner, object_id)
            declared, plan, expires_at = _awaited(stored)
            _check(numbers, plan)
            now = self._clock()
            ends = min(expires_at, now + timedelta(seconds=self._seconds))
            ends = self._payloads.signable_until(ends)
            seconds = int((ends - now).total_seconds())
            if seconds < 1:
                raise WrongState("upload parts", "past the end of its upload")
            key = stored.payload_key(declared.number)
            with suppress(StaleWrite):
                upload_id = self._begun(stored, declared, key)
                signed = [
                    (
                        number,
                        self._parts.sign(key, upload_id, number, size=plan.length(number), seconds=seconds),
                    )
                    for number in dict.fromkeys(numbers)
                ]
                return SignedParts(
                    tuple(SignedPart(number, one.url, one.headers) for number, one in signed), ends
                )
        raise StaleWrite

    def complete(
        self, owner: str, object_id: UUID, *, expected: Versions = None, cause: Cause
    ) -> StoredObject:
        """Ask the worker to put the parts together. To ask again does no harm.

        Raises NotFound, VersionMismatch, WrongState or PartsMissing.
        """
        for _ in range(WRITE_TRIES):
            stored = self._living(owner, object_id)
            if _was_completed(stored):
                return stored
            check_version(stored, expected)
            declared, plan, _ = _awaited(stored)
            key = stored.payload_key(declared.number)
            with suppress(StaleWrite):
                if not stored.is_completing:
                    self._check_complete(stored, plan, key)
                    completing = stored.ask_completion(now=self._clock())
                    self._objects.save(completing, read=stored)
                    stored = completing
                self._queue.send_completion(key, cause)
                return stored
        raise StaleWrite

    def cancel(self, owner: str, object_id: UUID, *, expected: Versions = None, cause: Cause) -> None:
        """Give the upload up. To give it up again changes nothing.

        Raises NotFound, VersionMismatch or WrongState.

        S3 drops the parts before the record says so. Otherwise a payload could still come of them.
        """
        for _ in range(WRITE_TRIES):
            stored = self._living(owner, object_id)
            if stored.status is Status.EXPIRED and stored.newest is not None and stored.newest.plan:
                return
            check_version(stored, expected)
            declared, _, _ = _awaited(stored)
            key = stored.payload_key(declared.number)
            if stored.parts_upload is not None:
                self._parts.abort(key, stored.parts_upload.id)
                if self._payloads.exists(key):
                    raise WrongState("cancel the upload", "about to be processed")
            with suppress(StaleWrite):
                self._objects.save(stored.cancel_upload(now=self._clock(), cause=cause), read=stored)
                return
        raise StaleWrite

    def _living(self, owner: str, object_id: UUID) -> StoredObject:
        stored = self._objects.get(owner, str(object_id))
        if stored.status is Status.DELETED:
            raise NotFound
        return stored

    def _listed(self, stored: StoredObject) -> tuple[Part, ...] | None:
        """Return the parts that S3 has; None if an upload was begun that S3 does not know."""
        if stored.parts_upload is None:
            return ()
        return self._parts.list(stored.payload_key(stored.newest_number), stored.parts_upload.id)

    def _begun(self, stored: StoredObject, declared: Revision, key: PayloadKey) -> str:
        """Return the id of an upload that S3 knows. Raises WrongState or StaleWrite."""
        if stored.is_completing:
            raise WrongState("upload parts", "being completed")
        if stored.parts_upload is not None:
            if self._parts.is_known(key, stored.parts_upload.id):
                return stored.parts_upload.id
            if self._payloads.exists(key):
                raise WrongState("upload parts", "about to be processed")
        begun = stored.begin_parts(self._parts.begin(key, declared))
        assert begun.parts_upload is not None  # noqa: S101  # it has just begun
        try:
            self._objects.save(begun, read=stored)
        except StaleWrite:
            drop_parts(self._parts, begun)
            raise
        return begun.parts_upload.id

    def _check_complete(self, stored: StoredObject, plan: PartPlan, key: PayloadKey) -> None:
        """Raise PartsMissing unless S3 has every part as planned, or the payload."""
        listed = self._listed(stored)
        missing = plan.missing(listed or ())
        if missing and not (listed is None and self._payloads.exists(key)):
            raise PartsMissing(missing[:NAMED_AT_MOST], len(missing))


def _awaited(stored: StoredObject) -> tuple[Revision, PartPlan, datetime]:
    """Return what is awaited in parts. Raises WrongState."""
    declared = stored.newest
    if not stored.awaits_parts or declared is None or declared.plan is None or declared.expires_at is None:
        awaits_whole = stored.status is Status.PENDING and declared is not None and declared.plan is None
        raise WrongState("upload parts", "awaiting one PUT" if awaits_whole else stored.status)
    return declared, declared.plan, declared.expires_at


def _was_completed(stored: StoredObject) -> bool:
    """True if the parts of the newest revision were put together before."""
    newest = stored.newest
    if newest is None or newest.plan is None:
        return False
    # Without an end of its upload, a pending revision is to be processed again.
    return stored.status in COMPLETED or (stored.status is Status.PENDING and newest.expires_at is None)


def _check(numbers: Sequence[int], plan: PartPlan) -> None:
    detail = f"The payload has {plan.count} parts."
    errors = [
        FieldError(f"/numbers/{place}", detail) for place, number in enumerate(numbers) if number > plan.count
    ]
    if errors:
        raise InvalidInput(errors)

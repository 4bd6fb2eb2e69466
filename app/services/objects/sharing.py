"""Share links: an owner creates, lists and revokes them, and anybody who has one opens it.

A link opens the newest ready revision, as it is at that moment. Opening reads the link and its
object with strong consistency and writes nothing, so whatever ended a link holds at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.domain.errors import (
    FieldError,
    IdempotencyKeyReused,
    InvalidInput,
    NoPayloadAllowed,
    NotFound,
    ObjectDeleted,
    PayloadNotReady,
    StaleWrite,
)
from app.domain.objects.links import (
    TOKEN,
    Disposition,
    Link,
    Links,
    hash_of,
    inline_type,
    link_token,
    new_salt,
)
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status
from app.domain.times import utc_now
from app.observability import bind
from app.services.ids import id_for
from app.services.objects.downloads import Downloadable, Downloads, DownloadUrl, artifact_of, payload_of
from app.storage.links import LinkRepository
from app.storage.objects import ObjectRepository

#: The namespace of the ids that Idempotency-Keys give. It must never change.
NAMESPACE = UUID("0f0c6a52-8d0e-5c33-9a0b-6f3b7f1b5c9e")
#: How long the URL is valid to which a link leads.
OPENED_SECONDS = 60
WRITE_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A create request. `fingerprint` tells a retry from another request with the same key."""

    artifact: str | None
    disposition: Disposition
    lasts: timedelta
    fingerprint: str
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class LinkCreation:
    link: Link
    token: str
    #: True if the link existed already.
    replayed: bool


class Sharing:
    def __init__(
        self,
        links: LinkRepository,
        objects: ObjectRepository,
        downloads: Downloads,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._links = links
        self._objects = objects
        self._downloads = downloads
        self._clock = clock

    def create(self, owner: str, object_id: UUID, new: NewLink) -> LinkCreation:
        """Store a link. To create it again with its key returns it, with its token.

        Raises NotFound, NoPayloadAllowed, PayloadNotReady, InvalidInput, IdempotencyKeyReused,
        ObjectDeleted or TooManyLinks.
        """
        for _ in range(WRITE_TRIES):
            read, now = self._of(owner, object_id), self._clock()
            link_id = id_for(new.idempotency_key, namespace=NAMESPACE, scope=f"{owner}#{object_id}")
            earlier = read.find(link_id, now)
            if earlier is not None:
                return _replay(earlier, new)
            _check(read.stored, new)
            salt = None if new.idempotency_key is None else new_salt()
            token = link_token(new.idempotency_key, salt)
            link = _link(read.stored, link_id, hash_of(token), salt, new, now)
            try:
                self._links.save(read.add(link, now), read=read)
            except StaleWrite:
                continue
            bind(link_id=link.id)
            return LinkCreation(link, token, replayed=False)
        raise StaleWrite

    def list(self, owner: str, object_id: UUID) -> tuple[Link, ...]:
        """Return the links of an object that open, the oldest first. Raises NotFound."""
        return self._of(owner, object_id).living(self._clock())

    def revoke(self, owner: str, object_id: UUID, link_id: UUID) -> None:
        """End a link. To end it again changes nothing. Raises NotFound."""
        for _ in range(WRITE_TRIES):
            read, now = self._of(owner, object_id), self._clock()
            link = read.find(str(link_id), now)
            if link is None:
                raise NotFound("link")
            if link.revoked_at is not None:
                return None
            try:
                return self._links.save(read.revoke(link, now), read=read)
            except StaleWrite:
                continue
        raise StaleWrite

    def open(self, token: str, *, method: str = "GET") -> DownloadUrl:
        """Return the URL to which a link leads. Raises NotFound, which says nothing else."""
        try:
            if not TOKEN.fullmatch(token):
                raise NotFound
            link = self._links.find(hash_of(token))
            bind(link_id=link.id, object_id=link.object_id, owner=link.owner)
            stored = self._objects.get(link.owner, link.object_id)
            if not link.opens(self._clock()) or not link.is_of(stored):
                raise NotFound
            file = _file(stored, link.artifact)
        except (NotFound, PayloadNotReady):
            raise NotFound("link") from None
        is_inline = link.disposition is Disposition.INLINE
        return self._downloads.presign(file, seconds=OPENED_SECONDS, method=method, is_inline=is_inline)

    def _of(self, owner: str, object_id: UUID) -> Links:
        found = self._links.of_object(owner, str(object_id))
        if found.stored.status is Status.DELETED:
            raise NotFound
        return found


def _file(stored: StoredObject, artifact: str | None) -> Downloadable:
    return payload_of(stored) if artifact is None else artifact_of(stored, artifact)


def _check(stored: StoredObject, new: NewLink) -> None:
    """Raise if the link could not be opened as it is asked for."""
    if stored.newest is None:
        raise NoPayloadAllowed(stored.kind)
    if stored.payload is None:
        raise PayloadNotReady(stored.status)
    try:
        file = _file(stored, new.artifact)
    except NotFound:
        raise InvalidInput([FieldError("/artifact", "The object has no artifact of this name.")]) from None
    if new.disposition is Disposition.INLINE and inline_type(file.media_type) is None:
        detail = "Only some pictures, PDF, plain text, audio and video may be shown inline."
        raise InvalidInput([FieldError("/disposition", detail)])


def _replay(earlier: Link, new: NewLink) -> LinkCreation:
    if earlier.revoked_at is not None:
        raise ObjectDeleted("link")
    if earlier.fingerprint != new.fingerprint:
        raise IdempotencyKeyReused
    bind(link_id=earlier.id)
    return LinkCreation(earlier, link_token(new.idempotency_key, earlier.salt), replayed=True)


def _link(
    stored: StoredObject, link_id: str, token_hash: str, salt: str | None, new: NewLink, now: datetime
) -> Link:
    return Link(
        owner=stored.owner,
        object_id=stored.id,
        object_created_at=stored.created_at,
        id=link_id,
        token_hash=token_hash,
        salt=salt,
        fingerprint=new.fingerprint,
        artifact=new.artifact,
        disposition=new.disposition,
        created_at=now,
        expires_at=now + new.lasts,
    )

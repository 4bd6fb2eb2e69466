"""Share links: what one opens, for how long, and how many an object may have.

    Link     one link, as it is stored: with the hash of its token, never with the token
    Links    all links of one object, as they were read together with the object

A link has ended once it was revoked or its time is over. A revoked one is kept until its time
is over, so that revoking it again is known for what it is.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Self

from app.domain.errors import TooManyLinks
from app.domain.media_types import base_media_type, media_type_parameters
from app.domain.objects.state import new_token
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status

MOST_LINKS = 100
#: How many links that have ended are kept beside the living ones, if nobody creates any more.
MOST_REVOKED = 100
#: How many of those one change removes at most. A transaction has room for a hundred items.
MOST_REMOVED = 20
LONGEST = timedelta(days=30)
TOKEN_BYTES = 16
#: 128 bits in base64url without padding. The last character holds two bits, so it is one of four.
TOKEN = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
CHARSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,39}")

#: Media types that a browser shows without running any code of the file. They never include SVG, HTML or XML.
INLINE_TYPES = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"),
        *("application/pdf", "text/plain"),
        *("audio/aac", "audio/flac", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/wav", "audio/webm"),
        *("video/mp4", "video/ogg", "video/quicktime", "video/webm"),
    }
)


class Disposition(StrEnum):
    """How a browser treats what a link opens (RFC 6266)."""

    ATTACHMENT = "attachment"
    INLINE = "inline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    owner: str
    object_id: str
    #: When the object was created: a later object of the same id is another one.
    object_created_at: datetime
    id: str
    #: SHA-256 in lower-case hex.
    token_hash: str
    #: Hex. Together with the Idempotency-Key it gives the token again; None for a random token.
    salt: str | None = field(repr=False)
    #: SHA-256 of the create request, to tell a retry from a reused Idempotency-Key.
    fingerprint: str
    #: The name of what is opened; None for the payload.
    artifact: str | None
    disposition: Disposition
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        return now >= self.expires_at

    def opens(self, now: datetime) -> bool:
        return self.revoked_at is None and not self.is_over(now)

    def is_of(self, stored: StoredObject) -> bool:
        return stored.status is not Status.DELETED and stored.created_at == self.object_created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    stored: StoredObject
    links: tuple[Link, ...]
    #: Changes with every change of these links; None before the first.
    write_token: str | None

    def living(self, now: datetime) -> tuple[Link, ...]:
        """Return the links that open, the oldest first."""
        living = (link for link in self.links if link.opens(now))
        return tuple(sorted(living, key=lambda link: (link.created_at, link.id)))

    def find(self, link_id: str, now: datetime) -> Link | None:
        """Return a link whose time is not over. It may be revoked."""
        return next((link for link in self.links if link.id == link_id and not link.is_over(now)), None)

    def add(self, link: Link, now: datetime) -> Self:
        """Return the links with one more, without some that have ended. Raises TooManyLinks."""
        if len(self.living(now)) >= MOST_LINKS:
            raise TooManyLinks(MOST_LINKS)
        # Nobody needs those whose time is over, nor the oldest of many revoked ones.
        over = [one for one in self.links if one.is_over(now)]
        revoked = [one for one in self.links if one.revoked_at is not None and not one.is_over(now)]
        revoked.sort(key=lambda one: one.created_at, reverse=True)
        superfluous = [*over, *revoked[MOST_REVOKED - 1 :]][:MOST_REMOVED]
        removed = {link.id, *(one.id for one in superfluous)}
        return self._changed((*(one for one in self.links if one.id not in removed), link))

    def revoke(self, link: Link, now: datetime) -> Self:
        revoked = replace(link, revoked_at=now)
        return self._changed(revoked if one.id == link.id else one for one in self.links)

    def _changed(self, links: Iterable[Link]) -> Self:
        return replace(self, links=tuple(links), write_token=new_token())


def new_salt() -> str:
    return secrets.token_hex(TOKEN_BYTES)


def link_token(idempotency_key: str | None = None, salt: str | None = None) -> str:
    """Return the token of a link: random, or that which follows from the key and the salt.

    The salt is random and never shown, so nobody outside can tell such a token from a random one.
    """
    if idempotency_key is None or salt is None:
        drawn = secrets.token_bytes(TOKEN_BYTES)
    else:
        drawn = hmac.digest(bytes.fromhex(salt), idempotency_key.encode(), "sha256")[:TOKEN_BYTES]
    return urlsafe_b64encode(drawn).rstrip(b"=").decode()


def hash_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def inline_type(media_type: str) -> str | None:
    """Return the type with which a payload may be shown in a page; None if it may not."""
    base = base_media_type(media_type)
    if base not in INLINE_TYPES:
        return None
    charset = media_type_parameters(media_type).get("charset", "") if base == "text/plain" else ""
    return f"{base}; charset={charset}" if CHARSET.fullmatch(charset) else base

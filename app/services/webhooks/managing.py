"""An owner's use cases for webhooks: create, read, change, delete, rotate the secret.

No endpoint is connected to here, and no name is resolved: only the sender does that.
"""

import secrets
from base64 import b64encode
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.errors import (
    FieldError,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    StaleWrite,
    VersionMismatch,
    WebhooksOff,
)
from app.domain.times import utc_now
from app.domain.validation import check_labels
from app.domain.webhooks.endpoints import Endpoint, ForbiddenEndpoint, Reach
from app.domain.webhooks.webhook import Secret, Wanted, Webhook
from app.messaging.sender_queue import SenderQueue
from app.services.ids import id_for
from app.storage.webhooks.webhooks import WebhookRepository

#: The namespace of the ids that Idempotency-Keys give. It must never change.
NAMESPACE = UUID("b1c51f0e-3c57-5b57-9d1c-0f6f0f4a6d2e")
SECRET_BYTES = 32
WRITE_TRIES = 5

Versions = Container[int] | None
Change = Callable[[Webhook, datetime], Webhook]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """A create request. `fingerprint` tells a retry from another request with the same key."""

    url: str = field(repr=False)
    wanted: Wanted
    description: str
    fingerprint: str
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class WebhookCreation:
    webhook: Webhook
    #: True if the webhook existed already.
    replayed: bool


class Webhooks:
    def __init__(
        self,
        webhooks: WebhookRepository,
        queue: SenderQueue,
        *,
        reach: Reach,
        is_on: bool,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._webhooks = webhooks
        self._queue = queue
        self._reach = reach
        self._is_on = is_on
        self._clock = clock

    def create(self, owner: str, new: NewWebhook) -> WebhookCreation:
        """Store a webhook. To create it again returns it, with its secret.

        Raises InvalidInput, IdempotencyKeyReused, ObjectDeleted or TooManyWebhooks.
        """
        self.check_on()
        self._check_url(new.url)
        now = self._clock()
        created = Webhook(
            owner=owner,
            id=id_for(new.idempotency_key, namespace=NAMESPACE, scope=owner),
            url=new.url,
            wanted=new.wanted,
            description=new.description,
            secrets=(Secret(new_secret(), now),),
            version=1,
            created_at=now,
            updated_at=now,
            fingerprint=new.fingerprint,
        )
        stored = self._webhooks.add(created)
        if stored.fingerprint != created.fingerprint:
            raise IdempotencyKeyReused
        return WebhookCreation(stored, stored.write_token != created.write_token)

    def list(self, owner: str) -> tuple[Webhook, ...]:
        """Return all webhooks of an owner, the oldest first."""
        self.check_on()
        return self._webhooks.list(owner)

    def read(self, owner: str, webhook_id: UUID) -> Webhook:
        """Raises NotFound."""
        self.check_on()
        return self._webhooks.get(owner, str(webhook_id))

    def edit(
        self, owner: str, webhook_id: UUID, patch: Mapping[str, Any], *, expected: Versions = None
    ) -> Webhook:
        """Apply a merge patch. A patch that changes nothing writes nothing.

        Raises NotFound, VersionMismatch or InvalidInput.
        """

        def change(stored: Webhook, now: datetime) -> Webhook:
            if "url" in patch:
                self._check_url(patch["url"])
            return stored.edit(
                now=now,
                url=patch.get("url", stored.url),
                wanted=_patched(stored.wanted, patch),
                description=patch.get("description", stored.description) or "",
                enabled=patch.get("enabled", stored.disabled is None),
            )

        return self._change(owner, webhook_id, change, expected)

    def rotate_secret(self, owner: str, webhook_id: UUID, *, expected: Versions = None) -> Webhook:
        """Give the webhook a new secret. Raises NotFound, VersionMismatch or TooManySecrets."""
        return self._change(
            owner, webhook_id, lambda stored, now: stored.rotate(new_secret(), now=now), expected
        )

    def delete(self, owner: str, webhook_id: UUID, *, expected: Versions = None) -> None:
        """Leave a tombstone. To delete again changes nothing. Raises NotFound or VersionMismatch."""
        self.check_on()
        for _ in range(WRITE_TRIES):
            try:
                stored = self._webhooks.get(owner, str(webhook_id))
            except NotFound:
                if self._webhooks.was_deleted(owner, str(webhook_id)):
                    return None
                raise
            _check_version(stored, expected)
            try:
                return self._webhooks.delete(stored, self._clock())
            except StaleWrite:
                continue
        raise StaleWrite

    def check_on(self) -> None:
        """Raise WebhooksOff where the stack has no table for webhooks."""
        if not self._is_on:
            raise WebhooksOff

    def _change(self, owner: str, webhook_id: UUID, change: Change, expected: Versions) -> Webhook:
        self.check_on()
        for _ in range(WRITE_TRIES):
            stored = self._webhooks.get(owner, str(webhook_id))
            _check_version(stored, expected)
            after = change(stored, self._clock())
            if after is stored:
                return stored
            try:
                self._webhooks.save(after, read=stored)
            except StaleWrite:
                continue
            if after.disabled is None and (stored.disabled is not None or after.url != stored.url):
                self._queue.look(owner, after.id)
            return after
        raise StaleWrite

    def _check_url(self, url: str) -> None:
        try:
            Endpoint.parse(url, self._reach)
        except ForbiddenEndpoint as forbidden:
            raise InvalidInput([FieldError("/url", str(forbidden))]) from None


def new_secret() -> str:
    """Return a secret in the form of Standard Webhooks, with 256 random bits."""
    return f"whsec_{b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def _check_version(stored: Webhook, expected: Versions) -> None:
    if expected is not None and stored.version not in expected:
        raise VersionMismatch(stored.version, "webhook")


def _patched(wanted: Wanted, patch: Mapping[str, Any]) -> Wanted:
    """Return the filters after a merge patch, in which null removes. Raises InvalidInput."""
    labels = dict(wanted.labels) if patch.get("labels", {}) is not None else {}
    for key, value in (patch.get("labels") or {}).items():
        if value is None:
            labels.pop(key, None)
        else:
            labels[key] = value
    check_labels(labels)
    types = tuple(patch.get("types", wanted.types) or ())
    kinds = tuple(patch.get("kinds", wanted.kinds) or ())
    return Wanted(types, kinds, labels)

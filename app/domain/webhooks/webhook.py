"""A webhook: which events an owner wants to be told of, where, and how its endpoint has done.

    Webhook    what its owner set, its secrets, and its state
    Schedule   when a failing endpoint is tried again
    Secret     one key that signs; a replaced one signs for another day

What the owner sets raises `version`. What the sender notes does not, but for disabling.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import uuid4

from app.domain.errors import TooManySecrets, WebhookDisabled

#: How long a failing endpoint is left alone, by the number of failures in a row.
STEPS_SECONDS = (5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200, 86_400)
#: An attempt that fails when the endpoint has failed for this long disables the webhook.
DISABLED_AFTER = timedelta(days=5)
#: How long a secret that was replaced still signs.
SECRET_LASTS = timedelta(hours=24)
MOST_SECRETS = 4
MOST_WEBHOOKS = 16


class Reason(StrEnum):
    """The reason why a webhook is disabled."""

    BY_OWNER = "by_owner"
    #: The endpoint answered 410 Gone.
    GONE = "gone"
    #: Every attempt of five days failed.
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Disabled:
    at: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Secret:
    """`text` is `whsec_` and the key in base64 (Standard Webhooks)."""

    text: str = field(repr=False)
    created_at: datetime
    #: When it stops to sign; None for the current one.
    expires_at: datetime | None = None

    def signs_at(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


def step(failures: int) -> timedelta:
    """Return the pause after a number of failures in a row, which is at least one."""
    return timedelta(seconds=STEPS_SECONDS[min(failures, len(STEPS_SECONDS)) - 1])


@dataclass(frozen=True, slots=True)
class Schedule:
    """Tells whether an endpoint fails, and when it is tried again."""

    failing_since: datetime | None = None
    #: The number of failures in a row.
    failures: int = 0
    retry_at: datetime | None = None

    def waits(self, now: datetime) -> bool:
        return self.retry_at is not None and now < self.retry_at

    def after_failure(self, now: datetime) -> Self:
        failures = self.failures + 1
        return replace(
            self,
            failing_since=self.failing_since or now,
            failures=failures,
            retry_at=now + step(failures),
        )


HEALTHY = Schedule()


@dataclass(frozen=True, slots=True)
class Wanted:
    """The events that a webhook is told of. Empty `types` or `kinds` take all; all `labels` must match."""

    types: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def includes(self, event: Mapping[str, Any]) -> bool:
        """True for a CloudEvent of an object that the webhook is told of."""
        data = event["data"]
        return (
            (not self.types or event["type"] in self.types)
            and (not self.kinds or data["kind"] in self.kinds)
            and self.labels.items() <= data["labels"].items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    owner: str
    id: str
    url: str = field(repr=False)
    wanted: Wanted
    description: str
    #: The newest first.
    secrets: tuple[Secret, ...]
    version: int
    created_at: datetime
    updated_at: datetime
    fingerprint: str
    disabled: Disabled | None = None
    #: The schedule of events as they happen. Its failures may disable the webhook.
    schedule: Schedule = HEALTHY
    #: The schedule of what was asked for by hand: its failures do not count against the endpoint.
    replays: Schedule = HEALTHY
    #: The moment for which the next message was sent.
    announced_at: datetime | None = None
    #: When a delivery last became due.
    woken_at: datetime | None = None
    #: Every change that the owner makes replaces it.
    write_token: str = field(default_factory=lambda: uuid4().hex)

    def check_enabled(self) -> None:
        """Raise WebhookDisabled if nothing would be sent."""
        if self.disabled is not None:
            raise WebhookDisabled

    def living_secrets(self, now: datetime) -> tuple[Secret, ...]:
        return tuple(secret for secret in self.secrets if secret.signs_at(now))

    def edit(self, *, now: datetime, url: str, wanted: Wanted, description: str, enabled: bool) -> Self:
        """Return what the owner made of it; itself if that changes nothing.

        A new URL is tried at once, and so is a webhook that is enabled again.
        """
        disabled = None if enabled else self.disabled or Disabled(now, Reason.BY_OWNER)
        after = replace(self, url=url, wanted=wanted, description=description, disabled=disabled)
        if after == self:
            return self
        if url != self.url or (disabled is None) != (self.disabled is None):
            after = replace(after, schedule=HEALTHY, replays=HEALTHY, announced_at=None)
        return after._changed(now)

    def rotate(self, text: str, *, now: datetime) -> Self:
        """Add a secret. The one before it signs for another day. Raises TooManySecrets."""
        living = self.living_secrets(now)
        if len(living) == MOST_SECRETS:
            raise TooManySecrets(MOST_SECRETS)
        replaced = tuple(
            secret if secret.expires_at else replace(secret, expires_at=now + SECRET_LASTS)
            for secret in living
        )
        return replace(self, secrets=(Secret(text, now), *replaced))._changed(now)

    def disable(self, reason: Reason, *, now: datetime) -> Self:
        return replace(self, disabled=Disabled(now, reason))._changed(now)

    def _changed(self, now: datetime) -> Self:
        return replace(self, version=self.version + 1, updated_at=now, write_token=uuid4().hex)

"""The bodies of requests about webhooks, and of their answers."""

import re
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field

from app.api.schemas.annotations import Documented, one_of
from app.api.schemas.requests import WITHOUT_CONTROL, Labels, PatchLabels, Strict
from app.api.schemas.scalars import Count, Id, Number, Timestamp
from app.domain.events import EventType
from app.domain.json import compact_json
from app.domain.kinds import KINDS
from app.domain.times import timestamp
from app.domain.webhooks.deliveries import TEST, Delivery, Outcome
from app.domain.webhooks.endpoints import URL_CHARACTERS
from app.domain.webhooks.webhook import Disabled, Reason, Secret, Wanted, Webhook
from app.services.webhooks.delivery_log import Between, DeliveryLog, Replayed, delivery_id
from app.services.webhooks.managing import NewWebhook

TYPES = [kind.value for kind in EventType]
#: How many types, and how many kinds, a webhook names at most.
MOST_NAMES = 16
MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"


def _moment(text: str) -> str:
    """Return the text. Raises ValueError if it is not a moment."""
    try:
        if not re.fullmatch(MOMENT, text, re.ASCII):
            raise ValueError
        timestamp(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError("Input should be a date and time with a zone (RFC 3339)") from None
    return text


Url = Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS), Documented(format="uri")]
Description = Annotated[str, Field(max_length=256), *WITHOUT_CONTROL]
EventTypes = Annotated[list[Annotated[str, *one_of(TYPES)]], Field(max_length=MOST_NAMES)]
LoggedTypes = Annotated[list[Annotated[str, *one_of([*TYPES, TEST])]], Field(max_length=MOST_NAMES)]
Kinds = Annotated[list[Annotated[str, *one_of(sorted(KINDS))]], Field(max_length=MOST_NAMES)]
Moment = Annotated[str, AfterValidator(_moment), Documented(format="date-time")]
OutcomeName = Literal["pending", "delivered", "failed"]


class CreateWebhook(Strict):
    """A new webhook. Empty `types` or `kinds` take all; an object needs every one of the `labels`."""

    url: Url
    types: EventTypes = Field(default_factory=list)
    kinds: Kinds = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)
    description: Description = ""

    def to_domain(self, idempotency_key: str | None) -> NewWebhook:
        sent = compact_json(self.model_dump(exclude_unset=True), sort_keys=True)
        return NewWebhook(
            url=self.url,
            wanted=Wanted(_distinct(self.types), _distinct(self.kinds), self.labels),
            description=self.description,
            fingerprint=sha256(sent.encode()).hexdigest(),
            idempotency_key=idempotency_key,
        )


class PatchWebhook(Strict):
    """A JSON merge patch (RFC 7396): null removes, labels merge, and any other value replaces."""

    url: Url = Field(default_factory=str)
    types: EventTypes | None = Field(default_factory=lambda: None)
    kinds: Kinds | None = Field(default_factory=lambda: None)
    labels: PatchLabels | None = Field(default_factory=lambda: None)
    description: Description | None = Field(default_factory=lambda: None)
    enabled: bool = Field(default_factory=bool)


class ReplayIn(Strict):
    """The deliveries to send again: those of events later than `after`, up to and including `until`."""

    after: Moment
    until: Moment
    status: OutcomeName | None = None
    types: LoggedTypes = Field(default_factory=list)
    dry_run: bool = False

    def to_domain(self) -> Between:
        return Between(
            datetime.fromisoformat(self.after),
            datetime.fromisoformat(self.until),
            self.status and Outcome(self.status),
            frozenset(self.types),
        )


class SecretOut(BaseModel):
    """A secret that signs, without its text. `expires_at` is null for the current one."""

    created_at: Timestamp
    expires_at: Timestamp | None

    @classmethod
    def of(cls, secret: Secret) -> Self:
        return cls(created_at=timestamp(secret.created_at), expires_at=_perhaps(secret.expires_at))


class DisabledOut(BaseModel):
    """The moment since which nothing is sent, and the reason."""

    at: Timestamp
    reason: Annotated[str, Documented(enum=[reason.value for reason in Reason])]

    @classmethod
    def of(cls, disabled: Disabled) -> Self:
        return cls(at=timestamp(disabled.at), reason=disabled.reason.value)


class WebhookOut(BaseModel):
    """A webhook. `version` is also its ETag; what the endpoint does, does not change it.

    `failing_since` is null while the endpoint accepts what it is sent.
    """

    id: Id
    url: str
    types: list[Annotated[str, Documented(enum=TYPES)]]
    kinds: list[str]
    labels: dict[str, str]
    description: str
    enabled: bool
    disabled: DisabledOut | None
    failing_since: Timestamp | None
    secrets: list[SecretOut]
    version: Number
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, webhook: Webhook, now: datetime, **more: Any) -> Self:
        return cls(
            id=webhook.id,
            url=webhook.url,
            types=list(webhook.wanted.types),
            kinds=list(webhook.wanted.kinds),
            labels=dict(webhook.wanted.labels),
            description=webhook.description,
            enabled=webhook.disabled is None,
            disabled=webhook.disabled and DisabledOut.of(webhook.disabled),
            failing_since=_perhaps(webhook.schedule.failing_since),
            secrets=[SecretOut.of(secret) for secret in webhook.living_secrets(now)],
            version=webhook.version,
            created_at=timestamp(webhook.created_at),
            updated_at=timestamp(webhook.updated_at),
            **more,
        )


class WebhookWithSecretOut(WebhookOut):
    """The webhook with its current secret. No other answer shows it."""

    secret: Annotated[str, Documented(pattern="^whsec_")]

    @classmethod
    def showing(cls, webhook: Webhook, now: datetime) -> Self:
        return cls.of(webhook, now, secret=webhook.secrets[0].text)


class WebhookList(BaseModel):
    """All your webhooks, the oldest first."""

    items: list[WebhookOut]


class DeliveredEventOut(BaseModel):
    """The event of a delivery. Its id is the `webhook-id` of each attempt."""

    id: str
    type: str
    subject: Id
    time: Timestamp


class ErrorOut(BaseModel):
    """The reason why there was no answer."""

    code: str
    detail: str


class AttemptOut(BaseModel):
    """The last request to the endpoint, and how its answer began. Either `status` or `error` is null."""

    at: Timestamp
    seconds: float
    status: int | None
    error: ErrorOut | None
    answer: str


class DeliveryOut(BaseModel):
    """An event on its way to the endpoint, or its entry in the log."""

    id: str
    event: DeliveredEventOut
    status: OutcomeName
    attempts: Count
    last_attempt: AttemptOut | None
    next_attempt_at: Timestamp | None

    @classmethod
    def of(cls, delivery: Delivery, webhook: Webhook) -> Self:
        return cls(
            id=delivery_id(delivery),
            event=DeliveredEventOut(
                id=delivery.event_id,
                type=delivery.type,
                subject=delivery.subject,
                time=timestamp(delivery.time),
            ),
            status=delivery.outcome.value,
            attempts=delivery.attempts,
            last_attempt=_attempt(delivery),
            next_attempt_at=_perhaps(delivery.next_attempt_at(webhook)),
        )


class DeliveryPage(BaseModel):
    """A page of the log, newest first. It may be short or empty; go on until `next_cursor` is null."""

    items: list[DeliveryOut]
    next_cursor: str | None

    @classmethod
    def of(cls, log: DeliveryLog) -> Self:
        items = [DeliveryOut.of(delivery, log.webhook) for delivery in log.items]
        return cls(items=items, next_cursor=log.next_cursor)


class QueuedOut(BaseModel):
    """The queued delivery. Its entry in the log will hold the answer."""

    delivery_id: str

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls(delivery_id=delivery_id(delivery))


class ReplayedOut(BaseModel):
    """How many were sent again. Go on with `after` set to `next_after` until it is null."""

    count: Count
    next_after: Timestamp | None

    @classmethod
    def of(cls, replayed: Replayed) -> Self:
        return cls(count=replayed.count, next_after=_perhaps(replayed.next_after))


def _distinct(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _perhaps(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


def _attempt(delivery: Delivery) -> AttemptOut | None:
    last = delivery.last
    if last is None:
        return None
    return AttemptOut(
        at=timestamp(last.at),
        seconds=last.seconds,
        status=last.status,
        error=None if last.error is None else ErrorOut(code=last.error, detail=last.detail or ""),
        answer=last.answer,
    )

"""A delivery: one event on its way to one webhook, and then its entry in the log.

| from             | on                                   | to                                    |
|------------------|--------------------------------------|---------------------------------------|
| -                | an event that the webhook wants      | pending, due at once                  |
| pending          | the endpoint answers 2xx             | delivered                             |
| pending          | any other answer, or none            | pending, due a step later             |
| pending          | 48 hours passed, or a test failed    | failed                                |
| any              | a replay                             | pending, due at once, for 48 hours    |

The CloudEvent is kept until it is delivered or given up. The history has it longer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import uuid4

from app.domain.json import compact_json
from app.domain.times import timestamp
from app.domain.webhooks.webhook import Webhook, step

GIVEN_UP_AFTER = timedelta(hours=48)
LOG_KEPT = timedelta(days=30)
#: How much of an endpoint's answer is kept.
ANSWER_BYTES = 2_048
TEST = "webhook.test"
TEST_SOURCE = "wharf.webhooks"


class Outcome(StrEnum):
    """The status of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Lane(StrEnum):
    """One of the two schedules of a webhook; each delivery keeps to one."""

    EVENTS = "events"
    #: Replays and tests.
    REPLAYS = "replays"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to the endpoint, and its answer or fault."""

    at: datetime
    seconds: float
    #: The HTTP status; None if there was no answer.
    status: int | None = None
    #: Why there was no answer, as a code and in words; None if there was one.
    error: str | None = None
    detail: str | None = None
    #: The first ANSWER_BYTES of the answer, as text. Never logged.
    answer: str = field(default="", repr=False)

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    owner: str
    webhook_id: str
    event_id: str
    type: str
    subject: str
    #: When the event happened. Together with the event's id it is the place in the log.
    time: datetime
    #: The CloudEvent as JSON, while it may be sent.
    event: str | None = field(repr=False)
    outcome: Outcome = Outcome.PENDING
    lane: Lane = Lane.EVENTS
    #: When it may be sent; None when it is settled.
    due_at: datetime | None
    give_up_at: datetime
    #: How many attempts were made in all.
    attempts: int = 0
    #: Failures in a row since the delivery became due by an event or a replay.
    failures: int = 0
    last: Attempt | None = None
    purge_at: datetime
    #: Every save replaces it.
    write_token: str = field(default_factory=lambda: uuid4().hex)

    @property
    def is_test(self) -> bool:
        return self.type == TEST

    def attempted(self, attempt: Attempt, now: datetime) -> Self:
        """Return the delivery after a request to its endpoint."""
        made = replace(self, attempts=self.attempts + 1, last=attempt)
        if attempt.is_accepted:
            return made._settled(Outcome.DELIVERED)
        if self.is_test or self.is_too_old(now):
            return made._settled(Outcome.FAILED)
        failures = self.failures + 1
        return replace(made, failures=failures, due_at=now + step(failures))._saved()

    def next_attempt_at(self, webhook: Webhook) -> datetime | None:
        """Return when the delivery is sent, as far as is known: others may wait before it."""
        if self.due_at is None or webhook.disabled is not None:
            return None
        schedule = webhook.schedule if self.lane is Lane.EVENTS else webhook.replays
        return max(self.due_at, schedule.retry_at or self.due_at)

    def is_too_old(self, now: datetime) -> bool:
        return now >= self.give_up_at

    def give_up(self) -> Self:
        """Return the delivery as it is when its time is over before it was accepted."""
        return self._settled(Outcome.FAILED)

    def replay(self, event: str, now: datetime) -> Self:
        """Return the delivery as it is sent again: now, and for as long as a new event is."""
        return replace(
            self,
            event=event,
            outcome=Outcome.PENDING,
            lane=Lane.REPLAYS,
            due_at=now,
            give_up_at=now + GIVEN_UP_AFTER,
            failures=0,
            purge_at=now + LOG_KEPT,
        )._saved()

    def _settled(self, outcome: Outcome) -> Self:
        kept = self.event if self.is_test else None
        return replace(self, outcome=outcome, event=kept, due_at=None)._saved()

    def _saved(self) -> Self:
        return replace(self, write_token=uuid4().hex)


def delivery_of(event: Mapping[str, Any], webhook: Webhook, now: datetime) -> Delivery:
    """Return the delivery of a CloudEvent to a webhook."""
    time = datetime.fromisoformat(event["time"])
    return Delivery(
        owner=webhook.owner,
        webhook_id=webhook.id,
        event_id=event["id"],
        type=event["type"],
        subject=event["subject"],
        time=time,
        event=compact_json(event),
        due_at=min(time, now),
        give_up_at=time + GIVEN_UP_AFTER,
        purge_at=now + LOG_KEPT,
    )


def delivery_of_test(webhook: Webhook, now: datetime) -> Delivery:
    """Return the delivery of an event that exists for this webhook only."""
    event = {
        "specversion": "1.0",
        "id": f"test-{uuid4()}",
        "source": TEST_SOURCE,
        "type": TEST,
        "subject": webhook.id,
        "time": timestamp(now),
        "datacontenttype": "application/json",
        "owner": webhook.owner,
        "data": {"webhook_id": webhook.id},
    }
    return replace(delivery_of(event, webhook, now), lane=Lane.REPLAYS)

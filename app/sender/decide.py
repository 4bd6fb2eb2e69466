"""Decides from values alone what a sender does next. Other modules do it.

    how_many     how many deliveries of an endpoint may be sent at once now
    choose       which of them to send, and which to give up
    settle       what attempts make of the schedule of their endpoint
    next_look    when to look at the endpoint again

The schedule is the endpoint's. While it fails, one delivery probes it at each step, and the others
wait without an attempt. The first success lets all of them go. An attempt that fails among others
that succeed delays its own delivery only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.domain.webhooks.deliveries import Attempt, Delivery, Lane, Outcome
from app.domain.webhooks.webhook import DISABLED_AFTER, HEALTHY, Reason, Schedule, Webhook

#: The most connections to one endpoint.
MOST_AT_ONCE = 10
#: How long an endpoint without deliveries stays in the index: longer than the index is behind.
QUIET = timedelta(minutes=2)
#: A delivery that was queued so lately may be missing in the index.
FRESH = timedelta(seconds=10)
LOOK_AGAIN = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Choice:
    """The due deliveries to send, and those to give up."""

    send: tuple[Delivery, ...] = ()
    give_up: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class NextLook:
    """The moment to look at an endpoint again; None means never."""

    at: datetime | None = None
    #: True if a message is needed, because none is on its way for then.
    by_message: bool = False


def schedule_of(webhook: Webhook, lane: Lane) -> Schedule:
    return webhook.schedule if lane is Lane.EVENTS else webhook.replays


def how_many(schedule: Schedule, now: datetime) -> int:
    """Return how many deliveries may be sent at once: none yet, one as a probe, or several."""
    if schedule.waits(now):
        return 0
    return 1 if schedule.failing_since else MOST_AT_ONCE


def choose(due: Sequence[Delivery], now: datetime) -> Choice:
    """Return what to do with deliveries that may be sent. What is settled meanwhile is passed over."""
    pending = [one for one in due if one.outcome is Outcome.PENDING]
    return Choice(
        send=tuple(one for one in pending if not one.is_too_old(now)),
        give_up=tuple(one for one in pending if one.is_too_old(now)),
    )


def settle(webhook: Webhook, lane: Lane, attempts: Sequence[Attempt], now: datetime) -> Webhook:
    """Return the webhook after attempts that were made together, at least one."""
    is_gone = lane is Lane.EVENTS and any(attempt.is_gone for attempt in attempts)
    if not is_gone and any(attempt.is_accepted for attempt in attempts):
        return replace(webhook, schedule=HEALTHY, replays=HEALTHY)
    if lane is Lane.REPLAYS:
        return replace(webhook, replays=webhook.replays.after_failure(now))
    failed = replace(webhook, schedule=webhook.schedule.after_failure(now))
    reason = _reason_to_disable(failed.schedule, attempts, now)
    return failed if reason is None else failed.disable(reason, now=now)


def next_look(
    webhook: Webhook, first_due: Sequence[tuple[Lane, datetime]], now: datetime, *, is_done: bool
) -> NextLook:
    """Return when to look again, from the first delivery of each lane that has one.

    `is_done` says that nothing was left to send. What is due all the same is the index being behind.
    """
    if webhook.disabled is not None:
        return NextLook()
    if not is_done:
        return NextLook(now, by_message=True)
    soon, woken_at = now + LOOK_AGAIN, webhook.woken_at
    moments = [max(at, schedule_of(webhook, lane).retry_at or at, soon) for lane, at in first_due]
    if woken_at is not None and now < woken_at + FRESH:
        moments.append(soon)
    if moments:
        at, announced_at = min(moments), webhook.announced_at
        # A message that was sent before may come in time.
        is_announced = announced_at is not None and now < announced_at <= at
        return NextLook(at, by_message=not is_announced)
    is_quiet = woken_at is None or now >= woken_at + QUIET
    return NextLook() if is_quiet or woken_at is None else NextLook(woken_at + QUIET)


def _reason_to_disable(schedule: Schedule, attempts: Sequence[Attempt], now: datetime) -> Reason | None:
    if any(attempt.is_gone for attempt in attempts):
        return Reason.GONE
    if schedule.failing_since is not None and now >= schedule.failing_since + DISABLED_AFTER:
        return Reason.FAILING
    return None

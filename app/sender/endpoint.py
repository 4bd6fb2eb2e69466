"""A look at one endpoint: claim it, send what is due, note how it did, give it back.

The lease keeps everybody else away, so an endpoint has one sender at a time.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from uuid import uuid4

from app.domain.errors import Unavailable
from app.domain.times import utc_now
from app.domain.webhooks.deliveries import Attempt, Delivery, Lane
from app.domain.webhooks.webhook import Webhook
from app.messaging.sender_queue import LONGEST_DELAY_SECONDS, SenderQueue
from app.sender.backlog import Backlog
from app.sender.decide import LOOK_AGAIN, MOST_AT_ONCE, choose, how_many, next_look, schedule_of, settle
from app.sender.record import Recorder
from app.sender.send import Sender
from app.storage.webhooks.deliveries import DeliveryRepository
from app.storage.webhooks.endpoints import Claim, EndpointRepository

#: Longer than the function's timeout, after which nobody is sending any more.
LEASE_SECONDS = 70
#: The sweep looks a moment after the message that it would replace.
SWEEP_GRACE = timedelta(seconds=30)

SecondsLeft = Callable[[], float]


class Looked(StrEnum):
    """The outcome of a look at an endpoint."""

    SENT = "sent"
    #: Nothing was to be sent, or not yet.
    WAITED = "waited"
    #: Somebody else has the lease, or the webhook is disabled or gone.
    PASSED = "passed"
    #: The owner changed the webhook meanwhile, or the lease lapsed.
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Progress:
    webhook: Webhook
    has_sent: bool = False
    #: True if nothing is left to be sent now.
    is_done: bool = False


class Endpoints:
    def __init__(
        self,
        repository: EndpointRepository,
        deliveries: DeliveryRepository,
        queue: SenderQueue,
        sender: Sender,
        *,
        lease_seconds: float = LEASE_SECONDS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._repository = repository
        self._deliveries = deliveries
        self._queue = queue
        self._sender = sender
        self._recorder = Recorder(deliveries)
        self._lease = timedelta(seconds=lease_seconds)
        self._clock = clock

    def look(self, owner: str, webhook_id: str, *, seconds_left: SecondsLeft) -> Looked:
        """Send what is due at an endpoint, while there is time."""
        now = self._clock()
        claim = self._repository.claim(owner, webhook_id, uuid4().hex, now=now, until=now + self._lease)
        if claim is None:
            return Looked.PASSED
        backlogs = [Backlog(self._deliveries, claim.webhook, lane) for lane in Lane]
        try:
            progress = self._work_off(claim.webhook, backlogs, seconds_left)
            if not self._give_back(claim, progress, backlogs):
                return Looked.LOST
        except Unavailable:
            with suppress(Unavailable):
                self._repository.release(claim, claim.webhook, self._clock())
            raise
        return Looked.SENT if progress.has_sent else Looked.WAITED

    def _work_off(self, webhook: Webhook, backlogs: Sequence[Backlog], seconds_left: SecondsLeft) -> Progress:
        """Take turns between the lanes until none has anything to send now."""
        progress, busy = Progress(webhook), list(backlogs)
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            while busy and progress.webhook.disabled is None and seconds_left() > 0:
                backlog = busy.pop(0)
                turn = self._take_turn(progress, backlog, pool)
                if turn is not None:
                    progress = turn
                    busy.append(backlog)
        return replace(progress, is_done=not busy)

    def _take_turn(self, progress: Progress, backlog: Backlog, pool: ThreadPoolExecutor) -> Progress | None:
        """Send a few deliveries of a lane. Return None if it has none that may be sent now."""
        now, webhook = self._clock(), progress.webhook
        count = how_many(schedule_of(webhook, backlog.lane), now)
        due = backlog.take(count, now) if count else []
        if not due:
            return None
        choice = choose(due, now)
        for old in choice.give_up:
            self._recorder.give_up(old)
        if not choice.send:
            return progress
        sending = [pool.submit(copy_context().run, self._attempt, webhook, one) for one in choice.send]
        attempts = [one.result() for one in sending]
        return Progress(settle(webhook, backlog.lane, attempts, self._clock()), has_sent=True)

    def _attempt(self, webhook: Webhook, delivery: Delivery) -> Attempt:
        attempt = self._sender.send(webhook, delivery)
        self._recorder.record(delivery, attempt, self._clock())
        return attempt

    def _give_back(self, claim: Claim, progress: Progress, backlogs: Sequence[Backlog]) -> bool:
        """Note how the endpoint did, then ask for the next look. Return False if the lease was lost."""
        now, webhook = self._clock(), progress.webhook
        firsts = [first for backlog in backlogs if (first := backlog.first_due()) is not None]
        following = next_look(webhook, firsts, now, is_done=progress.is_done)
        if following.by_message:
            webhook = replace(webhook, announced_at=following.at)
        sweep_at = following.at and following.at + (SWEEP_GRACE if following.by_message else timedelta())
        before = self._repository.release(claim, webhook, sweep_at)
        if before is None:
            return False
        if webhook.disabled is not None:
            self._recorder.disabled(webhook)
        elif following.by_message and following.at is not None:
            self._ask(webhook, following.at - now)
        elif before.woken_at != claim.webhook.woken_at:
            # A delivery was queued meanwhile, and the look for it met the lease.
            self._ask(webhook, LOOK_AGAIN)
        return True

    def _ask(self, webhook: Webhook, delay: timedelta) -> None:
        """Ask for a look. One that is further away than a message can be is left to the sweep."""
        seconds = ceil(delay.total_seconds())
        if seconds <= LONGEST_DELAY_SECONDS:
            self._queue.look(webhook.owner, webhook.id, in_seconds=seconds)

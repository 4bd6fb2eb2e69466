"""The sender's edge: a batch of messages in, and out those to be shown again; or a sweep for the clock.

Events are fanned out first, one after another. Then all endpoints are looked at together, so that a
slow one holds up nobody. What the sender does not know comes again, and ends in its dead-letter queue.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Protocol
from uuid import uuid4

from app.domain.causes import Trace
from app.domain.errors import Unavailable, UnknownMessage, WharfError
from app.domain.times import utc_now
from app.domain.webhooks.webhook import Webhook
from app.messaging.sender_queue import Content, Happened, Look, SenderQueue, parse_message
from app.observability import begin_work, described_fault, measure, sample_details
from app.observability.metrics import ENDPOINT_OVERDUE_SECONDS, MESSAGES, RETRIES, Sample
from app.sender.endpoint import Endpoints, Looked
from app.services.webhooks.fanning_out import FanningOut
from app.storage.webhooks.endpoints import EndpointRepository

#: How long deliveries are begun in one invocation, and what the last of them may take.
SENDING_SECONDS = 45
LAST_ATTEMPT_SECONDS = 12
FIRST_RETRY_SECONDS = 5
LAST_RETRY_SECONDS = 15 * 60
FANNED_OUT = "fanned_out"
RETURNED = "returned"

Record = dict[str, Any]


class Context(Protocol):
    """The part of the Lambda context that the sender needs."""

    def get_remaining_time_in_millis(self) -> int: ...


class SenderBatches:
    def __init__(
        self,
        fanning_out: FanningOut,
        endpoints: Endpoints,
        repository: EndpointRepository,
        queue: SenderQueue,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._fanning_out = fanning_out
        self._endpoints = endpoints
        self._repository = repository
        self._queue = queue
        self._clock = clock

    def handle(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Return `{"batchItemFailures": [{"itemIdentifier": …}]}`."""
        sample_details()
        seconds_left = _limited(context)
        parsed = [(record, _parsed(record)) for record in event["Records"]]
        failed = [record for record, content in parsed if content is None]
        for record in failed:
            self._return(record, None, UnknownMessage("Not a message that the sender knows."))
        happened = [(record, content) for record, content in parsed if isinstance(content, Happened)]
        looks = [(record, content) for record, content in parsed if isinstance(content, Look)]
        failed += self._fan_out(happened)
        with ThreadPoolExecutor(max(1, len(looks))) as pool:
            asked = [(record, pool.submit(self._look, record, look, seconds_left)) for record, look in looks]
            failed += [record for record, done in asked if not done.result()]
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}

    def sweep(self) -> None:
        """Ask for a look at every endpoint that is due, and measure by how much the first one is late."""
        sample_details()
        with begin_work(correlation_id=f"sweep-{uuid4()}") as work:
            now = self._clock()
            due = list(self._repository.due(now))
            self._queue.look_at_all([(one.owner, one.webhook_id) for one in due])
            overdue = max(((now - one.at).total_seconds() for one in due), default=0.0)
            fields: dict[str, Any] = {"looks": len(due), "seconds": round(work.seconds, 4)}
            measure("sender.swept", ENDPOINT_OVERDUE_SECONDS(overdue), **fields, **work.costs())

    def _fan_out(self, happened: Sequence[tuple[Record, Happened]]) -> list[Record]:
        """Return the messages whose events are to be fanned out again."""
        failed, woken = [], list[tuple[Record, Happened, Sequence[Webhook]]]()
        for record, content in happened:
            with _work(record, content):
                try:
                    woken.append((record, content, self._fanning_out.fan_out(content)))
                    _log(content, FANNED_OUT, deliveries=len(woken[-1][2]))
                except Exception as fault:  # noqa: BLE001  # logged; the message comes again
                    failed.append(self._return(record, content, fault))
        try:
            self._fanning_out.wake([webhook for *_, webhooks in woken for webhook in webhooks])
        except Unavailable as fault:
            failed += [
                self._return(record, content, fault) for record, content, webhooks in woken if webhooks
            ]
        return failed

    def _look(self, record: Record, look: Look, seconds_left: Callable[[], float]) -> bool:
        """Return False if the message must come again."""
        with _work(record, look):
            try:
                looked = self._endpoints.look(look.owner, look.webhook_id, seconds_left=seconds_left)
            except Exception as fault:  # noqa: BLE001  # logged; the message comes again
                self._return(record, look, fault)
                return False
            # While an endpoint fails, each new event has it looked at several times, and nothing is sent.
            level = logging.DEBUG if looked is Looked.WAITED else logging.INFO
            _log(look, looked.value, level=level)
            return True

    def _return(self, record: Record, content: Content | None, fault: Exception) -> Record:
        """Show the message again soon; each time it waits twice as long. Return it."""
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        seconds = min(FIRST_RETRY_SECONDS * 2 ** (receives - 1), LAST_RETRY_SECONDS)
        unexpected = None if isinstance(fault, WharfError) else fault
        error = described_fault(fault)
        _log(content, RETURNED, RETRIES(1), level=logging.WARNING, fault=unexpected, error=error)
        self._queue.retry_in(record["receiptHandle"], seconds)
        return record


def _limited(context: Context) -> Callable[[], float]:
    """Return for how long deliveries may be begun from now on."""
    end = time.monotonic() + SENDING_SECONDS

    def seconds_left() -> float:
        in_function = context.get_remaining_time_in_millis() / 1000 - LAST_ATTEMPT_SECONDS
        return min(in_function, end - time.monotonic())

    return seconds_left


def _parsed(record: Record) -> Content | None:
    try:
        return parse_message(record["body"])
    except UnknownMessage:
        return None


def _work(record: Record, content: Happened | Look) -> Any:
    """Begin the unit of work of one message."""
    fields: dict[str, Any] = {"message_id": record["messageId"], "owner": content.owner}
    if isinstance(content, Look):
        fields |= {"webhook_id": content.webhook_id}
    else:
        trace = Trace.from_w3c(str(content.event.get("traceparent", "")))
        fields |= {
            "correlation_id": content.event.get("correlationid"),
            "trace_id": trace and trace.trace_id,
            "object_id": content.event.get("subject"),
            "event_id": content.event["id"],
        }
    return begin_work(**fields)


def _log(content: Content | None, outcome: str, *samples: Sample, **fields: Any) -> None:
    """Write the one line of a message."""
    name = "unreadable" if content is None else type(content).__name__.lower()
    measure("message.done", MESSAGES(1, type=name, outcome=outcome), *samples, **fields)

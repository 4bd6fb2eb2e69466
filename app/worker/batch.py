"""The worker's edge: a batch of messages in, and out those to be shown again; or a sweep for the clock.

The smallest payload goes first, so that a large one delays nobody. A message
that cannot be handled goes to the dead-letter queue at once. One that may
succeed later is shown again soon. Neither harms its neighbours.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol
from uuid import uuid4

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from app.domain.errors import Refused, Unavailable, WharfError
from app.domain.objects.values import object_id_in
from app.messaging.messages import Message, Sweep, parse_message
from app.messaging.work_queue import WorkQueue
from app.observability import Work, begin_work, described_fault, measure, sample_details
from app.observability.metrics import MESSAGES, RETRIES, Sample
from app.worker.dispatch import Dispatcher

FIRST_RETRY_SECONDS = 5
LAST_RETRY_SECONDS = 15 * 60
BURIED = "buried"
RETURNED = "returned"
UNFINISHED = "unfinished"

#: The clock asks for a sweep once a minute. One that took longer would meet the next at its work.
SWEEP_SECONDS = 60

SecondsLeft = Callable[[], float]


class Context(Protocol):
    """The part of the Lambda context that the worker needs."""

    def get_remaining_time_in_millis(self) -> int: ...


class BatchWorker:
    def __init__(self, dispatcher: Dispatcher, queue: WorkQueue) -> None:
        self.dispatcher = dispatcher
        self._queue = queue

    def handle(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Return `{"batchItemFailures": [{"itemIdentifier": …}]}`."""
        sample_details()
        messages = {
            record["messageId"]: parse_message(record["body"], record["attributes"].get("AWSTraceHeader", ""))
            for record in event["Records"]
        }
        smallest_first = sorted(event["Records"], key=lambda record: messages[record["messageId"]].size)

        def handle_record(record: SQSRecord) -> None:
            message = messages[record.message_id]
            self._handle(record, message, lambda: context.get_remaining_time_in_millis() / 1000)

        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return dict(process_partial_response({"Records": smallest_first}, handle_record, processor))

    def sweep(self, context: Context) -> None:
        """Sweep for the clock. What AWS does not allow now is left to the next sweep, a minute later."""
        sample_details()
        end = time.monotonic() + SWEEP_SECONDS
        message = Message(Sweep())

        def seconds_left() -> float:
            return min(context.get_remaining_time_in_millis() / 1000, end - time.monotonic())

        with begin_work(correlation_id=f"sweep-{uuid4()}") as work:
            try:
                outcome = self.dispatcher.dispatch(message, seconds_left=seconds_left)
            except Unavailable as fault:
                error = described_fault(fault)
                _log(message, work, UNFINISHED, level=logging.WARNING, error=error)
            else:
                _log(message, work, outcome)

    def _handle(self, record: SQSRecord, message: Message, seconds_left: SecondsLeft) -> None:
        with begin_work(
            message_id=record.message_id,
            correlation_id=message.correlation_id or record.message_id,
            trace_id=message.trace and message.trace.trace_id,
            object_id=object_id_in(message.object_id),
        ) as work:
            try:
                self._meet(record, message, work, seconds_left)
            except Exception as fault:
                self._return(record, message, work, fault)
                raise

    def _meet(self, record: SQSRecord, message: Message, work: Work, seconds_left: SecondsLeft) -> None:
        try:
            outcome = self.dispatcher.dispatch(message, seconds_left=seconds_left)
        except Refused as refused:
            self._bury(record, message, work, refused)
        else:
            _log(message, work, outcome)

    def _bury(self, record: SQSRecord, message: Message, work: Work, refused: Refused) -> None:
        """Move the message to the dead-letter queue: to try it again cannot help."""
        error = type(refused).__name__
        redrives = record.message_attributes["redrives"]
        dead_letter_id = self._queue.bury(
            message.body,
            error=error,
            attempts=_receives(record),
            redrives=int(redrives.string_value or 0) if redrives else 0,
            trace=message.trace,
        )
        told = {"error": error, "dead_letter_id": dead_letter_id}
        _log(message, work, BURIED, level=logging.ERROR, fault=refused, **told)

    def _return(self, record: SQSRecord, message: Message, work: Work, fault: Exception) -> None:
        """Show the message again soon; each time it waits twice as long."""
        seconds = retry_seconds(_receives(record))
        _log(
            message,
            work,
            RETURNED,
            RETRIES(1),
            level=logging.WARNING,
            fault=None if isinstance(fault, WharfError) else fault,
            error=described_fault(fault),
            retry_seconds=seconds,
        )
        self._queue.retry_in(record.receipt_handle, seconds)


def _log(message: Message, work: Work, outcome: str, *samples: Sample, **fields: Any) -> None:
    """Write the one line of a message."""
    name = type(message.content).__name__.lower()
    measured = (MESSAGES(1, type=name, outcome=outcome), *samples)
    measure("message.done", *measured, seconds=round(work.seconds, 4), **fields, **work.costs())


def _receives(record: SQSRecord) -> int:
    return int(record.attributes.approximate_receive_count)


def retry_seconds(receives: int) -> int:
    """Return how long to wait before the next receive: twice as long each time."""
    return int(min(FIRST_RETRY_SECONDS * 2 ** (receives - 1), LAST_RETRY_SECONDS))

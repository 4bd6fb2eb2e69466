"""The SQS edge: a batch in, the messages that must come back out.

The smallest payload goes first, so that a large one delays nobody. A message
that cannot be handled goes to the dead-letter queue at once; one that may
succeed later is shown again soon. Neither harms its neighbours.
"""

import logging
from typing import Any, Protocol

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from app.domain.causes import Trace
from app.domain.errors import Refused, UnknownMessage, WharfError
from app.domain.ids import object_id_in
from app.messaging.work_queue import WorkQueue
from app.observability import Work, begin_work, bind, described_fault, measure, sample_details
from app.observability.metrics import MESSAGES, RETRIES, Sample
from app.services.messages import Arrival, correlation_of, object_of, parse_message
from app.worker.dispatch import Dispatcher

FIRST_RETRY_SECONDS = 5
LAST_RETRY_SECONDS = 15 * 60
UNREADABLE = "unreadable"
BURIED = "buried"
RETURNED = "returned"


class Context(Protocol):
    """What the worker needs of the Lambda context."""

    def get_remaining_time_in_millis(self) -> int: ...


class BatchWorker:
    def __init__(self, dispatcher: Dispatcher, queue: WorkQueue) -> None:
        self._dispatcher = dispatcher
        self._queue = queue

    def handle(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Return `{"batchItemFailures": [{"itemIdentifier": …}]}`."""

        def seconds_left() -> float:
            return context.get_remaining_time_in_millis() / 1000

        def handle_record(record: SQSRecord) -> None:
            self._handle(record, seconds_left)

        sample_details()
        smallest_first = {"Records": sorted(event["Records"], key=payload_size)}
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return dict(process_partial_response(smallest_first, handle_record, processor))

    def _handle(self, record: SQSRecord, seconds_left: Any) -> None:
        correlation_id = correlation_of(record.body) or record.message_id
        trace = _trace_of(record)
        trace_id = trace and trace.trace_id
        with begin_work(
            message_id=record.message_id, correlation_id=correlation_id, trace_id=trace_id
        ) as work:
            handled = HandledMessage(work)
            try:
                self._meet(record, handled, seconds_left)
            except Exception as fault:
                self._return(record, handled, fault)
                raise

    def _meet(self, record: SQSRecord, handled: "HandledMessage", seconds_left: Any) -> None:
        try:
            message = parse_message(record.body)
            handled.name = type(message).__name__.lower()
            bind(object_id=object_id_in(object_of(message)))
            outcome = self._dispatcher.dispatch(message, seconds_left=seconds_left)
        except Refused as refused:
            self._bury(record, handled, refused)
        else:
            handled.log(outcome, logging.INFO)

    def _bury(self, record: SQSRecord, handled: "HandledMessage", refused: Refused) -> None:
        error, receives = type(refused).__name__, _receives(record)
        self._queue.bury(
            record.body,
            error=error,
            attempts=receives,
            redrives=redrives_of(record),
            trace=_trace_of(record),
        )
        handled.log(BURIED, logging.ERROR, fault=refused, error=error)

    def _return(self, record: SQSRecord, handled: "HandledMessage", fault: Exception) -> None:
        seconds = retry_seconds(_receives(record))
        unexpected = None if isinstance(fault, WharfError) else fault
        error = described_fault(fault)
        handled.log(
            RETURNED, logging.WARNING, RETRIES(1), fault=unexpected, error=error, retry_seconds=seconds
        )
        self._queue.retry_in(record.receipt_handle, seconds)


class HandledMessage:
    """What is noted of a message while it is handled, for its one line in the log."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.name = UNREADABLE

    def log(
        self, outcome: str, level: int, *samples: Sample, fault: Exception | None = None, **fields: Any
    ) -> None:
        measure(
            "message.done",
            MESSAGES(1, type=self.name, outcome=outcome),
            *samples,
            level=level,
            fault=fault,
            seconds=round(self._work.seconds, 4),
            **fields,
            **self._work.costs(),
        )


def _trace_of(record: SQSRecord) -> Trace | None:
    """Until the object itself says which one; of what has none, it is the only one."""
    return Trace.from_xray(record.attributes.aws_trace_header or "")


def _receives(record: SQSRecord) -> int:
    return int(record.attributes.approximate_receive_count)


def redrives_of(record: SQSRecord) -> int:
    """How often an operator sent this message back from the dead-letter queue."""
    attribute = record.message_attributes["redrives"]
    return int(attribute.string_value or 0) if attribute else 0


def retry_seconds(receives: int) -> int:
    """Twice as long after each receive."""
    return int(min(FIRST_RETRY_SECONDS * 2 ** (receives - 1), LAST_RETRY_SECONDS))


def payload_size(record: dict[str, Any]) -> int:
    """In bytes; 0 for a message that carries no payload."""
    try:
        message = parse_message(record["body"])
    except UnknownMessage:
        return 0
    return message.size if isinstance(message, Arrival) else 0

"""The SQS edge: a batch in, the messages that must come back out.

The smallest payload goes first, so that a large one delays nobody. A message
that cannot be handled goes to the dead-letter queue at once; one that may
succeed later is shown again soon. Neither harms its neighbours.
"""

from typing import Any, Protocol

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from app.domain.errors import Refused, UnknownMessage, WharfError
from app.messaging.work_queue import WorkQueue
from app.observability import logger
from app.services.messages import Arrival, parse_message
from app.worker.dispatch import Dispatcher

FIRST_RETRY_SECONDS = 5
LAST_RETRY_SECONDS = 15 * 60


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

        smallest_first = {"Records": sorted(event["Records"], key=payload_size)}
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return dict(process_partial_response(smallest_first, handle_record, processor))

    def _handle(self, record: SQSRecord, seconds_left: Any) -> None:
        receives = int(record.attributes.approximate_receive_count)
        try:
            self._dispatcher.dispatch(parse_message(record.body), seconds_left=seconds_left)
        except Refused as refused:
            error = type(refused).__name__
            logger.exception("message.buried", message_id=record.message_id, error=error)
            self._queue.bury(record.body, error=error, attempts=receives, redrives=redrives_of(record))
        except Exception as fault:
            seconds = retry_seconds(receives)
            expected = isinstance(fault, WharfError)
            logger.warning(
                "message.returned",
                message_id=record.message_id,
                error=str(fault),
                retry_seconds=seconds,
                exc_info=not expected,
            )
            self._queue.retry_in(record.receipt_handle, seconds)
            raise


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

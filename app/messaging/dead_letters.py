"""The dead-letter queue, as an operator reads and empties it (SQS)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.aws.faults import transient_faults
from app.domain.causes import Trace
from app.messaging.messages import parse_message
from app.messaging.work_queue import WorkMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MESSAGES_PER_CALL = 10
#: A poll that waits asks all of SQS's servers, so an empty answer means that all was read (SQS Developer
#: Guide, "Amazon SQS short and long polling").
WAIT_SECONDS = 2
UNDELIVERED = "not processed in time"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    message_id: str
    body: str
    #: The reason that the worker or EventBridge gave, else UNDELIVERED.
    error: str
    attempts: int
    #: How often an operator sent it back to the work queue.
    redrives: int
    sent_at: datetime
    trace: Trace | None
    receipt_handle: str = field(repr=False)


class DeadLetterQueue:
    def __init__(self, client: "SQSClient", url: str, work_queue_url: str) -> None:
        self._client = client
        self._url = url
        self._work_queue_url = work_queue_url

    @transient_faults()
    def receive_all(self, *, seconds: int) -> list[DeadLetter]:
        """Return every message, oldest first, and hide it from other readers for `seconds`.

        If it cannot read all, it hides none.
        """
        found: dict[str, DeadLetter] = {}
        is_news = True
        try:
            while is_news:
                answer: Any = self._client.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=MESSAGES_PER_CALL,
                    WaitTimeSeconds=WAIT_SECONDS,
                    VisibilityTimeout=seconds,
                    MessageAttributeNames=["All"],
                    MessageSystemAttributeNames=["All"],
                )
                letters = [_letter(message) for message in answer.get("Messages", [])]
                is_news = any(letter.message_id not in found for letter in letters)
                found |= {letter.message_id: letter for letter in letters}
        except BaseException:  # Ctrl-C too
            self.release([*found.values()])
            raise
        return sorted(found.values(), key=lambda letter: letter.sent_at)

    @transient_faults()
    def send_back(self, letter: DeadLetter) -> None:
        """Send a letter back to the work queue. After a crash it may be in both queues, never in none."""
        work = WorkMessage(letter.body, parse_message(letter.body).owner, letter.trace)
        self._client.send_message(
            QueueUrl=self._work_queue_url,
            MessageAttributes={
                "redrives": {"DataType": "Number", "StringValue": str(letter.redrives + 1)},
            },
            **work.parameters,
        )
        self.delete(letter)

    @transient_faults()
    def delete(self, letter: DeadLetter) -> None:
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt_handle)

    @transient_faults()
    def release(self, letters: Sequence[DeadLetter]) -> None:
        """Let other readers see them again at once."""
        for letter in letters:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=letter.receipt_handle, VisibilityTimeout=0
            )


def _letter(message: Mapping[str, Any]) -> DeadLetter:
    given = {name: one.get("StringValue", "") for name, one in message.get("MessageAttributes", {}).items()}
    system = message["Attributes"]
    return DeadLetter(
        message_id=message["MessageId"],
        body=message["Body"],
        # EventBridge names its reason ERROR_CODE (EventBridge User Guide, "Using dead-letter queues").
        error=given.get("error") or given.get("ERROR_CODE") or UNDELIVERED,
        attempts=_number(given, "attempts", "RETRY_ATTEMPTS"),
        redrives=_number(given, "redrives"),
        sent_at=datetime.fromtimestamp(int(system["SentTimestamp"]) / 1000, UTC),
        trace=Trace.from_xray(system.get("AWSTraceHeader", "")),
        receipt_handle=message["ReceiptHandle"],
    )


def _number(given: Mapping[str, str], *names: str) -> int:
    """Return the first attribute that is given; 0 if none is, or if it is not a number."""
    value = next((given[name] for name in names if name in given), "")
    return int(value) if value.isdecimal() else 0

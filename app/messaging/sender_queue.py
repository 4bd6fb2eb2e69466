"""The sender's queue: what its messages say, written and parsed.

    an event of the domain bus     Happened    one delivery for each webhook that wants it
    endpoint                       Look        send what is due at one endpoint

Both are EventBridge envelopes. The clock calls the sender itself, past the queue.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.aws.faults import insist, transient_faults
from app.domain import events
from app.domain.errors import Unavailable, UnknownMessage
from app.domain.json import compact_json
from app.messaging.messages import UNREADABLE

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ENDPOINT = "endpoint"
#: SendMessageBatch takes no more, and no longer delay (Amazon SQS API Reference).
ENTRIES_PER_CALL = 10
LONGEST_DELAY_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Happened:
    """`event` is the CloudEvent of an object."""

    owner: str
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    owner: str
    webhook_id: str


Content = Happened | Look


def parse_message(body: str) -> Content:
    """Return what a message says. Raises UnknownMessage."""
    try:
        envelope = json.loads(body)
        match envelope:
            case {
                "source": events.SOURCE,
                "detail": {"owner": str(owner), "id": str(), "time": str()} as event,
            }:
                return Happened(owner, event)
            case {
                "source": SenderQueue.SOURCE,
                "detail": {"owner": str(owner), "webhook_id": str(webhook_id)},
            }:
                return Look(owner, webhook_id)
    except UNREADABLE:
        pass
    raise UnknownMessage("Not a message that the sender knows.")


class SenderQueue:
    #: The source of its own messages.
    SOURCE = "wharf.sender"

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def look(self, owner: str, webhook_id: str, *, in_seconds: int = 0) -> None:
        """Ask for a look at an endpoint. One that the queue does not take now is left to the sweep."""
        with suppress(Unavailable):
            self._send([_look(owner, webhook_id, in_seconds)])

    def look_at_all(self, endpoints: Sequence[tuple[str, str]]) -> None:
        """Ask for a look at each endpoint. Raises Unavailable."""
        for start in range(0, len(endpoints), ENTRIES_PER_CALL):
            batch = [_look(*endpoint, 0) for endpoint in endpoints[start : start + ENTRIES_PER_CALL]]
            insist(lambda batch=batch: self._send(batch))  # type: ignore[misc]

    @transient_faults()
    def _send(self, messages: Sequence[Mapping[str, Any]]) -> None:
        entries: Any = [{"Id": str(number), **message} for number, message in enumerate(messages)]
        answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        if answer.get("Failed"):
            raise Unavailable("The queue did not take some messages.")

    @transient_faults()
    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        """Show a message again after `seconds`, not only after its whole visibility timeout."""
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )


def _look(owner: str, webhook_id: str, in_seconds: int) -> dict[str, Any]:
    detail = {"owner": owner, "webhook_id": webhook_id}
    return {
        "MessageBody": compact_json(
            {"source": SenderQueue.SOURCE, "detail-type": ENDPOINT, "detail": detail}
        ),
        "DelaySeconds": in_seconds,
        "MessageGroupId": owner,
    }

"""The work queue and its dead-letter queue (SQS)."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.aws.faults import insist, transient_faults
from app.domain.causes import Cause, Trace
from app.domain.errors import Unavailable
from app.domain.json import compact_json
from app.domain.objects.values import PayloadKey

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

#: SendMessageBatch takes no more (Amazon SQS API Reference).
ENTRIES_PER_CALL = 10


@dataclass(frozen=True, slots=True)
class WorkMessage:
    """A message for the worker."""

    body: str
    #: The owner of the work; None if it has none. While one owner keeps the workers busy, SQS hands out the
    #: others' messages first (Amazon SQS Developer Guide, "Amazon SQS fair queues").
    owner: str | None = None
    trace: Trace | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        group = {} if self.owner is None else {"MessageGroupId": self.owner}
        return {"MessageBody": self.body, **group, **trace_attribute(self.trace)}


class WorkQueue:
    def __init__(self, client: "SQSClient", url: str, dead_letter_url: str) -> None:
        self._client = client
        self._url = url
        self._dead_letter_url = dead_letter_url

    @transient_faults()
    def send_payload_created(self, key: PayloadKey, size: int, *, trace: Trace | None = None) -> None:
        """Queue a payload again."""
        envelope = {
            "source": "wharf.sweep",
            "detail-type": "Object Created",
            "detail": {"object": {"key": str(key), "size": size}},
        }
        work = WorkMessage(compact_json(envelope), key.owner, trace)
        self._client.send_message(QueueUrl=self._url, **work.parameters)

    @transient_faults()
    def send_completion(self, key: PayloadKey, cause: Cause) -> None:
        """Queue an upload of which the parts are to be put together."""
        envelope = {
            "source": "wharf.uploads",
            "detail-type": "upload.complete",
            "detail": {"object": {"key": str(key)}, "correlationid": cause.correlation_id},
        }
        work = WorkMessage(compact_json(envelope), key.owner, cause.trace)
        self._client.send_message(QueueUrl=self._url, **work.parameters)

    def send_all(self, work: Sequence[WorkMessage]) -> frozenset[int]:
        """Send everything; return the positions of what the queue did not take now."""
        numbered = list(enumerate(work))
        batches = [
            dict(numbered[start : start + ENTRIES_PER_CALL])
            for start in range(0, len(numbered), ENTRIES_PER_CALL)
        ]
        return frozenset(position for batch in batches for position in self._send_batch(batch))

    def _send_batch(self, waiting: Mapping[int, WorkMessage]) -> set[int]:
        def send() -> None:
            nonlocal waiting
            refused = self._send(waiting)
            waiting = {position: work for position, work in waiting.items() if position in refused}
            if waiting:
                raise Unavailable("The queue did not take some messages.")

        with suppress(Unavailable):
            insist(send)
        return set(waiting)

    @transient_faults()
    def _send(self, batch: Mapping[int, WorkMessage]) -> set[int]:
        """Return the positions of the messages that were not taken."""
        entries: Any = [{"Id": str(position), **work.parameters} for position, work in batch.items()]
        answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        return {int(failed["Id"]) for failed in answer.get("Failed", [])}

    @transient_faults()
    def bury(
        self, body: str, *, error: str, attempts: int, redrives: int = 0, trace: Trace | None = None
    ) -> str:
        """Keep a message in the dead-letter queue, with what an operator needs to judge it.

        Return its id there, by which operators choose it.
        """
        kept = self._client.send_message(
            QueueUrl=self._dead_letter_url,
            MessageBody=body,
            MessageAttributes={
                "error": {"DataType": "String", "StringValue": error},
                "attempts": {"DataType": "Number", "StringValue": str(attempts)},
                "redrives": {"DataType": "Number", "StringValue": str(redrives)},
            },
            **trace_attribute(trace),
        )
        return kept["MessageId"]

    @transient_faults()
    def retry_in(self, receipt_handle: str, seconds: int) -> None:
        """Show a message again after `seconds`, not only after its whole visibility timeout."""
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
        )


def trace_attribute(trace: Trace | None) -> dict[str, Any]:
    """Return the attribute that carries a trace on (SQS Developer Guide, "Message system attributes")."""
    if trace is None:
        return {}
    attribute = {"DataType": "String", "StringValue": trace.xray_header}
    return {"MessageSystemAttributes": {"AWSTraceHeader": attribute}}

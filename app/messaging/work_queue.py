"""The work queue and its dead-letter queue (SQS)."""

from typing import TYPE_CHECKING, Any

from app.aws import passing_faults
from app.domain.causes import Trace
from app.domain.json import compact_json

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class WorkQueue:
    def __init__(self, client: "SQSClient", url: str, dead_letter_url: str) -> None:
        self._client = client
        self._url = url
        self._dead_letter_url = dead_letter_url

    @passing_faults()
    def send_payload_created(self, key: str, size: int, *, trace: Trace | None = None) -> None:
        """Queue a payload again, in the shape in which S3 announces it."""
        envelope = {
            "source": "wharf.sweep",
            "detail-type": "Object Created",
            "detail": {"object": {"key": key, "size": size}},
        }
        self._client.send_message(
            QueueUrl=self._url, MessageBody=compact_json(envelope), **trace_attribute(trace)
        )

    @passing_faults()
    def bury(
        self, body: str, *, error: str, attempts: int, redrives: int = 0, trace: Trace | None = None
    ) -> None:
        """Keep a message in the dead-letter queue, with what an operator needs to judge it."""
        self._client.send_message(
            QueueUrl=self._dead_letter_url,
            MessageBody=body,
            MessageAttributes={
                "error": {"DataType": "String", "StringValue": error},
                "attempts": {"DataType": "Number", "StringValue": str(attempts)},
                "redrives": {"DataType": "Number", "StringValue": str(redrives)},
            },
            **trace_attribute(trace),
        )

    @passing_faults()
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

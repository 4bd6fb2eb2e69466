"""Feeds the worker from the queue, as Lambda's event source mapping does."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from app.local.errors import log_fault
from app.local.invocation import Handler, Json, LambdaContext, failures
from app.local.stack import Function
from app.local.template import local_template

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

logger = logging.getLogger("wharf.local")

#: Short, because the emulator answers SIGTERM only between polls.
WAIT_SECONDS = 1
PAUSE_AFTER_FAULT_SECONDS = 1


@dataclass(frozen=True, slots=True)
class QueueSource:
    """Takes batches from one queue until `stopping` is set; several threads may run it."""

    client: "SQSClient"
    queue_url: str
    function: Function
    handler: Handler
    stopping: Event

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self.poll()
            except Exception as fault:  # noqa: BLE001  # logged, and never fatal
                log_fault("queue.unreachable", fault)
                self.stopping.wait(PAUSE_AFTER_FAULT_SECONDS)

    def poll(self) -> None:
        """Take one batch, if there is one, and delete the messages that the handler finished."""
        messages = self._receive()
        if not messages:
            return
        failed = self._invoke(messages)
        self._delete([message for message in messages if message["MessageId"] not in failed])
        left = [message for message in messages if message["MessageId"] in failed]
        if left and self.stopping.is_set():
            # There was no time for these. They go back at once, so that the next start takes them.
            entries: Any = [{**entry, "VisibilityTimeout": 0} for entry in _entries(left)]
            self.client.change_message_visibility_batch(QueueUrl=self.queue_url, Entries=entries)

    def _receive(self) -> Sequence["MessageTypeDef"]:
        answer = self.client.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=self.function.batch_size,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return answer.get("Messages", [])

    def _invoke(self, messages: Sequence["MessageTypeDef"]) -> frozenset[str]:
        """Return the ids of the messages that failed: all of them if the handler raises."""
        identifiers = [message["MessageId"] for message in messages]
        event = sqs_event(messages, self.function.source_arn or "")
        try:
            answer = self.handler(event, LambdaContext.of(self.function, self.stopping))
        except Exception:
            logger.exception("worker.raised")
            return frozenset(identifiers)
        return failures(answer, identifiers)

    def _delete(self, messages: Sequence["MessageTypeDef"]) -> None:
        """Delete messages, if there are any."""
        if messages:
            answer = self.client.delete_message_batch(QueueUrl=self.queue_url, Entries=_entries(messages))
            for refused in answer.get("Failed", []):
                logger.warning("message.not_deleted", extra={"reason": refused.get("Message")})


def send_sweep(client: "SQSClient", queue_url: str) -> None:
    """Ask for one sweep now; the stack's schedule rule sends all further ones."""
    rule = local_template()["Resources"]["SweepRule"]["Properties"]
    client.send_message(QueueUrl=queue_url, MessageBody=rule["Targets"][0]["Input"])


def sqs_event(messages: Sequence["MessageTypeDef"], queue_arn: str) -> Json:
    """Return the event that Lambda gives a function for these messages."""
    region = queue_arn.split(":")[3]
    return {"Records": [_record(message, queue_arn, region) for message in messages]}


def _record(message: "MessageTypeDef", queue_arn: str, region: str) -> Json:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: _message_attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }


def _message_attribute(value: Mapping[str, Any]) -> Json:
    given = {f"{name[0].lower()}{name[1:]}": part for name, part in value.items()}
    return {"stringListValues": [], "binaryListValues": [], **given}


def _entries(messages: Sequence["MessageTypeDef"]) -> list[Any]:
    return [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
        for number, message in enumerate(messages)
    ]

"""Feeds a function: from a queue as Lambda's mapping does, and once a minute as the clock does."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

from app.local.aws.stack import Function
from app.local.aws.template import local_template
from app.local.errors import log_fault
from app.local.feeding.invocation import Handler, Json, LambdaContext, failures

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

logger = logging.getLogger("wharf.local")

#: A poll is short, because the emulator answers SIGTERM only between polls.
WAIT_SECONDS = 1
#: Messages in one call (Amazon SQS Developer Guide, "Amazon SQS message quotas").
MOST_PER_CALL = 10
PAUSE_AFTER_FAULT_SECONDS = 1
#: The template's SweepRule says the same.
SWEEP_EVERY_SECONDS = 60


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
        """Take one batch, if there is one, and handle it."""
        messages = self.receive()
        if messages:
            self.handle(messages)

    def handle(self, messages: Sequence["MessageTypeDef"]) -> None:
        """Call the handler, and delete the messages that it finished."""
        failed = self._invoke(messages)
        self._delete([message for message in messages if message["MessageId"] not in failed])
        if self.stopping.is_set():
            # There was no time for these.
            self.give_back([message for message in messages if message["MessageId"] in failed])

    def give_back(self, messages: Sequence["MessageTypeDef"]) -> None:
        """Show messages in the queue again at once, so that the next start takes them."""
        for start in range(0, len(messages), MOST_PER_CALL):
            batch = _entries(messages[start : start + MOST_PER_CALL])
            entries: Any = [{**entry, "VisibilityTimeout": 0} for entry in batch]
            self.client.change_message_visibility_batch(QueueUrl=self.queue_url, Entries=entries)

    def receive(self) -> Sequence["MessageTypeDef"]:
        """Return the messages that come within WAIT_SECONDS."""
        answer = self.client.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=min(self.function.batch_size, MOST_PER_CALL),
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
            logger.exception("function.raised")
            return frozenset(identifiers)
        return failures(answer, identifiers)

    def _delete(self, messages: Sequence["MessageTypeDef"]) -> None:
        """Delete messages, if there are any."""
        if messages:
            answer = self.client.delete_message_batch(QueueUrl=self.queue_url, Entries=_entries(messages))
            for refused in answer.get("Failed", []):
                logger.warning("message.not_deleted", extra={"reason": refused.get("Message")})


@dataclass(frozen=True, slots=True)
class ClockSource:
    """Asks for a sweep now and then once a minute, in a thread of its own, until `stopping` is set."""

    function: Function
    handler: Handler
    stopping: Event

    def run(self) -> None:
        event = sweep_event()
        while not self.stopping.is_set():
            try:
                self.handler(event, LambdaContext.of(self.function, self.stopping))
            except Exception:
                logger.exception("sweep.raised")
            self.stopping.wait(SWEEP_EVERY_SECONDS)


def sweep_event() -> Json:
    """Return what the stack's clock sends, which is off while this process takes its place."""
    rule = local_template()["Resources"]["SweepRule"]["Properties"]
    event: Json = json.loads(rule["Targets"][0]["Input"])
    return event


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
            name: {
                "stringListValues": [],
                "binaryListValues": [],
                **{f"{part[0].lower()}{part[1:]}": given for part, given in value.items()},
            }
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }


def _entries(messages: Sequence["MessageTypeDef"]) -> list[Any]:
    return [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
        for number, message in enumerate(messages)
    ]

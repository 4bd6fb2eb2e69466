"""The sender as its function composes it, on AWS in this process, sending to this machine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.bootstrap.adapters import Clock
from app.domain.webhooks.deliveries import Delivery
from app.domain.webhooks.endpoints import Reach
from app.messaging.sender_queue import Happened
from app.sender.batch import SenderBatches
from app.sender.connect import Connector
from app.sender.endpoint import Endpoints, Looked
from app.sender.send import Sender
from app.services.webhooks.fanning_out import FanningOut
from tests.conftest import Aws
from tests.subscribed import ID

OWNER = "local-me"
PLENTY = 45.0


@dataclass(frozen=True, slots=True)
class Context:
    seconds: float = 60.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class SendingService:
    """`lease_seconds` and `attempt_seconds` are short where a test waits for their end."""

    def __init__(
        self, aws: Aws, clock: Clock, *, lease_seconds: float = 70, attempt_seconds: float = 10
    ) -> None:
        self.aws = aws
        adapters = aws.adapters()
        self.webhooks, self.repository = adapters.webhooks, adapters.endpoints
        self.deliveries, self.queue = adapters.deliveries, adapters.sender_queue
        sender = Sender(Connector(Reach(frozenset())), seconds=attempt_seconds, clock=clock)
        self.endpoints = Endpoints(
            self.repository, self.deliveries, self.queue, sender, lease_seconds=lease_seconds, clock=clock
        )
        self.fanning_out = FanningOut(
            self.webhooks, self.repository, self.deliveries, self.queue, clock=clock
        )
        self.batches = SenderBatches(
            self.fanning_out, self.endpoints, self.repository, self.queue, clock=clock
        )

    def happen(self, event: Mapping[str, Any], owner: str = OWNER) -> None:
        self.fanning_out.wake(self.fanning_out.fan_out(Happened(owner, event)))

    def look(self, webhook_id: str = ID, *, seconds: float = PLENTY) -> Looked:
        return self.endpoints.look(OWNER, webhook_id, seconds_left=lambda: seconds)

    def log(self, webhook_id: str = ID, limit: int = 2_000) -> tuple[Delivery, ...]:
        """Every delivery, the newest first."""
        return self.deliveries.page(OWNER, webhook_id, outcome=None, before=None, limit=limit).items

    def messages(self, *, deletes: bool = True) -> list[dict[str, Any]]:
        """Take the messages that are visible now."""
        taken: list[dict[str, Any]] = []
        while found := self.receive():
            taken += found
            if deletes:
                self.delete(found)
        return taken

    def receive(self) -> list[dict[str, Any]]:
        """Return a batch as Lambda hands it to the function."""
        answer = self.aws.sqs.receive_message(
            QueueUrl=self.aws.sender_queue_url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["All"],
        )
        return [
            {
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
                "attributes": one["Attributes"],
            }
            for one in answer.get("Messages", [])
        ]

    def delete(self, records: list[dict[str, Any]]) -> None:
        for record in records:
            self.aws.sqs.delete_message(
                QueueUrl=self.aws.sender_queue_url, ReceiptHandle=record["receiptHandle"]
            )

    def handle(self, records: list[dict[str, Any]]) -> list[str]:
        """Handle a batch as Lambda does; return the ids of what failed."""
        answer = self.batches.handle({"Records": records}, Context())
        failed = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
        self.delete([record for record in records if record["messageId"] not in failed])
        return failed

    def send(self, body: Mapping[str, Any]) -> None:
        self.aws.sqs.send_message(QueueUrl=self.aws.sender_queue_url, MessageBody=json.dumps(body))

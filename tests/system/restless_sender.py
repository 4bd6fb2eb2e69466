"""A sender to be killed at any moment.

Its settings come from the environment. Its clock goes faster than others', so that an hour between two
attempts is a minute. Calls to AWS fail now and then, before or after they were carried out.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from botocore.exceptions import EndpointConnectionError

from app.aws.clients import Clients
from app.bootstrap.adapters import Adapters
from app.config import SenderSettings
from app.domain.times import utc_now
from app.domain.webhooks.endpoints import Reach
from app.sender.batch import SenderBatches
from app.sender.connect import Connector
from app.sender.endpoint import Endpoints
from app.sender.send import Sender
from app.services.webhooks.fanning_out import FanningOut

FASTER = 60
LEASE_SECONDS = 3
LOOK_SECONDS = 1.0
SWEEPS_EVERY_SECONDS = 0.5


class Context:
    """Leaves each look the time that it has here."""

    def get_remaining_time_in_millis(self) -> int:
        return int((LOOK_SECONDS + 12) * 1000)


def main(ready: Callable[[], None]) -> None:
    settings = SenderSettings.from_environment()
    began = datetime.fromisoformat(os.environ["BEGAN"])

    def clock() -> datetime:
        return began + (utc_now() - began) * FASTER

    clients = Restless(float(os.environ["FAULTS"]))
    adapters = Adapters(settings, clients)
    repository, deliveries, queue = adapters.endpoints, adapters.deliveries, adapters.sender_queue
    sender = Sender(Connector(Reach(frozenset())), clock=clock)
    endpoints = Endpoints(
        repository, deliveries, queue, sender, lease_seconds=LEASE_SECONDS * FASTER, clock=clock
    )
    fanning_out = FanningOut(adapters.webhooks, repository, deliveries, queue, clock=clock)
    batches = SenderBatches(fanning_out, endpoints, repository, queue, clock=clock)
    ready()
    feed(batches, Clients().client("sqs"), settings.sender_queue_url)


def feed(batches: SenderBatches, sqs: Any, url: str) -> NoReturn:
    """Stand for Lambda and its clock."""
    swept = 0.0
    while True:
        if time.monotonic() > swept + SWEEPS_EVERY_SECONDS:
            swept = time.monotonic()
            ignoring_faults(batches.sweep)
        answer = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        records = [record(message) for message in answer.get("Messages", [])]
        if not records:
            time.sleep(0.05)
            continue
        failed = ignoring_faults(lambda records=records: batches.handle({"Records": records}, Context()))
        left = {one["itemIdentifier"] for one in (failed or {"batchItemFailures": ()})["batchItemFailures"]}
        for one in records:
            if failed is not None and one["messageId"] not in left:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["receiptHandle"])


def record(message: Any) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
    }


def ignoring_faults(act: Any) -> Any:
    try:
        return act()
    except Exception as fault:  # noqa: BLE001  # what Lambda would repeat
        print(f"raised {type(fault).__name__}", file=sys.stderr, flush=True)
        return None


class Restless(Clients):
    """Makes clients of which some calls fail: not made, or made and not answered."""

    def __init__(self, share: float) -> None:
        super().__init__(callers_repeat=True)
        self._share = share

    def client(self, service: str, **options: Any) -> Any:
        client = super().client(service, **options)
        for event in ("before-call", "after-call"):
            client.meta.events.register(event, self._fail)
        return client

    def _fail(self, **_: Any) -> None:
        if random.random() < self._share / 2:
            raise EndpointConnectionError(endpoint_url="https://aws.test/")

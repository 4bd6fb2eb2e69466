"""A sender is killed again and again, AWS fails at times, and so does the receiver: everything arrives.

`make chaos` does it with 10,000 events; EVENTS is their number.
"""

import json
import os
import random
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from app.domain.times import timestamp, utc_now
from app.domain.webhooks.deliveries import Outcome
from app.local.aws.emulator import Emulator
from app.local.aws.stack import Stack
from app.storage.webhooks.deliveries import DeliveryRepository
from app.storage.webhooks.webhooks import WebhookRepository
from tests.conftest import Measured
from tests.receiver import Receiver, receiving
from tests.shares import Share
from tests.subscribed import make_event, make_webhook
from tests.system import restless_sender
from tests.system.killing import are_delivered, killed, whole_log

pytestmark = pytest.mark.long

EVENTS = int(os.environ.get("EVENTS", "80"))
LIVES_SECONDS = 2.0
FAULTS = 0.05
BAD_ANSWERS = 0.2
ENDS_SECONDS = 120 + EVENTS


def test_everything_arrives_however_often_the_sender_is_killed(
    emulator: Emulator, session: boto3.session.Session, deployed: Stack, share: Share, measured: Measured
) -> None:
    dynamodb = session.client("dynamodb", endpoint_url=emulator.url)
    sqs = session.client("sqs", endpoint_url=emulator.url)
    table = deployed.outputs["WebhooksTableName"]
    queue = sqs.create_queue(QueueName=f"killed-{uuid4().hex}", Attributes={"VisibilityTimeout": "5"})[
        "QueueUrl"
    ]
    owner, began = f"local-{uuid4().hex}", utc_now()
    events = {
        event["id"]: event
        for event in (
            make_event(id=f"{uuid4()}:1", owner=owner, time=timestamp(began + timedelta(milliseconds=number)))
            for number in range(EVENTS)
        )
    }
    chance, kills, lives = random.Random(share.seed), 0, ENDS_SECONDS
    receiver = Receiver(answer=lambda _: (503 if chance.random() < BAD_ANSWERS else 204, b""))
    environment = {
        **emulator.environment,
        "AWS_ENDPOINT_URL": emulator.url,
        "TABLE_NAME": "none",
        "BUCKET_NAME": "none",
        "WEBHOOKS_TABLE_NAME": table,
        "SENDER_QUEUE_URL": queue,
        "BEGAN": began.isoformat(),
        "FAULTS": str(FAULTS),
    }
    deliveries = DeliveryRepository(dynamodb, table)
    with receiving(receiver):
        webhook = make_webhook(owner=owner, id=str(uuid4()), url=receiver.url)
        WebhookRepository(dynamodb, table).add(webhook)
        send_all(sqs, queue, [*events.values(), *list(events.values())[::7]])
        give_up = time.monotonic() + lives
        while time.monotonic() < give_up and not are_delivered(
            EVENTS, receiver, deliveries, owner, webhook.id
        ):
            with killed([restless_sender.main], environment):
                time.sleep(LIVES_SECONDS)
            kills += 1
    log = whole_log(deliveries, owner, webhook.id)
    measured(f"killed senders: {EVENTS} events, {kills} kills, {len(receiver.ids)} requests")

    assert kills > 1
    assert Counter(one.outcome for one in log) == {Outcome.DELIVERED: EVENTS}
    assert {one.event_id for one in log} == set(events) == set(receiver.ids)
    for headers, body in receiver.received:
        assert json.loads(body) == events[headers["webhook-id"]]


def send_all(sqs: Any, queue: str, events: list[Any]) -> None:
    """Send as the rule does, some of them twice."""
    for start in range(0, len(events), 10):
        entries = [
            {"Id": str(number), "MessageBody": json.dumps({"source": "wharf.objects", "detail": event})}
            for number, event in enumerate(events[start : start + 10])
        ]
        assert not sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed")

"""A sender is killed again and again, AWS fails at times, and so does the receiver: everything arrives.

`make chaos` does it with 10,000 events, in rounds of 500; EVENTS is their number.
"""

import json
import random
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

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
from tests.system.conftest import session_of
from tests.system.killing import EVENTS_OF_A_ROUND, ROUNDS, are_delivered, killed, whole_log

pytestmark = pytest.mark.long

LIVES_SECONDS = 2.0
FAULTS = 0.05
BAD_ANSWERS = 0.2
ENDS_SECONDS = 120 + EVENTS_OF_A_ROUND


@pytest.mark.parametrize(("number", "events"), list(enumerate(ROUNDS)))
def test_everything_arrives_however_often_the_sender_is_killed(
    own_emulator: Emulator, own_stack: Stack, share: Share, measured: Measured, number: int, events: int
) -> None:
    dynamodb = session_of(own_emulator).client("dynamodb", endpoint_url=own_emulator.url)
    sqs = session_of(own_emulator).client("sqs", endpoint_url=own_emulator.url)
    table = own_stack.outputs["WebhooksTableName"]
    queue = sqs.create_queue(QueueName=f"killed-{uuid4().hex}", Attributes={"VisibilityTimeout": "5"})[
        "QueueUrl"
    ]
    owner, began = f"local-{uuid4().hex}", utc_now()
    made = {
        event["id"]: event
        for event in (
            make_event(id=f"{uuid4()}:1", owner=owner, time=timestamp(began + timedelta(milliseconds=moment)))
            for moment in range(events)
        )
    }
    chance, kills, lives = random.Random(f"{share.seed} {number}"), 0, ENDS_SECONDS
    receiver = Receiver(answer=lambda _: (503 if chance.random() < BAD_ANSWERS else 204, b""))
    environment = {
        **own_emulator.environment,
        "AWS_ENDPOINT_URL": own_emulator.url,
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
        send_all(sqs, queue, [*made.values(), *list(made.values())[::7]])
        give_up = time.monotonic() + lives
        while time.monotonic() < give_up and not are_delivered(
            events, receiver, deliveries, owner, webhook.id
        ):
            with killed([restless_sender.main], environment):
                time.sleep(LIVES_SECONDS)
            kills += 1
    log = whole_log(deliveries, owner, webhook.id)
    measured(f"killed senders: {events} events, {kills} kills, {len(receiver.ids)} requests")

    assert kills > 1
    assert Counter(one.outcome for one in log) == {Outcome.DELIVERED: events}
    assert {one.event_id for one in log} == set(made) == set(receiver.ids)
    for headers, body in receiver.received:
        assert json.loads(body) == made[headers["webhook-id"]]


def send_all(sqs: Any, queue: str, events: list[Any]) -> None:
    """Send as the rule does, some of them twice."""
    for start in range(0, len(events), 10):
        entries = [
            {"Id": str(number), "MessageBody": json.dumps({"source": "wharf.objects", "detail": event})}
            for number, event in enumerate(events[start : start + 10])
        ]
        assert not sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed")

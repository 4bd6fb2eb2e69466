"""Relay and sender are killed again and again, AWS fails at times, and so does the receiver.

In the end the feed, the history and the deliveries hold the same events, each of a version that exists.
`make chaos` does it with 10,000 events, in rounds of 500; EVENTS is about their number.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.aws.clients import Clients
from app.bootstrap.adapters import Adapters
from app.bootstrap.operations import compose_recounting
from app.config import OperatorSettings
from app.domain.times import utc_now
from app.domain.usage import NOTHING, usage_of
from app.domain.webhooks.deliveries import Delivery, Outcome
from app.local.aws.emulator import Emulator
from app.local.aws.stack import Stack
from app.services.operations.recounting import Verdict
from app.storage.items import to_item
from app.storage.webhooks.deliveries import DeliveryRepository
from app.storage.webhooks.webhooks import WebhookRepository
from tests.conftest import Measured
from tests.receiver import Receiver, receiving
from tests.shares import Share
from tests.subscribed import make_webhook
from tests.system import restless_relay, restless_sender
from tests.system.conftest import session_of
from tests.system.feed import Life, in_feed, lives
from tests.system.killing import EVENTS_OF_A_ROUND, ROUNDS, are_delivered, killed, whole_log

pytestmark = pytest.mark.long

#: The average number of events in the life of an object.
EVENTS_PER_OBJECT = 4.7
OWNER, WEBHOOK = "local-me", "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"
LIVES_SECONDS = 2.0
FAULTS = 0.05
BAD_ANSWERS = 0.2
#: A busy machine may do little in a life, but something.
MOST_LIVES = 60 + EVENTS_OF_A_ROUND


@pytest.fixture
def adapters(own_emulator: Emulator, own_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Adapters:
    """The adapters of the whole stack, for this process and those that are killed."""
    for name, value in {**own_emulator.environment, **variables(own_stack)}.items():
        monkeypatch.setenv(name, value)
    return Adapters(OperatorSettings.from_environment(), Clients())


def variables(deployed: Stack) -> dict[str, str]:
    outputs = deployed.outputs
    return {
        "TABLE_NAME": outputs["TableName"],
        "BUCKET_NAME": outputs["BucketName"],
        "BUS_NAME": outputs["BusName"],
        "QUEUE_URL": outputs["QueueUrl"],
        "DEAD_LETTER_QUEUE_URL": outputs["DeadLetterQueueUrl"],
        "WEBHOOKS_TABLE_NAME": outputs["WebhooksTableName"],
        "SENDER_QUEUE_URL": outputs["SenderQueueUrl"],
    }


@pytest.mark.parametrize(("number", "events"), list(enumerate(ROUNDS)))
def test_feed_history_and_deliveries_agree_whoever_is_killed(
    own_emulator: Emulator,
    adapters: Adapters,
    tmp_path: Path,
    share: Share,
    measured: Measured,
    number: int,
    events: int,
) -> None:
    dynamodb = session_of(own_emulator).client("dynamodb", endpoint_url=own_emulator.url)
    # A message that a killed sender had received comes back sooner here than on AWS.
    session_of(own_emulator).client("sqs", endpoint_url=own_emulator.url).set_queue_attributes(
        QueueUrl=os.environ["SENDER_QUEUE_URL"], Attributes={"VisibilityTimeout": "5"}
    )
    chance = random.Random(f"{share.seed} {number}")
    began = utc_now()
    found = [recent(life, began) for life in lives(OWNER, round(events / EVENTS_PER_OBJECT), chance)]
    made = sorted(f"{state.id}:{state.version}" for life in found for state in life.states)
    webhooks_table = os.environ["WEBHOOKS_TABLE_NAME"]
    deliveries = DeliveryRepository(dynamodb, webhooks_table)
    receiver = Receiver(answer=lambda _: (503 if chance.random() < BAD_ANSWERS else 204, b""))
    environment = {"DATA_DIR": str(tmp_path), "FAULTS": str(FAULTS), "BEGAN": began.isoformat()}
    kills = 0
    with receiving(receiver):
        WebhookRepository(dynamodb, webhooks_table).add(
            make_webhook(owner=OWNER, id=WEBHOOK, url=receiver.url)
        )
        write(dynamodb, found)
        while kills < MOST_LIVES and not are_delivered(len(made), receiver, deliveries, OWNER, WEBHOOK):
            with killed([restless_relay.main, restless_sender.main], environment):
                time.sleep(LIVES_SECONDS)
            kills += 1
    measured(f"killed relays: {len(made)} events, {kills} kills of both, {len(receiver.ids)} requests")

    assert kills > 1
    history = history_of(adapters, found)
    assert sorted(history) == made
    check_feed(adapters, found, history)
    check_deliveries(whole_log(deliveries, OWNER, WEBHOOK), receiver, history)
    check_counters(adapters, found)


def recent(life: Life, began: datetime) -> Life:
    """The life as of now: older events are given up at once."""
    return Life(tuple(replace(state, updated_at=began) for state in life.states))


def write(dynamodb: Any, found: Sequence[Life]) -> None:
    """Write each state of each object to the table, so that the emulator's stream has the change."""
    for state in (state for life in found for state in life.states):
        dynamodb.put_item(TableName=os.environ["TABLE_NAME"], Item=to_item(state))


def history_of(adapters: Adapters, found: Sequence[Life]) -> dict[str, Any]:
    """Every event of the history by its id."""
    return {
        event["id"]: event
        for life in found
        for event in adapters.history.page(OWNER, life.states[0].id, after_version=0, limit=100).items
    }


def check_feed(adapters: Adapters, found: Sequence[Life], history: Mapping[str, Any]) -> None:
    """Every event is in the feed of its shard, once. Positions have no holes, and versions their order."""
    shards = {life.states[0].id: life.states[0].shard for life in found}
    fed: list[str] = []
    for shard, entries in in_feed(adapters.feed, OWNER).items():
        assert [position for position, _ in entries] == list(range(1, len(entries) + 1))
        events = [history[event_id] for _, event_id in entries]
        assert {shards[event["subject"]] for event in events} <= {shard}
        versions: dict[str, int] = {}
        for event in events:
            assert event["data"]["version"] == versions.get(event["subject"], 0) + 1
            versions[event["subject"]] = event["data"]["version"]
        fed += [event_id for _, event_id in entries]
    assert sorted(fed) == sorted(history)


def check_deliveries(log: Sequence[Delivery], receiver: Receiver, history: Mapping[str, Any]) -> None:
    """Every event was delivered, under one id, with what the history says of it; and no other."""
    assert Counter(one.outcome for one in log) == {Outcome.DELIVERED: len(history)}
    assert {one.event_id for one in log} == set(receiver.ids) == set(history)
    for headers, body in receiver.received:
        assert json.loads(body) == history[headers["webhook-id"]]


def check_counters(adapters: Adapters, found: Sequence[Life]) -> None:
    used = sum((usage_of(life.states[-1]) for life in found), NOTHING)
    recounted = compose_recounting(adapters, clock=lambda: utc_now() + timedelta(days=1)).recount().counters

    assert adapters.usage.read(OWNER) == used
    assert {one.counter.owner for one in recounted} == {OWNER}
    assert {one.verdict for one in recounted} == {Verdict.RIGHT}

"""The promises of the repositories of webhooks and deliveries, on each backend."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.domain.errors import NotFound, ObjectDeleted, StaleWrite, TooManyWebhooks
from app.domain.webhooks.deliveries import Attempt, Delivery, Lane, Outcome
from app.domain.webhooks.webhook import HEALTHY, MOST_WEBHOOKS, Reason, Secret, Wanted, Webhook
from app.storage.webhooks.deliveries import DeliveryRepository
from app.storage.webhooks.endpoints import EndpointRepository
from app.storage.webhooks.items import sort_key
from app.storage.webhooks.webhooks import WebhookRepository
from tests.conftest import NOW, Aws
from tests.faults import lose_reply
from tests.subscribed import SECRET, make_delivery, make_webhook

LATER = NOW + timedelta(minutes=1)
Make = Callable[..., Webhook]


@pytest.fixture
def webhooks(backend: Aws) -> WebhookRepository:
    return backend.adapters().webhooks


@pytest.fixture
def endpoints(backend: Aws) -> EndpointRepository:
    return backend.adapters().endpoints


@pytest.fixture
def deliveries(backend: Aws) -> DeliveryRepository:
    return backend.adapters().deliveries


@pytest.fixture
def subscribe(webhooks: WebhookRepository, owner: str) -> Make:
    def add(**changes: Any) -> Webhook:
        return webhooks.add(make_webhook(**{"owner": owner, "id": str(uuid4())} | changes))

    return add


def test_a_webhook_is_read_as_it_was_written(webhooks: WebhookRepository, subscribe: Make) -> None:
    full = subscribe(
        wanted=Wanted(("object.ready",), ("image",), {"team": "growth"}),
        description="ö",
        secrets=(Secret(SECRET, LATER), Secret(SECRET, NOW, LATER)),
        schedule=HEALTHY.after_failure(NOW),
    )
    plain = subscribe()

    assert webhooks.get(full.owner, full.id) == full
    assert webhooks.list(full.owner) == tuple(sorted((full, plain), key=lambda one: one.id))


def test_there_are_at_most_so_many_and_an_id_is_used_once(
    webhooks: WebhookRepository, subscribe: Make
) -> None:
    first, *_ = [subscribe() for _ in range(MOST_WEBHOOKS)]

    with pytest.raises(TooManyWebhooks):
        subscribe()
    assert webhooks.add(first.rotate(SECRET, now=NOW)) == first
    webhooks.delete(first, NOW)
    with pytest.raises(ObjectDeleted):
        webhooks.add(first)
    assert subscribe()


def test_a_deleted_webhook_is_gone_and_known_as_such(
    webhooks: WebhookRepository, endpoints: EndpointRepository, subscribe: Make
) -> None:
    webhook = subscribe()
    webhooks.delete(webhook, NOW)

    with pytest.raises(NotFound):
        webhooks.get(webhook.owner, webhook.id)
    assert webhooks.was_deleted(webhook.owner, webhook.id)
    with pytest.raises(StaleWrite):
        webhooks.delete(webhook, NOW)
    endpoints.wake(webhook.owner, webhook.id, NOW)
    assert webhooks.list(webhook.owner) == ()


def test_of_two_owners_changes_the_second_is_refused(webhooks: WebhookRepository, subscribe: Make) -> None:
    read = subscribe()
    webhooks.save(read.rotate(SECRET, now=NOW), read=read)

    with pytest.raises(StaleWrite):
        webhooks.save(read.disable(Reason.BY_OWNER, now=NOW), read=read)


def test_our_own_change_is_recognised_after_a_lost_reply(
    webhooks: WebhookRepository, subscribe: Make, backend: Aws
) -> None:
    read = subscribe()
    after = read.rotate(SECRET, now=NOW)
    lose_reply(backend.dynamodb, "UpdateItem")
    webhooks.save(after, read=read)

    assert webhooks.get(read.owner, read.id) == after


def test_a_lease_keeps_others_away_until_it_lapses(endpoints: EndpointRepository, subscribe: Make) -> None:
    webhook = subscribe()
    endpoints.wake(webhook.owner, webhook.id, NOW)
    first = endpoints.claim(webhook.owner, webhook.id, "first", now=NOW, until=LATER)

    assert first is not None
    assert endpoints.claim(webhook.owner, webhook.id, "other", now=NOW, until=LATER) is None
    late = LATER + timedelta(seconds=1)
    assert endpoints.claim(webhook.owner, webhook.id, "other", now=late, until=late + timedelta(hours=1))
    assert endpoints.release(first, first.webhook, None) is None


def test_a_change_of_the_owner_and_a_note_of_the_sender_both_survive(
    webhooks: WebhookRepository, endpoints: EndpointRepository, subscribe: Make
) -> None:
    webhook = subscribe()
    claim = endpoints.claim(webhook.owner, webhook.id, "mine", now=NOW, until=LATER)
    assert claim is not None
    rotated = claim.webhook.rotate(SECRET, now=NOW)
    webhooks.save(rotated, read=claim.webhook)
    failing = HEALTHY.after_failure(NOW)
    endpoints.release(claim, replace(claim.webhook, schedule=failing), LATER)

    found = webhooks.get(webhook.owner, webhook.id)
    assert (found.secrets, found.version, found.schedule) == (rotated.secrets, 2, failing)


def test_what_is_due_is_found_until_it_is_given_back(endpoints: EndpointRepository, subscribe: Make) -> None:
    webhook = subscribe()
    endpoints.wake(webhook.owner, webhook.id, NOW)

    def due() -> list[str]:
        return [one.webhook_id for one in endpoints.due(LATER) if one.owner == webhook.owner]

    assert due() == [webhook.id]
    claim = endpoints.claim(webhook.owner, webhook.id, "mine", now=NOW, until=LATER)
    assert claim is not None
    assert due() == []
    assert endpoints.release(claim, claim.webhook, NOW) is not None
    assert due() == [webhook.id]


@pytest.fixture
def delivery(owner: str) -> Delivery:
    return make_delivery(owner=owner, webhook_id=str(uuid4()))


def test_a_delivery_is_written_once_and_read_as_it_was_written(
    deliveries: DeliveryRepository, delivery: Delivery
) -> None:
    assert [deliveries.add(delivery), deliveries.add(replace(delivery, attempts=9))] == [True, False]
    attempt = Attempt(at=NOW, seconds=0.25, error="timed_out", detail="late")
    after = delivery.attempted(attempt, NOW)
    deliveries.save(after, read=delivery)

    assert deliveries.get(delivery.owner, delivery.webhook_id, sort_key(delivery)) == after
    assert deliveries.read(delivery.owner, delivery.webhook_id, [sort_key(delivery), "none"]) == [after]
    with pytest.raises(StaleWrite):
        deliveries.save(delivery.give_up(), read=delivery)


def test_a_delivery_is_due_in_its_lane_until_it_is_settled(
    deliveries: DeliveryRepository, delivery: Delivery
) -> None:
    deliveries.add(delivery)
    where = (delivery.owner, delivery.webhook_id)

    def due(lane: Lane) -> int:
        return len(deliveries.due(*where, lane, now=LATER, limit=9))

    assert (due(Lane.EVENTS), due(Lane.REPLAYS)) == (1, 0)
    assert deliveries.next_due_at(*where, Lane.EVENTS) == NOW
    again = delivery.replay("{}", NOW)
    deliveries.save(again, read=delivery)
    assert (due(Lane.EVENTS), due(Lane.REPLAYS)) == (0, 1)
    deliveries.save(again.give_up(), read=again)
    assert deliveries.next_due_at(*where, Lane.REPLAYS) is None


def test_the_log_is_read_by_outcome_and_by_time(deliveries: DeliveryRepository, delivery: Delivery) -> None:
    where = (delivery.owner, delivery.webhook_id)
    for minute in range(6):
        outcome = Outcome.FAILED if minute % 2 else Outcome.DELIVERED
        time = NOW + timedelta(minutes=minute)
        deliveries.add(replace(delivery, event_id=f"x:{minute}", time=time, outcome=outcome, due_at=None))

    page = deliveries.page(*where, outcome=Outcome.FAILED, before=None, limit=2)
    rest = deliveries.page(*where, outcome=Outcome.FAILED, before=page.position, limit=2)
    until = NOW + timedelta(minutes=4)
    between = [one.event_id for one in deliveries.between(*where, NOW, until)]

    assert [one.event_id for one in (*page.items, *rest.items)] == ["x:5", "x:3", "x:1"]
    assert between == ["x:1", "x:2", "x:3", "x:4"]
    assert list(deliveries.between(*where, until, NOW)) == list(deliveries.between(*where, NOW, NOW)) == []

"""The way from an event to its deliveries."""

from datetime import timedelta
from typing import Any

import pytest

from app.domain.times import timestamp
from app.domain.webhooks.webhook import HEALTHY, Reason, Wanted
from tests.conftest import NOW, Aws, Clock
from tests.faults import calls_of
from tests.sending import OWNER, SendingService
from tests.subscribed import ID, make_event, make_webhook


@pytest.fixture
def service(aws: Aws, clock: Clock) -> SendingService:
    return SendingService(aws, clock)


@pytest.mark.parametrize(
    ("wanted", "is_told"),
    [
        (Wanted(), True),
        (Wanted(types=("object.ready", "object.created")), True),
        (Wanted(types=("object.created",)), False),
        (Wanted(kinds=("dataset",)), True),
        (Wanted(kinds=("image",)), False),
        (Wanted(labels={"team": "growth"}), True),
        (Wanted(labels={"team": "sales"}), False),
        (Wanted(labels={"team": "growth", "region": "eu"}), False),
        (Wanted(types=("object.ready",), kinds=("image",)), False),
    ],
)
def test_a_webhook_is_told_of_what_it_wants(service: SendingService, wanted: Wanted, is_told: bool) -> None:
    service.webhooks.add(make_webhook(wanted=wanted))
    service.happen(make_event())

    assert len(service.log()) == is_told


def test_an_event_that_comes_again_is_delivered_once(service: SendingService) -> None:
    """An event that was published again has the same id and time."""
    service.webhooks.add(make_webhook())
    for _ in range(3):
        service.happen(make_event())
    service.happen(make_event(type="object.updated"))

    assert len(service.log()) == 1


def test_nobody_else_and_no_disabled_webhook_is_told(service: SendingService) -> None:
    service.webhooks.add(make_webhook(owner="local-other"))
    disabled = make_webhook(id="11111111-9a0e-4e6f-8a51-2f1c7f1f6a10").disable(Reason.GONE, now=NOW)
    service.webhooks.add(disabled)

    service.happen(make_event())

    assert service.log() == service.log(disabled.id) == ()
    assert service.messages() == []


def test_each_endpoint_gets_one_look_for_a_batch_and_a_failing_one_none(service: SendingService) -> None:
    failing = HEALTHY.after_failure(NOW)
    service.webhooks.add(make_webhook())
    service.webhooks.add(make_webhook(id="11111111-9a0e-4e6f-8a51-2f1c7f1f6a10", schedule=failing))
    for number in range(5):
        service.send({"source": "wharf.objects", "detail": make_event(id=f"x:{number}")})

    assert service.handle(service.receive()) == []

    looks = [message["body"] for message in service.messages()]
    assert len(looks) == 1
    assert ID in looks[0]
    assert len(list(service.repository.due(NOW + timedelta(seconds=1)))) == 2


def test_a_webhook_is_told_of_what_happens_after_it_was_created(
    service: SendingService, clock: Clock
) -> None:
    """The list that is remembered was read before it was there."""
    service.happen(make_event(id="x:1"))
    service.webhooks.add(make_webhook())
    clock.move(seconds=2)
    service.happen(make_event(id="x:2", time=timestamp(clock.now)))

    assert [one.event_id for one in service.log()] == ["x:2"]


def test_webhooks_are_remembered_for_what_happened_before(
    service: SendingService, aws: Aws, clock: Clock
) -> None:
    clock.move(minutes=1)
    service.webhooks.add(make_webhook())
    calls = calls_of(aws.dynamodb)
    for number in range(9):
        service.happen(make_event(id=f"x:{number}"))
        clock.move(seconds=1)

    assert [call.operation for call in calls].count("Query") == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        {"source": "aws.s3", "detail": {}},
        {"source": "wharf.objects", "detail": {"owner": 1}},
        {"source": "wharf.sender", "detail": {"owner": "local-me"}},
    ],
)
def test_what_the_sender_does_not_know_comes_again(service: SendingService, body: Any) -> None:
    service.webhooks.add(make_webhook())
    service.send(body)
    service.send({"source": "wharf.objects", "detail": make_event()})

    assert len(service.handle(service.receive())) == 1
    assert len(service.log()) == 1


def test_a_sweep_asks_for_a_look_at_each_endpoint_that_is_due(service: SendingService, clock: Clock) -> None:
    for number in range(12):
        webhook = make_webhook(id=f"{number:08}-9a0e-4e6f-8a51-2f1c7f1f6a10")
        service.webhooks.add(webhook)
        service.repository.wake(OWNER, webhook.id, NOW)
    service.batches.sweep()
    assert service.messages() == []

    clock.move(seconds=1)
    service.batches.sweep()

    assert len(service.messages()) == 12

"""Deliveries in a log can be sent again."""

from datetime import timedelta
from uuid import UUID

import pytest

from app.api.services import ApiServices
from app.domain.errors import EventGone
from app.domain.events import event_of
from app.domain.webhooks.deliveries import Outcome
from app.services.webhooks import delivery_log
from app.services.webhooks.delivery_log import Between, delivery_id
from tests.conftest import NOW, Aws, Clock, make_object
from tests.sending import OWNER
from tests.services import add_to_history, services_on
from tests.subscribed import ID, make_delivery, make_webhook

WEBHOOK = UUID(ID)
ALL = Between(NOW - timedelta(days=1), NOW + timedelta(days=1))


@pytest.fixture
def services(aws: Aws, clock: Clock) -> ApiServices:
    aws.adapters().webhooks.add(make_webhook())
    return services_on(aws, clock=clock)


def add(aws: Aws, number: int, seconds: int) -> None:
    time = NOW + timedelta(seconds=seconds)
    settled = make_delivery(event_id=f"x:{number}", time=time, outcome=Outcome.FAILED, due_at=None)
    aws.adapters().deliveries.add(settled)


def pending(aws: Aws) -> list[str]:
    page = aws.adapters().deliveries.page(OWNER, ID, outcome=Outcome.PENDING, before=None, limit=99)
    return sorted(one.event_id for one in page.items)


def test_several_calls_send_everything_once(
    services: ApiServices, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliveries of one moment stay in one call, however the calls are cut."""
    monkeypatch.setattr(delivery_log, "MOST_REPLAYED", 3)
    for number, seconds in enumerate((0, 1, 1, 2, 2, 2, 3)):
        add(aws, number, seconds)
    counts, between = [], ALL
    while True:
        replayed = services.deliveries.replay_all(OWNER, WEBHOOK, between, dry_run=False)
        counts.append(replayed.count)
        if replayed.next_after is None:
            break
        between = Between(replayed.next_after, ALL.until)

    assert counts == [3, 3, 1]
    assert pending(aws) == [f"x:{number}" for number in range(7)]


def test_a_call_whose_time_is_over_says_where_the_next_goes_on(
    services: ApiServices, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_log, "READ_SECONDS", -1)
    for number in range(3):
        add(aws, number, number)

    replayed = services.deliveries.replay_all(OWNER, WEBHOOK, ALL, dry_run=True)

    assert (replayed.count, replayed.next_after) == (1, NOW)


def test_a_dry_run_changes_nothing(services: ApiServices, aws: Aws) -> None:
    add(aws, 1, 0)

    assert services.deliveries.replay_all(OWNER, WEBHOOK, ALL, dry_run=True).count == 1
    assert pending(aws) == []


def test_an_event_that_was_delivered_comes_from_the_history(services: ApiServices, aws: Aws) -> None:
    event = event_of(None, make_object(owner=OWNER))
    assert event is not None
    add_to_history(aws.adapters().history, event)
    done = make_delivery(event_id=event.id, event=None, outcome=Outcome.DELIVERED, due_at=None)
    aws.adapters().deliveries.add(done)

    again = services.deliveries.replay(OWNER, WEBHOOK, delivery_id(done))

    assert again.event == event.text


def test_what_was_purged_is_gone_and_passed_over(services: ApiServices, aws: Aws) -> None:
    purged = make_delivery(event=None, outcome=Outcome.DELIVERED, due_at=None)
    aws.adapters().deliveries.add(purged)

    with pytest.raises(EventGone):
        services.deliveries.replay(OWNER, WEBHOOK, delivery_id(purged))
    assert services.deliveries.replay_all(OWNER, WEBHOOK, ALL, dry_run=False).count == 0

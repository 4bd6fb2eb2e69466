"""Looks at an endpoint: what arrives there, what is kept, and who may look."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.errors import Unavailable
from app.domain.webhooks.deliveries import Outcome
from app.domain.webhooks.webhook import HEALTHY, Reason, Secret
from app.sender.endpoint import Looked
from app.services.webhooks.managing import new_secret
from tests.conftest import NOW, Aws, Clock
from tests.faults import before, fail, throttling
from tests.receiver import Receiver, receiving
from tests.sending import OWNER, SendingService
from tests.subscribed import ID, make_delivery, make_event, make_webhook, many


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def service(aws: Aws, clock: Clock) -> SendingService:
    return SendingService(aws, clock)


def queue(service: SendingService, receiver: Receiver, count: int, **changes: object) -> None:
    """Subscribe the receiver, and make deliveries due."""
    service.webhooks.add(make_webhook(url=receiver.url, **changes))
    for delivery in many(count):
        service.deliveries.add(delivery)
    service.repository.wake(OWNER, ID, NOW)


def test_what_is_due_is_sent_ten_at_once_and_logged(service: SendingService, receiver: Receiver) -> None:
    queue(service, receiver, 25)

    assert service.look() is Looked.SENT

    assert sorted(receiver.ids) == sorted(one.event_id for one in many(25))
    assert receiver.most_at_once <= 10
    assert {(one.outcome, one.attempts, one.event) for one in service.log()} == {(Outcome.DELIVERED, 1, None)}
    assert service.look() is Looked.WAITED


def test_a_thousand_deliveries_of_a_dead_endpoint_cost_one_probe_at_each_step(
    service: SendingService, receiver: Receiver, clock: Clock
) -> None:
    queue(service, receiver, 1_000, schedule=HEALTHY.after_failure(NOW))
    receiver.answer = lambda _: (503, b"")
    probes = []
    for seconds in (5, 30, 120, 600, 3_600):
        service.look()
        clock.move(seconds=seconds)
        service.look()
        service.look()
        probes.append(len(receiver.received))

    assert probes == [1, 2, 3, 4, 5]


def test_a_receiver_that_is_down_for_a_while_gets_everything_once_by_id(
    service: SendingService, receiver: Receiver, clock: Clock
) -> None:
    queue(service, receiver, 30)
    receiver.answer = lambda _: (503, b"down")
    for _ in range(4):
        service.look()
        clock.move(seconds=130)
    receiver.received.clear()
    receiver.answer = lambda _: (204, b"")
    for _ in range(3):
        clock.move(seconds=700)
        service.look()

    assert sorted(receiver.ids) == sorted(one.event_id for one in many(30))
    assert {one.outcome for one in service.log()} == {Outcome.DELIVERED}


def test_an_event_that_is_never_accepted_holds_up_no_other(
    service: SendingService, receiver: Receiver, clock: Clock
) -> None:
    queue(service, receiver, 5)
    poison = many(5)[0].event_id
    receiver.answer = lambda _: (500 if receiver.ids[-1] == poison else 204, b"")
    for _ in range(4):
        service.look()
        clock.move(seconds=40)

    outcomes = {one.event_id: one.outcome for one in service.log()}
    assert outcomes.pop(poison) is Outcome.PENDING
    assert set(outcomes.values()) == {Outcome.DELIVERED}


def test_gone_disables_and_nothing_more_is_sent(
    service: SendingService, receiver: Receiver, clock: Clock
) -> None:
    queue(service, receiver, 1)
    receiver.answer = lambda _: (410, b"")
    service.look()
    clock.move(days=1)

    assert service.look() is Looked.PASSED
    disabled = service.webhooks.get(OWNER, ID).disabled
    assert disabled is not None
    assert (disabled.reason, len(receiver.received)) == (Reason.GONE, 1)
    assert list(service.repository.due(clock.now + timedelta(days=9))) == []


def test_what_is_48_hours_old_is_given_up_without_an_attempt(
    service: SendingService, receiver: Receiver, clock: Clock
) -> None:
    queue(service, receiver, 3)
    clock.move(hours=49)
    service.look()

    assert receiver.received == []
    assert {(one.outcome, one.event) for one in service.log()} == {(Outcome.FAILED, None)}


def test_one_sender_at_a_time_and_a_lapsed_lease_is_taken_over(
    service: SendingService, receiver: Receiver, clock: Clock
) -> None:
    queue(service, receiver, 1)
    held = service.repository.claim(OWNER, ID, "theirs", now=NOW, until=NOW + timedelta(seconds=70))

    assert held is not None
    assert service.look() is Looked.PASSED
    clock.move(seconds=71)
    assert [due.webhook_id for due in service.repository.due(clock.now)] == [ID]
    assert service.look() is Looked.SENT
    assert service.repository.release(held, held.webhook, None) is None


def test_a_sender_whose_time_ends_asks_for_the_next_look(service: SendingService, receiver: Receiver) -> None:
    queue(service, receiver, 1)
    service.messages()

    service.look(seconds=0)

    assert receiver.received == []
    assert len(service.messages()) == 1


def test_what_is_queued_during_a_look_is_looked_at_soon(
    service: SendingService, receiver: Receiver, aws: Aws
) -> None:
    """Its own message met the lease."""
    queue(service, receiver, 1)
    later = make_event(id="late:1")
    before(aws.dynamodb, "BatchGetItem", lambda: service.happen(later))
    service.look()
    service.look()

    assert "late:1" in receiver.ids


def test_a_fault_of_aws_gives_the_endpoint_back(
    service: SendingService, receiver: Receiver, aws: Aws
) -> None:
    queue(service, receiver, 1)
    fail(aws.dynamodb, "BatchGetItem", throttling())
    with pytest.raises(Unavailable):
        service.look()

    assert service.look() is Looked.SENT


def test_an_attempt_that_could_not_be_recorded_is_made_again_under_the_same_id(
    service: SendingService, receiver: Receiver, aws: Aws
) -> None:
    queue(service, receiver, 1)
    fail(aws.dynamodb, "PutItem", throttling())
    with pytest.raises(Unavailable):
        service.look()
    service.look()

    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


def test_a_replay_is_sent_while_the_endpoint_is_left_alone(
    service: SendingService, receiver: Receiver
) -> None:
    failing = HEALTHY.after_failure(NOW).after_failure(NOW)
    queue(service, receiver, 2, schedule=failing)
    settled = make_delivery(event_id="old:1").give_up()
    service.deliveries.add(settled.replay("{}", NOW))
    receiver.answer = lambda _: (503, b"")

    service.look()

    assert receiver.ids == ["old:1"]
    assert service.webhooks.get(OWNER, ID).schedule == failing


def test_a_replay_that_is_accepted_shows_that_the_endpoint_is_back(
    service: SendingService, receiver: Receiver
) -> None:
    queue(service, receiver, 2, schedule=HEALTHY.after_failure(NOW))
    service.deliveries.add(make_delivery(event_id="old:1").give_up().replay("{}", NOW))

    service.look()
    service.look()

    assert sorted(receiver.ids) == sorted(["old:1", *(one.event_id for one in many(2))])


def test_a_rotation_whose_reply_got_lost_loses_no_verification(
    service: SendingService, receiver: Receiver, clock: Clock
) -> None:
    """The owner still has the old secret, asks again, and takes the new one later."""
    queue(service, receiver, 1)
    webhook = service.webhooks.get(OWNER, ID)
    for _ in range(2):
        rotated = webhook.rotate(new_secret(), now=clock.now)
        service.webhooks.save(rotated, read=webhook)
        webhook = rotated
    clock.move(hours=23)
    service.look()

    [(headers, _)] = receiver.received
    assert len(headers["webhook-signature"].split()) == 3
    assert [secret.signs_at(clock.now + timedelta(hours=2)) for secret in webhook.secrets] == [
        True,
        False,
        False,
    ]


def test_an_owner_who_enables_again_takes_the_endpoint_back(
    service: SendingService, receiver: Receiver, clock: Clock
) -> None:
    queue(service, receiver, 1)
    claim = service.repository.claim(OWNER, ID, "mine", now=NOW, until=NOW + timedelta(seconds=70))
    assert claim is not None
    read = claim.webhook
    moved = read.edit(now=NOW, url="https://b.example/", wanted=read.wanted, description="", enabled=True)
    service.webhooks.save(moved, read=read)

    failed = replace(read, schedule=read.schedule.after_failure(NOW))

    assert service.repository.release(claim, failed, None) is None
    assert service.webhooks.get(OWNER, ID).schedule == HEALTHY


def test_a_secret_is_in_no_representation() -> None:
    text = new_secret()

    assert text not in repr(make_webhook(secrets=(Secret(text, NOW),)))

"""The decisions of a sender, from values alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.webhooks.deliveries import GIVEN_UP_AFTER, TEST, Attempt, Lane, Outcome
from app.domain.webhooks.webhook import HEALTHY, STEPS_SECONDS, Reason, Schedule
from app.sender.decide import FRESH, LOOK_AGAIN, MOST_AT_ONCE, QUIET, choose, how_many, next_look, settle
from tests.conftest import NOW
from tests.subscribed import make_delivery, make_webhook

ACCEPTED = Attempt(at=NOW, seconds=0.1, status=204)
REFUSED = Attempt(at=NOW, seconds=0.1, status=503)
UNREACHED = Attempt(at=NOW, seconds=0.1, error="not_connected", detail="no")
GONE = Attempt(at=NOW, seconds=0.1, status=410)


def failing(failures: int, since: timedelta = timedelta()) -> Schedule:
    return Schedule(NOW - since, failures, NOW)


def test_an_endpoint_that_fails_gets_one_probe_at_each_step() -> None:
    schedule, now, pauses = HEALTHY, NOW, []
    for _ in range(len(STEPS_SECONDS) + 2):
        schedule = schedule.after_failure(now)
        assert schedule.retry_at is not None
        assert how_many(schedule, schedule.retry_at - timedelta(milliseconds=1)) == 0
        assert how_many(schedule, schedule.retry_at) == 1
        pauses.append((schedule.retry_at - now).total_seconds())
        now = schedule.retry_at

    assert pauses == [5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400, 86_400]
    assert schedule.failing_since == NOW


def test_an_endpoint_that_accepts_gets_several_at_once() -> None:
    assert how_many(HEALTHY, NOW) == MOST_AT_ONCE


def test_the_first_success_lets_all_go() -> None:
    webhook = make_webhook(schedule=failing(4), replays=failing(2))

    for lane in Lane:
        after = settle(webhook, lane, [REFUSED, ACCEPTED], NOW)

        assert (after.schedule, after.replays) == (HEALTHY, HEALTHY)


def test_failures_of_replays_do_not_count_against_the_endpoint() -> None:
    long_ago = failing(9, since=timedelta(days=30))
    webhook = make_webhook(replays=long_ago)

    for attempt in (REFUSED, GONE):
        after = settle(webhook, Lane.REPLAYS, [attempt], NOW)

        assert (after.schedule, after.disabled) == (HEALTHY, None)
        assert after.replays.failures == 10


@pytest.mark.parametrize("other", [REFUSED, ACCEPTED])
def test_gone_disables_at_once_whatever_the_other_attempts_came_to(other: Attempt) -> None:
    after = settle(make_webhook(), Lane.EVENTS, [other, GONE], NOW)

    assert after.disabled is not None
    assert (after.disabled.reason, after.version) == (Reason.GONE, 2)


@pytest.mark.parametrize(("days", "is_disabled"), [(4.99, False), (5, True), (6, True)])
def test_five_days_of_failures_disable(days: float, is_disabled: bool) -> None:
    webhook = make_webhook(schedule=failing(9, since=timedelta(days=days)))

    after = settle(webhook, Lane.EVENTS, [UNREACHED], NOW)

    assert (after.disabled is not None) is is_disabled


def test_a_success_after_five_days_does_not_disable() -> None:
    webhook = make_webhook(schedule=failing(9, since=timedelta(days=6)))

    assert settle(webhook, Lane.EVENTS, [ACCEPTED], NOW).disabled is None


def test_what_is_settled_is_passed_over_and_what_is_too_old_is_given_up() -> None:
    old = make_delivery(event_id="old:1", give_up_at=NOW)
    done = make_delivery(event_id="done:1", outcome=Outcome.DELIVERED, due_at=None)
    fresh = make_delivery(event_id="fresh:1")

    choice = choose([old, done, fresh], NOW)

    assert (choice.send, choice.give_up) == ((fresh,), (old,))


def test_a_delivery_that_fails_waits_longer_each_time_until_it_is_given_up() -> None:
    delivery, now, pauses = make_delivery(), NOW, []
    while delivery.outcome is Outcome.PENDING:
        delivery = delivery.attempted(REFUSED, now)
        if delivery.due_at is not None:
            pauses.append((delivery.due_at - now).total_seconds())
            now = delivery.due_at

    assert pauses == [*STEPS_SECONDS, STEPS_SECONDS[-1]]
    assert now - NOW > GIVEN_UP_AFTER
    assert (delivery.outcome, delivery.event, delivery.attempts) == (Outcome.FAILED, None, 11)


def test_a_test_is_tried_once() -> None:
    after = make_delivery(type=TEST).attempted(REFUSED, NOW)

    assert (after.outcome, after.event is not None) == (Outcome.FAILED, True)


def test_the_event_is_kept_as_long_as_it_may_be_sent() -> None:
    assert make_delivery().attempted(REFUSED, NOW).event
    assert make_delivery().attempted(ACCEPTED, NOW).event is None


def test_a_replay_is_a_new_beginning() -> None:
    settled = make_delivery().attempted(ACCEPTED, NOW)
    later = NOW + timedelta(days=20)

    again = settled.replay("{}", later)

    assert (again.outcome, again.lane, again.due_at) == (Outcome.PENDING, Lane.REPLAYS, later)
    assert (again.failures, again.attempts, again.give_up_at) == (0, 1, later + GIVEN_UP_AFTER)


class TestNextLook:
    def test_what_is_left_is_looked_at_at_once(self) -> None:
        following = next_look(make_webhook(), [(Lane.EVENTS, NOW)], NOW, is_done=False)

        assert (following.at, following.by_message) == (NOW, True)

    def test_a_failing_endpoint_is_looked_at_when_its_step_ends(self) -> None:
        webhook = make_webhook(schedule=HEALTHY.after_failure(NOW))

        following = next_look(webhook, [(Lane.EVENTS, NOW)], NOW, is_done=True)

        assert (following.at, following.by_message) == (NOW + timedelta(seconds=5), True)

    def test_the_earlier_lane_counts(self) -> None:
        webhook = make_webhook(schedule=failing(5).after_failure(NOW))
        due = [(Lane.EVENTS, NOW), (Lane.REPLAYS, NOW + timedelta(seconds=9))]

        assert next_look(webhook, due, NOW, is_done=True).at == NOW + timedelta(seconds=9)

    def test_a_look_that_is_announced_is_not_announced_again(self) -> None:
        """Otherwise every event for a failing endpoint would add a message that never ends."""
        webhook = make_webhook(schedule=HEALTHY.after_failure(NOW))
        announced = replace(webhook, announced_at=webhook.schedule.retry_at)

        assert not next_look(announced, [(Lane.EVENTS, NOW)], NOW, is_done=True).by_message

    def test_an_index_that_is_behind_does_not_make_it_spin(self) -> None:
        following = next_look(make_webhook(), [(Lane.EVENTS, NOW)], NOW, is_done=True)

        assert following.at == NOW + LOOK_AGAIN

    def test_what_was_just_queued_may_be_missing_in_the_index(self) -> None:
        webhook = make_webhook(woken_at=NOW - FRESH / 2)

        following = next_look(webhook, [], NOW, is_done=True)

        assert (following.at, following.by_message) == (NOW + LOOK_AGAIN, True)

    def test_an_endpoint_stays_in_the_index_for_a_while(self) -> None:
        webhook = make_webhook(woken_at=NOW - FRESH)

        following = next_look(webhook, [], NOW, is_done=True)

        assert (following.at, following.by_message) == (NOW - FRESH + QUIET, False)
        assert next_look(webhook, [], NOW + QUIET, is_done=True).at is None

    def test_a_disabled_one_is_not_looked_at(self) -> None:
        disabled = make_webhook().disable(Reason.GONE, now=NOW)

        assert next_look(disabled, [(Lane.EVENTS, NOW)], NOW, is_done=False).at is None

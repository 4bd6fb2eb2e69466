"""Limits: what passes, what is refused, and how old the value is that decides."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import sleep

import pytest

from app.bootstrap.api import compose_quotas
from app.config import ApiSettings
from app.domain.errors import QuotaExceeded, StaleWrite, Unavailable
from app.domain.events import ObjectEvent, event_of
from app.domain.usage import NOTHING, Limits, Usage
from app.services.objects.quotas import OWNERS_REMEMBERED, QUOTA_SECONDS, Quotas
from app.storage.recording import CountedEvent, EventRecorder
from app.storage.usage import UsageRepository
from tests.conftest import Aws, Clock, make_object
from tests.faults import calls_of, fail, throttling

ME, YOU = "local-me", "local-you"
OBJECT = Usage(1, 0)
UPLOAD = Usage(0, 10)

MakeQuotas = Callable[[Limits], Quotas]


@pytest.fixture
def usage(aws: Aws) -> UsageRepository:
    return aws.adapters().usage


@pytest.fixture
def recorder(aws: Aws) -> EventRecorder:
    return aws.adapters().recorder


@pytest.fixture
def limited(aws: Aws, clock: Clock) -> MakeQuotas:
    def make(limits: Limits) -> Quotas:
        given = {"max_objects": limits.objects, "max_bytes": limits.bytes}
        settings = aws.settings(ApiSettings, auth_mode="local", **given)
        return compose_quotas(aws.adapters(), settings, clock=clock)

    return make


def take(quotas: Quotas, change: Usage, *, owner: str = ME, times: int = 1) -> None:
    for _ in range(times):
        with quotas.taking(owner, change):
            pass


def event(version: int = 1, owner: str = ME) -> ObjectEvent:
    found = event_of(None, make_object(version=version, owner=owner))
    assert found is not None
    return found


def test_all_that_is_left_can_be_taken_and_no_more(limited: MakeQuotas) -> None:
    quotas = limited(Limits(objects=3))
    take(quotas, OBJECT, times=3)

    with pytest.raises(QuotaExceeded) as refused:
        take(quotas, OBJECT)

    assert (refused.value.used, refused.value.limit, refused.value.unit) == (3, 3, "objects")


def test_bytes_are_limited_like_objects(limited: MakeQuotas) -> None:
    quotas = limited(Limits(bytes=25))
    take(quotas, Usage(1, 10))
    take(quotas, Usage(0, 15))

    with pytest.raises(QuotaExceeded) as refused:
        take(quotas, Usage(1, 1))

    assert str(refused.value) == "You use 25 of at most 25 bytes; this would take more than is left."


def test_what_was_counted_counts(limited: MakeQuotas, recorder: EventRecorder) -> None:
    recorder.record([CountedEvent(event(), Usage(2, 0))], shard=1)
    quotas = limited(Limits(objects=3))
    take(quotas, OBJECT)

    with pytest.raises(QuotaExceeded):
        take(quotas, OBJECT)


@pytest.mark.parametrize("change", [NOTHING, Usage(-1, -10), Usage(0, -10)], ids=str)
def test_what_takes_nothing_passes_above_the_limit(
    limited: MakeQuotas, recorder: EventRecorder, change: Usage
) -> None:
    recorder.record([CountedEvent(event(), Usage(9, 900))], shard=0)

    take(limited(Limits(objects=3, bytes=100)), change)


def test_what_takes_of_the_one_is_not_refused_for_the_other(
    limited: MakeQuotas, recorder: EventRecorder
) -> None:
    recorder.record([CountedEvent(event(), Usage(1, 900))], shard=0)
    quotas = limited(Limits(objects=3, bytes=100))

    take(quotas, OBJECT)

    with pytest.raises(QuotaExceeded):
        take(quotas, UPLOAD)


def test_each_owner_has_the_whole_limit(limited: MakeQuotas) -> None:
    quotas = limited(Limits(objects=1))
    take(quotas, OBJECT)

    take(quotas, OBJECT, owner=YOU)


@pytest.mark.parametrize("limits", [Limits(), Limits(objects=9)], ids=["none", "of objects"])
def test_where_nothing_is_limited_nothing_is_read(limited: MakeQuotas, aws: Aws, limits: Limits) -> None:
    calls = calls_of(aws.dynamodb)

    take(limited(limits), UPLOAD, times=5)

    assert calls == []


def test_an_owner_is_read_once_in_five_seconds(limited: MakeQuotas, aws: Aws, clock: Clock) -> None:
    quotas = limited(Limits(objects=99))
    calls = calls_of(aws.dynamodb)

    for _ in range(5):
        take(quotas, OBJECT)
        clock.move(seconds=1)
    assert len(calls) == 1
    take(quotas, OBJECT)
    take(quotas, OBJECT, owner=YOU)

    assert [call.operation for call in calls] == ["Query"] * 3


def test_what_was_given_back_is_seen_after_five_seconds(
    limited: MakeQuotas, recorder: EventRecorder, clock: Clock
) -> None:
    recorder.record([CountedEvent(event(1), OBJECT)], shard=0)
    quotas = limited(Limits(objects=1))
    with pytest.raises(QuotaExceeded):
        take(quotas, OBJECT)
    recorder.record([CountedEvent(event(2), Usage(-1, 0))], shard=0)

    clock.move(seconds=QUOTA_SECONDS)

    take(quotas, OBJECT)


def test_what_was_refused_is_read_anew_too(
    limited: MakeQuotas, recorder: EventRecorder, clock: Clock, aws: Aws
) -> None:
    """An owner at the limit who tries again and again costs no more than another."""
    recorder.record([CountedEvent(event(), OBJECT)], shard=0)
    quotas = limited(Limits(objects=1))
    calls = calls_of(aws.dynamodb)

    for _ in range(3):
        with pytest.raises(QuotaExceeded):
            take(quotas, OBJECT)

    assert len(calls) == 1


def test_a_clock_that_was_put_back_does_not_keep_an_old_value(
    limited: MakeQuotas, aws: Aws, clock: Clock
) -> None:
    quotas = limited(Limits(objects=9))
    take(quotas, OBJECT)
    calls = calls_of(aws.dynamodb)

    clock.move(hours=-1)
    take(quotas, OBJECT)

    assert len(calls) == 1


@pytest.mark.parametrize("fault", [StaleWrite(), Unavailable("busy"), KeyboardInterrupt()], ids=repr)
def test_what_failed_has_taken_nothing(limited: MakeQuotas, fault: BaseException) -> None:
    quotas = limited(Limits(objects=1))
    with pytest.raises(type(fault)), quotas.taking(ME, OBJECT):
        raise fault

    take(quotas, OBJECT)


def test_what_was_not_needed_is_given_back(limited: MakeQuotas) -> None:
    quotas = limited(Limits(objects=1))
    with quotas.taking(ME, OBJECT) as give_back:
        give_back()

    take(quotas, OBJECT)


def test_giving_back_takes_nothing_from_what_was_admitted_since(limited: MakeQuotas, clock: Clock) -> None:
    """The owner was read anew while the change was under way."""
    quotas = limited(Limits(objects=2))
    with quotas.taking(ME, OBJECT) as give_back:
        clock.move(seconds=QUOTA_SECONDS)
        take(quotas, OBJECT, times=2)
        give_back()

    with pytest.raises(QuotaExceeded):
        take(quotas, OBJECT)


def test_a_change_that_fails_late_takes_nothing_from_what_was_admitted_since(
    limited: MakeQuotas, clock: Clock
) -> None:
    quotas = limited(Limits(objects=2))

    def fail_late() -> None:
        with quotas.taking(ME, OBJECT):
            clock.move(seconds=QUOTA_SECONDS)
            take(quotas, OBJECT, times=2)
            raise StaleWrite

    with pytest.raises(StaleWrite):
        fail_late()

    with pytest.raises(QuotaExceeded):
        take(quotas, OBJECT)


def test_a_table_that_is_busy_admits_nothing(limited: MakeQuotas, aws: Aws) -> None:
    fail(aws.dynamodb, "Query", throttling())

    with pytest.raises(Unavailable):
        take(limited(Limits(objects=9)), OBJECT)


class Slow(Limits):
    """Leaves other threads time between what is checked and what is noted."""

    def check(self, used: Usage, change: Usage) -> None:
        super().check(used, change)
        sleep(0.01)


def test_many_threads_together_take_what_is_left_and_no_more(limited: MakeQuotas) -> None:
    quotas = limited(Slow(objects=5))
    barrier = Barrier(16)

    def try_to_take(_: int) -> bool:
        barrier.wait(10)
        try:
            take(quotas, OBJECT)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        taken = list(threads.map(try_to_take, range(16)))

    assert sum(taken) == 5


def test_a_bounded_number_of_owners_is_remembered(limited: MakeQuotas, aws: Aws) -> None:
    """The last owner to come makes room for the one that was asked about the longest time ago."""
    quotas = limited(Limits(objects=9))
    others = [f"other-{number}" for number in range(OWNERS_REMEMBERED - 2)]
    for owner in ("a", "b", *others, "a", "c"):
        take(quotas, OBJECT, owner=owner)
    calls = calls_of(aws.dynamodb)

    take(quotas, OBJECT, owner="a")
    assert calls == []
    take(quotas, OBJECT, owner="b")

    assert len(calls) == 1

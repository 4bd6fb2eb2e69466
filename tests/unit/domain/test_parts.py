"""The parts of a payload, and the steps of an upload in parts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.causes import Cause
from app.domain.errors import WrongState
from app.domain.objects.stored import COMPLETION_SECONDS, StoredObject
from app.domain.objects.values import MOST_PARTS, Part, PartPlan, PartsUpload, Revision, Status
from tests.conftest import NOW, make_object
from tests.in_parts import EXPIRES_AT, make_in_parts, parts_of

MIB = 1024 * 1024
CAUSE = Cause("request-2")
LATER = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("size", "part_size", "count"),
    [
        (0, 8 * MIB, 1),
        (1, 8 * MIB, 1),
        (8 * MIB, 8 * MIB, 1),
        (8 * MIB + 1, 8 * MIB, 2),
        (MOST_PARTS * 8 * MIB, 8 * MIB, MOST_PARTS),
        (MOST_PARTS * 8 * MIB + 1, 9 * MIB, 8889),
        (5 * 1024**4, 525 * MIB, 9987),
    ],
)
def test_parts_are_as_small_as_s3_takes_and_as_few_as_it_takes(size: int, part_size: int, count: int) -> None:
    plan = PartPlan.of(size)

    lengths = [plan.length(number) for number in range(1, count + 1)]
    assert (plan.part_size, plan.count) == (part_size, count)
    assert set(lengths[:-1]) <= {part_size}
    assert 0 <= lengths[-1] <= part_size
    assert sum(lengths) == size


def test_a_part_of_another_length_or_number_counts_as_missing() -> None:
    plan = PartPlan(25, 10)

    found = (Part(1, 10, "a"), Part(2, 9, "b"), Part(3, 5, "c"), Part(4, 10, "d"))

    assert plan.right(found) == (found[0], found[2])
    assert plan.missing(found) == (2,)
    assert plan.missing(()) == (1, 2, 3)
    assert plan.missing(parts_of(10, 10, 5)) == ()


BEGUN = make_in_parts().begin_parts("upload-1")
COMPLETING = BEGUN.ask_completion(now=NOW)

Step = Callable[[StoredObject], StoredObject]
STEPS: dict[str, Step] = {
    "begin_parts": lambda stored: stored.begin_parts("upload-2"),
    "ask_completion": lambda stored: stored.ask_completion(now=NOW),
    "take_parts_again": lambda stored: stored.take_parts_again(deadline=LATER),
    "cancel_upload": lambda stored: stored.cancel_upload(now=NOW, cause=CAUSE),
}


@pytest.mark.parametrize("step", STEPS)
def test_only_what_is_awaited_in_parts_has_these_steps(step: str) -> None:
    claimed = BEGUN.claim(now=NOW, lease_until=LATER)
    others = [make_object(), claimed, BEGUN.expire(now=NOW), BEGUN.delete(now=NOW, cause=CAUSE)]

    for other in others:
        with pytest.raises(WrongState):
            STEPS[step](other)


@pytest.mark.parametrize("step", ["begin_parts", "ask_completion", "take_parts_again"])
def test_they_are_bookkeeping(step: str) -> None:
    after = STEPS[step](BEGUN)

    assert (after.version, after.updated_at, after.status) == (1, NOW, Status.PENDING)
    assert after.write_token != BEGUN.write_token


def test_the_sweep_asks_for_a_completion_after_one_minute_then_two() -> None:
    again = COMPLETING.requeue(now=NOW)

    assert COMPLETING.deadline == NOW + timedelta(minutes=1)
    assert again.deadline == NOW + timedelta(minutes=1)
    assert again.requeue(now=NOW).deadline == NOW + timedelta(minutes=2)
    assert again.is_completing


def test_nothing_is_completed_that_was_not_begun() -> None:
    with pytest.raises(WrongState):
        make_in_parts().ask_completion(now=NOW)


def test_parts_that_s3_lost_may_be_uploaded_again_until_the_upload_ends() -> None:
    again = COMPLETING.requeue(now=NOW).take_parts_again(deadline=LATER)

    assert (again.parts_upload, again.requeues, again.deadline) == (None, 0, LATER)
    assert again.awaits_parts


def test_an_upload_that_is_given_up_has_expired_for_that_reason() -> None:
    given_up = BEGUN.cancel_upload(now=LATER, cause=CAUSE)

    assert given_up.status is Status.EXPIRED
    assert given_up.problem is not None
    assert given_up.problem.code == "upload_cancelled"
    assert (given_up.version, given_up.deadline, given_up.parts_upload) == (2, None, None)
    assert given_up.cause == CAUSE


ENDS: dict[str, Step] = {
    "a claim": lambda stored: stored.claim(now=NOW, lease_until=LATER),
    "its expiry": lambda stored: stored.expire(now=NOW),
    "its deletion": lambda stored: stored.delete(now=NOW, cause=CAUSE),
    "a new upload": lambda stored: stored.request_upload(
        Revision(2, "text/csv", 40, None, LATER), now=NOW, deadline=LATER, cause=CAUSE
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_whatever_ends_the_wait_forgets_what_s3_has_begun(end: str) -> None:
    assert ENDS[end](COMPLETING).parts_upload is None


def test_an_edit_keeps_it() -> None:
    edited = COMPLETING.edit(name="new", attributes={}, labels={}, now=NOW, cause=CAUSE)

    assert edited.parts_upload == PartsUpload("upload-1", NOW)


def test_a_tombstone_waits_for_a_worker_that_may_be_completing() -> None:
    past = EXPIRES_AT + timedelta(minutes=1)

    assert BEGUN.delete(now=past, cause=CAUSE).deadline == past
    assert COMPLETING.delete(now=past, cause=CAUSE).deadline == past + timedelta(seconds=COMPLETION_SECONDS)


def test_what_is_processed_again_awaits_no_parts() -> None:
    failed = BEGUN.claim(now=NOW, lease_until=LATER).give_up(now=NOW)
    again = failed.reprocess(now=NOW, deadline=LATER, cause=CAUSE)

    assert again.newest == replace(failed.newest or Revision(1, "", 0, None, None), expires_at=None)
    assert not again.awaits_parts

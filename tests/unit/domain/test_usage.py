"""What objects take: counted once, reserved when declared, released when nothing comes of it."""

import pytest

from app.domain.causes import Cause
from app.domain.errors import QuotaExceeded
from app.domain.objects import StoredObject
from app.domain.usage import NOTHING, Limits, Usage, usage_change, usage_of
from app.domain.values import Revision, Status
from tests.conftest import make_object
from tests.unit.domain.test_transitions import IN_STATUS, LATER, TRANSITIONS

SIZE = 12

CHANGES = {
    ("pending", "claim"): NOTHING,
    ("pending", "expire"): Usage(0, -SIZE),
    ("pending", "delete"): Usage(-1, -SIZE),
    ("pending", "request_upload"): Usage(0, 40 - SIZE),
    ("processing", "accept"): NOTHING,
    ("processing", "reject"): NOTHING,
    ("processing", "give_up"): NOTHING,
    ("expired", "claim"): Usage(0, SIZE),
    ("expired", "delete"): Usage(-1, 0),
    ("ready", "request_upload"): Usage(0, 40),
    ("ready", "reprocess"): NOTHING,
    ("ready", "edit"): NOTHING,
    ("rejected", "delete"): Usage(-1, -SIZE),
}


@pytest.mark.parametrize(("status", "transition"), CHANGES, ids=str)
def test_each_change_counts_what_it_takes_or_gives_back(status: str, transition: str) -> None:
    before = IN_STATUS[status]

    assert usage_change(before, TRANSITIONS[transition](before)) == CHANGES[status, transition]


def test_a_new_object_takes_its_declared_bytes() -> None:
    assert usage_change(None, make_object()) == Usage(1, SIZE)


def test_a_record_takes_no_bytes() -> None:
    record = make_object(kind="record", status=Status.READY, newest=None, deadline=None)

    assert usage_of(record) == Usage(1, 0)


def test_a_ready_payload_and_an_awaited_one_both_count() -> None:
    second = Revision(2, "text/csv", 40, None, LATER)
    awaiting = IN_STATUS["ready"].request_upload(second, now=LATER, deadline=LATER, cause=Cause("request-2"))

    assert usage_of(awaiting) == Usage(1, SIZE + 40)


@pytest.mark.parametrize("stored", IN_STATUS.values(), ids=IN_STATUS)
def test_deleting_gives_back_all_that_was_taken(stored: StoredObject) -> None:
    if stored.status is Status.DELETED:
        assert usage_of(stored) == NOTHING
    else:
        assert usage_of(stored) + usage_change(stored, TRANSITIONS["delete"](stored)) == NOTHING


LIMITS = Limits(objects=3, bytes=100)


@pytest.mark.parametrize(
    ("used", "change"),
    [
        (NOTHING, Usage(3, 100)),
        (Usage(2, 60), Usage(1, 40)),
        (Usage(3, 100), NOTHING),
        (Usage(9, 900), Usage(-1, -10)),
        (Usage(2, 900), Usage(1, 0)),
        (Usage(9, 90), Usage(0, 10)),
    ],
    ids=str,
)
def test_a_change_may_take_all_that_is_left_of_what_it_takes(used: Usage, change: Usage) -> None:
    LIMITS.check(used, change)


@pytest.mark.parametrize(
    ("used", "change", "unit"),
    [
        (Usage(3, 0), Usage(1, 0), "objects"),
        (Usage(0, 100), Usage(1, 1), "bytes"),
        (Usage(0, 900), Usage(0, 1), "bytes"),
    ],
    ids=str,
)
def test_a_change_that_takes_more_is_refused(used: Usage, change: Usage, unit: str) -> None:
    with pytest.raises(QuotaExceeded) as refused:
        LIMITS.check(used, change)

    assert refused.value.unit == unit


def test_without_limits_no_change_is_of_concern() -> None:
    assert not Limits().concern(Usage(1, 10))
    assert Limits(bytes=1).concern(Usage(1, 10))
    assert not Limits(bytes=1).concern(Usage(1, 0))

"""What objects take: counted once, reserved when declared, released when nothing comes of it."""

import pytest

from app.domain.objects import Revision, Status, StoredObject
from app.domain.usage import NOTHING, Usage, usage_change, usage_of
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
    awaiting = IN_STATUS["ready"].request_upload(
        second, now=LATER, deadline=LATER, correlation_id="request-2"
    )

    assert usage_of(awaiting) == Usage(1, SIZE + 40)


@pytest.mark.parametrize("stored", IN_STATUS.values(), ids=IN_STATUS)
def test_deleting_gives_back_all_that_was_taken(stored: StoredObject) -> None:
    if stored.status is Status.DELETED:
        assert usage_of(stored) == NOTHING
    else:
        assert usage_of(stored) + usage_change(stored, TRANSITIONS["delete"](stored)) == NOTHING

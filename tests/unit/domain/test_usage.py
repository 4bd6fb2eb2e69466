"""The usage of objects: counted once, reserved when declared, released when nothing comes of it."""

from dataclasses import replace

import pytest

from app.domain.causes import Cause
from app.domain.errors import QuotaExceeded
from app.domain.json import compact_json
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact, Result, Revision, Status
from app.domain.usage import NOTHING, VERSION_BYTES, Limits, Usage, usage_change, usage_of
from tests.conftest import make_object
from tests.unit.domain.test_transitions import IN_STATUS, LATER, PAYLOAD, TRANSITIONS

SIZE = 12
#: Every public change leaves a version in the history.
VERSION = Usage(0, VERSION_BYTES)

CHANGES = {
    ("pending", "claim"): VERSION,
    ("pending", "requeue"): NOTHING,
    ("pending", "expire"): VERSION + Usage(0, -SIZE),
    ("pending", "request_upload"): VERSION + Usage(0, 40 - SIZE),
    ("processing", "release"): NOTHING,
    ("processing", "accept"): VERSION,
    ("processing", "reject"): VERSION,
    ("processing", "give_up"): VERSION,
    ("expired", "claim"): VERSION + Usage(0, SIZE),
    ("ready", "request_upload"): VERSION + Usage(0, 40),
    ("ready", "reprocess"): VERSION,
    ("ready", "edit"): VERSION,
}


@pytest.mark.parametrize(("status", "transition"), CHANGES, ids=str)
def test_each_change_counts_what_it_takes_or_gives_back(status: str, transition: str) -> None:
    before = replace(IN_STATUS[status], attributes={})

    assert usage_change(before, TRANSITIONS[transition](before)) == CHANGES[status, transition]


def bytes_of(stored: StoredObject) -> int:
    """Return what an object takes beside its versions and its attributes."""
    return usage_of(stored).bytes - VERSION_BYTES * stored.version - len(compact_json(stored.attributes))


def test_a_new_object_takes_its_declared_bytes_and_a_version() -> None:
    created = make_object(attributes={})

    assert usage_change(None, created) == Usage(1, SIZE + VERSION_BYTES + len("{}"))


def test_attributes_take_the_bytes_of_their_json() -> None:
    record = make_object(
        kind="record", status=Status.READY, newest=None, deadline=None, attributes={"größe": 1}
    )

    assert usage_of(record) == Usage(1, VERSION_BYTES + len('{"größe":1}'.encode()))


def test_artifacts_take_their_bytes_until_others_replace_them() -> None:
    artifacts = (Artifact("a", "text/csv", 500, "a" * 64), Artifact("b", "text/csv", 70, "b" * 64))
    ready = IN_STATUS["processing"].accept(PAYLOAD, Result({}, artifacts), now=LATER)
    again = ready.reprocess(now=LATER, deadline=LATER, cause=Cause("request-2"))
    fewer = again.claim(now=LATER, lease_until=LATER).accept(PAYLOAD, Result({}, artifacts[:1]), now=LATER)

    assert (bytes_of(ready), bytes_of(again), bytes_of(fewer)) == (SIZE + 570, SIZE + 570, SIZE + 500)


def test_a_ready_payload_and_an_awaited_one_both_count() -> None:
    second = Revision(2, "text/csv", 40, None, LATER)
    awaiting = IN_STATUS["ready"].request_upload(second, now=LATER, deadline=LATER, cause=Cause("request-2"))

    assert bytes_of(awaiting) == SIZE + 40


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

"""The transition table, row by row, and nothing besides it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain.causes import Cause
from app.domain.errors import InvalidPayload, ProblemCode, TooManyChanges, WrongState
from app.domain.objects.stored import TOMBSTONE_DAYS, StoredObject
from app.domain.objects.values import Payload, Result, Revision, Status
from tests.conftest import NOW, make_object

LATER = NOW + timedelta(minutes=5)
PAYLOAD = Payload("text/csv", 12, "a" * 64, 1)
RESULT = Result({"rows": 3}, ())
INVALID = InvalidPayload(ProblemCode.INVALID_CONTENT, "Line 3 has no end.")
SECOND = Revision(2, "text/csv", 40, None, LATER)

Transition = Callable[[StoredObject], StoredObject]

TRANSITIONS: dict[str, Transition] = {
    "claim": lambda stored: stored.claim(now=NOW, lease_until=LATER),
    "release": lambda stored: stored.release(now=NOW),
    "free": lambda stored: stored.free(now=NOW),
    "accept": lambda stored: stored.accept(PAYLOAD, RESULT, now=NOW),
    "reject": lambda stored: stored.reject(INVALID, now=NOW),
    "give_up": lambda stored: stored.give_up(now=NOW),
    "expire": lambda stored: stored.expire(now=NOW),
    "requeue": lambda stored: stored.requeue(now=NOW),
    "request_upload": lambda stored: stored.request_upload(
        SECOND, now=NOW, deadline=LATER, cause=Cause("request-2")
    ),
    "reprocess": lambda stored: stored.reprocess(now=NOW, deadline=LATER, cause=Cause("request-2")),
    "redrive": lambda stored: stored.redrive(now=NOW, deadline=LATER, cause=Cause("request-2")),
    "edit": lambda stored: stored.edit(
        name="new", attributes={}, labels={}, now=NOW, cause=Cause("request-2")
    ),
    "delete": lambda stored: stored.delete(now=NOW, cause=Cause("request-2")),
    "purged": lambda stored: stored.purged(now=NOW),
}

AFTER: dict[str, dict[str, str]] = {
    "pending": {
        "claim": "processing",
        "give_up": "failed",
        "expire": "expired",
        "requeue": "pending",
        "request_upload": "pending",
        "edit": "pending",
        "delete": "deleted",
    },
    "processing": {
        "release": "processing",
        "free": "processing",
        "accept": "ready",
        "reject": "rejected",
        "give_up": "failed",
        "requeue": "processing",
        "edit": "processing",
        "delete": "deleted",
    },
    "ready": {"request_upload": "pending", "reprocess": "pending", "edit": "ready", "delete": "deleted"},
    "rejected": {
        "request_upload": "pending",
        "reprocess": "pending",
        "edit": "rejected",
        "delete": "deleted",
    },
    "failed": {
        "request_upload": "pending",
        "reprocess": "pending",
        "redrive": "pending",
        "edit": "failed",
        "delete": "deleted",
    },
    "expired": {
        "claim": "processing",
        "request_upload": "pending",
        "edit": "expired",
        "delete": "deleted",
    },
    "deleted": {"purged": "deleted"},
}

PROCESSING = make_object().claim(now=NOW, lease_until=LATER)

IN_STATUS: dict[str, StoredObject] = {
    "pending": make_object(),
    "processing": PROCESSING,
    "ready": PROCESSING.accept(PAYLOAD, RESULT, now=NOW),
    "rejected": PROCESSING.reject(INVALID, now=NOW),
    "failed": PROCESSING.give_up(now=NOW),
    "expired": make_object().expire(now=NOW),
    "deleted": make_object().delete(now=NOW, cause=Cause("request-2")),
}


@pytest.mark.parametrize("status", AFTER)
@pytest.mark.parametrize("transition", TRANSITIONS)
def test_each_transition_leads_where_the_table_says_or_is_refused(status: str, transition: str) -> None:
    before = IN_STATUS[status]
    expected = AFTER[status].get(transition)

    if expected is None:
        with pytest.raises(WrongState):
            TRANSITIONS[transition](before)
    else:
        assert TRANSITIONS[transition](before).status == expected


BY_CLIENTS = {"request_upload", "reprocess", "edit"}


@pytest.mark.parametrize(
    ("status", "transition"),
    [(status, transition) for status, rows in AFTER.items() for transition in rows],
)
def test_at_ten_thousand_versions_clients_can_only_delete_and_all_else_goes_on(
    status: str, transition: str
) -> None:
    last = replace(IN_STATUS[status], version=10_000)

    TRANSITIONS[transition](replace(last, version=9_999))
    if transition in BY_CLIENTS:
        with pytest.raises(TooManyChanges):
            TRANSITIONS[transition](last)
    else:
        TRANSITIONS[transition](last)


def test_every_status_is_in_the_table() -> None:
    assert set(AFTER) == {status.value for status in Status}


@pytest.mark.parametrize(
    ("status", "transition"),
    [(status, transition) for status, rows in AFTER.items() for transition in rows],
)
def test_each_transition_draws_a_new_write_token(status: str, transition: str) -> None:
    before = IN_STATUS[status]

    assert TRANSITIONS[transition](before).write_token != before.write_token


@pytest.mark.parametrize(
    ("status", "transition"),
    [("processing", "release"), ("processing", "free"), ("processing", "requeue"), ("deleted", "purged")],
)
def test_bookkeeping_does_not_raise_the_version(status: str, transition: str) -> None:
    before = IN_STATUS[status]
    after = TRANSITIONS[transition](before)

    assert (after.version, after.updated_at) == (before.version, before.updated_at)


def test_a_first_claim_is_public_and_counts_an_attempt() -> None:
    claimed = make_object().claim(now=NOW, lease_until=LATER)

    assert (claimed.version, claimed.attempts, claimed.deadline) == (2, 1, LATER)


def test_a_claim_on_a_lapsed_lease_counts_an_attempt_and_is_not_public() -> None:
    again = PROCESSING.claim(now=LATER, lease_until=LATER + timedelta(minutes=5))

    assert (again.version, again.attempts) == (PROCESSING.version, 2)
    assert again.lease != PROCESSING.lease


def test_a_released_object_can_be_claimed_at_once() -> None:
    claimed = PROCESSING.release(now=NOW).claim(now=NOW, lease_until=LATER)

    assert claimed.attempts == 2


def test_a_freed_object_is_overdue_at_once_and_its_attempt_counts() -> None:
    freed = PROCESSING.free(now=NOW)

    assert (freed.lease, freed.deadline, freed.attempts) == (None, NOW, PROCESSING.attempts)


def test_a_late_payload_revives_an_expired_object() -> None:
    revived = IN_STATUS["expired"].claim(now=NOW, lease_until=LATER)

    assert (revived.status, revived.problem) == (Status.PROCESSING, None)


def test_a_ready_object_shows_payload_and_result_and_awaits_nothing() -> None:
    ready = IN_STATUS["ready"]

    assert (ready.payload, ready.summary) == (PAYLOAD, {"rows": 3})
    assert (ready.incoming, ready.problem, ready.lease, ready.deadline) == (None, None, None, None)


def test_a_rejected_revision_leaves_the_ready_one_downloadable() -> None:
    rejected = (
        IN_STATUS["ready"]
        .request_upload(SECOND, now=NOW, deadline=LATER, cause=Cause("request-2"))
        .claim(now=NOW, lease_until=LATER)
        .reject(INVALID, now=NOW)
    )

    assert (rejected.payload, rejected.summary) == (PAYLOAD, {"rows": 3})
    assert rejected.problem is not None
    assert rejected.problem.code == "invalid_content"


def test_a_new_upload_starts_with_no_attempts_and_no_problem() -> None:
    pending = IN_STATUS["failed"].request_upload(SECOND, now=NOW, deadline=LATER, cause=Cause("request-2"))

    assert (pending.newest, pending.attempts, pending.requeues, pending.problem) == (SECOND, 0, 0, None)
    assert pending.cause == Cause("request-2")


def renamed(stored: StoredObject) -> StoredObject:
    return stored.edit(name="renamed", attributes={}, labels={}, now=NOW, cause=Cause("request-2"))


def test_what_an_edit_finds_unfinished_goes_on_for_the_request_that_asked_for_it() -> None:
    edited = renamed(make_object())
    claimed = edited.claim(now=NOW, lease_until=LATER)
    edited_again = renamed(claimed)

    assert edited.cause == edited_again.cause == Cause("request-2")
    assert edited.work_cause == edited_again.work_cause == Cause("request-1")
    assert claimed.cause == Cause("request-1")
    assert edited_again.reject(INVALID, now=NOW).cause == Cause("request-1")
    assert edited.expire(now=NOW).cause == Cause("request-1")
    assert edited.give_up(now=NOW).cause == Cause("request-1")


def test_an_edit_of_what_is_settled_is_all_there_is_to_remember() -> None:
    edited = renamed(IN_STATUS["ready"])

    assert (edited.cause, edited.revision_cause) == (Cause("request-2"), None)


def test_a_newer_request_is_behind_what_is_done_from_then_on() -> None:
    edited = renamed(make_object())
    asked = edited.request_upload(SECOND, now=NOW, deadline=LATER, cause=Cause("request-3"))
    deleted = edited.delete(now=NOW, cause=Cause("request-3"))

    assert asked.work_cause == deleted.work_cause == Cause("request-3")


def test_reprocessing_keeps_the_revision() -> None:
    pending = IN_STATUS["rejected"].reprocess(now=NOW, deadline=LATER, cause=Cause("request-2"))

    assert pending.newest is not None
    assert (pending.newest.number, pending.attempts) == (1, 0)


def test_a_record_without_payload_cannot_be_reprocessed() -> None:
    record = make_object(kind="record", status=Status.READY, newest=None, deadline=None)

    with pytest.raises(WrongState):
        record.reprocess(now=NOW, deadline=LATER, cause=Cause("request-2"))


def test_each_requeue_doubles_the_wait_up_to_six_hours() -> None:
    stored, waits = make_object(), []
    for _ in range(9):
        stored = stored.requeue(now=NOW)
        assert stored.deadline is not None
        waits.append((stored.deadline - NOW).total_seconds() / 60)

    assert waits == [5, 10, 20, 40, 80, 160, 320, 360, 360]


def test_a_tombstone_is_due_when_the_last_upload_url_and_lease_have_passed() -> None:
    url_until = NOW + timedelta(minutes=15)
    lease_until = NOW + timedelta(minutes=30)
    claimed = make_object(writable_until=url_until).claim(now=NOW, lease_until=lease_until)

    tombstone = claimed.delete(now=NOW, cause=Cause("request-2"))

    assert tombstone.deadline == lease_until
    assert (tombstone.attributes, tombstone.labels, tombstone.summary) == ({}, {}, None)


def test_a_tombstone_of_what_nobody_can_write_is_due_at_once() -> None:
    tombstone = make_object(writable_until=None).delete(now=NOW, cause=Cause("request-2"))

    assert tombstone.deadline == NOW


def test_a_purged_tombstone_is_not_looked_at_again_and_goes_weeks_later() -> None:
    purged = IN_STATUS["deleted"].purged(now=LATER)

    assert (purged.deadline, purged.purge_at) == (None, LATER + timedelta(days=TOMBSTONE_DAYS))

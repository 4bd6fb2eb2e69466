"""Every public change is one event, and nothing else is."""

from datetime import timedelta

import pytest

from app.domain.events import EventType, event_of
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status
from app.domain.objects.views import public_view
from tests.conftest import NOW, make_object
from tests.unit.domain.test_transitions import AFTER, IN_STATUS, LATER, PROCESSING, TRANSITIONS

TYPE_OF = {
    "accept": EventType.READY,
    "reject": EventType.REJECTED,
    "give_up": EventType.FAILED,
    "expire": EventType.EXPIRED,
    "request_upload": EventType.UPLOAD_REQUESTED,
    "reprocess": EventType.REPROCESS_REQUESTED,
    "redrive": EventType.REPROCESS_REQUESTED,
    "edit": EventType.UPDATED,
    "delete": EventType.DELETED,
    "claim": EventType.PROCESSING,
    "release": None,
    "free": None,
    "requeue": None,
    "purged": None,
}


@pytest.mark.parametrize(
    ("status", "transition"),
    [(status, transition) for status, rows in AFTER.items() for transition in rows],
)
def test_each_transition_is_the_event_that_the_design_names(status: str, transition: str) -> None:
    before = IN_STATUS[status]

    event = event_of(before, TRANSITIONS[transition](before))

    assert (event and event.type) == TYPE_OF[transition]


def test_a_repeated_claim_is_no_event() -> None:
    again = PROCESSING.claim(now=LATER, lease_until=LATER + timedelta(minutes=5))

    assert event_of(PROCESSING, again) is None


def test_a_new_object_is_created() -> None:
    event = event_of(None, make_object())

    assert event is not None
    assert event.as_cloud_event() == {
        "specversion": "1.0",
        "id": "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10:1",
        "source": "wharf.objects",
        "type": "object.created",
        "subject": "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10",
        "time": "2026-03-01T09:30:00.000Z",
        "datacontenttype": "application/json",
        "owner": "local-me",
        "correlationid": "request-1",
        "data": {
            "id": "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10",
            "kind": "dataset",
            "name": "cities.csv",
            "attributes": {"source": "survey", "share": 0.25},
            "labels": {"team": "growth"},
            "status": "pending",
            "version": 1,
            "payload": None,
            "result": None,
            "incoming": {
                "revision": 1,
                "media_type": "text/csv",
                "size": 12,
                "sha256": None,
                "expires_at": "2026-03-01T09:45:00.000Z",
            },
            "declared": {"revision": 1, "media_type": "text/csv", "size": 12, "sha256": None},
            "problem": None,
            "created_at": "2026-03-01T09:30:00.000Z",
            "updated_at": "2026-03-01T09:30:00.000Z",
        },
    }


@pytest.mark.parametrize("stored", IN_STATUS.values(), ids=IN_STATUS)
def test_an_event_never_shows_what_only_the_service_needs(stored: StoredObject) -> None:
    """Whatever its status, the object has the members that a new one has in the test above, and no others."""
    event, created = event_of(None, stored), event_of(None, make_object())

    assert event is not None
    assert created is not None
    assert set(event.data) == set(created.data)


def test_incoming_is_shown_only_while_a_revision_is_awaited_or_processed() -> None:
    shown = {status for status, stored in IN_STATUS.items() if stored.incoming is not None}

    assert shown == {Status.PENDING, Status.PROCESSING, Status.EXPIRED}


def test_what_was_declared_of_the_newest_revision_is_shown_until_it_is_deleted() -> None:
    declared = {status: public_view(stored)["declared"] for status, stored in IN_STATUS.items()}

    assert declared.pop(Status.DELETED) is None
    assert {one["size"] for one in declared.values()} == {12}


def test_the_time_of_an_event_is_when_the_object_changed() -> None:
    moved = make_object().claim(now=NOW + timedelta(milliseconds=1250), lease_until=LATER)

    event = event_of(make_object(), moved)

    assert event is not None
    assert event.as_cloud_event()["time"] == "2026-03-01T09:30:01.250Z"

"""Subscribers that missed a change are told what the object is now."""

import pytest

from app.aws.faults import TRIES
from app.bootstrap.operations import compose_republishing
from app.domain.errors import NotFound, Unavailable
from app.domain.objects.values import Status
from app.domain.objects.views import public_view
from app.services.operations.republishing import Republishing
from app.storage.objects import ObjectRepository
from tests.conftest import Aws
from tests.faults import after, calls_of
from tests.statuses import STATUSES, make_in, make_record

TYPES = {
    "pending": "object.created",
    "processing": "object.processing",
    "ready": "object.ready",
    "rejected": "object.rejected",
    "failed": "object.failed",
    "expired": "object.expired",
    "deleted": "object.deleted",
}


@pytest.fixture
def republishing(aws: Aws) -> Republishing:
    return compose_republishing(aws.adapters())


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("owner", [None, "local-me"])
def test_the_current_state_is_published_under_the_id_of_the_newest_change(
    republishing: Republishing, repository: ObjectRepository, aws: Aws, status: str, owner: str | None
) -> None:
    stored = make_in(status)
    repository.add(stored)
    calls = calls_of(aws.events)

    [event] = republishing.republish(stored.id, owner=owner)

    [entry] = calls[0].parameters["Entries"]
    assert entry["DetailType"] == event.type == TYPES[status]
    assert event.id == f"{stored.id}:{stored.version}"
    assert event.data == public_view(stored)


def test_a_second_upload_that_is_awaited_was_requested(
    republishing: Republishing, repository: ObjectRepository
) -> None:
    stored = make_in("pending", version=4)
    repository.add(stored)

    [event] = republishing.republish(stored.id)

    assert event.type == "object.upload_requested"


def test_a_record_was_created(republishing: Republishing, repository: ObjectRepository) -> None:
    stored = make_record()
    repository.add(stored)

    [event] = republishing.republish(stored.id)

    assert (stored.status, event.type) == (Status.READY, "object.created")


def test_where_there_is_no_such_object_nothing_is_published(republishing: Republishing, aws: Aws) -> None:
    calls = calls_of(aws.events)

    assert republishing.republish(make_in("ready").id) == []
    with pytest.raises(NotFound):
        republishing.republish(make_in("ready").id, owner="local-me")
    assert calls == []


def test_an_event_that_the_bus_did_not_take_is_said_to_be_worth_another_try(
    republishing: Republishing, repository: ObjectRepository, aws: Aws
) -> None:
    stored = make_in("ready")
    repository.add(stored)

    def refuse(answer: dict[str, object]) -> None:
        answer |= {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}

    after(aws.events, "PutEvents", refuse, times=TRIES)

    with pytest.raises(Unavailable):
        republishing.republish(stored.id)

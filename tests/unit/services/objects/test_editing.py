"""Changes by a client: each promise of the design, and what happens when others write meanwhile."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, ConfigDict

from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.errors import (
    InvalidInput,
    NoPayloadAllowed,
    NotFound,
    StaleWrite,
    Unavailable,
    VersionMismatch,
    WharfError,
    WrongState,
)
from app.domain.kinds import ATTRIBUTES_LIMIT_BYTES, KINDS
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import PayloadKey, Revision, Status
from app.services.objects.editing import WRITE_TRIES, Editing
from app.services.objects.uploads import DeclaredPayload, InlinePayload, Upload
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, Aws, Clock, make_object
from tests.faults import answering, before, calls_of, fail, lose_reply
from tests.statuses import CSV, LEASE_UNTIL, SHA256, STATUSES, make_in, make_record
from tests.unit.services.conftest import content_of, keys_in_bucket

ME, YOU = "local-me", "local-you"
ID = UUID(make_object().id)
UPLOAD_SECONDS = 900
DECLARED = DeclaredPayload("text/csv", 40, None)
INLINE = InlinePayload("text/csv", CSV)
OTHER = InlinePayload("text/csv", b"x\n9\n")


@pytest.fixture
def editing(api: ApiServices) -> Editing:
    return api.editing


def edit(
    editing: Editing, patch: dict[str, Any], *, expected: frozenset[int] | None = None, owner: str = ME
) -> StoredObject:
    return editing.edit(owner, ID, patch, expected=expected, cause=Cause("request-2"))


def delete(editing: Editing, *, expected: frozenset[int] | None = None, owner: str = ME) -> None:
    editing.delete(owner, ID, expected=expected, cause=Cause("request-2"))


def ask(editing: Editing, declared: DeclaredPayload = DECLARED, *, owner: str = ME) -> StoredObject:
    return editing.request_upload(owner, ID, declared, cause=Cause("request-2"))[0]


def put(editing: Editing, payload: InlinePayload = INLINE, *, owner: str = ME) -> StoredObject:
    return editing.put_payload(owner, ID, payload, cause=Cause("request-2"))


def reprocess(editing: Editing, *, owner: str = ME) -> StoredObject:
    return editing.reprocess(owner, ID, cause=Cause("request-2"))


CHANGES: dict[str, Callable[..., object]] = {
    "edit": lambda editing, **more: edit(editing, {"name": "new"}, **more),
    "delete": delete,
    "request_upload": ask,
    "put_payload": put,
    "reprocess": reprocess,
}


def pointers(refused: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [error.pointer for error in refused.value.errors]


def test_a_patch_merges_into_name_attributes_and_labels(
    editing: Editing, repository: ObjectRepository, clock: Clock
) -> None:
    stored = repository.add(make_object(attributes={"a": 1, "b": {"c": 2, "d": 3}}))
    clock.move(minutes=1)

    edited = edit(
        editing, {"name": "new", "attributes": {"a": None, "b": {"c": 4}}, "labels": {"team": None, "x": "y"}}
    )

    assert (edited.name, edited.attributes, edited.labels) == ("new", {"b": {"c": 4, "d": 3}}, {"x": "y"})
    assert (edited.version, edited.updated_at) == (2, NOW + timedelta(minutes=1))
    assert edited.cause == Cause("request-2")
    assert (edited.status, edited.newest, edited.deadline) == (stored.status, stored.newest, stored.deadline)
    assert repository.get(ME, stored.id) == edited


NOTHING_NEW: dict[str, dict[str, Any]] = {
    "nothing": {},
    "the same name": {"name": "cities.csv"},
    "the same attribute": {"attributes": {"share": 0.25}},
    "no attributes named": {"attributes": {}},
    "the same label": {"labels": {"team": "growth"}},
    "what was never there removed": {"attributes": {"x": None}, "labels": {"x": None}},
}


@pytest.mark.parametrize("patch", NOTHING_NEW.values(), ids=NOTHING_NEW)
def test_a_patch_that_changes_nothing_writes_nothing(
    editing: Editing, repository: ObjectRepository, aws: Aws, patch: dict[str, Any]
) -> None:
    stored = repository.add(make_object())
    calls = calls_of(aws.dynamodb)

    assert edit(editing, patch) == stored
    assert [call.operation for call in calls] == ["GetItem"]


@pytest.mark.parametrize("field", ["attributes", "labels"])
def test_to_remove_what_is_empty_changes_nothing(
    editing: Editing, repository: ObjectRepository, field: str
) -> None:
    stored = repository.add(make_object(**{field: {}}))

    assert edit(editing, {field: None}) == stored


@pytest.mark.parametrize("field", ["attributes", "labels"])
def test_null_removes_all_attributes_or_labels(
    editing: Editing, repository: ObjectRepository, field: str
) -> None:
    repository.add(make_object())

    assert getattr(edit(editing, {field: None}), field) == {}


def test_one_and_one_point_zero_are_not_the_same(editing: Editing, repository: ObjectRepository) -> None:
    """They are equal in Python, but the client sees another text."""
    repository.add(make_object(attributes={"total": 1, "paid": 1}))

    edited = edit(editing, {"attributes": {"total": 1.0, "paid": True}})

    assert repr(edited.attributes) == "{'total': 1.0, 'paid': True}"


def test_a_null_that_was_stored_survives_a_patch_of_another_attribute(
    editing: Editing, repository: ObjectRepository
) -> None:
    repository.add(make_object(attributes={"a": None}))

    assert edit(editing, {"attributes": {"b": 1}}).attributes == {"a": None, "b": 1}


def test_labels_are_counted_after_the_merge(editing: Editing, repository: ObjectRepository) -> None:
    full = {f"l{number}": "v" for number in range(32)}
    stored = repository.add(make_object(labels=full))

    with pytest.raises(InvalidInput) as refused:
        edit(editing, {"labels": {"one more": "v"}})

    assert pointers(refused) == ["/labels"]
    assert repository.get(ME, stored.id) == stored
    assert len(edit(editing, {"labels": {"one more": "v", "l0": None}}).labels) == 32


def test_attributes_are_measured_after_the_merge(editing: Editing, repository: ObjectRepository) -> None:
    half = "x" * (ATTRIBUTES_LIMIT_BYTES // 2)
    stored = repository.add(make_object(attributes={"a": half}))

    with pytest.raises(InvalidInput) as refused:
        edit(editing, {"attributes": {"b": half}})

    assert pointers(refused) == ["/attributes"]
    assert repository.get(ME, stored.id) == stored
    assert edit(editing, {"attributes": {"a": None, "b": half}}).attributes == {"b": half}


def test_attributes_just_within_the_limit_are_taken(editing: Editing, repository: ObjectRepository) -> None:
    repository.add(make_object(attributes={"a": ""}))
    text = "x" * (ATTRIBUTES_LIMIT_BYTES - len('{"a":""}'))

    assert edit(editing, {"attributes": {"a": text}}).attributes == {"a": text}


class Survey(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    source: str
    share: float = 0


def test_attributes_are_checked_by_the_kind_after_the_merge(
    editing: Editing, repository: ObjectRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "dataset", replace(KINDS["dataset"], attributes=Survey))
    stored = repository.add(make_object())

    with pytest.raises(InvalidInput) as refused:
        edit(editing, {"attributes": {"source": None, "share": "half", "x/y": 1}})

    assert sorted(pointers(refused)) == ["/attributes/share", "/attributes/source", "/attributes/x~1y"]
    assert repository.get(ME, stored.id) == stored
    assert edit(editing, {"attributes": {"share": None}}).attributes == {"source": "survey"}


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "deleted"])
def test_an_object_can_be_edited_in_every_status(
    editing: Editing, repository: ObjectRepository, status: str
) -> None:
    stored = repository.add(make_in(status))

    edited = edit(editing, {"name": "new"})

    assert (edited.name, edited.status, edited.lease) == ("new", stored.status, stored.lease)


def test_an_edit_goes_through_with_a_version_that_is_expected(
    editing: Editing, repository: ObjectRepository
) -> None:
    repository.add(make_object(version=7))

    assert edit(editing, {"name": "new"}, expected=frozenset({3, 7})).version == 8


@pytest.mark.parametrize("expected", [frozenset({1, 3}), frozenset()])
@pytest.mark.parametrize("change", ["edit", "delete"])
def test_a_change_of_another_version_than_expected_is_refused(
    editing: Editing, repository: ObjectRepository, change: str, expected: frozenset[int]
) -> None:
    stored = repository.add(make_object(version=2))

    with pytest.raises(VersionMismatch) as refused:
        CHANGES[change](editing, expected=expected)

    assert refused.value.current == 2
    assert repository.get(ME, stored.id) == stored


def test_even_a_patch_that_changes_nothing_must_name_the_right_version(
    editing: Editing, repository: ObjectRepository
) -> None:
    repository.add(make_object())

    with pytest.raises(VersionMismatch):
        edit(editing, {}, expected=frozenset({2}))


class OtherWriter:
    """Somebody who changes the sample object just before our writes."""

    def __init__(self, aws: Aws, repository: ObjectRepository) -> None:
        self._aws = aws
        self._repository = repository
        self._is_writing = False

    def will(self, change: Callable[[StoredObject], StoredObject], *, times: int = 1) -> None:
        def act() -> None:
            if self._is_writing:  # This very write is theirs.
                return
            self._is_writing = True
            stored = self._repository.get(ME, str(ID))
            self._repository.save(change(stored), read=stored)
            self._is_writing = False

        # Half of the turns are taken by their own writes.
        before(self._aws.dynamodb, "PutItem", act, times=2 * times)


@pytest.fixture
def other(aws: Aws, repository: ObjectRepository) -> OtherWriter:
    return OtherWriter(aws, repository)


def relabelled(stored: StoredObject) -> StoredObject:
    return stored.edit(
        name=stored.name,
        attributes=stored.attributes,
        labels={"theirs": str(stored.version)},
        now=NOW,
        cause=Cause("request-3"),
    )


def renamed(stored: StoredObject) -> StoredObject:
    return stored.edit(
        name="theirs",
        attributes=stored.attributes,
        labels=stored.labels,
        now=NOW,
        cause=Cause("request-3"),
    )


def claimed(stored: StoredObject) -> StoredObject:
    return stored.claim(now=NOW, lease_until=LEASE_UNTIL)


def requeued(stored: StoredObject) -> StoredObject:
    return stored.requeue(now=NOW)


def deleted(stored: StoredObject) -> StoredObject:
    return stored.delete(now=NOW, cause=Cause("request-3"))


def test_two_patches_of_different_fields_both_survive(
    editing: Editing, repository: ObjectRepository, other: OtherWriter
) -> None:
    stored = repository.add(make_object())
    other.will(relabelled)

    edited = edit(editing, {"name": "ours"})

    assert (edited.name, edited.labels, edited.version) == ("ours", {"theirs": "1"}, 3)
    assert repository.get(ME, stored.id) == edited


def test_a_patch_and_a_claim_both_survive(
    editing: Editing, repository: ObjectRepository, other: OtherWriter
) -> None:
    repository.add(make_object())
    other.will(claimed)

    edited = edit(editing, {"name": "ours"})

    assert (edited.name, edited.status) == ("ours", Status.PROCESSING)
    assert edited.lease is not None


def test_with_a_version_expected_no_update_is_lost(
    editing: Editing, repository: ObjectRepository, other: OtherWriter
) -> None:
    stored = repository.add(make_object())
    other.will(renamed)

    with pytest.raises(VersionMismatch) as refused:
        edit(editing, {"name": "ours"}, expected=frozenset({1}))

    assert refused.value.current == 2
    assert repository.get(ME, stored.id).name == "theirs"


def test_bookkeeping_in_between_is_no_other_version(
    editing: Editing, repository: ObjectRepository, other: OtherWriter
) -> None:
    repository.add(make_object())
    other.will(requeued)

    edited = edit(editing, {"name": "ours"}, expected=frozenset({1}))

    assert (edited.version, edited.requeues) == (2, 1)


def test_a_patch_that_keeps_meeting_others_gives_up_after_some_tries(
    editing: Editing, repository: ObjectRepository, other: OtherWriter, aws: Aws
) -> None:
    stored = repository.add(make_object())
    other.will(relabelled, times=WRITE_TRIES)
    calls = calls_of(aws.dynamodb)

    with pytest.raises(StaleWrite):
        edit(editing, {"name": "ours"})

    assert repository.get(ME, stored.id).name == "cities.csv"
    assert len(calls) < 5 * WRITE_TRIES


def test_a_patch_survives_all_but_the_last_of_its_tries(
    editing: Editing, repository: ObjectRepository, other: OtherWriter
) -> None:
    repository.add(make_object())
    other.will(relabelled, times=WRITE_TRIES - 1)

    assert edit(editing, {"name": "ours"}).version == WRITE_TRIES + 1


def test_an_edit_of_what_is_deleted_meanwhile_is_not_found(
    editing: Editing, repository: ObjectRepository, other: OtherWriter
) -> None:
    repository.add(make_object())
    other.will(deleted)

    with pytest.raises(NotFound):
        edit(editing, {"name": "ours"})


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_whose_reply_the_sdk_lost_happens_once(
    editing: Editing, repository: ObjectRepository, aws: Aws, change: str
) -> None:
    stored = repository.add(make_in("ready"))
    lose_reply(aws.dynamodb, "PutItem")

    CHANGES[change](editing, **({"payload": OTHER} if change == "put_payload" else {}))

    assert repository.get(ME, stored.id).version == stored.version + 1


def test_a_deletion_leaves_a_tombstone_out_of_the_lists(
    editing: Editing, repository: ObjectRepository
) -> None:
    stored = repository.add(make_in("ready"))

    delete(editing)

    tombstone = repository.get(ME, stored.id)
    assert (tombstone.status, tombstone.version) == (Status.DELETED, stored.version + 1)
    assert (tombstone.attributes, tombstone.artifacts, tombstone.summary) == ({}, (), None)
    assert tombstone.deadline == stored.writable_until


def test_to_delete_again_changes_nothing(editing: Editing, repository: ObjectRepository) -> None:
    stored = repository.add(make_object())
    delete(editing)
    tombstone = repository.get(ME, stored.id)

    delete(editing)
    delete(editing, expected=frozenset({1}))

    assert repository.get(ME, stored.id) == tombstone


@pytest.mark.parametrize("theirs", [renamed, claimed, requeued, deleted])
def test_a_deletion_wins_over_what_others_do_meanwhile(
    editing: Editing,
    repository: ObjectRepository,
    other: OtherWriter,
    theirs: Callable[[StoredObject], StoredObject],
) -> None:
    stored = repository.add(make_object())
    other.will(theirs)

    delete(editing)

    assert repository.get(ME, stored.id).status is Status.DELETED


def test_a_deletion_of_one_version_does_not_delete_another(
    editing: Editing, repository: ObjectRepository, other: OtherWriter
) -> None:
    stored = repository.add(make_object())
    other.will(renamed)

    with pytest.raises(VersionMismatch):
        delete(editing, expected=frozenset({1}))

    assert repository.get(ME, stored.id).status is Status.PENDING


@pytest.mark.parametrize("change", CHANGES)
def test_an_unknown_object_is_not_found(editing: Editing, aws: Aws, change: str) -> None:
    with pytest.raises(NotFound):
        CHANGES[change](editing)

    assert aws.dynamodb.scan(TableName=aws.table)["Count"] == 0
    assert keys_in_bucket(aws) == []


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_changes_what_another_owner_has(
    editing: Editing, repository: ObjectRepository, change: str
) -> None:
    stored = repository.add(make_in("ready"))

    with pytest.raises(NotFound):
        CHANGES[change](editing, owner=YOU)

    assert repository.get(ME, stored.id) == stored


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "delete"])
def test_a_tombstone_takes_no_change(
    editing: Editing, repository: ObjectRepository, aws: Aws, change: str
) -> None:
    stored = repository.add(make_in("deleted"))

    with pytest.raises(NotFound):
        CHANGES[change](editing)

    assert repository.get(ME, stored.id) == stored
    assert keys_in_bucket(aws) == []


@pytest.mark.parametrize("change", ["request_upload", "put_payload", "reprocess"])
def test_a_record_has_no_payload_to_change(
    editing: Editing, repository: ObjectRepository, change: str
) -> None:
    record = repository.add(make_record())

    with pytest.raises(NoPayloadAllowed):
        CHANGES[change](editing)

    assert repository.get(ME, record.id) == record


NOT_ALLOWED = {
    "request_upload": {"processing"},
    "put_payload": {"processing"},
    "reprocess": {"pending", "processing", "expired"},
}


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "deleted"])
@pytest.mark.parametrize("change", NOT_ALLOWED)
def test_a_new_payload_and_reprocessing_wait_for_what_the_design_says(
    editing: Editing, repository: ObjectRepository, aws: Aws, change: str, status: str
) -> None:
    stored = repository.add(make_in(status))

    if status in NOT_ALLOWED[change]:
        with pytest.raises(WrongState):
            CHANGES[change](editing, **({"payload": OTHER} if change == "put_payload" else {}))

        assert repository.get(ME, stored.id) == stored
        assert keys_in_bucket(aws) == []
    else:
        CHANGES[change](editing, **({"payload": OTHER} if change == "put_payload" else {}))

        after = repository.get(ME, stored.id)
        assert after.newest is not None
        assert (after.status, after.attempts, after.problem) == (Status.PENDING, 0, None)
        assert after.version == stored.version + 1
        assert after.newest.number == (1 if change == "reprocess" else 2)


def test_an_upload_is_of_the_next_revision_and_of_exactly_what_was_declared(
    editing: Editing, repository: ObjectRepository
) -> None:
    ready = repository.add(make_in("ready"))

    stored, upload = editing.request_upload(
        ME, ID, replace(DECLARED, sha256="ab" * 32), cause=Cause("request-2")
    )

    expires_at = NOW + timedelta(seconds=UPLOAD_SECONDS)
    assert stored.newest == Revision(2, "text/csv", 40, "ab" * 32, expires_at)
    assert (stored.deadline, stored.writable_until) == (expires_at + timedelta(minutes=5), expires_at)
    assert (stored.payload, stored.summary) == (ready.payload, ready.summary)
    assert isinstance(upload, Upload)
    assert upload.expires_at == expires_at
    assert urlsplit(upload.url).path.endswith(f"/payloads/{ME}/{ID}/2")
    assert upload.headers["x-amz-checksum-sha256"] == "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="


def test_to_ask_again_for_the_awaited_upload_gives_the_same_one(
    editing: Editing, repository: ObjectRepository, aws: Aws, clock: Clock
) -> None:
    repository.add(make_in("ready"))
    first = ask(editing)
    clock.move(minutes=10)
    calls = calls_of(aws.dynamodb)

    again, upload = editing.request_upload(ME, ID, DECLARED, cause=Cause("request-3"))

    assert again == first
    assert [call.operation for call in calls] == ["GetItem"]
    assert isinstance(upload, Upload)
    assert parse_qs(urlsplit(upload.url).query)["X-Amz-Expires"] == ["300"]


@pytest.mark.parametrize(
    "other_declaration",
    [
        replace(DECLARED, size=41),
        replace(DECLARED, media_type="text/tab-separated-values"),
        replace(DECLARED, sha256="ab" * 32),
    ],
    ids=["size", "type", "checksum"],
)
def test_to_ask_for_another_upload_gives_a_new_revision(
    editing: Editing, repository: ObjectRepository, other_declaration: DeclaredPayload
) -> None:
    repository.add(make_in("ready"))
    ask(editing)

    newest = ask(editing, other_declaration).newest

    assert newest is not None
    assert newest.number == 3


@pytest.mark.parametrize("seconds_left", [0, 0.5], ids=["expired", "in the last second"])
def test_to_ask_once_the_url_has_expired_gives_a_new_revision(
    editing: Editing, repository: ObjectRepository, clock: Clock, seconds_left: float
) -> None:
    """A URL is valid for whole seconds, so none is given for less than one."""
    repository.add(make_in("ready"))
    ask(editing)
    clock.move(seconds=UPLOAD_SECONDS - seconds_left)

    stored, upload = editing.request_upload(ME, ID, DECLARED, cause=Cause("request-3"))

    assert stored.newest is not None
    assert stored.newest.number == 3
    assert upload is not None


def test_what_is_being_reprocessed_does_not_take_the_place_of_a_new_upload(
    editing: Editing, repository: ObjectRepository
) -> None:
    """Its payload is there already: S3 would refuse an upload to the same key."""
    ready = repository.add(make_in("ready"))
    assert ready.newest is not None
    reprocess(editing)

    stored = ask(editing, DeclaredPayload(ready.newest.media_type, ready.newest.size, None))

    assert stored.newest is not None
    assert stored.newest.number == 2


def test_an_upload_asked_for_by_two_at_once_is_one_revision(
    editing: Editing, repository: ObjectRepository, other: OtherWriter
) -> None:
    repository.add(make_in("ready"))
    expires_at = NOW + timedelta(seconds=UPLOAD_SECONDS)
    same = Revision(2, "text/csv", 40, None, expires_at)
    other.will(
        lambda stored: stored.request_upload(same, now=NOW, deadline=expires_at, cause=Cause("request-3"))
    )

    assert ask(editing).newest == same


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (DeclaredPayload("image/png", 12, None), ["/media_type"]),
        (DeclaredPayload("text/csv", 2**40, None), ["/size"]),
        (DeclaredPayload("image/png", 2**40, None), ["/media_type", "/size"]),
    ],
)
def test_an_upload_that_the_kind_does_not_take_is_refused(
    editing: Editing, repository: ObjectRepository, declared: DeclaredPayload, expected: list[str]
) -> None:
    stored = repository.add(make_in("ready"))

    with pytest.raises(InvalidInput) as refused:
        ask(editing, declared)

    assert pointers(refused) == expected
    assert repository.get(ME, stored.id) == stored


def test_a_small_payload_is_stored_as_the_next_revision(
    editing: Editing, repository: ObjectRepository, aws: Aws
) -> None:
    repository.add(make_in("ready"))

    stored = put(editing, OTHER)

    digest = sha256(OTHER.body).hexdigest()
    assert stored.newest == Revision(2, "text/csv", len(OTHER.body), digest, None)
    assert (stored.status, stored.deadline) == (Status.PENDING, NOW + timedelta(seconds=60))
    assert content_of(aws, f"payloads/{ME}/{ID}/2") == OTHER.body


SAME_BYTES: dict[str, StoredObject] = {
    "pending": make_in("pending", newest=Revision(1, "text/csv", 12, SHA256, None)),
    "processing": make_in("processing", newest=Revision(1, "text/csv", 12, SHA256, None)),
    "ready": make_in("ready", newest=Revision(1, "text/csv", 12, SHA256, None)),
    "ready, uploaded by the client": make_in("ready"),
    "rejected": make_in("rejected", newest=Revision(1, "text/csv", 12, SHA256, None)),
    "failed": make_in("failed", newest=Revision(1, "text/csv", 12, SHA256, None)),
}


@pytest.mark.parametrize("stored", SAME_BYTES.values(), ids=SAME_BYTES)
def test_the_same_bytes_again_change_nothing(
    editing: Editing, repository: ObjectRepository, aws: Aws, stored: StoredObject
) -> None:
    repository.add(stored)
    calls = calls_of(aws.dynamodb)

    assert put(editing, replace(INLINE, media_type="Text/CSV; charset=utf-8")) == stored
    assert [call.operation for call in calls] == ["GetItem"]


@pytest.mark.parametrize("status", ["processing", "ready", "rejected", "failed"])
def test_the_same_bytes_are_not_written_again_once_they_were_taken(
    editing: Editing, repository: ObjectRepository, aws: Aws, status: str
) -> None:
    repository.add(SAME_BYTES[status])
    calls = calls_of(aws.s3)

    put(editing)

    assert calls == []


def test_the_same_bytes_of_another_type_are_another_payload(
    editing: Editing, repository: ObjectRepository
) -> None:
    repository.add(SAME_BYTES["ready"])

    assert put(editing, replace(INLINE, media_type="text/tab-separated-values")).version == 4


@pytest.mark.parametrize("parameters", ["charset=windows-1251", "header=absent"])
def test_the_same_bytes_to_be_read_differently_are_another_payload(
    editing: Editing, repository: ObjectRepository, parameters: str
) -> None:
    repository.add(SAME_BYTES["rejected"])

    assert put(editing, replace(INLINE, media_type=f"text/csv; {parameters}")).version == 4


@pytest.mark.parametrize(("minutes", "revision"), [(0, 2), (21, 3)], ids=["awaited", "expired"])
def test_the_same_bytes_heal_a_write_to_s3_that_failed(
    editing: Editing, repository: ObjectRepository, aws: Aws, clock: Clock, minutes: int, revision: int
) -> None:
    """They are the same revision while it is awaited, and a new one once it has expired."""
    repository.add(make_in("ready"))
    fail(aws.s3, "PutObject", answering(503))
    with pytest.raises(Unavailable):
        put(editing, OTHER)
    awaiting = repository.get(ME, str(ID))
    if minutes:
        clock.move(minutes=minutes)
        repository.save(awaiting.expire(now=clock()), read=awaiting)
    healed = put(editing, OTHER)

    assert (healed.status, healed.newest and healed.newest.number) == (Status.PENDING, revision)
    assert content_of(aws, f"payloads/{ME}/{ID}/{revision}") == OTHER.body


def test_a_put_whose_reply_from_s3_got_lost_has_succeeded(
    editing: Editing, repository: ObjectRepository, aws: Aws
) -> None:
    repository.add(make_in("ready"))
    lose_reply(aws.s3, "PutObject")

    put(editing, OTHER)

    assert content_of(aws, f"payloads/{ME}/{ID}/2") == OTHER.body


DECLARED_BYTES = Revision(1, "text/csv", 12, SHA256, NOW + timedelta(minutes=15))


@pytest.mark.parametrize(
    ("status", "declared"),
    [
        ("rejected", DECLARED_BYTES),
        ("rejected", replace(DECLARED_BYTES, size=13)),
        ("expired", DECLARED_BYTES),
    ],
    ids=["other bytes came", "another size was declared", "nothing came"],
)
def test_bytes_that_never_came_are_not_the_same_again(
    editing: Editing, repository: ObjectRepository, aws: Aws, status: str, declared: Revision
) -> None:
    """They were declared, but only now do they come. So a revision with a deadline awaits them."""
    repository.add(make_in(status, newest=declared))

    stored = put(editing)

    assert (stored.status, stored.problem) == (Status.PENDING, None)
    assert stored.deadline is not None
    assert content_of(aws, f"payloads/{ME}/{ID}/2") == CSV


def test_a_declared_upload_may_come_inside_a_request_instead(
    editing: Editing, repository: ObjectRepository, aws: Aws
) -> None:
    stored = repository.add(
        make_object(newest=Revision(1, "text/csv", 12, SHA256, NOW + timedelta(minutes=15)))
    )

    assert put(editing) == stored
    assert content_of(aws, f"payloads/{ME}/{ID}/1") == CSV


def test_an_awaited_inline_payload_gives_way_to_another(
    editing: Editing, repository: ObjectRepository, aws: Aws
) -> None:
    repository.add(make_in("ready"))
    put(editing, OTHER)

    stored = put(editing, replace(OTHER, body=b"y\n8\n"))

    assert stored.newest is not None
    assert stored.newest.number == 3
    assert keys_in_bucket(aws) == [f"payloads/{ME}/{ID}/{number}" for number in (2, 3)]


def test_the_bytes_of_an_older_revision_are_a_new_one(editing: Editing, repository: ObjectRepository) -> None:
    repository.add(SAME_BYTES["ready"])
    put(editing, OTHER)

    stored = put(editing)

    assert stored.newest is not None
    assert (stored.newest.number, stored.newest.sha256) == (3, SHA256)


def test_a_payload_that_the_kind_does_not_take_is_refused_and_not_stored(
    editing: Editing, repository: ObjectRepository, aws: Aws
) -> None:
    stored = repository.add(make_in("ready"))

    with pytest.raises(InvalidInput):
        put(editing, replace(INLINE, media_type="image/png"))

    assert repository.get(ME, stored.id) == stored
    assert keys_in_bucket(aws) == []


def test_an_empty_payload_is_a_payload(editing: Editing, repository: ObjectRepository, aws: Aws) -> None:
    repository.add(make_in("ready"))

    put(editing, replace(INLINE, body=b""))

    assert content_of(aws, f"payloads/{ME}/{ID}/2") == b""


@pytest.mark.parametrize("status", ["ready", "rejected", "failed"])
def test_reprocessing_takes_the_newest_payload_as_it_is(
    editing: Editing, repository: ObjectRepository, aws: Aws, status: str
) -> None:
    stored = repository.add(make_in(status))

    pending = reprocess(editing)

    assert pending.newest is not None
    assert stored.newest is not None
    assert pending.newest.number == stored.newest.number
    assert (pending.payload, pending.summary) == (stored.payload, stored.summary)
    assert pending.deadline == NOW + timedelta(minutes=5)
    assert keys_in_bucket(aws) == []


def test_what_two_ask_to_reprocess_at_once_is_reprocessed_once(
    editing: Editing, repository: ObjectRepository, other: OtherWriter
) -> None:
    stored = repository.add(make_in("ready"))
    other.will(lambda ready: ready.reprocess(now=NOW, deadline=LEASE_UNTIL, cause=Cause("request-3")))

    with pytest.raises(WrongState):
        reprocess(editing)

    assert repository.get(ME, stored.id).version == stored.version + 1


@pytest.mark.parametrize("change", CHANGES)
def test_trouble_with_dynamodb_is_said_to_pass(
    editing: Editing, repository: ObjectRepository, aws: Aws, change: str
) -> None:
    stored = repository.add(make_in("ready"))
    for operation in ("GetItem", "PutItem"):
        fail(aws.dynamodb, operation, answering(503))

        with pytest.raises(WharfError) as refused:
            CHANGES[change](editing, **({"payload": OTHER} if change == "put_payload" else {}))

        assert type(refused.value) is Unavailable

    assert repository.get(ME, stored.id) == stored


def test_a_payload_key_is_the_owners_own(editing: Editing, repository: ObjectRepository, aws: Aws) -> None:
    repository.add(make_in("ready", id=str(uuid4()), owner=YOU))
    repository.add(make_in("ready"))

    put(editing, OTHER)

    assert keys_in_bucket(aws) == [str(PayloadKey(ME, str(ID), 2))]

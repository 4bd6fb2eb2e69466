"""A client creates objects: each promise of the design, on real storage."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.errors import (
    IdempotencyKeyReused,
    InvalidInput,
    InvalidPayload,
    NoPayloadAllowed,
    ObjectDeleted,
    ProblemCode,
    Unavailable,
)
from app.domain.kinds import ATTRIBUTES_LIMIT_BYTES, GIBIBYTE
from app.domain.objects.values import Payload, Result, Status
from app.services.objects.creating import NewObject
from app.services.objects.uploads import DeclaredPayload, InlinePayload, Upload
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, Aws, Clock
from tests.faults import (
    answering,
    calls_of,
    fail,
    lose_reply,
)
from tests.services import services_on
from tests.unit.services.conftest import content_of, keys_in_bucket
from tests.unit.services.new_objects import (
    CSV,
    INLINE,
    ME,
    UPLOAD_SECONDS,
    YOU,
    create,
    new,
    new_record,
    query_of,
)


def test_a_record_is_born_ready_and_awaits_nothing(api: ApiServices, repository: ObjectRepository) -> None:
    created = api.creating.create(ME, new_record(), cause=Cause("request-1"))

    assert (created.stored.status, created.stored.version) == (Status.READY, 1)
    assert (created.replayed, created.upload) == (False, None)
    assert (created.stored.newest, created.stored.deadline) == (None, None)
    assert repository.get(ME, created.stored.id) == created.stored


def test_an_inline_payload_is_stored_after_its_record(
    api: ApiServices, repository: ObjectRepository, aws: Aws
) -> None:
    created = api.creating.create(ME, new(payload=INLINE), cause=Cause("request-1"))

    assert (created.stored.status, created.upload) == (Status.PENDING, None)
    assert repository.get(ME, created.stored.id) == created.stored
    assert content_of(aws, f"payloads/{ME}/{created.stored.id}/1") == CSV


def test_an_inline_payload_is_declared_by_what_it_is(api: ApiServices) -> None:
    revision = create(api, new(payload=INLINE)).newest

    assert revision is not None
    assert (revision.number, revision.size, revision.media_type) == (1, 12, "text/csv")
    assert revision.sha256 == "b9485148546419a0f6a85e8d708c923557c15d7f3c7d078ef1fa7f7c0f57d5a5"
    assert revision.expires_at is None


def test_an_inline_payload_is_awaited_for_a_minute(api: ApiServices) -> None:
    assert create(api, new(payload=INLINE)).deadline == NOW + timedelta(seconds=60)


def test_an_announced_payload_gets_an_upload_of_exactly_that(api: ApiServices) -> None:
    created = api.creating.create(ME, new(), cause=Cause("request-1"))

    assert isinstance(created.upload, Upload)
    assert urlsplit(created.upload.url).path.endswith(f"/payloads/{ME}/{created.stored.id}/1")
    assert created.upload.headers == {
        "Content-Type": "text/csv",
        "If-None-Match": "*",
        "x-amz-checksum-sha256": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
    }
    signed = query_of(created.upload.url)["X-Amz-SignedHeaders"].split(";")
    assert {"content-length", "content-type", "if-none-match", "x-amz-checksum-sha256"} <= set(signed)


def test_the_sweep_waits_until_an_upload_under_way_may_be_done(api: ApiServices) -> None:
    stored = create(api, new())

    assert stored.writable_until == NOW + timedelta(seconds=UPLOAD_SECONDS)
    assert stored.deadline == NOW + timedelta(seconds=UPLOAD_SECONDS + 300)


def test_without_a_key_each_create_is_another_object(api: ApiServices) -> None:
    assert create(api, new_record()).id != create(api, new_record()).id


@pytest.mark.parametrize("shards", [1, 3])
def test_an_object_keeps_the_shard_of_its_birth(aws: Aws, shards: int) -> None:
    api = services_on(aws, list_shards=shards)

    born = {create(api, new_record()).shard for _ in range(30)}

    assert born == set(range(shards))


@pytest.mark.parametrize(
    "wanted", [new_record(), new(), new(payload=INLINE)], ids=["record", "declared", "inline"]
)
def test_the_same_key_and_body_is_the_same_object(api: ApiServices, wanted: NewObject, aws: Aws) -> None:
    retried = replace(wanted, idempotency_key="order-42")
    first = api.creating.create(ME, retried, cause=Cause("request-1"))

    again = api.creating.create(ME, retried, cause=Cause("request-2"))

    assert (again.stored, again.replayed) == (first.stored, True)
    assert aws.dynamodb.scan(TableName=aws.table)["Count"] == 1


@pytest.mark.parametrize("wanted", [new_record(), new(payload=INLINE)], ids=["record", "inline"])
def test_a_create_whose_reply_the_sdk_lost_is_no_replay(
    api: ApiServices, wanted: NewObject, aws: Aws
) -> None:
    lose_reply(aws.dynamodb, "PutItem")

    created = api.creating.create(ME, replace(wanted, idempotency_key="order-42"), cause=Cause("request-1"))

    assert not created.replayed
    assert created.stored.version == 1


def test_a_replay_answers_the_object_as_it_is_now(api: ApiServices, repository: ObjectRepository) -> None:
    wanted = new_record(idempotency_key="order-42")
    stored = create(api, wanted)
    edited = stored.edit(name="new", attributes={}, labels={}, now=NOW, cause=Cause("request-2"))
    repository.save(edited, read=stored)

    assert create(api, wanted) == edited


def test_the_same_key_for_another_body_is_refused(api: ApiServices) -> None:
    create(api, new_record(idempotency_key="order-42"))

    with pytest.raises(IdempotencyKeyReused):
        create(api, new_record(idempotency_key="order-42", fingerprint="e" * 64))


def test_a_reused_key_writes_no_payload(api: ApiServices, aws: Aws) -> None:
    create(api, new(idempotency_key="order-42"))

    with pytest.raises(IdempotencyKeyReused):
        create(api, new(idempotency_key="order-42", payload=INLINE, fingerprint="e" * 64))

    assert keys_in_bucket(aws) == []


def test_the_key_of_a_deleted_object_is_refused(api: ApiServices, repository: ObjectRepository) -> None:
    wanted = new_record(idempotency_key="order-42")
    stored = create(api, wanted)
    repository.save(stored.delete(now=NOW, cause=Cause("request-2")), read=stored)

    with pytest.raises(ObjectDeleted):
        create(api, wanted)


def test_two_owners_with_the_same_key_get_two_objects(api: ApiServices) -> None:
    mine = create(api, new_record(idempotency_key="order-42"), owner=ME)
    yours = api.creating.create(YOU, new_record(idempotency_key="order-42"), cause=Cause("request-1"))

    assert yours.stored.id != mine.id
    assert not yours.replayed


def test_a_retry_writes_the_inline_payload_that_a_crash_left_out(api: ApiServices, aws: Aws) -> None:
    wanted = new(payload=INLINE, idempotency_key="order-42")
    fail(aws.s3, "PutObject", answering(503))
    with pytest.raises(Unavailable):
        create(api, wanted)

    healed = api.creating.create(ME, wanted, cause=Cause("request-2"))

    assert healed.replayed
    assert content_of(aws, f"payloads/{ME}/{healed.stored.id}/1") == CSV


def test_a_retry_puts_nothing_once_the_payload_was_judged(
    api: ApiServices, repository: ObjectRepository, aws: Aws
) -> None:
    wanted = new(payload=INLINE, idempotency_key="order-42")
    stored = create(api, wanted)
    claimed = stored.claim(now=NOW, lease_until=NOW + timedelta(minutes=5))
    repository.save(claimed, read=stored)
    settled = claimed.accept(Payload("text/csv", 12, "a" * 64, 1), Result({}, ()), now=NOW)
    repository.save(settled, read=claimed)
    calls = calls_of(aws.s3)

    assert create(api, wanted) == settled
    assert calls == []


def test_a_replay_signs_an_upload_for_the_time_that_is_left(api: ApiServices, clock: Clock) -> None:
    wanted = new(idempotency_key="order-42")
    create(api, wanted)
    clock.move(seconds=600)

    upload = api.creating.create(ME, wanted, cause=Cause("request-2")).upload

    assert isinstance(upload, Upload)
    assert upload.expires_at == NOW + timedelta(seconds=UPLOAD_SECONDS)
    assert query_of(upload.url)["X-Amz-Expires"] == "300"


@pytest.mark.parametrize("seconds", [899.5, 900, 1000])
def test_a_replay_gives_no_upload_once_its_time_is_over(
    api: ApiServices, clock: Clock, seconds: float
) -> None:
    wanted = new(idempotency_key="order-42")
    create(api, wanted)
    clock.move(seconds=seconds)

    assert api.creating.create(ME, wanted, cause=Cause("request-2")).upload is None


def test_a_replay_gives_no_upload_while_the_payload_is_processed(
    api: ApiServices, repository: ObjectRepository
) -> None:
    wanted = new(idempotency_key="order-42")
    stored = create(api, wanted)
    repository.save(stored.claim(now=NOW, lease_until=NOW + timedelta(minutes=5)), read=stored)

    assert api.creating.create(ME, wanted, cause=Cause("request-2")).upload is None


def test_a_replay_gives_no_upload_while_the_payload_is_to_be_processed_again(
    api: ApiServices, repository: ObjectRepository
) -> None:
    """The object is pending, but its payload is there already."""
    wanted = new(idempotency_key="order-42")
    stored = create(api, wanted)
    claimed = stored.claim(now=NOW, lease_until=NOW + timedelta(minutes=5))
    repository.save(claimed, read=stored)
    invalid = InvalidPayload(ProblemCode.INVALID_CONTENT, "Line 3 has no end.")
    repository.save(claimed.reject(invalid, now=NOW), read=claimed)
    api.editing.reprocess(ME, UUID(stored.id), cause=Cause("request-2"))

    assert api.creating.create(ME, wanted, cause=Cause("request-3")).upload is None


TOO_MANY = {"text": "x" * ATTRIBUTES_LIMIT_BYTES}
EMPTY_JSON_BYTES = len('{"text":""}')

REFUSED: dict[str, tuple[NewObject, list[str]]] = {
    "attributes too large": (new_record(attributes=TOO_MANY), ["/attributes"]),
    "attributes too large in UTF-8": (new_record(attributes={"text": "é" * 16_384}), ["/attributes"]),
    "a type the kind does not take": (
        new(payload=DeclaredPayload("image/png", 12, None)),
        ["/payload/media_type"],
    ),
    "an inline type the kind does not take": (
        new(payload=InlinePayload("image/png", CSV)),
        ["/payload/media_type"],
    ),
    "a dataset too large": (
        new(payload=DeclaredPayload("text/csv", GIBIBYTE + 1, None)),
        ["/payload/size"],
    ),
    "a file too large": (
        new(kind="file", payload=DeclaredPayload("text/csv", 6_750_000_001, None)),
        ["/payload/size"],
    ),
    "type and size": (
        new(payload=DeclaredPayload("image/png", GIBIBYTE + 1, None)),
        ["/payload/media_type", "/payload/size"],
    ),
}


@pytest.mark.parametrize(("wanted", "pointers"), REFUSED.values(), ids=REFUSED)
def test_what_a_kind_does_not_take_is_refused_and_nothing_is_written(
    api: ApiServices, aws: Aws, wanted: NewObject, pointers: list[str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create(api, wanted)

    assert [error.pointer for error in refused.value.errors] == pointers
    assert aws.dynamodb.scan(TableName=aws.table)["Count"] == 0
    assert keys_in_bucket(aws) == []


@pytest.mark.parametrize("wanted", [new(kind="record"), new(kind="record", payload=INLINE)])
def test_a_record_takes_no_payload(api: ApiServices, aws: Aws, wanted: NewObject) -> None:
    with pytest.raises(NoPayloadAllowed):
        create(api, wanted)

    assert aws.dynamodb.scan(TableName=aws.table)["Count"] == 0
    assert keys_in_bucket(aws) == []


ACCEPTED: dict[str, NewObject] = {
    "attributes just within the limit": new_record(
        attributes={"text": "x" * (ATTRIBUTES_LIMIT_BYTES - EMPTY_JSON_BYTES)}
    ),
    "parameters and case of the type": new(payload=DeclaredPayload("Text/CSV; charset=utf-8", 12, None)),
    "a dataset as large as may be": new(payload=DeclaredPayload("text/csv", GIBIBYTE, None)),
    "any type for a file": new(kind="file", payload=DeclaredPayload("application/x-anything", 0, None)),
}


@pytest.mark.parametrize("wanted", ACCEPTED.values(), ids=ACCEPTED)
def test_what_a_kind_takes_is_stored_as_it_was_sent(
    api: ApiServices, repository: ObjectRepository, wanted: NewObject
) -> None:
    stored = create(api, wanted)

    assert repository.get(ME, stored.id).attributes == wanted.attributes


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [(new_record(), 1), (new(), 1), (new(payload=INLINE), 2)],
    ids=["record", "declared", "inline"],
)
@pytest.mark.parametrize("times", [1, 2], ids=["first", "replay"])
def test_a_create_costs_one_call_and_an_inline_one_two(
    api: ApiServices, aws: Aws, wanted: NewObject, calls: int, times: int
) -> None:
    made = [calls_of(aws.dynamodb), calls_of(aws.s3)]

    for _ in range(times):
        create(api, replace(wanted, idempotency_key="order-42"))

    assert sum(map(len, made)) == calls * times

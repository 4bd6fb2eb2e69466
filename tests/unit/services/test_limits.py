"""Limits, as an owner meets them: all that fits is taken, one more is refused, nothing is left behind."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.errors import (
    IdempotencyKeyReused,
    InvalidInput,
    NoPayloadAllowed,
    ObjectDeleted,
    QuotaExceeded,
    Unavailable,
)
from app.domain.json import compact_json
from app.domain.objects.stored import StoredObject
from app.domain.usage import VERSION_BYTES, usage_of
from app.services.objects.creating import Creation
from app.services.objects.quotas import QUOTA_SECONDS
from app.services.objects.uploads import DeclaredPayload, InlinePayload
from app.storage.objects import ObjectRepository
from tests.conftest import Aws, Clock
from tests.events import stream_record
from tests.faults import answering, fail, throttling
from tests.services import relaying_on, services_on
from tests.statuses import make_in, make_record
from tests.unit.services.conftest import content_of, keys_in_bucket
from tests.unit.services.new_objects import ME, new_record

MAX_OBJECTS, MAX_BYTES = 3, 20_000
#: The bytes of a new object without a payload: its first version, and its attributes.
EMPTY = VERSION_BYTES + len(compact_json(new_record().attributes))
READY = make_in("ready")
#: The largest payload that fits beside the ready object and the version of the change that brings it.
LEFT = MAX_BYTES - usage_of(READY).bytes - VERSION_BYTES
ID = UUID(READY.id)


@pytest.fixture
def api(aws: Aws, clock: Clock) -> ApiServices:
    return services_on(aws, clock=clock, max_objects=MAX_OBJECTS, max_bytes=MAX_BYTES)


def create(api: ApiServices, key: str | None = None, **changes: Any) -> Creation:
    return api.creating.create(ME, new_record(idempotency_key=key, **changes), cause=Cause("request-1"))


def declare(api: ApiServices, size: int, key: str | None = None) -> Creation:
    return create(api, key, kind="file", payload=DeclaredPayload("text/csv", size, None))


def inline(api: ApiServices, size: int, key: str | None = None) -> Creation:
    return create(api, key, kind="file", payload=InlinePayload("text/csv", b"x" * size))


def ask_for_upload(api: ApiServices, size: int, object_id: UUID = ID) -> StoredObject:
    declared = DeclaredPayload("text/csv", size, None)
    return api.editing.request_upload(ME, object_id, declared, cause=Cause("request-2"))[0]


def put(api: ApiServices, content: bytes) -> StoredObject:
    payload = InlinePayload("text/csv", content)
    return api.editing.put_payload(ME, ID, payload, cause=Cause("request-2"))


def fill(api: ApiServices, objects: int = MAX_OBJECTS) -> None:
    """Create records, by default as many as the limit allows."""
    for _ in range(objects):
        create(api)


def relay(aws: Aws, before: StoredObject | None, after: StoredObject) -> None:
    relaying_on(aws).relay([stream_record(before, after)])


def refused(act: Callable[..., object], *given: Any, **more: Any) -> tuple[int, int, str]:
    """Return what the refusal says is used, what the limit is, and the unit."""
    with pytest.raises(QuotaExceeded) as refusal:
        act(*given, **more)
    return refusal.value.used, refusal.value.limit, refusal.value.unit


def test_up_to_the_limit_objects_are_taken_and_one_more_is_refused(api: ApiServices) -> None:
    fill(api)

    assert refused(create, api) == (3, 3, "objects")


@pytest.mark.parametrize("form", [declare, inline])
def test_up_to_the_limit_bytes_are_taken_and_one_more_is_refused(api: ApiServices, form: Any) -> None:
    form(api, 60)
    left = MAX_BYTES - (EMPTY + 60) - EMPTY
    assert refused(form, api, left + 1) == (EMPTY + 60, MAX_BYTES, "bytes")

    form(api, left)

    assert refused(form, api, 0) == (MAX_BYTES, MAX_BYTES, "bytes")


@pytest.mark.parametrize("form", [declare, inline])
def test_a_refused_create_leaves_nothing_behind(api: ApiServices, aws: Aws, form: Any) -> None:
    assert refused(form, api, MAX_BYTES, "big") == (0, MAX_BYTES, "bytes")

    assert aws.dynamodb.scan(TableName=aws.table)["Count"] == 0
    assert keys_in_bucket(aws) == []
    assert not form(api, MAX_BYTES - EMPTY, "big").replayed


def test_deleting_makes_room_after_a_few_seconds(
    api: ApiServices, repository: ObjectRepository, aws: Aws, clock: Clock
) -> None:
    first = repository.add(make_record())
    relay(aws, None, first)
    fill(api, MAX_OBJECTS - 1)
    api.editing.delete(ME, UUID(first.id), cause=Cause("request-2"))
    relay(aws, first, repository.get(ME, first.id))
    assert refused(create, api) == (3, 3, "objects")

    clock.move(seconds=QUOTA_SECONDS)

    create(api)


def test_a_retry_gets_what_it_created_before_also_above_the_limit(api: ApiServices) -> None:
    created = create(api, "order-42")
    fill(api, MAX_OBJECTS - 1)

    replayed = create(api, "order-42")

    assert (replayed.replayed, replayed.stored.id) == (True, created.stored.id)
    assert refused(create, api, "order-43") == (3, 3, "objects")


def test_retries_take_nothing_of_what_is_left(api: ApiServices) -> None:
    for _ in range(2 * MAX_OBJECTS):
        create(api, "order-42")
    fill(api, MAX_OBJECTS - 1)

    assert refused(create, api) == (3, 3, "objects")


def test_a_retry_above_the_limit_brings_back_a_payload_that_was_lost(api: ApiServices, aws: Aws) -> None:
    fail(aws.s3, "PutObject", answering(503))
    with pytest.raises(Unavailable):
        inline(api, 10, "order-42")
    fill(api, MAX_OBJECTS - 1)

    replayed = inline(api, 10, "order-42")

    assert content_of(aws, f"payloads/{ME}/{replayed.stored.id}/1") == b"x" * 10


def test_a_retry_above_the_limit_gets_the_upload_that_is_awaited(api: ApiServices) -> None:
    declare(api, 10, "order-42")
    fill(api, MAX_OBJECTS - 1)

    assert declare(api, 10, "order-42").upload is not None


def test_the_mistakes_of_a_retry_are_told_above_the_limit_too(api: ApiServices) -> None:
    deleted = create(api, "order-42").stored
    create(api, "order-43")
    fill(api, MAX_OBJECTS - 2)
    api.editing.delete(ME, UUID(deleted.id), cause=Cause("request-2"))

    with pytest.raises(ObjectDeleted):
        create(api, "order-42")
    with pytest.raises(IdempotencyKeyReused):
        create(api, "order-43", fingerprint="0" * 64)


def test_what_a_kind_does_not_take_is_told_first(api: ApiServices) -> None:
    fill(api)

    with pytest.raises(InvalidInput):
        create(api, attributes={"x": "y" * 40_000})
    with pytest.raises(InvalidInput):
        create(api, kind="image", payload=DeclaredPayload("text/csv", MAX_BYTES + 1, None))


def test_a_create_that_failed_has_taken_nothing(api: ApiServices, aws: Aws) -> None:
    for _ in range(MAX_OBJECTS):
        fail(aws.dynamodb, "PutItem", throttling())
        with pytest.raises(Unavailable):
            create(api)

    fill(api)
    assert refused(create, api) == (3, 3, "objects")


class TestNewRevisions:
    @pytest.fixture(autouse=True)
    def _ready(self, repository: ObjectRepository, aws: Aws) -> None:
        """An object that is ready, counted by the relay."""
        relay(aws, None, repository.add(READY))

    def test_up_to_the_limit_they_are_taken_and_one_byte_more_is_refused(self, api: ApiServices) -> None:
        used = usage_of(READY).bytes
        assert refused(ask_for_upload, api, LEFT + 1) == (used, MAX_BYTES, "bytes")
        assert refused(put, api, b"x" * (LEFT + 1)) == (used, MAX_BYTES, "bytes")

        ask_for_upload(api, LEFT)

    def test_a_small_payload_fills_the_limit_exactly(self, api: ApiServices) -> None:
        assert put(api, b"x" * LEFT).version == READY.version + 1

    def test_one_that_is_refused_changes_nothing(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        refused(ask_for_upload, api, LEFT + 1)
        refused(put, api, b"x" * (LEFT + 1))

        assert repository.get(ME, str(ID)) == READY
        assert keys_in_bucket(aws) == []

    def test_one_that_is_smaller_than_the_awaited_one_is_taken_at_the_limit(self, api: ApiServices) -> None:
        awaited = ask_for_upload(api, LEFT)

        assert ask_for_upload(api, LEFT - VERSION_BYTES).version == awaited.version + 1

    def test_the_upload_that_is_awaited_may_be_asked_for_again(self, api: ApiServices) -> None:
        awaited = ask_for_upload(api, LEFT)

        assert ask_for_upload(api, LEFT) == awaited

    def test_that_a_record_takes_no_payload_is_told_first(
        self, api: ApiServices, repository: ObjectRepository
    ) -> None:
        record = repository.add(make_record(id="11111111-9a0e-4e6f-8a51-2f1c7f1f6a10"))

        with pytest.raises(NoPayloadAllowed):
            ask_for_upload(api, MAX_BYTES + 1, UUID(record.id))


def test_what_takes_nothing_is_not_refused_above_the_limit(
    api: ApiServices, repository: ObjectRepository, aws: Aws
) -> None:
    above = make_in("ready", attributes={"text": "x" * 2 * MAX_BYTES})
    relay(aws, None, repository.add(above))
    assert refused(create, api)[2] == "bytes"

    shorter = {"attributes": {"text": "x" * MAX_BYTES}}
    api.editing.edit(ME, ID, shorter, cause=Cause("request-2"))
    api.editing.delete(ME, ID, cause=Cause("request-2"))


@pytest.mark.parametrize("change", ["edit", "put", "reprocess"])
def test_each_change_takes_the_room_of_a_version(
    api: ApiServices, repository: ObjectRepository, aws: Aws, change: str
) -> None:
    """Otherwise a history could grow without end."""
    full = make_in("ready", attributes={"text": "x" * (MAX_BYTES - usage_of(READY).bytes)})
    relay(aws, None, repository.add(full))
    changes: dict[str, Callable[[], object]] = {
        "edit": lambda: api.editing.edit(ME, ID, {"name": "new"}, cause=Cause("request-2")),
        "put": lambda: put(api, b""),
        "reprocess": lambda: api.editing.reprocess(ME, ID, cause=Cause("request-2")),
    }

    assert refused(changes[change])[2] == "bytes"

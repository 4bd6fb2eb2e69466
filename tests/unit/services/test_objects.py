"""What a client does with objects: each promise of the design, on real storage."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from app.domain.causes import Cause
from app.domain.errors import (
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidInput,
    NoPayloadAllowed,
    NotFound,
    ObjectDeleted,
    PayloadNotReady,
    Unavailable,
)
from app.domain.events import event_of
from app.domain.kinds import ATTRIBUTES_LIMIT_BYTES, GIBIBYTE, LARGEST_PUT_BYTES
from app.domain.objects import Artifact, Payload, Result, Status, StoredObject
from app.services.cursors import encode_cursor
from app.services.objects import NewObject, Objects
from app.services.quotas import Quotas
from app.services.uploads import DeclaredPayload, InlinePayload, Uploads
from app.storage.history import HistoryRepository
from app.storage.objects import ListQuery, ObjectRepository
from app.storage.payloads import PayloadStore
from tests.conftest import NOW, Aws, Clock, make_object
from tests.faults import (
    Fault,
    answering,
    calls_of,
    connecting_too_slowly,
    fail,
    lose_reply,
    not_connecting,
    not_replying,
    throttling,
)
from tests.unit.services.conftest import content_of, keys_in_bucket

ME, YOU = "local-me", "local-you"
CSV = b"a,b\n1,2\n3,4\n"
INLINE = InlinePayload("text/csv", CSV)
DECLARED = DeclaredPayload("text/csv", 12, "ab" * 32)
UPLOAD_SECONDS, DOWNLOAD_SECONDS = 900, 300


@pytest.fixture
def service(
    repository: ObjectRepository,
    payloads: PayloadStore,
    history: HistoryRepository,
    quotas: Quotas,
    clock: Clock,
) -> Objects:
    return Objects(
        repository,
        payloads,
        history,
        Uploads(payloads, seconds=UPLOAD_SECONDS),
        quotas,
        shards=1,
        download_seconds=DOWNLOAD_SECONDS,
        clock=clock,
    )


def new(**changes: Any) -> NewObject:
    values: dict[str, Any] = {
        "kind": "dataset",
        "name": "cities.csv",
        "attributes": {"source": "survey"},
        "labels": {"team": "growth"},
        "payload": DECLARED,
        "fingerprint": "f" * 64,
        "idempotency_key": None,
    }
    return NewObject(**values | changes)


def new_record(**changes: Any) -> NewObject:
    return new(**{"kind": "record", "name": "order 42", "payload": None} | changes)


def create(service: Objects, wanted: NewObject, *, owner: str = ME) -> StoredObject:
    return service.create(owner, wanted, cause=Cause("request-1")).stored


def make_ready(repository: ObjectRepository, **changes: Any) -> StoredObject:
    """A dataset whose first revision is ready, with one artifact."""
    claimed = make_object(**changes).claim(now=NOW, lease_until=NOW + timedelta(minutes=5))
    payload = Payload("text/csv", 12, "a" * 64, 1)
    result = Result({"rows": 2}, (Artifact("profile.json", "application/json", 40, "b" * 64),))
    return repository.add(claimed.accept(payload, result, now=NOW))


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_a_record_is_born_ready_and_awaits_nothing(service: Objects, repository: ObjectRepository) -> None:
    created = service.create(ME, new_record(), cause=Cause("request-1"))

    assert (created.stored.status, created.stored.version) == (Status.READY, 1)
    assert (created.replayed, created.upload) == (False, None)
    assert (created.stored.newest, created.stored.deadline) == (None, None)
    assert repository.get(ME, created.stored.id) == created.stored


def test_an_inline_payload_is_stored_after_its_record(
    service: Objects, repository: ObjectRepository, aws: Aws
) -> None:
    created = service.create(ME, new(payload=INLINE), cause=Cause("request-1"))

    assert (created.stored.status, created.upload) == (Status.PENDING, None)
    assert repository.get(ME, created.stored.id) == created.stored
    assert content_of(aws, f"payloads/{ME}/{created.stored.id}/1") == CSV


def test_an_inline_payload_is_declared_by_what_it_is(service: Objects) -> None:
    revision = create(service, new(payload=INLINE)).newest

    assert revision is not None
    assert (revision.number, revision.size, revision.media_type) == (1, 12, "text/csv")
    assert revision.sha256 == "b9485148546419a0f6a85e8d708c923557c15d7f3c7d078ef1fa7f7c0f57d5a5"
    assert revision.expires_at is None


def test_an_inline_payload_is_awaited_for_a_minute(service: Objects) -> None:
    assert create(service, new(payload=INLINE)).deadline == NOW + timedelta(seconds=60)


def test_an_announced_payload_gets_an_upload_of_exactly_that(service: Objects) -> None:
    created = service.create(ME, new(), cause=Cause("request-1"))

    assert created.upload is not None
    assert urlsplit(created.upload.url).path.endswith(f"/payloads/{ME}/{created.stored.id}/1")
    assert created.upload.headers == {
        "Content-Type": "text/csv",
        "If-None-Match": "*",
        "x-amz-checksum-sha256": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=",
    }
    signed = query_of(created.upload.url)["X-Amz-SignedHeaders"].split(";")
    assert {"content-length", "content-type", "if-none-match", "x-amz-checksum-sha256"} <= set(signed)


def test_the_sweep_waits_until_an_upload_under_way_may_be_done(service: Objects) -> None:
    stored = create(service, new())

    assert stored.writable_until == NOW + timedelta(seconds=UPLOAD_SECONDS)
    assert stored.deadline == NOW + timedelta(seconds=UPLOAD_SECONDS + 300)


def test_without_a_key_each_create_is_another_object(service: Objects) -> None:
    assert create(service, new_record()).id != create(service, new_record()).id


@pytest.mark.parametrize("shards", [1, 3])
def test_an_object_keeps_the_shard_of_its_birth(
    repository: ObjectRepository,
    payloads: PayloadStore,
    history: HistoryRepository,
    quotas: Quotas,
    shards: int,
) -> None:
    uploads = Uploads(payloads, seconds=60)
    service = Objects(repository, payloads, history, uploads, quotas, shards=shards, download_seconds=60)

    born = {create(service, new_record()).shard for _ in range(30)}

    assert born == set(range(shards))


@pytest.mark.parametrize(
    "wanted", [new_record(), new(), new(payload=INLINE)], ids=["record", "declared", "inline"]
)
def test_the_same_key_and_body_is_the_same_object(service: Objects, wanted: NewObject, aws: Aws) -> None:
    retried = replace(wanted, idempotency_key="order-42")
    first = service.create(ME, retried, cause=Cause("request-1"))

    again = service.create(ME, retried, cause=Cause("request-2"))

    assert (again.stored, again.replayed) == (first.stored, True)
    assert aws.dynamodb.scan(TableName=aws.table)["Count"] == 1


@pytest.mark.parametrize("wanted", [new_record(), new(payload=INLINE)], ids=["record", "inline"])
def test_a_create_whose_reply_the_sdk_lost_is_no_replay(
    service: Objects, wanted: NewObject, aws: Aws
) -> None:
    lose_reply(aws.dynamodb, "PutItem")

    created = service.create(ME, replace(wanted, idempotency_key="order-42"), cause=Cause("request-1"))

    assert not created.replayed
    assert created.stored.version == 1


def test_a_replay_answers_the_object_as_it_is_now(service: Objects, repository: ObjectRepository) -> None:
    wanted = new_record(idempotency_key="order-42")
    stored = create(service, wanted)
    edited = stored.edit(name="new", attributes={}, labels={}, now=NOW, cause=Cause("request-2"))
    repository.save(edited, read=stored)

    assert create(service, wanted) == edited


def test_the_same_key_for_another_body_is_refused(service: Objects) -> None:
    create(service, new_record(idempotency_key="order-42"))

    with pytest.raises(IdempotencyKeyReused):
        create(service, new_record(idempotency_key="order-42", fingerprint="e" * 64))


def test_a_reused_key_writes_no_payload(service: Objects, aws: Aws) -> None:
    create(service, new(idempotency_key="order-42"))

    with pytest.raises(IdempotencyKeyReused):
        create(service, new(idempotency_key="order-42", payload=INLINE, fingerprint="e" * 64))

    assert keys_in_bucket(aws) == []


def test_the_key_of_a_deleted_object_is_refused(service: Objects, repository: ObjectRepository) -> None:
    wanted = new_record(idempotency_key="order-42")
    stored = create(service, wanted)
    repository.save(stored.delete(now=NOW, cause=Cause("request-2")), read=stored)

    with pytest.raises(ObjectDeleted):
        create(service, wanted)


def test_two_owners_with_the_same_key_get_two_objects(service: Objects) -> None:
    mine = create(service, new_record(idempotency_key="order-42"), owner=ME)
    yours = service.create(YOU, new_record(idempotency_key="order-42"), cause=Cause("request-1"))

    assert yours.stored.id != mine.id
    assert not yours.replayed


def test_a_retry_writes_the_inline_payload_that_a_crash_left_out(service: Objects, aws: Aws) -> None:
    wanted = new(payload=INLINE, idempotency_key="order-42")
    fail(aws.s3, "PutObject", answering(503))
    with pytest.raises(Unavailable):
        create(service, wanted)

    healed = service.create(ME, wanted, cause=Cause("request-2"))

    assert healed.replayed
    assert content_of(aws, f"payloads/{ME}/{healed.stored.id}/1") == CSV


def test_a_retry_puts_nothing_once_the_payload_was_judged(
    service: Objects, repository: ObjectRepository, aws: Aws
) -> None:
    wanted = new(payload=INLINE, idempotency_key="order-42")
    stored = create(service, wanted)
    claimed = stored.claim(now=NOW, lease_until=NOW + timedelta(minutes=5))
    repository.save(claimed, read=stored)
    settled = claimed.accept(Payload("text/csv", 12, "a" * 64, 1), Result({}, ()), now=NOW)
    repository.save(settled, read=claimed)
    calls = calls_of(aws.s3)

    assert create(service, wanted) == settled
    assert calls == []


def test_a_replay_signs_an_upload_for_the_time_that_is_left(service: Objects, clock: Clock) -> None:
    wanted = new(idempotency_key="order-42")
    create(service, wanted)
    clock.move(seconds=600)

    upload = service.create(ME, wanted, cause=Cause("request-2")).upload

    assert upload is not None
    assert upload.expires_at == NOW + timedelta(seconds=UPLOAD_SECONDS)
    assert query_of(upload.url)["X-Amz-Expires"] == "300"


@pytest.mark.parametrize("seconds", [899.5, 900, 1000])
def test_a_replay_gives_no_upload_once_its_time_is_over(
    service: Objects, clock: Clock, seconds: float
) -> None:
    wanted = new(idempotency_key="order-42")
    create(service, wanted)
    clock.move(seconds=seconds)

    assert service.create(ME, wanted, cause=Cause("request-2")).upload is None


def test_a_replay_gives_no_upload_while_the_payload_is_processed(
    service: Objects, repository: ObjectRepository
) -> None:
    wanted = new(idempotency_key="order-42")
    stored = create(service, wanted)
    repository.save(stored.claim(now=NOW, lease_until=NOW + timedelta(minutes=5)), read=stored)

    assert service.create(ME, wanted, cause=Cause("request-2")).upload is None


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
        new(kind="file", payload=DeclaredPayload("text/csv", LARGEST_PUT_BYTES + 1, None)),
        ["/payload/size"],
    ),
    "type and size": (
        new(payload=DeclaredPayload("image/png", GIBIBYTE + 1, None)),
        ["/payload/media_type", "/payload/size"],
    ),
}


@pytest.mark.parametrize(("wanted", "pointers"), REFUSED.values(), ids=REFUSED)
def test_what_a_kind_does_not_take_is_refused_and_nothing_is_written(
    service: Objects, aws: Aws, wanted: NewObject, pointers: list[str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create(service, wanted)

    assert [error.pointer for error in refused.value.errors] == pointers
    assert aws.dynamodb.scan(TableName=aws.table)["Count"] == 0
    assert keys_in_bucket(aws) == []


@pytest.mark.parametrize("wanted", [new(kind="record"), new(kind="record", payload=INLINE)])
def test_a_record_takes_no_payload(service: Objects, aws: Aws, wanted: NewObject) -> None:
    with pytest.raises(NoPayloadAllowed):
        create(service, wanted)

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
    service: Objects, repository: ObjectRepository, wanted: NewObject
) -> None:
    stored = create(service, wanted)

    assert repository.get(ME, stored.id).attributes == wanted.attributes


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [(new_record(), 1), (new(), 1), (new(payload=INLINE), 2)],
    ids=["record", "declared", "inline"],
)
@pytest.mark.parametrize("times", [1, 2], ids=["first", "replay"])
def test_a_create_costs_one_call_and_an_inline_one_two(
    service: Objects, aws: Aws, wanted: NewObject, calls: int, times: int
) -> None:
    made = [calls_of(aws.dynamodb), calls_of(aws.s3)]

    for _ in range(times):
        create(service, replace(wanted, idempotency_key="order-42"))

    assert sum(map(len, made)) == calls * times


def test_a_read_costs_one_strongly_consistent_call(service: Objects, aws: Aws) -> None:
    stored = create(service, new_record())
    calls = calls_of(aws.dynamodb)

    service.read(ME, UUID(stored.id))

    assert [(call.operation, call.parameters["ConsistentRead"]) for call in calls] == [("GetItem", True)]


FAULTS: dict[str, Fault] = {
    "throttled": throttling(),
    "failing": answering(500),
    "away": not_connecting,
    "far away": connecting_too_slowly,
    "silent": not_replying,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("PutItem", lambda service: create(service, new_record())),
        ("GetItem", lambda service: service.read(ME, uuid4())),
        ("Query", lambda service: service.list(ListQuery(ME), None)),
    ],
    ids=["create", "read", "list"],
)
def test_trouble_with_dynamodb_is_said_to_pass(
    service: Objects, aws: Aws, operation: str, call: Callable[[Objects], object], fault: Fault
) -> None:
    fail(aws.dynamodb, operation, fault)

    with pytest.raises(Unavailable):
        call(service)


def test_an_object_is_read_by_its_owner_only(service: Objects) -> None:
    stored = create(service, new_record())

    assert service.read(ME, UUID(stored.id)) == stored
    with pytest.raises(NotFound):
        service.read(YOU, UUID(stored.id))


def test_a_deleted_object_is_not_found(service: Objects, repository: ObjectRepository) -> None:
    stored = create(service, new_record())
    repository.save(stored.delete(now=NOW, cause=Cause("request-2")), read=stored)

    with pytest.raises(NotFound):
        service.read(ME, UUID(stored.id))


def test_a_ready_payload_is_linked_as_an_attachment_that_is_not_cached(
    service: Objects, repository: ObjectRepository
) -> None:
    ready = make_ready(repository)

    link = service.link_to_payload(ME, UUID(ready.id))

    assert link.expires_at == NOW + timedelta(seconds=DOWNLOAD_SECONDS)
    assert urlsplit(link.url).path.endswith(f"/payloads/{ME}/{ready.id}/1")
    query = query_of(link.url)
    assert query["response-content-disposition"] == "attachment; filename*=UTF-8''cities.csv"
    assert (query["response-content-type"], query["response-cache-control"]) == ("text/csv", "no-store")
    assert query["X-Amz-Expires"] == str(DOWNLOAD_SECONDS)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Größen 2026.csv", "Gr%C3%B6%C3%9Fen%202026.csv"),
        ("日本.csv", "%E6%97%A5%E6%9C%AC.csv"),
        ("a/b\"c';d.csv", "a%2Fb%22c%27%3Bd.csv"),
        ("100%.csv", "100%25.csv"),
    ],
)
def test_a_file_name_of_any_characters_is_written_in_ascii(
    service: Objects, repository: ObjectRepository, name: str, written: str
) -> None:
    ready = make_ready(repository, name=name)

    link = service.link_to_payload(ME, UUID(ready.id))

    assert query_of(link.url)["response-content-disposition"] == f"attachment; filename*=UTF-8''{written}"


def test_the_last_ready_revision_stays_downloadable_while_another_is_awaited(
    service: Objects, repository: ObjectRepository
) -> None:
    ready = make_ready(repository)
    assert ready.newest is not None
    awaiting = ready.request_upload(
        replace(ready.newest, number=2), now=NOW, deadline=NOW, cause=Cause("request-2")
    )
    repository.save(awaiting, read=ready)

    link = service.link_to_payload(ME, UUID(ready.id))

    assert urlsplit(link.url).path.endswith(f"/payloads/{ME}/{ready.id}/1")


def test_a_payload_that_was_never_ready_cannot_be_linked(service: Objects) -> None:
    pending = create(service, new())

    with pytest.raises(PayloadNotReady, match="pending"):
        service.link_to_payload(ME, UUID(pending.id))


def test_a_record_has_no_payload_to_link(service: Objects) -> None:
    record = create(service, new_record())

    with pytest.raises(NotFound):
        service.link_to_payload(ME, UUID(record.id))


@pytest.mark.parametrize("link", ["link_to_payload", "link_to_artifact"])
def test_nobody_links_to_what_another_owner_has(
    service: Objects, repository: ObjectRepository, link: str
) -> None:
    ready = make_ready(repository)
    name = ["profile.json"] if link == "link_to_artifact" else []

    with pytest.raises(NotFound):
        getattr(service, link)(YOU, UUID(ready.id), *name)


def test_an_artifact_is_linked_under_its_own_name_and_type(
    service: Objects, repository: ObjectRepository
) -> None:
    ready = make_ready(repository)

    link = service.link_to_artifact(ME, UUID(ready.id), "profile.json")

    assert urlsplit(link.url).path.endswith(f"/artifacts/{ME}/{ready.id}/1/profile.json")
    query = query_of(link.url)
    assert query["response-content-disposition"] == "attachment; filename*=UTF-8''profile.json"
    assert query["response-content-type"] == "application/json"


@pytest.mark.parametrize("name", ["missing.json", "", "../1", "PROFILE.JSON"])
def test_an_artifact_that_was_not_made_is_not_found(
    service: Objects, repository: ObjectRepository, name: str
) -> None:
    ready = make_ready(repository)

    with pytest.raises(NotFound):
        service.link_to_artifact(ME, UUID(ready.id), name)


@pytest.fixture
def five(service: Objects, clock: Clock) -> list[str]:
    """Ids of five records, newest first, each a second younger than the next."""
    ids = []
    for number in range(5):
        ids.append(create(service, new_record(name=f"order {number}")).id)
        clock.move(seconds=1)
    return ids[::-1]


def pages(service: Objects, query: ListQuery) -> list[list[str]]:
    """The ids on each page until there is no next one."""
    found, cursor = [], None
    for _ in range(20):
        listing = service.list(query, cursor)
        found.append([item.id for item in listing.items])
        cursor = listing.next_cursor
        if cursor is None:
            return found
    raise AssertionError("The list does not end.")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 20])
def test_a_list_is_paged_through_newest_first(service: Objects, five: list[str], limit: int) -> None:
    found = pages(service, ListQuery(ME, limit=limit))

    assert [object_id for page in found for object_id in page] == five
    assert max(map(len, found)) <= limit


def test_a_list_holds_only_the_callers_objects(service: Objects, five: list[str]) -> None:
    yours = create(service, new_record(), owner=YOU).id

    assert pages(service, ListQuery(YOU)) == [[yours]]
    assert yours not in five


@pytest.mark.parametrize(
    "other",
    [
        ListQuery(YOU, limit=2),
        ListQuery(ME, kind="record", limit=2),
        ListQuery(ME, status="ready", limit=2),
        ListQuery(ME, labels=(("team", "growth"),), limit=2),
    ],
    ids=["owner", "kind", "status", "label"],
)
@pytest.mark.usefixtures("five")
def test_a_cursor_is_good_for_its_own_owner_and_filters_only(service: Objects, other: ListQuery) -> None:
    cursor = service.list(ListQuery(ME, limit=2), None).next_cursor
    assert cursor is not None

    with pytest.raises(InvalidCursor):
        service.list(other, cursor)


def test_a_page_may_have_another_size_than_the_one_before(service: Objects, five: list[str]) -> None:
    first = service.list(ListQuery(ME, limit=2), None)

    rest = service.list(ListQuery(ME, limit=20), first.next_cursor)

    assert [item.id for item in rest.items] == five[2:]


@pytest.mark.parametrize("position", ["", "x" * 2000, "2026"], ids=["empty", "too long for a key", "half"])
def test_a_forged_position_that_no_list_gave_is_refused(service: Objects, position: str) -> None:
    """DynamoDB refuses an empty key and one above 1,024 bytes; the checksum needs no secret."""
    forged = encode_cursor(position, ["objects", ME, None, None, ()])

    with pytest.raises(InvalidCursor):
        service.list(ListQuery(ME), forged)


@pytest.fixture
def storied(repository: ObjectRepository, history: HistoryRepository) -> StoredObject:
    """An object with five versions in its history."""
    stored = make_object()
    events = [event_of(None, stored)]
    for number in range(4):
        before, stored = (
            stored,
            stored.edit(name=f"{number}", attributes={}, labels={}, now=NOW, cause=Cause("request-2")),
        )
        events.append(event_of(before, stored))
    for event in events:
        assert event is not None
        history.add(event)
    return repository.add(stored)


@pytest.mark.parametrize("limit", [1, 2, 5, 20])
def test_a_history_is_paged_through_oldest_first(service: Objects, storied: StoredObject, limit: int) -> None:
    found: list[int] = []
    cursor, is_first = None, True
    while is_first or cursor is not None:
        page = service.history(ME, UUID(storied.id), cursor=cursor, limit=limit)
        found += [event["data"]["version"] for event in page.items]
        cursor, is_first = page.next_cursor, False

    assert found == [1, 2, 3, 4, 5]


def test_a_history_is_its_owners_only(service: Objects, storied: StoredObject) -> None:
    with pytest.raises(NotFound):
        service.history(YOU, UUID(storied.id), cursor=None, limit=20)


def test_a_cursor_of_another_history_is_refused(
    service: Objects, repository: ObjectRepository, storied: StoredObject
) -> None:
    other = repository.add(make_object(id=str(uuid4())))
    cursor = service.history(ME, UUID(storied.id), cursor=None, limit=2).next_cursor

    with pytest.raises(InvalidCursor):
        service.history(ME, UUID(other.id), cursor=cursor, limit=2)


@pytest.mark.parametrize("position", ["", "x", "-1", "9" * 2000, "9" * 5000])
def test_a_forged_version_that_no_history_gave_is_refused(
    service: Objects, storied: StoredObject, position: str
) -> None:
    """A sort key has 12 digits, and int() takes no more than 4,300."""
    forged = encode_cursor(position, ["history", ME, storied.id])

    with pytest.raises(InvalidCursor):
        service.history(ME, UUID(storied.id), cursor=forged, limit=2)

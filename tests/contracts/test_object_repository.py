"""The promises of the object repository to the services."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.domain.causes import Cause, Trace
from app.domain.errors import InvalidPayload, NotFound, ProblemCode, StaleWrite
from app.domain.objects.state import ListedObject, ObjectSummary
from app.domain.objects.stored import TOMBSTONE_DAYS, StoredObject
from app.domain.objects.values import Artifact, Lease, PartsUpload, Payload, Problem, Result, Revision, Status
from app.services.objects.creating import NewObject
from app.services.objects.uploads import InlinePayload
from app.storage.items import to_item
from app.storage.objects import FILTERED_READ, ListQuery, ObjectRepository
from benchmarks.lists import items_read
from tests.conftest import NOW, Aws, make_object
from tests.contracts.conftest import MakeStored
from tests.faults import lose_reply, sent_by
from tests.services import services_on

LATER = NOW + timedelta(minutes=5)
THREADS = 20

T = TypeVar("T")


def edited(stored: StoredObject, name: str = "new") -> StoredObject:
    return stored.edit(name=name, attributes={}, labels={}, now=NOW, cause=Cause("request-2"))


def deleted(stored: StoredObject) -> StoredObject:
    return stored.delete(now=NOW, cause=Cause("request-2"))


def listed_of(stored: StoredObject) -> ListedObject:
    values = {field.name: getattr(stored, field.name) for field in fields(ObjectSummary)}
    types = {artifact.name: artifact.media_type for artifact in stored.artifacts}
    return ListedObject(**values, artifact_types=types if stored.payload else {})


def listed(objects: ObjectRepository, query: ListQuery) -> list[str]:
    """The ids on all pages."""
    return [item.id for page in pages(objects, query) for item in page]


def pages(objects: ObjectRepository, query: ListQuery) -> list[tuple[ListedObject, ...]]:
    found = []
    values = {field.name: getattr(query, field.name) for field in fields(ListQuery)}
    for _ in range(50):
        page = objects.list_page(ListQuery(**values))
        found.append(page.items)
        if page.position is None:
            return found
        assert values["before"] is None or page.position < values["before"]
        values["before"] = page.position
    raise AssertionError("The list does not end.")


def test_what_was_added_is_found(objects: ObjectRepository, make: MakeStored) -> None:
    created = make()

    assert objects.add(created) == created
    assert objects.get(created.owner, created.id) == created


def test_a_second_add_returns_what_stands_and_changes_nothing(
    objects: ObjectRepository, make: MakeStored
) -> None:
    first = objects.add(make())
    second = make(id=first.id, name="another", attributes={}, labels={})

    assert objects.add(second) == first
    assert objects.get(first.owner, first.id) == first


def test_an_add_returns_the_tombstone_that_stands(objects: ObjectRepository, make: MakeStored) -> None:
    created = objects.add(make())
    tombstone = deleted(created)
    objects.save(tombstone, read=created)

    assert objects.add(make(id=created.id)) == tombstone


def test_an_add_whose_reply_got_lost_is_our_own(
    objects: ObjectRepository, make: MakeStored, backend: Aws
) -> None:
    created = make()
    lose_reply(backend.dynamodb, "PutItem")
    sent = sent_by(backend.dynamodb, "PutItem")

    stands = objects.add(created)

    assert len(sent) == 2
    assert stands.write_token == created.write_token


def test_an_unknown_object_is_not_found(objects: ObjectRepository, owner: str) -> None:
    with pytest.raises(NotFound):
        objects.get(owner, str(uuid4()))


def test_an_object_is_found_under_its_owner_only(objects: ObjectRepository, make: MakeStored) -> None:
    created = objects.add(make())

    with pytest.raises(NotFound):
        objects.get("local-somebody-else", created.id)


def test_a_tombstone_is_found(objects: ObjectRepository, make: MakeStored) -> None:
    created = objects.add(make())
    tombstone = deleted(created)
    objects.save(tombstone, read=created)

    assert objects.get(created.owner, created.id) == tombstone


def test_a_purged_tombstone_keeps_when_it_may_go_to_the_second(
    objects: ObjectRepository, make: MakeStored, backend: Aws
) -> None:
    """DynamoDB's own clock for it counts whole seconds."""
    tombstone = objects.add(deleted(make()))
    now = NOW + timedelta(seconds=1, milliseconds=999)

    purged = tombstone.purged(now=now)
    objects.save(purged, read=tombstone)

    found = objects.get(tombstone.owner, tombstone.id)
    assert found.purge_at == NOW + timedelta(days=TOMBSTONE_DAYS, seconds=1)
    assert replace(found, purge_at=None) == replace(purged, purge_at=None)
    assert tombstone.id not in {due.object_id for due in objects.overdue(NOW + timedelta(days=365))}


def test_a_save_replaces_what_was_read(objects: ObjectRepository, make: MakeStored) -> None:
    created = objects.add(make())
    after = edited(created)

    objects.save(after, read=created)

    assert objects.get(created.owner, created.id) == after


def test_the_second_of_two_writers_is_told(objects: ObjectRepository, make: MakeStored) -> None:
    created = objects.add(make())
    first = edited(created, "first")
    objects.save(first, read=created)

    with pytest.raises(StaleWrite):
        objects.save(edited(created, "second"), read=created)

    assert objects.get(created.owner, created.id) == first


def test_bookkeeping_makes_a_writer_stale_too(objects: ObjectRepository, make: MakeStored) -> None:
    created = objects.add(make())
    objects.save(created.requeue(now=NOW), read=created)

    with pytest.raises(StaleWrite):
        objects.save(edited(created), read=created)


def test_an_object_that_is_gone_cannot_be_saved(objects: ObjectRepository, make: MakeStored) -> None:
    never_added = make()

    with pytest.raises(StaleWrite):
        objects.save(edited(never_added), read=never_added)


def test_a_save_whose_reply_got_lost_is_our_own(
    objects: ObjectRepository, make: MakeStored, backend: Aws
) -> None:
    created = objects.add(make())
    after = edited(created)
    lose_reply(backend.dynamodb, "PutItem")
    sent = sent_by(backend.dynamodb, "PutItem")

    objects.save(after, read=created)

    assert len(sent) == 2
    assert objects.get(created.owner, created.id) == after


def test_the_same_save_again_has_succeeded(objects: ObjectRepository, make: MakeStored) -> None:
    created = objects.add(make())
    after = edited(created)
    objects.save(after, read=created)

    objects.save(after, read=created)

    assert objects.get(created.owner, created.id) == after


def json_values() -> st.SearchStrategy[Any]:
    floats = st.floats(allow_nan=False, allow_infinity=False)
    leaves = st.none() | st.booleans() | st.integers() | floats | st.text(max_size=20)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )


moments = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
texts = st.text(max_size=20)
counts = st.integers(0, 10**15)
documents = st.dictionaries(st.text(max_size=8), json_values(), max_size=3)


def with_all_fields(made: type[T], **values: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Return values of a dataclass. A field that is not given would always have its default, or none."""
    assert set(values) == {field.name for field in fields(made)}  # type: ignore[arg-type]  # a dataclass
    return st.builds(made, **values)


revisions = with_all_fields(
    Revision,
    number=counts,
    media_type=texts,
    size=counts,
    sha256=st.none() | texts,
    expires_at=st.none() | moments,
    part_size=st.none() | counts,
)
payloads = with_all_fields(Payload, media_type=texts, size=counts, sha256=texts, revision=counts)
#: The item has a map by name, and a name is never empty.
artifact_names = st.text(min_size=1, max_size=20)
artifacts = with_all_fields(Artifact, name=artifact_names, media_type=texts, size=counts, sha256=texts)
traces = with_all_fields(
    Trace,
    trace_id=st.integers(1, 16**32 - 1).map("{:032x}".format),
    parent_id=st.integers(1, 16**16 - 1).map("{:016x}".format),
    is_sampled=st.booleans(),
    state=st.none() | st.from_regex(r"[ -~]{0,40}=[!-~]", fullmatch=True),
)
causes = with_all_fields(Cause, correlation_id=texts, trace=st.none() | traces)

stored_objects = with_all_fields(
    StoredObject,
    id=st.just(""),
    kind=texts,
    name=texts,
    labels=st.dictionaries(st.text(min_size=1, max_size=8), texts, max_size=3),
    status=st.sampled_from(Status),
    version=counts,
    newest=st.none() | revisions,
    payload=st.none() | payloads,
    summary=st.none() | documents,
    problem=st.none() | with_all_fields(Problem, code=st.sampled_from(ProblemCode), detail=texts),
    created_at=moments,
    updated_at=moments,
    owner=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    attributes=documents,
    artifacts=st.lists(artifacts, max_size=3).map(tuple),
    shard=st.integers(0, 63),
    fingerprint=texts,
    cause=causes,
    revision_cause=st.none() | causes,
    write_token=texts,
    attempts=counts,
    requeues=counts,
    redrives=counts,
    lease=st.none() | with_all_fields(Lease, token=texts, until=moments),
    parts_upload=st.none() | with_all_fields(PartsUpload, id=texts, completion_asked_at=st.none() | moments),
    deadline=st.none() | moments,
    writable_until=st.none() | moments,
    purge_at=st.none() | moments.map(lambda moment: moment.replace(microsecond=0)),
)

DEEP: Any = "bottom"
for _ in range(200):
    DEEP = {"d": [DEEP]}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stored=stored_objects)
@example(stored=make_object(attributes={"deep": DEEP}))
@example(stored=make_object(attributes={"big": 10**400, "small": 5e-324, "third": 1 / 3}))
@example(stored=make_object(attributes={"": {"": [""]}}, labels={"größe": ""}, name="日本"))
@example(stored=make_object(attributes={"one": 1, "one point": 1.0, "true": True}))
def test_every_field_survives_being_stored(objects: ObjectRepository, stored: StoredObject) -> None:
    stored = replace(stored, id=str(uuid4()))
    objects.add(stored)

    found = objects.get(stored.owner, stored.id)

    assert found == stored
    assert repr(found.attributes) == repr(stored.attributes)


@pytest.fixture
def five(objects: ObjectRepository, make: MakeStored) -> list[StoredObject]:
    """Return five objects, newest first, each a second younger than the next."""
    return [objects.add(make(created_at=NOW + timedelta(seconds=second))) for second in (5, 4, 3, 2, 1)]


def ids(stored: list[StoredObject]) -> list[str]:
    return [one.id for one in stored]


def test_a_list_is_newest_first(objects: ObjectRepository, owner: str, five: list[StoredObject]) -> None:
    page = objects.list_page(ListQuery(owner))

    assert [item.id for item in page.items] == ids(five)
    assert page.position is None


def test_objects_of_one_moment_are_listed_by_id(
    objects: ObjectRepository, owner: str, make: MakeStored
) -> None:
    same = sorted((objects.add(make()).id for _ in range(5)), reverse=True)

    assert listed(objects, ListQuery(owner)) == same
    assert listed(objects, ListQuery(owner, limit=1)) == same


def test_a_list_shows_the_summary_as_it_was_stored(
    objects: ObjectRepository, owner: str, make: MakeStored
) -> None:
    claimed = make(labels={"größe": "日本"}).claim(now=NOW, lease_until=LATER)
    artifact = Artifact("profile.json", "application/json", 40, "b" * 64)
    result = Result({"rows": 2, "share": 1 / 3}, (artifact,))
    ready = claimed.accept(Payload("text/csv", 12, "a" * 64, 1), result, now=LATER)
    again = ready.request_upload(
        Revision(2, "text/csv", 4, "c" * 64, LATER), now=LATER, deadline=LATER, cause=Cause("request-2")
    )
    rejected = again.claim(now=LATER, lease_until=LATER).reject(
        InvalidPayload(ProblemCode.INVALID_CONTENT, "Line 3 has no end."), now=LATER
    )
    objects.add(rejected)

    [shown] = objects.list_page(ListQuery(owner)).items

    assert shown == listed_of(rejected)


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 6])
def test_pages_follow_each_other_without_gap_or_repeat(
    objects: ObjectRepository, owner: str, five: list[StoredObject], limit: int
) -> None:
    found = pages(objects, ListQuery(owner, limit=limit))

    assert [item.id for page in found for item in page] == ids(five)
    assert all(len(page) <= limit for page in found)


def test_a_page_starts_below_its_position(
    objects: ObjectRepository, owner: str, five: list[StoredObject]
) -> None:
    before = f"2026-03-01T09:30:04.000Z#{five[1].id}"

    assert listed(objects, ListQuery(owner, before=before)) == ids(five[2:])


def test_an_owner_without_objects_has_an_empty_list(objects: ObjectRepository, owner: str) -> None:
    page = objects.list_page(ListQuery(owner))

    assert (page.items, page.position) == ((), None)


def test_a_deleted_object_is_in_no_list(
    objects: ObjectRepository, owner: str, five: list[StoredObject]
) -> None:
    objects.save(deleted(five[2]), read=five[2])

    assert listed(objects, ListQuery(owner)) == ids(five[:2] + five[3:])
    assert listed(objects, ListQuery(owner, status="pending")) == ids(five[:2] + five[3:])
    assert listed(objects, ListQuery(owner, status="deleted")) == []


def test_an_object_is_listed_under_its_status_of_now(
    objects: ObjectRepository, owner: str, five: list[StoredObject]
) -> None:
    claimed = five[2].claim(now=NOW, lease_until=LATER)
    objects.save(claimed, read=five[2])

    assert listed(objects, ListQuery(owner, status="processing")) == [claimed.id]
    assert listed(objects, ListQuery(owner, status="pending")) == ids(five[:2] + five[3:])


@pytest.mark.parametrize("limit", [1, 20])
def test_a_list_is_filtered_by_kind(
    objects: ObjectRepository, owner: str, make: MakeStored, limit: int
) -> None:
    kinds = ["file", "dataset", "file", "record"]
    stored = [
        objects.add(make(kind=kind, created_at=NOW - timedelta(seconds=second)))
        for second, kind in enumerate(kinds)
    ]

    assert listed(objects, ListQuery(owner, kind="file", limit=limit)) == [stored[0].id, stored[2].id]


LABELS = [
    ("team", "growth"),
    ("größe", "日本 🚢"),
    ("a.b", "c.d"),
    ("quote\"s'", "\\ \"and' `more`"),
    ("#labels", ":label0"),
    ("name", ""),
    ("size", "attribute_exists(pk)"),
    (" ", " "),
]


@pytest.mark.parametrize("label", LABELS, ids=[key for key, _ in LABELS])
def test_a_list_is_filtered_by_a_label_of_any_characters(
    objects: ObjectRepository, owner: str, make: MakeStored, label: tuple[str, str]
) -> None:
    key, value = label
    labelled = objects.add(make(labels={key: value, "more": "yes"}))
    objects.add(make(labels={key: f"{value}!"}))
    objects.add(make(labels={f"{key}!": value}))
    objects.add(make(labels={}))

    assert listed(objects, ListQuery(owner, labels=(label,))) == [labelled.id]


def test_all_filters_hold_at_once(objects: ObjectRepository, owner: str, make: MakeStored) -> None:
    both = {"team": "growth", "year": "2026"}
    wanted = objects.add(make(kind="file", labels=both))
    objects.add(make(kind="dataset", labels=both))
    objects.add(make(kind="file", labels={"team": "growth"}))
    objects.add(make(kind="file", labels=both).expire(now=NOW))

    query = ListQuery(owner, status="pending", kind="file", labels=tuple(both.items()))

    assert listed(objects, query) == [wanted.id]


def test_a_rare_match_is_found_over_pages_that_may_be_empty(
    objects: ObjectRepository, owner: str, make: MakeStored, backend: Aws
) -> None:
    crowd = [make(created_at=NOW + timedelta(seconds=second)) for second in range(1, 206)]
    add_many(backend, crowd)
    rare = objects.add(make(kind="file"))

    found = pages(objects, ListQuery(owner, kind="file", limit=5))

    assert [[item.id for item in page] for page in found] == [[], [rare.id]]


@pytest.mark.parametrize("shards", [1, 2])
def test_a_filtered_list_is_whole_however_much_it_must_read(
    backend: Aws, owner: str, make: MakeStored, shards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one of two shards that has fewer objects is read further back at a time."""
    monkeypatch.setattr("app.storage.objects.FILTERED_READ", 10)
    crowd = [
        make(
            labels={"team": "x" if number % 3 == 0 else "y"},
            created_at=NOW + timedelta(seconds=number),
            shard=0 if number % 4 else shards - 1,
        )
        for number in range(80)
    ]
    add_many(backend, crowd)
    sharded = backend.adapters(list_shards=shards).objects

    found = listed(sharded, ListQuery(owner, labels=(("team", "x"),), limit=5))

    assert found == [one.id for one in crowd if one.labels == {"team": "x"}][::-1]


def add_many(backend: Aws, stored: list[StoredObject]) -> None:
    """Add objects without the condition, 25 at a time."""
    requests = [{"PutRequest": {"Item": to_item(one)}} for one in stored]
    for start in range(0, len(requests), 25):
        backend.dynamodb.batch_write_item(RequestItems={backend.table: requests[start : start + 25]})


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("status", [None, "pending"])
def test_several_shards_are_one_list(
    backend: Aws, owner: str, make: MakeStored, limit: int, status: str | None
) -> None:
    sharded = backend.adapters(list_shards=3).objects
    shards = [0, 0, 0, 1, 2, 1, 0, 2, 2, 0]
    newest_first = [
        sharded.add(make(shard=shard, created_at=NOW - timedelta(seconds=second))).id
        for second, shard in enumerate(shards)
    ]

    found = pages(sharded, ListQuery(owner, status=status, limit=limit))

    assert [item.id for page in found for item in page] == newest_first
    assert all(len(page) <= limit for page in found)


LISTS: dict[str, dict[str, Any]] = {
    "all": {},
    "a full page": {"limit": 100},
    "by status": {"status": "ready"},
    "by a status that none has": {"status": "failed"},
    "by kind": {"kind": "record"},
    "by a label that none has": {"labels": (("team", "none"),)},
    "by all": {"status": "ready", "kind": "record", "labels": (("team", "growth"),), "limit": 100},
}


def test_a_page_reads_no_more_however_many_objects_there_are(backend: Aws, owner: str) -> None:
    """The benchmark `lists` counts the same at 1,000 and at 100,000 objects."""
    objects = ObjectRepository(backend.dynamodb, backend.table, shards=1)
    for number in range(3):
        for each in range(FILTERED_READ // 2):
            stored = make_object(owner=owner, id=str(uuid4()), kind="record", name=f"{number}-{each}")
            objects.add(replace(stored, status=Status.READY))
        read = {name: items_read(backend, ListQuery(owner, **query)) for name, query in LISTS.items()}

        assert all(count <= max(100, FILTERED_READ) for count in read.values()), read
        assert max(read["all"], read["by status"]) <= 21
        assert read["a full page"] <= 101
    assert read["by a status that none has"] == 0
    assert read["by a label that none has"] == FILTERED_READ


def test_several_shards_are_one_list_when_filtered(backend: Aws, owner: str, make: MakeStored) -> None:
    sharded = backend.adapters(list_shards=3).objects
    newest_first = [
        sharded.add(
            make(
                shard=second % 3,
                kind=("file", "dataset")[second % 2],
                created_at=NOW - timedelta(seconds=second),
            )
        ).id
        for second in range(12)
    ]

    assert listed(sharded, ListQuery(owner, kind="file", limit=2)) == newest_first[::2]


def test_more_shards_lose_no_object(
    objects: ObjectRepository, backend: Aws, owner: str, five: list[StoredObject], make: MakeStored
) -> None:
    more = backend.adapters(list_shards=3).objects
    younger = [
        more.add(make(shard=shard, created_at=NOW + timedelta(seconds=10 - shard))) for shard in range(3)
    ]
    after = edited(five[0])
    more.save(after, read=five[0])

    assert listed(more, ListQuery(owner, limit=2)) == ids(younger + five)
    assert listed(objects, ListQuery(owner)) == ids(younger[:1] + five)


def overdue(objects: ObjectRepository, owner: str, now: datetime) -> list[str]:
    """This test's share of what is due."""
    return [due.object_id for due in objects.overdue(now) if due.owner == owner]


def test_what_is_due_is_found_the_longest_first(
    objects: ObjectRepository, owner: str, make: MakeStored
) -> None:
    by_minutes = {
        minutes: objects.add(make(deadline=NOW + timedelta(minutes=minutes))).id for minutes in (3, 1, 4, 2)
    }

    found = overdue(objects, owner, NOW + timedelta(minutes=3, milliseconds=1))

    assert found == [by_minutes[1], by_minutes[2], by_minutes[3]]


def test_a_deadline_counts_once_it_has_passed(
    objects: ObjectRepository, owner: str, make: MakeStored
) -> None:
    stored = objects.add(make(deadline=LATER))

    assert overdue(objects, owner, LATER - timedelta(milliseconds=1)) == []
    assert overdue(objects, owner, LATER + timedelta(milliseconds=1)) == [stored.id]


UNFINISHED: dict[str, Callable[[StoredObject], StoredObject]] = {
    "pending": lambda stored: stored,
    "processing": lambda stored: stored.claim(now=NOW, lease_until=LATER),
    "released": lambda stored: stored.claim(now=NOW, lease_until=LATER).release(now=NOW),
    "requeued": lambda stored: stored.requeue(now=NOW),
    "deleted": deleted,
}

FINISHED: dict[str, Callable[[StoredObject], StoredObject]] = {
    "ready": lambda stored: stored.claim(now=NOW, lease_until=LATER).accept(
        Payload("text/csv", 12, "a" * 64, 1), Result({}, ()), now=NOW
    ),
    "rejected": lambda stored: stored.claim(now=NOW, lease_until=LATER).reject(
        InvalidPayload(ProblemCode.INVALID_CONTENT, "no"), now=NOW
    ),
    "failed": lambda stored: stored.give_up(now=NOW),
    "expired": lambda stored: stored.expire(now=NOW),
}


@pytest.mark.parametrize("change", UNFINISHED.values(), ids=UNFINISHED)
def test_what_is_unfinished_comes_due(
    objects: ObjectRepository, owner: str, make: MakeStored, change: Callable[[StoredObject], StoredObject]
) -> None:
    stored = objects.add(change(make()))

    assert overdue(objects, owner, NOW + timedelta(days=1)) == [stored.id]


@pytest.mark.parametrize("change", FINISHED.values(), ids=FINISHED)
def test_what_is_finished_never_comes_due_again(
    objects: ObjectRepository, owner: str, make: MakeStored, change: Callable[[StoredObject], StoredObject]
) -> None:
    created = objects.add(make())
    objects.save(change(created), read=created)

    assert overdue(objects, owner, NOW + timedelta(days=1)) == []


def test_every_shard_comes_due(backend: Aws, owner: str, make: MakeStored) -> None:
    sharded = backend.adapters(list_shards=3).objects
    stored = [sharded.add(make(shard=shard)).id for shard in range(3)]

    assert sorted(overdue(sharded, owner, NOW + timedelta(days=1))) == sorted(stored)


def at_once(act: Callable[[], T]) -> list[T]:
    """Return what `act` returned in each of many threads that start together."""
    barrier = Barrier(THREADS)

    def act_together(_: int) -> T:
        barrier.wait(timeout=10)
        return act()

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(act_together, range(THREADS)))


def test_of_many_creates_with_one_key_one_makes_the_object(emulated: Aws, owner: str) -> None:
    objects, service = emulated.adapters().objects, services_on(emulated).creating
    new = NewObject(
        kind="dataset",
        name="small.csv",
        attributes={},
        labels={},
        payload=InlinePayload("text/csv", b"a,b\n1,2\n"),
        fingerprint="f" * 64,
        idempotency_key="order-42",
    )

    created = at_once(lambda: service.create(owner, new, cause=Cause("request-1")))

    assert len(created) == THREADS
    assert len({one.stored.write_token for one in created}) == 1
    assert [one.replayed for one in created].count(False) == 1
    assert listed(objects, ListQuery(owner)) == [created[0].stored.id]


def test_of_many_writers_that_read_the_same_one_succeeds(emulated: Aws, make: MakeStored) -> None:
    objects = emulated.adapters().objects
    stored = objects.add(make())

    def claim() -> StoredObject | None:
        claimed = stored.claim(now=NOW, lease_until=LATER)
        try:
            objects.save(claimed, read=stored)
        except StaleWrite:
            return None
        return claimed

    won = [claimed for claimed in at_once(claim) if claimed is not None]

    assert won == [objects.get(stored.owner, stored.id)]

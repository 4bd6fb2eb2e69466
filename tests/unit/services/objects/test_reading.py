"""A client reads, lists, downloads and looks back: each promise of the design, on real storage."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.errors import (
    InvalidCursor,
    NotFound,
    PayloadNotReady,
    Unavailable,
)
from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.services.cursors import encode_cursor
from app.storage.history import HistoryRepository
from app.storage.objects import ListQuery, ObjectRepository
from tests.conftest import NOW, Aws, Clock, make_object
from tests.faults import (
    Fault,
    answering,
    calls_of,
    connecting_too_slowly,
    fail,
    not_connecting,
    not_replying,
    throttling,
)
from tests.services import add_to_history, services_on
from tests.unit.services.new_objects import (
    DOWNLOAD_SECONDS,
    ME,
    YOU,
    create,
    make_ready,
    new,
    new_record,
    query_of,
)


def test_a_read_costs_one_strongly_consistent_call(api: ApiServices, aws: Aws) -> None:
    stored = create(api, new_record())
    calls = calls_of(aws.dynamodb)

    api.reading.read(ME, UUID(stored.id))

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
        ("PutItem", lambda api: create(api, new_record())),
        ("GetItem", lambda api: api.reading.read(ME, uuid4())),
        ("Query", lambda api: api.reading.list(ListQuery(ME), None)),
    ],
    ids=["create", "read", "list"],
)
def test_trouble_with_dynamodb_is_said_to_pass(
    api: ApiServices, aws: Aws, operation: str, call: Callable[[ApiServices], object], fault: Fault
) -> None:
    fail(aws.dynamodb, operation, fault)

    with pytest.raises(Unavailable):
        call(api)


def test_an_object_is_read_by_its_owner_only(api: ApiServices) -> None:
    stored = create(api, new_record())

    assert api.reading.read(ME, UUID(stored.id)) == stored
    with pytest.raises(NotFound):
        api.reading.read(YOU, UUID(stored.id))


def test_a_deleted_object_is_not_found(api: ApiServices, repository: ObjectRepository) -> None:
    stored = create(api, new_record())
    repository.save(stored.delete(now=NOW, cause=Cause("request-2")), read=stored)

    with pytest.raises(NotFound):
        api.reading.read(ME, UUID(stored.id))


def test_a_ready_payload_is_linked_as_an_attachment_that_is_not_cached(
    api: ApiServices, repository: ObjectRepository
) -> None:
    ready = make_ready(repository)

    link = api.reading.url_of_payload(ME, UUID(ready.id))

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
    api: ApiServices, repository: ObjectRepository, name: str, written: str
) -> None:
    ready = make_ready(repository, name=name)

    link = api.reading.url_of_payload(ME, UUID(ready.id))

    assert query_of(link.url)["response-content-disposition"] == f"attachment; filename*=UTF-8''{written}"


def test_the_last_ready_revision_stays_downloadable_while_another_is_awaited(
    api: ApiServices, repository: ObjectRepository
) -> None:
    ready = make_ready(repository)
    assert ready.newest is not None
    awaiting = ready.request_upload(
        replace(ready.newest, number=2), now=NOW, deadline=NOW, cause=Cause("request-2")
    )
    repository.save(awaiting, read=ready)

    link = api.reading.url_of_payload(ME, UUID(ready.id))

    assert urlsplit(link.url).path.endswith(f"/payloads/{ME}/{ready.id}/1")


def test_a_payload_that_was_never_ready_cannot_be_linked(api: ApiServices) -> None:
    pending = create(api, new())

    with pytest.raises(PayloadNotReady, match="pending"):
        api.reading.url_of_payload(ME, UUID(pending.id))


def test_a_record_has_no_payload_to_link(api: ApiServices) -> None:
    record = create(api, new_record())

    with pytest.raises(NotFound):
        api.reading.url_of_payload(ME, UUID(record.id))


@pytest.mark.parametrize("link", ["url_of_payload", "url_of_artifact"])
def test_nobody_links_to_what_another_owner_has(
    api: ApiServices, repository: ObjectRepository, link: str
) -> None:
    ready = make_ready(repository)
    name = ["profile.json"] if link == "url_of_artifact" else []

    with pytest.raises(NotFound):
        getattr(api.reading, link)(YOU, UUID(ready.id), *name)


def test_an_artifact_is_linked_under_its_own_name_and_type(
    api: ApiServices, repository: ObjectRepository
) -> None:
    ready = make_ready(repository)

    link = api.reading.url_of_artifact(ME, UUID(ready.id), "profile.json")

    assert urlsplit(link.url).path.endswith(f"/artifacts/{ME}/{ready.id}/1/profile.json")
    query = query_of(link.url)
    assert query["response-content-disposition"] == "attachment; filename*=UTF-8''profile.json"
    assert query["response-content-type"] == "application/json"


@pytest.mark.parametrize("name", ["missing.json", "", "../1", "PROFILE.JSON"])
def test_an_artifact_that_was_not_made_is_not_found(
    api: ApiServices, repository: ObjectRepository, name: str
) -> None:
    ready = make_ready(repository)

    with pytest.raises(NotFound):
        api.reading.url_of_artifact(ME, UUID(ready.id), name)


@pytest.fixture
def five(api: ApiServices, clock: Clock) -> list[str]:
    """Ids of five records, newest first, each a second younger than the next."""
    ids = []
    for number in range(5):
        ids.append(create(api, new_record(name=f"order {number}")).id)
        clock.move(seconds=1)
    return ids[::-1]


def pages(api: ApiServices, query: ListQuery) -> list[list[str]]:
    """The ids on each page until there is no next one."""
    found, cursor = [], None
    for _ in range(20):
        listing = api.reading.list(query, cursor)
        found.append([item.id for item in listing.items])
        cursor = listing.next_cursor
        if cursor is None:
            return found
    raise AssertionError("The list does not end.")


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 20])
def test_a_list_is_paged_through_newest_first(api: ApiServices, five: list[str], limit: int) -> None:
    found = pages(api, ListQuery(ME, limit=limit))

    assert [object_id for page in found for object_id in page] == five
    assert max(map(len, found)) <= limit


def test_a_list_holds_only_the_callers_objects(api: ApiServices, five: list[str]) -> None:
    yours = create(api, new_record(), owner=YOU).id

    assert pages(api, ListQuery(YOU)) == [[yours]]
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
def test_a_cursor_is_good_for_its_own_owner_and_filters_only(api: ApiServices, other: ListQuery) -> None:
    cursor = api.reading.list(ListQuery(ME, limit=2), None).next_cursor
    assert cursor is not None

    with pytest.raises(InvalidCursor):
        api.reading.list(other, cursor)


def test_a_page_may_have_another_size_than_the_one_before(api: ApiServices, five: list[str]) -> None:
    first = api.reading.list(ListQuery(ME, limit=2), None)

    rest = api.reading.list(ListQuery(ME, limit=20), first.next_cursor)

    assert [item.id for item in rest.items] == five[2:]


SHARDS_AND_LIMIT = [(1, 1, 3), (2, 2, 1), (5, 5, 7), (1, 2, 7), (1, 5, 1), (2, 5, 3)]


def add_two_at_once(api: ApiServices, clock: Clock) -> list[str]:
    """Add two at the same moment, so that the order of ids matters too."""
    clock.move(seconds=1)
    return [create(api, new_record()).id for _ in range(2)]


@pytest.mark.parametrize(("before", "after", "limit"), SHARDS_AND_LIMIT)
def test_a_list_that_grows_meanwhile_neither_skips_nor_repeats(
    aws: Aws, clock: Clock, before: int, after: int, limit: int
) -> None:
    api, raised = (services_on(aws, clock=clock, list_shards=shards) for shards in (before, after))
    at_the_start = [one for api in (api, raised) for _ in range(4) for one in add_two_at_once(api, clock)]

    found: list[str] = []
    cursor: str | None = None
    while not found or cursor is not None:
        page = raised.reading.list(ListQuery(ME, limit=limit), cursor)
        found, cursor = found + [item.id for item in page.items], page.next_cursor
        add_two_at_once(raised, clock)

    assert set(at_the_start) <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(("before", "after", "limit"), SHARDS_AND_LIMIT)
def test_a_list_begun_before_list_shards_is_raised_goes_on_after_it(
    aws: Aws, clock: Clock, before: int, after: int, limit: int
) -> None:
    api, raised = (services_on(aws, clock=clock, list_shards=shards) for shards in (before, after))
    at_the_start = [one for _ in range(6) for one in add_two_at_once(api, clock)]
    first = api.reading.list(ListQuery(ME, limit=limit), None)
    found, cursor = list(first.items), first.next_cursor
    while cursor is not None:
        add_two_at_once(raised, clock)
        page = raised.reading.list(ListQuery(ME, limit=limit), cursor)
        found, cursor = found + list(page.items), page.next_cursor

    ids = [item.id for item in found]
    assert ids == [item.id for item in sorted(found, key=lambda item: (item.created_at, item.id))][::-1]
    assert sorted(ids) == sorted(at_the_start)


@pytest.mark.parametrize("position", ["", "x" * 2000, "2026"], ids=["empty", "too long for a key", "half"])
def test_a_forged_position_that_no_list_gave_is_refused(api: ApiServices, position: str) -> None:
    """DynamoDB refuses an empty key and one above 1,024 bytes; the checksum needs no secret."""
    forged = encode_cursor(position, ["objects", ME, None, None, ()])

    with pytest.raises(InvalidCursor):
        api.reading.list(ListQuery(ME), forged)


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
        add_to_history(history, event)
    return repository.add(stored)


@pytest.mark.parametrize("limit", [1, 2, 5, 20])
def test_a_history_is_paged_through_oldest_first(api: ApiServices, storied: StoredObject, limit: int) -> None:
    found: list[int] = []
    cursor, is_first = None, True
    while is_first or cursor is not None:
        page = api.reading.history(ME, UUID(storied.id), cursor=cursor, limit=limit)
        found += [event["data"]["version"] for event in page.items]
        cursor, is_first = page.next_cursor, False

    assert found == [1, 2, 3, 4, 5]


def test_a_history_is_its_owners_only(api: ApiServices, storied: StoredObject) -> None:
    with pytest.raises(NotFound):
        api.reading.history(YOU, UUID(storied.id), cursor=None, limit=20)


def test_a_cursor_of_another_history_is_refused(
    api: ApiServices, repository: ObjectRepository, storied: StoredObject
) -> None:
    other = repository.add(make_object(id=str(uuid4())))
    cursor = api.reading.history(ME, UUID(storied.id), cursor=None, limit=2).next_cursor

    with pytest.raises(InvalidCursor):
        api.reading.history(ME, UUID(other.id), cursor=cursor, limit=2)


@pytest.mark.parametrize("position", ["", "x", "-1", "9" * 2000, "9" * 5000])
def test_a_forged_version_that_no_history_gave_is_refused(
    api: ApiServices, storied: StoredObject, position: str
) -> None:
    """A sort key has 12 digits, and int() takes no more than 4,300."""
    forged = encode_cursor(position, ["history", ME, storied.id])

    with pytest.raises(InvalidCursor):
        api.reading.history(ME, UUID(storied.id), cursor=forged, limit=2)

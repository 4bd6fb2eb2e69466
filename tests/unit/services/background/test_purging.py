"""Everything that a deleted object leaves is removed: at once, and again when nobody can write any more."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from app.domain.causes import Cause
from app.domain.errors import NotFound, Unavailable
from app.domain.events import event_of, forgotten_at
from app.domain.feed import KEPT
from app.domain.objects.state import new_token
from app.domain.objects.stored import TOMBSTONE_DAYS, StoredObject
from app.domain.objects.values import PayloadKey, Revision, Status
from app.domain.usage import NOTHING, Usage
from app.domain.webhooks.deliveries import LOG_KEPT
from app.messaging.messages import Arrival, Content, Deletion, Message, Replacement
from app.services.background.purging import RESERVE_SECONDS
from app.services.objects.creating import NewObject
from app.services.objects.uploads import InlinePayload
from app.storage.objects import ListQuery
from app.storage.recording import CountedEvent
from tests.conftest import NOW, TABLE, Aws, Clock, make_object
from tests.faults import after, answering, before, calls_of, fail, lose_reply
from tests.services import WholeService, add_to_history
from tests.statuses import CSV, LEASE_UNTIL, STATUSES, make_in, make_record
from tests.unit.services.conftest import keys_in_bucket

ME = "local-me"
URL_UNTIL = NOW + timedelta(minutes=15)
SHORTEST_LEASE_SECONDS = 10
TOMBSTONE = timedelta(days=TOMBSTONE_DAYS)


class Service(WholeService):
    def add(self, stored: StoredObject) -> StoredObject:
        """Add an object with a payload, an artifact and an event of its creation."""
        self.repository.add(stored)
        self.upload(stored)
        if stored.newest is not None:
            key = PayloadKey(stored.owner, stored.id, stored.newest.number)
            self.aws.s3.put_object(Bucket=self.aws.bucket, Key=key.artifact("profile.json"), Body=b"{}")
        event = event_of(None, stored)
        assert event is not None
        add_to_history(self.history, event)
        return stored

    def upload(self, stored: StoredObject) -> Content | None:
        if stored.newest is None:
            return None
        key = PayloadKey(stored.owner, stored.id, stored.newest.number)
        self.payloads.put_once(key, CSV, stored.newest)
        return Arrival(key, len(CSV))

    def delete(self, stored: StoredObject) -> None:
        self.editing.delete(stored.owner, UUID(stored.id), cause=Cause("request-2"))

    def take(self, content: Content | None) -> None:
        assert content is not None
        self.dispatch(Message(content))

    def purge(self, stored: StoredObject) -> None:
        self.take(Deletion(stored.owner, stored.id))

    def stored(self, stored: StoredObject) -> StoredObject:
        return self.repository.get(stored.owner, stored.id)

    def events(self, stored: StoredObject) -> int:
        page = self.history.page(stored.owner, stored.id, after_version=0, limit=100)
        return len(page.items)

    def is_gone(self, stored: StoredObject) -> bool:
        return keys_in_bucket(self.aws) == [] and self.events(stored) == 0


@pytest.fixture
def service(aws: Aws, clock: Clock) -> Service:
    return Service(aws, clock)


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "deleted"])
def test_a_deleted_objects_payloads_artifacts_and_history_are_purged(service: Service, status: str) -> None:
    stored = service.add(make_in(status))
    service.delete(stored)

    service.purge(stored)

    assert service.is_gone(stored)
    assert service.stored(stored).status is Status.DELETED


def test_the_event_of_the_deletion_stays_for_readers_who_come_later(service: Service) -> None:
    stored = service.add(make_in("ready"))
    service.delete(stored)
    deletion = event_of(stored, service.stored(stored))
    assert deletion is not None
    add_to_history(service.history, deletion)

    service.purge(stored)

    page = service.history.page(stored.owner, stored.id, after_version=0, limit=100)
    assert [event["type"] for event in page.items] == ["object.deleted"]


def test_a_purge_with_too_little_time_for_the_history_comes_back(service: Service, clock: Clock) -> None:
    stored = service.add(make_record())
    service.delete(stored)
    deletion = Message(Deletion(stored.owner, stored.id))

    with pytest.raises(Unavailable):
        service.dispatch(deletion, seconds_left=RESERVE_SECONDS)
    assert service.events(stored) == 1
    assert service.stored(stored).purge_at is None

    service.dispatch(deletion, seconds_left=RESERVE_SECONDS + 1)
    assert service.is_gone(stored)
    assert service.stored(stored).purge_at is not None


def test_the_shortest_lease_has_time_for_a_history(service: Service) -> None:
    stored = service.add(make_in("ready"))
    service.delete(stored)

    service.dispatch(Message(Deletion(stored.owner, stored.id)), seconds_left=SHORTEST_LEASE_SECONDS - 1)

    assert service.is_gone(stored)


def test_all_revisions_are_purged(service: Service, aws: Aws) -> None:
    stored = service.add(make_in("ready"))
    for number in (2, 3, 10):
        key = PayloadKey(ME, stored.id, number)
        for name in (str(key), key.artifact("profile.json"), key.artifact("data.parquet")):
            aws.s3.put_object(Bucket=aws.bucket, Key=name, Body=b"x")
    service.delete(stored)

    service.purge(stored)

    assert service.is_gone(stored)


def test_a_key_that_names_no_revision_does_not_stop_the_purge(service: Service, aws: Aws) -> None:
    stored = service.add(make_in("ready"))
    for key in ("note.txt", "x/y", ""):
        aws.s3.put_object(Bucket=aws.bucket, Key=f"payloads/{stored.owner}/{stored.id}/{key}", Body=b"")
    service.delete(stored)

    service.purge(stored)

    assert keys_in_bucket(aws) == []


def test_what_s3_does_not_delete_does_not_stop_the_rest(service: Service, aws: Aws) -> None:
    stored = service.add(make_in("ready"))
    service.delete(stored)
    after(
        aws.s3, "DeleteObjects", lambda answer: answer.update(Errors=[{"Key": "k", "Code": "AccessDenied"}])
    )

    with pytest.raises(Unavailable):
        service.purge(stored)

    assert keys_in_bucket(aws) == []


def test_an_object_that_never_had_a_revision_is_purged_without_asking_s3(service: Service, aws: Aws) -> None:
    stored = service.add(make_record())
    service.delete(stored)
    calls = calls_of(aws.s3)

    service.purge(stored)

    assert calls == []
    assert service.events(stored) == 0
    assert service.stored(stored).purge_at is not None


def test_other_objects_keep_what_is_theirs(service: Service, aws: Aws) -> None:
    stored = service.add(make_in("ready"))
    other = service.add(make_in("ready", id=str(uuid4())))
    others = service.add(make_in("ready", owner="local-you"))
    service.delete(stored)

    service.purge(stored)

    assert len(keys_in_bucket(aws)) == 4
    assert not any(f"{ME}/{stored.id}/" in key for key in keys_in_bucket(aws))
    assert (service.events(other), service.events(others)) == (1, 1)


@pytest.mark.parametrize(
    ("ready", "newest", "status", "left"),
    [
        (3, 3, Status.READY, ["3"]),
        (2, 3, Status.PENDING, ["2", "3"]),
        (2, 3, Status.PROCESSING, ["2", "3"]),
        (1, 3, Status.REJECTED, ["1", "3"]),
        (1, 3, Status.EXPIRED, ["1", "3"]),
        (None, 3, Status.FAILED, ["3"]),
        (None, 2, Status.PENDING, ["2", "3"]),
    ],
)
def test_all_revisions_go_but_the_ready_and_the_newest(
    service: Service, aws: Aws, ready: int | None, newest: int, status: Status, left: list[str]
) -> None:
    """Later revisions stay too: the request for them may be newer than what was read."""
    stored = service.add(make_in("ready"))
    for number in (2, 3):
        key = PayloadKey(ME, stored.id, number)
        for name in (str(key), key.artifact("profile.json")):
            aws.s3.put_object(Bucket=aws.bucket, Key=name, Body=b"x")
    assert stored.payload is not None
    changed = replace(
        stored,
        status=status,
        newest=Revision(newest, "text/csv", 12, None, None),
        payload=None if ready is None else replace(stored.payload, revision=ready),
        write_token=new_token(),
    )
    service.repository.save(changed, read=stored)

    for _ in range(2):
        service.take(Replacement(ME, stored.id))

    assert [key.split("/")[3] for key in keys_in_bucket(aws)] == left * 2
    assert service.stored(stored) == changed


@pytest.mark.parametrize("status", STATUSES)
def test_nothing_goes_where_nothing_was_replaced(service: Service, aws: Aws, status: str) -> None:
    stored = service.add(make_in(status))
    kept = keys_in_bucket(aws)

    service.take(Replacement(ME, stored.id))
    service.take(Replacement(ME, str(uuid4())))

    assert keys_in_bucket(aws) == kept


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "deleted"])
def test_only_a_tombstone_is_purged(service: Service, aws: Aws, status: str) -> None:
    stored = service.add(make_in(status))

    service.purge(stored)

    assert len(keys_in_bucket(aws)) == 2
    assert service.events(stored) == 1
    assert service.stored(stored) == stored


def test_whether_it_is_a_tombstone_is_read_with_consistency(service: Service, aws: Aws) -> None:
    calls = calls_of(aws.dynamodb)

    service.purge(make_object())

    assert [(call.operation, call.parameters["ConsistentRead"]) for call in calls] == [("GetItem", True)]


def test_an_object_that_is_not_there_needs_no_purge(service: Service) -> None:
    service.purge(make_object())

    with pytest.raises(NotFound):
        service.stored(make_object())


def test_a_record_is_purged_once_and_for_all(service: Service, clock: Clock) -> None:
    """A record never had a URL by which somebody could write a payload of it."""
    stored = service.add(make_record())
    service.delete(stored)

    service.purge(stored)

    tombstone = service.stored(stored)
    assert service.is_gone(stored)
    assert (tombstone.deadline, tombstone.purge_at) == (None, clock() + TOMBSTONE)


def test_a_first_purge_keeps_the_tombstone_due_for_the_last_one(service: Service) -> None:
    stored = service.add(make_in("pending"))
    service.delete(stored)

    service.purge(stored)

    tombstone = service.stored(stored)
    assert (tombstone.deadline, tombstone.purge_at) == (URL_UNTIL, None)


def test_the_last_purge_lets_the_tombstone_go_weeks_later(service: Service, clock: Clock) -> None:
    stored = service.add(make_in("pending"))
    service.delete(stored)
    version = service.stored(stored).version
    clock.now = URL_UNTIL

    service.purge(stored)

    tombstone = service.stored(stored)
    assert (tombstone.deadline, tombstone.purge_at) == (None, URL_UNTIL + TOMBSTONE)
    assert tombstone.version == version


def test_a_tombstone_waits_for_the_lease_of_a_worker_that_may_still_write(
    service: Service, clock: Clock
) -> None:
    stored = service.add(make_in("processing", writable_until=None))
    service.delete(stored)

    service.purge(stored)
    service.take(service.upload(stored))
    assert service.stored(stored).deadline == LEASE_UNTIL

    clock.now = LEASE_UNTIL
    service.purge(stored)
    assert service.is_gone(stored)
    assert service.stored(stored).purge_at is not None


def test_an_id_may_come_back_only_after_nobody_keeps_its_events(service: Service, clock: Clock) -> None:
    """An Idempotency-Key gives the id again once the tombstone is gone, and versions begin with 1."""
    stored = service.add(make_in("ready"))
    service.delete(stored)
    service.purge(stored)
    clock.now = URL_UNTIL
    service.purge(stored)

    tombstone, [proof] = service.stored(stored), proofs(service)
    assert tombstone.purge_at is not None
    assert tombstone.updated_at + max(KEPT, LOG_KEPT) < forgotten_at(tombstone)
    assert proof >= forgotten_at(tombstone).timestamp()
    assert proof <= (tombstone.purge_at - timedelta(days=2)).timestamp()


def proofs(service: Service) -> list[int]:
    """When each emptied event goes."""
    items = service.aws.dynamodb.scan(TableName=TABLE)["Items"]
    events = [item for item in items if item["sk"]["S"].startswith("event#")]
    return [int(item["purge_at"]["N"]) for item in events]


def test_when_a_tombstone_may_go_is_a_number_that_dynamodb_understands(
    service: Service, aws: Aws, clock: Clock
) -> None:
    stored = service.add(make_record())
    service.delete(stored)
    service.purge(stored)

    items = aws.dynamodb.scan(TableName=TABLE)["Items"]
    [item] = [item for item in items if item["sk"] == {"S": "object"}]
    assert item["purge_at"] == {"N": str(int((clock() + TOMBSTONE).timestamp()))}
    assert {"in_flight", "due_at", "by_owner", "by_status"} & set(item) == set()


@pytest.mark.parametrize("minutes", [0, 16], ids=["before the deadline", "after it"])
def test_to_purge_again_changes_nothing(service: Service, clock: Clock, minutes: int) -> None:
    stored = service.add(make_in("pending"))
    service.delete(stored)
    clock.move(minutes=minutes)
    service.purge(stored)
    tombstone = service.stored(stored)
    clock.move(seconds=30)

    service.purge(stored)

    assert service.stored(stored) == tombstone


def test_a_payload_that_comes_after_the_deletion_goes_with_the_last_purge(
    service: Service, clock: Clock
) -> None:
    stored = service.add(make_in("pending"))
    service.delete(stored)
    service.purge(stored)
    service.upload(stored)
    clock.now = URL_UNTIL

    service.purge(stored)

    assert service.is_gone(stored)


def test_a_payload_that_comes_after_the_last_purge_goes_too(service: Service, clock: Clock) -> None:
    """Its upload began just before the URL expired, and took its time."""
    stored = service.add(make_in("pending"))
    service.delete(stored)
    clock.now = URL_UNTIL
    service.purge(stored)

    service.take(service.upload(stored))

    assert service.is_gone(stored)


def new_inline() -> NewObject:
    payload = InlinePayload("text/csv", CSV)
    return NewObject(
        kind="dataset",
        name="cities.csv",
        attributes={},
        labels={},
        payload=payload,
        fingerprint="f" * 64,
        idempotency_key="order-42",
    )


def test_an_object_deleted_while_its_payload_is_being_written_leaves_nothing(
    service: Service, aws: Aws
) -> None:
    """Another request deletes the object between the two writes of a create, and the worker is quick."""

    def delete_and_purge() -> None:
        [created] = service.repository.list_page(ListQuery(ME)).items
        service.editing.delete(ME, UUID(created.id), cause=Cause("request-2"))
        service.take(Deletion(ME, created.id))

    before(aws.s3, "PutObject", delete_and_purge)
    created = service.creating.create(ME, new_inline(), cause=Cause("request-1")).stored

    service.take(Arrival(PayloadKey(ME, created.id, 1), len(CSV)))

    assert service.stored(created).status is Status.DELETED
    assert service.is_gone(created)


def test_an_object_created_anew_under_an_old_key_is_not_purged_by_an_old_message(
    service: Service, aws: Aws
) -> None:
    """DynamoDB has dropped the tombstone; the same Idempotency-Key gives the same id."""
    first = service.creating.create(ME, new_inline(), cause=Cause("request-1")).stored
    service.delete(first)
    service.purge(first)
    key = {"pk": {"S": f"{ME}#{first.id}"}, "sk": {"S": "object"}}
    aws.dynamodb.delete_item(TableName=TABLE, Key=key)
    second = service.creating.create(ME, new_inline(), cause=Cause("request-2")).stored

    service.purge(first)

    assert second.id == first.id
    assert keys_in_bucket(aws) == [f"payloads/{ME}/{second.id}/1"]


@pytest.mark.parametrize(
    ("client", "operation"),
    [
        ("dynamodb", "GetItem"),
        ("s3", "ListObjectsV2"),
        ("s3", "DeleteObjects"),
        ("dynamodb", "Query"),
        ("dynamodb", "BatchWriteItem"),
        ("dynamodb", "PutItem"),
    ],
)
def test_a_purge_cut_short_is_taken_up_again(
    service: Service, aws: Aws, clock: Clock, client: str, operation: str
) -> None:
    stored = service.add(make_in("ready"))
    service.delete(stored)
    clock.now = URL_UNTIL
    fail(getattr(aws, client), operation, answering(503))

    with pytest.raises(Unavailable):
        service.purge(stored)
    assert service.stored(stored).purge_at is None

    service.purge(stored)
    assert service.is_gone(stored)
    assert service.stored(stored).purge_at is not None


def test_a_purge_whose_replies_got_lost_is_done_all_the_same(
    service: Service, aws: Aws, clock: Clock
) -> None:
    stored = service.add(make_in("ready"))
    service.delete(stored)
    clock.now = URL_UNTIL
    for client, operation in ((aws.s3, "DeleteObjects"), (aws.dynamodb, "PutItem")):
        lose_reply(client, operation)

    service.purge(stored)

    assert service.is_gone(stored)
    assert service.stored(stored).purge_at is not None


def test_two_workers_that_purge_at_once_do_not_harm_each_other(
    service: Service, aws: Aws, clock: Clock
) -> None:
    stored = service.add(make_in("ready"))
    service.delete(stored)
    clock.now = URL_UNTIL
    tombstone = service.stored(stored)
    theirs = tombstone.purged(now=clock())
    before(aws.dynamodb, "PutItem", lambda: service.repository.save(theirs, read=tombstone))

    service.purge(stored)

    assert service.is_gone(stored)
    assert service.stored(stored) == theirs


def test_an_event_that_was_counted_does_not_count_again_after_the_purge(service: Service, aws: Aws) -> None:
    """The relay may meet a record of the stream again for a day; its proof is the history item."""
    usage, recorder = aws.adapters().usage, aws.adapters().recorder
    stored = service.repository.add(make_record())
    service.delete(stored)
    created, deleted = event_of(None, stored), event_of(stored, service.stored(stored))
    assert created is not None
    assert deleted is not None
    recorder.record([CountedEvent(created, Usage(1, 0))], shard=0)
    recorder.record([CountedEvent(deleted, Usage(-1, 0))], shard=0)
    service.purge(stored)

    recorder.record([CountedEvent(deleted, Usage(-1, 0))], shard=0)

    assert usage.read(ME) == NOTHING

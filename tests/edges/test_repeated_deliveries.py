"""S3, the queue and the stream deliver at least once and in any order: the end is always the same.

For each seed a client lives a life, once with every message delivered once and in
order, and once with each delivered one to five times, shuffled, some of them much later.
Each run draws some of the lives. tests/unit/services shows what one repeated message does.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from app.aws.clients import Clients
from app.domain.causes import Cause
from app.domain.errors import InvalidPayload, ProblemCode
from app.domain.json import compact_json
from app.domain.objects.values import PayloadKey
from app.domain.objects.views import public_view
from app.domain.usage import VERSION_BYTES
from app.local.feeding.stream import stream_record
from app.processors.report import ArtifactFile, Report, Task
from app.services.objects.creating import NewObject
from app.services.objects.uploads import DeclaredPayload, InlinePayload
from app.storage.set_aside import StreamRecord
from tests.conftest import Aws, Clock, Measured, make_aws
from tests.events import object_created, queue_batch
from tests.faults import calls_of, unhook_all
from tests.in_process import mocked
from tests.services import WholeService
from tests.shares import Share

ME = "local-me"
LIVES = range(200)
LIVES_PER_RUN = 4
MOST_COPIES = 5
SHARE_MUCH_LATER = 0.3
QUEUED = {"object.reprocess_requested", "object.deleted"}
REPLACING = {"object.upload_requested", "object.ready"}
BAD = b"bad"

Step = Callable[["Service", UUID], None]


class SandboxHere:
    """Judges a payload by its bytes, in this process."""

    def run(self, task: Task, *, seconds: float) -> Report:
        content = task.source.read_bytes()
        if content.startswith(BAD):
            raise InvalidPayload(ProblemCode.INVALID_CONTENT, "It is bad.")
        (task.output / "profile.json").write_bytes(content.upper())
        return Report({"bytes": len(content)}, (ArtifactFile("profile.json", "application/json"),))


class Service(WholeService):
    """Fed by hand: what S3, the stream and the bus would announce is asked for."""

    def __init__(self, aws: Aws, streams: Any) -> None:
        super().__init__(aws, Clock(), SandboxHere())
        self.streams = streams
        self._published = calls_of(aws.events)
        self._announced = 0
        self._arrived = set[str]()
        self._read = 0
        self._stream_arn = aws.dynamodb.describe_table(TableName=aws.table)["Table"]["LatestStreamArn"]
        [self._shard] = streams.describe_stream(StreamArn=self._stream_arn)["StreamDescription"]["Shards"]

    def new_records(self) -> list[StreamRecord]:
        """Return the records that the mapping's filter lets through."""
        records = self._read_stream()
        self._read += len(records)
        shown = [stream_record(record, "arn") for record in records]
        return [record for record in shown if record["dynamodb"]["Keys"]["sk"] == {"S": "object"}]

    def _read_stream(self) -> list[Any]:
        """Read with a new iterator: moto's go astray when a transaction is cancelled."""
        first = int(self._shard["SequenceNumberRange"]["StartingSequenceNumber"])
        iterator = self.streams.get_shard_iterator(
            StreamArn=self._stream_arn,
            ShardId=self._shard["ShardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=str(first + self._read),
        )
        records: list[Any] = self.streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        return records

    def new_messages(self) -> list[str]:
        """Return the new messages that S3 and the rules would have put into the work queue by now."""
        arrived = [key for key in self.keys() if key.startswith("payloads/") and key not in self._arrived]
        self._arrived.update(arrived)
        events = self.published()[self._announced :]
        self._announced += len(events)
        return [object_created(key) for key in arrived] + [
            envelope(event) for event in events if is_queued(event)
        ]

    def published(self) -> list[dict[str, Any]]:
        return [
            json.loads(entry["Detail"]) for call in self._published for entry in call.parameters["Entries"]
        ]

    def keys(self) -> list[str]:
        found = self.aws.s3.list_objects_v2(Bucket=self.aws.bucket).get("Contents", [])
        return [content["Key"] for content in found]

    def take(self, bodies: list[str]) -> None:
        batch = queue_batch({"MessageId": str(number), "Body": body} for number, body in enumerate(bodies))
        assert self.worker.handle(batch, Context()) == {"batchItemFailures": []}

    def create(self, payload: bytes, *, name: str) -> UUID:
        new = NewObject(
            kind="file",
            name=name,
            attributes={},
            labels={},
            payload=InlinePayload("text/plain", payload),
            fingerprint="f" * 64,
            idempotency_key=name,
        )
        return UUID(self.creating.create(ME, new, cause=Cause(f"create {name}")).stored.id)


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def is_queued(event: dict[str, Any]) -> bool:
    """True if the rules of template.yaml send it to the queue."""
    revisions = (event["data"]["payload"], event["data"]["incoming"])
    is_later = any(one is not None and one["revision"] > 1 for one in revisions)
    return event["type"] in QUEUED or (event["type"] in REPLACING and is_later)


def envelope(event: dict[str, Any]) -> str:
    return json.dumps({"detail-type": event["type"], "source": event["source"], "detail": event})


def rename(service: Service, object_id: UUID) -> None:
    service.editing.edit(ME, object_id, {"name": "new", "labels": {"a": "b"}}, cause=Cause("rename"))


def reprocess(service: Service, object_id: UUID) -> None:
    service.editing.reprocess(ME, object_id, cause=Cause("reprocess"))


def replace_payload(service: Service, object_id: UUID) -> None:
    payload = InlinePayload("text/plain", b"replaced")
    service.editing.put_payload(ME, object_id, payload, cause=Cause("replace"))


def spoil_payload(service: Service, object_id: UUID) -> None:
    payload = InlinePayload("text/plain", BAD)
    service.editing.put_payload(ME, object_id, payload, cause=Cause("spoil"))


def ask_for_an_upload(service: Service, object_id: UUID) -> None:
    """Ask for an upload that is never made."""
    declared = DeclaredPayload("text/plain", 5, None)
    service.editing.request_upload(ME, object_id, declared, cause=Cause("ask"))


def delete(service: Service, object_id: UUID) -> None:
    service.editing.delete(ME, object_id, cause=Cause("delete"))


STEPS: tuple[Step, ...] = (rename, reprocess, replace_payload, spoil_payload)
LAST_STEPS: tuple[Step, ...] = (rename, ask_for_an_upload, delete, delete)


@dataclass(frozen=True, slots=True)
class Life:
    """The steps of a client with one object. Each is taken when all is quiet."""

    first_payload: bytes
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, seed: int) -> "Life":
        chance = random.Random(seed)
        steps = chance.choices(STEPS, k=chance.randint(0, 4))
        return cls(chance.choice([b"first", BAD]), (*steps, *chance.choices(LAST_STEPS, k=1)))


@dataclass(slots=True)
class Deliveries:
    """Every message once and in order; with `chance`, several times, shuffled, some much later."""

    service: Service
    chance: random.Random | None
    late_messages: list[str] = field(default_factory=list)
    late_records: list[StreamRecord] = field(default_factory=list)
    made: int = 0

    def until_quiet(self) -> None:
        while True:
            records, messages = self.service.new_records(), self.service.new_messages()
            if not records and not messages:
                return
            self._relay(self._repeated(records, self.late_records))
            self._take(self._repeated(messages, self.late_messages))

    def the_late_ones(self) -> None:
        messages, records = self.late_messages, self.late_records
        self.late_messages, self.late_records = [], []
        self._take(messages)
        self._relay(records)

    def _repeated(self, given: list[Any], late: list[Any]) -> list[Any]:
        if self.chance is None:
            return given
        copies = [one for one in given for _ in range(self.chance.randint(1, MOST_COPIES) - 1)]
        late += [one for one in copies if self.chance.random() < SHARE_MUCH_LATER]
        now = given + [one for one in copies if one not in late]
        self.chance.shuffle(now)
        return now

    def _relay(self, records: list[StreamRecord]) -> None:
        self.made += len(records)
        for start in range(0, len(records), 7):
            assert self.service.relaying.relay(records[start : start + 7]) is None

    def _take(self, messages: list[str]) -> None:
        self.made += len(messages)
        for start in range(0, len(messages), 10):
            self.service.take(messages[start : start + 10])


@dataclass(frozen=True, slots=True)
class End:
    """All that anybody could see in the end."""

    view: dict[str, Any]
    history: list[dict[str, Any]]
    announced: dict[str, dict[str, Any]]
    usage: tuple[int, int]
    keys: list[str]
    dead_letters: int


def live(service: Service, life: Life, deliveries: Deliveries, *, name: str) -> End:
    object_id = service.create(life.first_payload, name=name)
    deliveries.until_quiet()
    for step in life.steps:
        step(service, object_id)
        deliveries.until_quiet()
    for _ in range(2):
        deliveries.the_late_ones()
        deliveries.until_quiet()
    return end_of(service, object_id)


def end_of(service: Service, object_id: UUID) -> End:
    events = service.published()
    announced = {event["id"]: event for event in events}
    assert all(announced[event["id"]] == event for event in events), "repeats of an event differ"
    usage = service.usage.read(ME)
    page = service.history.page(ME, str(object_id), after_version=0, limit=100)
    buried = service.aws.sqs.receive_message(QueueUrl=service.aws.dead_letter_queue_url)
    return End(
        public_view(service.repository.get(ME, str(object_id))),
        list(page.items),
        announced,
        (usage.objects, usage.bytes),
        service.keys(),
        len(buried.get("Messages", [])),
    )


@pytest.fixture
def make_service(clients: Clients) -> Iterator[Callable[[], Service]]:
    def make() -> Service:
        aws = make_aws(clients)
        view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        aws.dynamodb.update_table(TableName=aws.table, StreamSpecification=view)
        return Service(aws, clients.client("dynamodbstreams"))

    yield make
    unhook_all()


def test_the_end_is_the_same_however_often_and_in_whatever_order_messages_come(
    make_service: Callable[[], Service], measured: Measured, share: Share
) -> None:
    lives = share.of(LIVES, LIVES_PER_RUN)
    deliveries = Counter[str]()
    for seed in lives:
        life = Life.of(seed)
        with mocked():
            service = make_service()
            once = Deliveries(service, None)
            expected = live(service, life, once, name=f"life {seed}")
            unhook_all()
        with mocked():
            service = make_service()
            many = Deliveries(service, random.Random(seed))
            found = live(service, life, many, name=f"life {seed}")
            unhook_all()

        assert found == expected, f"life {seed}: {[step.__name__ for step in life.steps]}"
        versions = [event["data"]["version"] for event in found.announced.values()]
        assert sorted(versions) == list(range(1, found.view["version"] + 1))
        assert found.dead_letters == 0
        deliveries.update(once=once.made, many=many.made)
    measured(
        f"repeated and shuffled deliveries in {len(lives)} lives: {deliveries['once']} messages "
        f"delivered {deliveries['many']} times, 0 differences"
    )


def upload_after_the_next_was_asked_for(service: Service, object_id: UUID) -> None:
    """Use the URL of a revision that is not the newest any more."""
    declared = DeclaredPayload("text/plain", 7, None)
    overtaken, _ = service.editing.request_upload(ME, object_id, declared, cause=Cause("ask"))
    spoil_payload(service, object_id)
    assert overtaken.newest is not None
    service.payloads.put_once(
        PayloadKey(ME, str(object_id), overtaken.newest.number), b"7 bytes", overtaken.newest
    )


def spoil_differently(service: Service, object_id: UUID) -> None:
    payload = InlinePayload("text/plain", BAD * 2)
    service.editing.put_payload(ME, object_id, payload, cause=Cause("spoil"))


@pytest.mark.parametrize("first_payload", [b"first", BAD], ids=["beside a ready one", "with none ready"])
@pytest.mark.parametrize("seed", [None, 1], ids=["once and in order", "repeated and shuffled"])
def test_the_bytes_in_the_bucket_are_those_that_count(
    make_service: Callable[[], Service], first_payload: bytes, seed: int | None
) -> None:
    """Otherwise rejected and overtaken uploads would pass any limit."""
    steps = (spoil_payload, spoil_differently, upload_after_the_next_was_asked_for, spoil_differently)
    with mocked():
        service = make_service()
        deliveries = Deliveries(service, None if seed is None else random.Random(seed))
        end = live(service, Life(first_payload, steps * 2), deliveries, name="a life")
        found = service.aws.s3.list_objects_v2(Bucket=service.aws.bucket)["Contents"]

    kept = VERSION_BYTES * end.view["version"] + len(compact_json(end.view["attributes"]))
    assert end.usage == (1, sum(content["Size"] for content in found) + kept)
    payloads = [content for content in found if content["Key"].startswith("payloads/")]
    assert len(payloads) == (1 if first_payload == BAD else 2)

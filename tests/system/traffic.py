"""Each function's whole traffic, one scenario for each thing it does to AWS.

A scenario arranges with the rights of the account's root, then lets the real code act
under the function's role. Some scenarios play what Lambda itself does under that role:
it writes the logs, polls queue and stream, and reports the records it gave up.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any
from uuid import uuid4

import httpx2

from app.api.app import create_app
from app.bootstrap import Adapters, compose_api, compose_relay, compose_worker
from app.config import ApiSettings, RelaySettings, WorkerSettings
from app.domain.events import event_of
from app.domain.objects import StoredObject
from app.domain.times import utc_now
from app.domain.usage import Usage
from app.domain.values import Payload, PayloadKey, Revision
from app.local.sources import sqs_event
from app.local.stream import StreamSource
from app.services.relaying import Relaying
from app.storage.usage import CountedEvent
from app.worker.batch import BatchWorker
from tests.conftest import NOW, make_object
from tests.edges.conftest import through_lambda
from tests.edges.doors import API_KEY_ID
from tests.events import object_created, stream_record
from tests.services import add_to_history
from tests.statuses import CSV, SHA256, make_in
from tests.system.enforced import Json, Role, RoleClients, Stage, Traffic

OWNER = f"key-{API_KEY_ID}"
RECORD = {"kind": "record", "name": "order 42"}
INLINE = {"kind": "dataset", "name": "a.csv", "payload": {"media_type": "text/csv", "text": CSV.decode()}}
DECLARED = {"media_type": "text/csv", "size": len(CSV), "sha256": SHA256}
SWEEP = '{"detail-type":"sweep","source":"wharf.clock","detail":{}}'
PLENTY_MS = 300_000


@dataclass(frozen=True, slots=True)
class Acting:
    """A function's code under its role."""

    name: str
    stage: Stage
    role: Role
    clients: RoleClients
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class Api(Acting):
    http: httpx2.Client

    def stored(self, status: str, **changes: Any) -> StoredObject:
        return self.stage.add(make_in(status, owner=OWNER, id=str(uuid4()), **changes))

    def download(self, stored: StoredObject, what: str, *, method: str = "GET") -> bytes:
        redirected = self.http.request(method, f"{url_of(stored)}/{what}")
        assert redirected.status_code == 307, redirected.text
        answer = self.clients.fetch(method, redirected.headers["Location"])
        assert answer.status == 200, answer.body
        return answer.body

    def upload(self, answer: httpx2.Response) -> None:
        assert answer.status_code == 201, answer.text
        upload = answer.json()["upload"]
        assert self.clients.fetch("PUT", upload["url"], body=CSV, headers=upload["headers"]).status == 200


@dataclass(frozen=True, slots=True)
class Context:
    milliseconds: int = PLENTY_MS

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass(frozen=True, slots=True)
class Worker(Acting):
    worker: BatchWorker
    queue_arn: str

    def stored(self, status: str, **changes: Any) -> StoredObject:
        return self.stage.add(make_in(status, id=str(uuid4()), **changes))

    def handle(self, *messages: Any, context: Context | None = None) -> list[Any]:
        """The failures among these messages."""
        event = sqs_event(messages, self.queue_arn)
        failures: list[Any] = self.worker.handle(event, context or Context())["batchItemFailures"]
        return failures

    def deliver(self, body: str) -> None:
        assert self.handle(message(body)) == []


@dataclass(frozen=True, slots=True)
class Relay(Acting):
    relaying: Relaying

    def relay(self, *records: Json) -> None:
        assert self.relaying.relay(records) is None


def url_of(stored: StoredObject) -> str:
    return f"/v1/objects/{stored.id}"


def payload_key(stored: StoredObject, revision: int = 1) -> PayloadKey:
    return PayloadKey(stored.owner, stored.id, revision)


def message(body: str) -> Any:
    return {
        "MessageId": uuid4().hex,
        "ReceiptHandle": "none",
        "Body": body,
        "MD5OfBody": "",
        "Attributes": {"ApproximateReceiveCount": "1"},
    }


def arrival(stored: StoredObject) -> str:
    return object_created(str(payload_key(stored)), len(CSV))


def announcement(event_type: str, stored: StoredObject) -> str:
    return json.dumps({"detail-type": event_type, "detail": {"owner": stored.owner, "subject": stored.id}})


# Lambda, for any function


def its_logs_are_written(acting: Acting) -> None:
    logs = acting.clients.client("logs")
    group, stream = acting.stage.stack.resources[f"{acting.name}LogGroup"], uuid4().hex
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    line: Any = {"timestamp": int(utc_now().timestamp() * 1000), "message": "START"}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[line])


# The API


def create(api: Api) -> None:
    assert api.http.post("/v1/objects", json=RECORD).status_code == 201


def create_with_payload_and_replay(api: Api) -> None:
    for _ in range(2):
        answer = api.http.post("/v1/objects", json=INLINE, headers={"Idempotency-Key": "order-42"})
        assert answer.status_code == 201, answer.text


def create_and_upload(api: Api) -> None:
    api.upload(api.http.post("/v1/objects", json={**INLINE, "payload": DECLARED}))


def read(api: Api) -> None:
    assert api.http.get(url_of(api.stored("ready"))).status_code == 200


def list_all(api: Api) -> None:
    api.stored("ready")
    assert len(api.http.get("/v1/objects").json()["items"]) == 1


def list_by_status(api: Api) -> None:
    api.stored("ready")
    assert len(api.http.get("/v1/objects?status=ready").json()["items"]) == 1


def edit(api: Api) -> None:
    assert api.http.patch(url_of(api.stored("ready")), json={"name": "new"}).status_code == 200


def delete(api: Api) -> None:
    assert api.http.delete(url_of(api.stored("ready"))).status_code == 204


def upload_again(api: Api) -> None:
    api.upload(api.http.post(f"{url_of(api.stored('rejected'))}/uploads", json=DECLARED))


def put_payload(api: Api) -> None:
    stored = api.stored("rejected")
    headers = {"Content-Type": "text/csv"}
    answer = api.http.put(f"{url_of(stored)}/payload", content=CSV, headers=headers)
    assert answer.status_code == 202, answer.text
    assert api.stage.keys(stored) == [str(payload_key(stored, 2))]


def reprocess(api: Api) -> None:
    assert api.http.post(f"{url_of(api.stored('failed'))}/reprocess").status_code == 202


def download_payload(api: Api) -> None:
    stored = api.stored("ready")
    api.stage.put(payload_key(stored), CSV)
    assert api.download(stored, "payload") == CSV
    assert api.download(stored, "payload", method="HEAD") == b""


def download_artifact(api: Api) -> None:
    stored = api.stored("ready")
    api.stage.put(payload_key(stored).artifact("profile.json"), b"{}")
    assert api.download(stored, "artifacts/profile.json") == b"{}"


def history(api: Api) -> None:
    stored = api.stored("ready")
    event = event_of(None, stored)
    assert event is not None
    add_to_history(api.stage.history, event)
    assert len(api.http.get(f"{url_of(stored)}/history").json()["items"]) == 1


def usage(api: Api) -> None:
    event = event_of(None, api.stored("ready"))
    assert event is not None
    api.stage.usage.record([CountedEvent(event, Usage(1, 12))], shard=0)
    assert api.http.get("/v1/usage").json()["objects"] == 1


def readiness(api: Api) -> None:
    assert api.http.get("/readyz").status_code == 200


API = (
    *(create, create_with_payload_and_replay, create_and_upload, read, list_all, list_by_status),
    *(edit, delete, upload_again, put_payload, reprocess, download_payload, download_artifact),
    *(history, usage, readiness, its_logs_are_written),
)


# The worker


def process(worker: Worker) -> None:
    stored = worker.stored("pending")
    worker.stage.put(payload_key(stored), CSV)
    worker.deliver(arrival(stored))
    assert worker.stage.now(stored).status == "ready"
    assert len(worker.stage.keys(stored)) == 4


def reject(worker: Worker) -> None:
    stored = worker.stored("pending")
    worker.stage.put(payload_key(stored), b"short")
    worker.deliver(arrival(stored))
    assert worker.stage.now(stored).status == "rejected"


def discard(worker: Worker) -> None:
    stored = worker.stored("deleted")
    worker.stage.put(payload_key(stored), CSV)
    worker.deliver(arrival(stored))
    assert worker.stage.keys(stored) == []


def give_up(worker: Worker) -> None:
    stored = worker.stored("pending", attempts=3)
    worker.deliver(arrival(stored))
    assert worker.stage.now(stored).status == "failed"
    assert len(worker.stage.messages(worker.stage.dead_letter_queue_url)) == 1


def bury(worker: Worker) -> None:
    worker.deliver("{}")
    assert len(worker.stage.messages(worker.stage.dead_letter_queue_url)) == 1


def bury_a_message_without_payload(worker: Worker) -> None:
    """On AWS S3 says that the key is missing only with s3:ListBucket."""
    worker.deliver(arrival(worker.stored("pending")))
    assert len(worker.stage.messages(worker.stage.dead_letter_queue_url)) == 1


def give_back(worker: Worker) -> None:
    """Too little time is left: the message is to be shown again soon."""
    sent = arrival(worker.stored("pending"))
    worker.stage.sqs.send_message(QueueUrl=worker.stage.queue_url, MessageBody=sent)
    [received] = worker.stage.messages(worker.stage.queue_url)
    taken = {**message(sent), "ReceiptHandle": received["ReceiptHandle"]}
    assert worker.handle(taken, context=Context(0)) == [{"itemIdentifier": taken["MessageId"]}]


def sweep_requeues(worker: Worker) -> None:
    stored = worker.stored("pending")
    worker.stage.put(payload_key(stored), CSV)
    worker.deliver(SWEEP)
    assert len(worker.stage.messages(worker.stage.queue_url)) == 1


def sweep_expires(worker: Worker) -> None:
    """On AWS the HEAD of the missing payload is a 404 only with s3:ListBucket."""
    stored = worker.stored("pending")
    worker.deliver(SWEEP)
    assert worker.stage.now(stored).status == "expired"


def sweep_fails(worker: Worker) -> None:
    stored = worker.stored("processing", attempts=2)
    worker.deliver(SWEEP)
    assert worker.stage.now(stored).status == "failed"


def sweep_purges(worker: Worker) -> None:
    stored = left_behind(worker)
    worker.deliver(SWEEP)
    assert worker.stage.keys(stored) == []
    assert worker.stage.now(stored).purge_at is not None


def purge_deleted(worker: Worker) -> None:
    stored = left_behind(worker)
    worker.deliver(announcement("object.deleted", stored))
    assert worker.stage.keys(stored) == []
    found = worker.stage.history.page(stored.owner, stored.id, after_version=0, limit=20)
    assert found.items == ()


def left_behind(worker: Worker) -> StoredObject:
    """A tombstone, with the payload, an artifact and the history of what it was."""
    stored = worker.stored("deleted")
    worker.stage.put(payload_key(stored), CSV)
    worker.stage.put(payload_key(stored).artifact("profile.json"), b"{}")
    event = event_of(None, make_object(id=stored.id))
    assert event is not None
    add_to_history(worker.stage.history, event)
    return stored


def purge_replaced(worker: Worker) -> None:
    ready = make_in("ready", id=str(uuid4()))
    newest = Revision(2, "text/csv", len(CSV), SHA256, None)
    stored = worker.stage.add(replace(ready, newest=newest, payload=Payload("text/csv", len(CSV), SHA256, 2)))
    for revision in (1, 2):
        worker.stage.put(payload_key(stored, revision), CSV)
        worker.stage.put(payload_key(stored, revision).artifact("profile.json"), b"{}")
    worker.deliver(announcement("object.ready", stored))
    kept = payload_key(stored, 2)
    assert worker.stage.keys(stored) == [kept.artifact("profile.json"), str(kept)]


def queue_is_polled(worker: Worker) -> None:
    """By Lambda, which needs these three (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
    queue = worker.queue_arn.rsplit(":", 1)[-1]
    url = worker.stage.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    worker.stage.sqs.send_message(QueueUrl=url, MessageBody=SWEEP)
    sqs = worker.clients.client("sqs")
    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    [received] = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert worker.handle(received) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])


WORKER = (
    *(process, reject, discard, give_up, bury, bury_a_message_without_payload, give_back),
    *(sweep_requeues, sweep_expires, sweep_fails, sweep_purges, purge_deleted, purge_replaced),
    *(queue_is_polled, its_logs_are_written),
)


# The relay


def relay_a_birth(relay: Relay) -> None:
    stored = make_object(id=str(uuid4()))
    relay.relay(stream_record(None, stored))
    page = relay.stage.history.page(stored.owner, stored.id, after_version=0, limit=20)
    assert [event["type"] for event in page.items] == ["object.created"]
    assert relay.stage.usage.read(stored.owner).objects == 1


def relay_a_change(relay: Relay) -> None:
    """One that leaves the usage as it was."""
    stored = make_object(id=str(uuid4()))
    relay.relay(stream_record(stored, stored.claim(now=NOW, lease_until=later(NOW))))
    page = relay.stage.history.page(stored.owner, stored.id, after_version=0, limit=20)
    assert [event["type"] for event in page.items] == ["object.processing"]


def later(moment: datetime) -> datetime:
    return moment + timedelta(minutes=5)


def set_aside(relay: Relay) -> None:
    bad = stream_record(None, make_object())
    del bad["dynamodb"]["NewImage"]["version"]
    relay.relay(bad)
    name = f"relay-failures/{bad['dynamodb']['SequenceNumber']}.json"
    relay.stage.s3.head_object(Bucket=relay.stage.bucket, Key=name)


def stream_is_polled(relay: Relay) -> None:
    """By Lambda, which needs these four (AWS Lambda Developer Guide, "Using Lambda with DynamoDB")."""
    relay.stage.add(make_object(id=str(uuid4())))
    read: list[Any] = []

    def handler(event: Json, _context: object) -> Json:
        read.extend(event["Records"])
        return {}

    client = relay.clients.client("dynamodbstreams")
    client.list_streams(TableName=relay.stage.table)
    StreamSource(client, relay.stage.function("Relay"), handler, Event()).poll()
    assert read


def lost_records_are_reported(relay: Relay) -> None:
    """By Lambda, to where the mapping says."""
    mapping = relay.stage.source_mapping("RelayFunctionChanges")
    queue = mapping["DestinationConfig"]["OnFailure"]["Destination"].rsplit(":", 1)[-1]
    url = relay.stage.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    relay.clients.client("sqs").send_message(QueueUrl=url, MessageBody="{}")


RELAY = (
    *(relay_a_birth, relay_a_change, set_aside),
    *(stream_is_polled, lost_records_are_reported, its_logs_are_written),
)

Scenario = Callable[[Any], None]
SCENARIOS: dict[str, Sequence[Scenario]] = {"Api": API, "Worker": WORKER, "Relay": RELAY}


def name_of(scenario: Scenario) -> str:
    return scenario.__name__.replace("_", " ")


@contextmanager
def acting(stage: Stage, name: str) -> Iterator[Acting]:
    """The function as bootstrap builds it, with the settings it is deployed with, under its role."""
    function, role, traffic = stage.function(name), Role(stage, f"{name}Role"), Traffic()
    clients = RoleClients(role.session, stage.url, traffic)
    common = (name, stage, role, clients, traffic)
    with ExitStack() as running:
        match name:
            case "Api":
                settings = ApiSettings.from_environment(function.environment)
                app = create_app(compose_api(Adapters(settings, clients), settings), settings)
                yield Api(*common, running.enter_context(through_lambda(app)))
            case "Worker":
                working = WorkerSettings.from_environment(function.environment)
                adapters = Adapters(working, clients)
                # On Lambda its server ends with the function; here it must end with the test.
                running.enter_context(adapters.sandbox)
                yield Worker(*common, compose_worker(adapters, working), function.source_arn or "")
            case "Relay":
                relay = RelaySettings.from_environment(function.environment)
                yield Relay(*common, compose_relay(Adapters(relay, clients)))

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
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from app.api.app import create_app
from app.bootstrap.adapters import Adapters
from app.bootstrap.api import compose_api
from app.bootstrap.relay import compose_forwarding, compose_relay
from app.bootstrap.sender import compose_sender
from app.bootstrap.worker import compose_worker
from app.config import ApiSettings, RelaySettings, SenderSettings, WorkerSettings
from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Payload, PayloadKey, Revision
from app.domain.times import utc_now
from app.domain.usage import Usage
from app.domain.webhooks.deliveries import Delivery, delivery_of_test
from app.domain.webhooks.webhook import Webhook
from app.local.feeding.sources import sqs_event
from app.local.feeding.stream import StreamSource
from app.sender.batch import SenderBatches
from app.services.changes.forwarding import Forwarding
from app.services.changes.relaying import Relaying
from app.storage.recording import CountedEvent
from app.worker.batch import BatchWorker
from tests.conftest import NOW, make_object
from tests.edges.conftest import through_lambda
from tests.edges.doors import API_KEY_ID
from tests.events import object_created, stream_record
from tests.linked import make_link, put_links
from tests.services import add_to_history
from tests.statuses import CSV, SHA256, make_in
from tests.subscribed import make_event, make_webhook
from tests.system.enforced import Json, Role, RoleClients, Stage, Traffic

OWNER = f"key-{API_KEY_ID}"
RECORD = {"kind": "record", "name": "order 42"}
INLINE = {"kind": "dataset", "name": "a.csv", "payload": {"media_type": "text/csv", "text": CSV.decode()}}
DECLARED = {"media_type": "text/csv", "size": len(CSV), "sha256": SHA256}
SWEEP = '{"detail-type":"sweep","source":"wharf.clock","detail":{}}'
ARRIVALS = "arn:aws:sqs:us-east-1:000000000000:arrivals"
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
    forwarding: Forwarding

    def relay(self, *records: Json) -> None:
        assert self.relaying.relay(records) is None


@dataclass(frozen=True, slots=True)
class Sender(Acting):
    sender: SenderBatches
    queue_arn: str

    def handle(self, *messages: Any) -> list[Any]:
        """The failures among these messages."""
        event = sqs_event(messages, self.queue_arn)
        failures: list[Any] = self.sender.handle(event, Context())["batchItemFailures"]
        return failures

    def deliver(self, body: str) -> None:
        assert self.handle(message(body)) == []

    def log(self, webhook: Webhook) -> Sequence[Delivery]:
        page = self.stage.deliveries.page(webhook.owner, webhook.id, outcome=None, before=None, limit=9)
        return page.items


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


def upload_in_parts(api: Api) -> None:
    payload = {"media_type": "text/csv", "size": len(CSV), "multipart": True}
    created = api.http.post("/v1/objects", json={**INLINE, "payload": payload}).json()
    own = f"/v1/objects/{created['id']}/upload"
    for _ in range(2):
        [part] = api.http.post(f"{own}/parts", json={"numbers": [1]}).json()["parts"]
    assert api.clients.fetch("PUT", part["url"], body=CSV).status == 200
    assert api.http.get(own).json()["missing"] == []
    assert api.http.post(f"{own}/complete").status_code == 202
    assert len(api.stage.messages(api.stage.queue_url)) == 1


def give_up_an_upload_in_parts(api: Api) -> None:
    payload = {"media_type": "text/csv", "size": len(CSV), "multipart": True}
    created = api.http.post("/v1/objects", json={**INLINE, "payload": payload}).json()
    own = f"/v1/objects/{created['id']}/upload"
    assert api.http.post(f"{own}/parts", json={"numbers": [1]}).status_code == 200
    assert api.http.delete(own).status_code == 204


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


def share_and_revoke(api: Api) -> None:
    stored = api.stored("ready")
    api.stage.put(payload_key(stored), CSV)
    links = f"{url_of(stored)}/links"
    created = api.http.post(links, json={}).json()
    opened = api.http.get(urlsplit(created["url"]).path.removeprefix("/dev"))
    assert api.clients.fetch("GET", opened.headers["Location"]).body == CSV
    assert len(api.http.get(links).json()["items"]) == 1
    assert api.http.delete(f"{links}/{created['id']}").status_code == 204


def history(api: Api) -> None:
    stored = api.stored("ready")
    event = event_of(None, stored)
    assert event is not None
    add_to_history(api.stage.history, event)
    assert len(api.http.get(f"{url_of(stored)}/history").json()["items"]) == 1


def feed(api: Api) -> None:
    event = event_of(None, api.stored("ready"))
    assert event is not None
    add_to_history(api.stage.history, event)
    answer = api.http.get("/v1/events").json()
    assert [one["id"] for one in answer["items"]] == [event.id]


def wait_for_a_change(api: Api) -> None:
    stored = api.stored("ready")
    known = {"If-None-Match": f'"{stored.version}"', "Prefer": "wait=1"}
    assert api.http.get(url_of(stored), headers=known).status_code == 304


def usage(api: Api) -> None:
    event = event_of(None, api.stored("ready"))
    assert event is not None
    api.stage.recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)
    assert api.http.get("/v1/usage").json()["objects"] == 1


def readiness(api: Api) -> None:
    assert api.http.get("/readyz").status_code == 200


def subscribe_and_unsubscribe(api: Api) -> None:
    created = api.http.post("/v1/webhooks", json={"url": "https://app.example/"}).json()
    own = f"/v1/webhooks/{created['id']}"
    assert api.http.get(own).status_code == 200
    assert len(api.http.get("/v1/webhooks").json()["items"]) == 1
    assert [api.http.delete(own).status_code for _ in range(2)] == [204, 204]


def change_a_webhook(api: Api) -> None:
    webhook = subscribed(api.stage, OWNER)
    answers = [
        api.http.patch(f"/v1/webhooks/{webhook.id}", json={"enabled": False}),
        api.http.patch(f"/v1/webhooks/{webhook.id}", json={"enabled": True}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(api.stage.messages(api.stage.sender_queue_url)) == 1


def send_a_test_and_replay_it(api: Api) -> None:
    own = f"/v1/webhooks/{subscribed(api.stage, OWNER).id}"
    queued = api.http.post(f"{own}/test").json()
    [entry] = api.http.get(f"{own}/deliveries").json()["items"]
    replayed = api.http.post(f"{own}/deliveries/{queued['delivery_id']}/replay")
    assert (entry["id"], replayed.status_code) == (queued["delivery_id"], 202)


API = (
    *(subscribe_and_unsubscribe, change_a_webhook, send_a_test_and_replay_it),
    *(create, create_with_payload_and_replay, create_and_upload, read, list_all, list_by_status),
    *(edit, delete, upload_again, upload_in_parts, give_up_an_upload_in_parts, put_payload, reprocess),
    *(download_payload, download_artifact, share_and_revoke),
    *(history, feed, wait_for_a_change, usage, readiness, its_logs_are_written),
)


# The worker


def process(worker: Worker) -> None:
    stored = worker.stored("pending")
    worker.stage.put(payload_key(stored), CSV)
    worker.deliver(arrival(stored))
    assert worker.stage.now(stored).status == "ready"
    assert len(worker.stage.keys(stored)) == 4


def complete_an_upload(worker: Worker) -> None:
    stored = in_parts(worker, is_completing=True)
    worker.deliver(completion(stored))
    assert worker.stage.keys(stored) == [str(payload_key(stored))]


def complete_too_late(worker: Worker) -> None:
    """The payload is there already, so the parts are dropped."""
    stored = in_parts(worker, is_completing=True)
    worker.stage.put(payload_key(stored), CSV)
    worker.deliver(completion(stored))
    assert uploads_left(worker, stored) == []


def sweep_drops_parts(worker: Worker) -> None:
    stored = in_parts(worker, is_completing=False)
    worker.worker.sweep(Context())
    assert worker.stage.now(stored).status == "expired"
    assert uploads_left(worker, stored) == []


def in_parts(worker: Worker, *, is_completing: bool) -> StoredObject:
    """An upload in one part, which is there."""
    newest = Revision(1, "text/csv", len(CSV), SHA256, NOW, part_size=len(CSV))
    awaited = make_object(id=str(uuid4()), newest=newest)
    place = {"Bucket": worker.stage.bucket, "Key": str(payload_key(awaited))}
    upload_id = worker.stage.s3.create_multipart_upload(**place)["UploadId"]
    worker.stage.s3.upload_part(**place, UploadId=upload_id, PartNumber=1, Body=CSV)
    begun = awaited.begin_parts(upload_id)
    return worker.stage.add(begun.ask_completion(now=NOW) if is_completing else begun)


def completion(stored: StoredObject) -> str:
    detail = {"object": {"key": str(payload_key(stored))}}
    return json.dumps({"detail-type": "upload.complete", "detail": detail})


def uploads_left(worker: Worker, stored: StoredObject) -> list[Any]:
    found = worker.stage.s3.list_multipart_uploads(Bucket=worker.stage.bucket).get("Uploads", [])
    return [one for one in found if one["Key"] == str(payload_key(stored))]


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
    """S3 on AWS says that the key is missing only to callers with s3:ListBucket."""
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
    worker.worker.sweep(Context())
    assert len(worker.stage.messages(worker.stage.queue_url)) == 1


def sweep_expires(worker: Worker) -> None:
    """The HEAD of the missing payload is a 404 on AWS only for callers with s3:ListBucket."""
    stored = worker.stored("pending")
    worker.worker.sweep(Context())
    assert worker.stage.now(stored).status == "expired"


def sweep_fails(worker: Worker) -> None:
    stored = worker.stored("processing", attempts=2)
    worker.worker.sweep(Context())
    assert worker.stage.now(stored).status == "failed"


def sweep_purges(worker: Worker) -> None:
    stored = left_behind(worker)
    worker.worker.sweep(Context())
    assert worker.stage.keys(stored) == []
    assert worker.stage.now(stored).purge_at is not None


def purge_deleted(worker: Worker) -> None:
    stored = left_behind(worker)
    worker.deliver(announcement("object.deleted", stored))
    assert worker.stage.keys(stored) == []
    found = worker.stage.history.page(stored.owner, stored.id, after_version=0, limit=20)
    assert found.items == ()
    assert worker.stage.links.of_object(stored.owner, stored.id).links == ()


def left_behind(worker: Worker) -> StoredObject:
    """A tombstone, with the payload, an artifact and the history of what it was."""
    stored = worker.stored("deleted")
    worker.stage.put(payload_key(stored), CSV)
    worker.stage.put(payload_key(stored).artifact("profile.json"), b"{}")
    put_links(worker.stage.links, make_link(owner=stored.owner, object_id=stored.id))
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
    queue = worker.queue_arn.rsplit(":", 1)[-1]
    url = worker.stage.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    poll(worker, url, worker.handle)


def poll(acting: Acting, url: str, handle: Callable[[Any], list[Any]], body: str = SWEEP) -> None:
    """Poll as Lambda does, by three calls (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
    acting.stage.sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs = acting.clients.client("sqs")
    sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    [received] = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert handle(received) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])


WORKER = (
    *(complete_an_upload, complete_too_late, sweep_drops_parts),
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


def relay_a_deletion(relay: Relay) -> None:
    stored = make_in("ready", id=str(uuid4()))
    relay.relay(stream_record(stored, stored.delete(now=NOW, cause=stored.cause)))
    assert len(relay.stage.messages(relay.stage.queue_url)) == 1


def arrivals_are_polled(relay: Relay) -> None:
    def forward(received: Any) -> list[Any]:
        return relay.forwarding.forward(sqs_event([received], ARRIVALS)["Records"])

    poll(relay, relay.stage.arrival_queue_url, forward)
    assert len(relay.stage.messages(relay.stage.queue_url)) == 1


def later(moment: datetime) -> datetime:
    return moment + timedelta(minutes=5)


def set_aside(relay: Relay) -> None:
    bad = stream_record(None, make_object())
    del bad["dynamodb"]["NewImage"]["version"]
    relay.relay(bad)
    name = f"relay-failures/{bad['dynamodb']['SequenceNumber']}.json"
    relay.stage.s3.head_object(Bucket=relay.stage.bucket, Key=name)


def stream_is_polled(relay: Relay) -> None:
    """Poll as Lambda does, by four calls (AWS Lambda Developer Guide, "Using Lambda with DynamoDB")."""
    relay.stage.add(make_object(id=str(uuid4())))
    read: list[Any] = []

    def handler(event: Json, _context: object) -> Json:
        read.extend(event["Records"])
        return {}

    client = relay.clients.client("dynamodbstreams")
    client.list_streams(TableName=relay.stage.table)
    StreamSource(client, relay.stage.function("Relay"), handler, Event()).poll()
    assert read


def lambda_keeps_what_it_gave_up(relay: Relay) -> None:
    """Lambda writes to the mapping's bucket (AWS Lambda Developer Guide, "Retain discarded records …")."""
    mapping = relay.stage.source_mapping("RelayFunctionChanges")
    bucket = mapping["DestinationConfig"]["OnFailure"]["Destination"].rsplit(":", 1)[-1]
    s3 = relay.clients.client("s3")
    s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
    s3.put_object(Bucket=bucket, Key="aws/lambda/0e1c/shardId-1/batch", Body=b"{}")


RELAY = (
    *(relay_a_birth, relay_a_change, relay_a_deletion, set_aside),
    *(stream_is_polled, arrivals_are_polled, lambda_keeps_what_it_gave_up, its_logs_are_written),
)

# The sender


def subscribed(stage: Stage, owner: str, **changes: Any) -> Webhook:
    """A webhook to where nobody may send, so that no attempt leaves this machine."""
    return stage.webhooks.add(make_webhook(owner=owner, id=str(uuid4()), url="https://10.0.0.1/", **changes))


def fan_out(sender: Sender) -> None:
    # The sender remembers the webhooks of owners that it met.
    webhook = subscribed(sender.stage, f"local-{uuid4().hex}")
    event = make_event(owner=webhook.owner)
    sender.deliver(json.dumps({"source": "wharf.objects", "detail": event}))
    assert len(sender.log(webhook)) == 1
    assert len(sender.stage.messages(sender.stage.sender_queue_url)) == 1


def look(sender: Sender) -> None:
    webhook = subscribed(sender.stage, "local-me")
    sender.stage.deliveries.add(delivery_of_test(webhook, utc_now()))
    sender.deliver(json.dumps({"source": "wharf.sender", "detail": named(webhook)}))
    [tried] = sender.log(webhook)
    assert tried.last is not None
    assert tried.last.error == "endpoint_forbidden"


def sweep_endpoints(sender: Sender) -> None:
    webhook = subscribed(sender.stage, "local-me")
    sender.stage.endpoints.wake(webhook.owner, webhook.id, utc_now() - timedelta(seconds=1))
    sender.sender.sweep()
    assert len(sender.stage.messages(sender.stage.sender_queue_url)) == 1


def show_an_unknown_message_again(sender: Sender) -> None:
    sender.stage.sqs.send_message(QueueUrl=sender.stage.sender_queue_url, MessageBody="{}")
    [received] = sender.stage.messages(sender.stage.sender_queue_url)
    taken = {**message("{}"), "ReceiptHandle": received["ReceiptHandle"]}
    assert sender.handle(taken) == [{"itemIdentifier": taken["MessageId"]}]


def senders_queue_is_polled(sender: Sender) -> None:
    body = json.dumps({"source": "wharf.sender", "detail": {"owner": "local-me", "webhook_id": "none"}})
    poll(sender, sender.stage.sender_queue_url, sender.handle, body)


def named(webhook: Webhook) -> dict[str, str]:
    return {"owner": webhook.owner, "webhook_id": webhook.id}


SENDER = (
    *(fan_out, look, sweep_endpoints, show_an_unknown_message_again),
    *(senders_queue_is_polled, its_logs_are_written),
)

Scenario = Callable[[Any], None]
SCENARIOS: dict[str, Sequence[Scenario]] = {"Api": API, "Worker": WORKER, "Relay": RELAY, "Sender": SENDER}


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
                settings = ApiSettings.from_environment({**function.environment, "MAX_WAIT_SECONDS": "1"})
                app = create_app(compose_api(Adapters(settings, clients), settings), settings)
                yield Api(*common, running.enter_context(through_lambda(app)))
            case "Worker":
                working = WorkerSettings.from_environment(function.environment)
                adapters = Adapters(working, clients)
                # The sandbox's server ends with the function on Lambda, and must end with the test here.
                running.enter_context(adapters.sandbox)
                yield Worker(*common, compose_worker(adapters, working), function.source_arn or "")
            case "Relay":
                relay = RelaySettings.from_environment(function.environment)
                of_relay = Adapters(relay, clients)
                yield Relay(*common, compose_relay(of_relay), compose_forwarding(of_relay))
            case "Sender":
                sending = SenderSettings.from_environment(function.environment)
                composed = compose_sender(Adapters(sending, clients), sending)
                yield Sender(*common, composed, function.source_arn or "")

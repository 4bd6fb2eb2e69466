"""The calls to AWS that each request costs, counted where botocore sends them: here it makes all of them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.api.services import ApiServices
from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import PayloadKey, Status
from app.domain.times import utc_now
from app.domain.usage import Usage
from app.services.objects.quotas import QUOTA_SECONDS
from app.storage.recording import CountedEvent
from tests.conftest import Aws, Clock, make_object
from tests.edges.conftest import app_with, settings_for, through_lambda
from tests.edges.doors import API_KEY_ID
from tests.edges.requests import SUBSCRIPTION
from tests.edges.stored import DELIVERY, URL, WEBHOOK_URL, Stored, behind
from tests.edges.test_message_log import SandboxThatTakesAll
from tests.edges.test_worker_batch import Context, arrived, take_batch
from tests.events import stream_record
from tests.faults import Call, before, calls_of
from tests.in_parts import begun, make_in_parts, uploaded
from tests.linked import LINK, TOKEN
from tests.services import WholeService, relaying_on, services_on
from tests.statuses import CSV

RECORD = {"kind": "record", "name": "order 42"}
INLINE = {"kind": "dataset", "name": "small.csv", "payload": {"media_type": "text/csv", "text": "a\n1\n"}}
DECLARED = {"kind": "dataset", "name": "big.csv", "payload": {"media_type": "text/csv", "size": 40}}
KEY = {"Idempotency-Key": "order-42"}
AS_CSV = {"Content-Type": "text/csv"}

Request = Callable[[httpx2.Client], httpx2.Response]

#: Request, status and calls, on an object that is ready at version 3. Presigning is not a call.
COSTS: dict[str, tuple[Request, int, list[str]]] = {
    "create": (lambda client: client.post("/v1/objects", json=RECORD, headers=KEY), 201, ["PutItem"]),
    "create, declared": (
        lambda client: client.post("/v1/objects", json=DECLARED, headers=KEY),
        201,
        ["PutItem"],
    ),
    "create, inline": (
        lambda client: client.post("/v1/objects", json=INLINE, headers=KEY),
        201,
        ["PutItem", "PutObject"],
    ),
    "read": (lambda client: client.get(URL), 200, ["GetItem"]),
    "head": (lambda client: client.head(URL), 200, ["GetItem"]),
    "read, known": (lambda client: client.get(URL, headers={"If-None-Match": '"3"'}), 304, ["GetItem"]),
    "patch": (lambda client: client.patch(URL, json={"name": "new"}), 200, ["GetItem", "PutItem"]),
    "patch with If-Match": (
        lambda client: client.patch(URL, json={"name": "new"}, headers={"If-Match": '"3"'}),
        200,
        ["GetItem", "PutItem"],
    ),
    "patch, nothing new": (lambda client: client.patch(URL, json={}), 200, ["GetItem"]),
    "delete": (lambda client: client.delete(URL), 204, ["GetItem", "PutItem"]),
    "uploads": (
        lambda client: client.post(f"{URL}/uploads", json=DECLARED["payload"]),
        201,
        ["GetItem", "PutItem"],
    ),
    "put payload": (
        lambda client: client.put(f"{URL}/payload", content=b"x\n9\n", headers=AS_CSV),
        202,
        ["GetItem", "PutItem", "PutObject"],
    ),
    "put payload, the same": (
        lambda client: client.put(f"{URL}/payload", content=CSV, headers=AS_CSV),
        202,
        ["GetItem"],
    ),
    "reprocess": (lambda client: client.post(f"{URL}/reprocess"), 202, ["GetItem", "PutItem"]),
    "download": (lambda client: client.get(f"{URL}/payload"), 307, ["GetItem"]),
    "artifact": (lambda client: client.get(f"{URL}/artifacts/profile.json"), 307, ["GetItem"]),
    "list": (lambda client: client.get("/v1/objects"), 200, ["Query"]),
    "list, filtered": (lambda client: client.get("/v1/objects?kind=record&status=ready"), 200, ["Query"]),
    "list with an artifact": (lambda client: client.get("/v1/objects?artifact=profile.json"), 200, ["Query"]),
    "share": (
        lambda client: client.post(f"{URL}/links", json={"expires_in": 60}, headers=KEY),
        201,
        ["Query", "TransactWriteItems"],
    ),
    "links": (lambda client: client.get(f"{URL}/links"), 200, ["Query"]),
    "revoke": (lambda client: client.delete(f"{URL}/links/{LINK}"), 204, ["Query", "TransactWriteItems"]),
    "open": (lambda client: client.get(f"/l/{TOKEN}"), 303, ["GetItem", "GetItem"]),
    "open, unknown": (lambda client: client.get(f"/l/{'A' * 22}"), 404, ["GetItem"]),
    "open, malformed": (lambda client: client.get("/l/x"), 404, []),
    "history": (lambda client: client.get(f"{URL}/history"), 200, ["GetItem", "Query"]),
    "events, none": (lambda client: client.get("/v1/events?after=latest"), 200, ["Query", "Query"]),
    "subscribe": (
        lambda client: client.post("/v1/webhooks", json=SUBSCRIPTION, headers=KEY),
        201,
        ["TransactWriteItems"],
    ),
    "webhooks": (lambda client: client.get("/v1/webhooks"), 200, ["Query"]),
    "webhook": (lambda client: client.get(WEBHOOK_URL), 200, ["GetItem"]),
    "patch a webhook": (
        lambda client: client.patch(WEBHOOK_URL, json={"description": "new"}),
        200,
        ["GetItem", "UpdateItem"],
    ),
    "rotate a secret": (
        lambda client: client.post(f"{WEBHOOK_URL}/rotate-secret"),
        200,
        ["GetItem", "UpdateItem"],
    ),
    "unsubscribe": (lambda client: client.delete(WEBHOOK_URL), 204, ["GetItem", "TransactWriteItems"]),
    "send a test": (
        lambda client: client.post(f"{WEBHOOK_URL}/test"),
        202,
        ["GetItem", "PutItem", "UpdateItem", "SendMessageBatch"],
    ),
    "deliveries": (lambda client: client.get(f"{WEBHOOK_URL}/deliveries"), 200, ["GetItem", "Query"]),
    "replay": (
        lambda client: client.post(f"{WEBHOOK_URL}/deliveries/{DELIVERY}/replay"),
        202,
        ["GetItem", "GetItem", "PutItem", "UpdateItem", "SendMessageBatch"],
    ),
    "kinds": (lambda client: client.get("/v1/kinds"), 200, []),
    "health": (lambda client: client.get("/healthz"), 200, []),
}


#: The costs of requests on an object that awaits two parts.
COSTS_IN_PARTS: dict[str, tuple[Request, str, int, list[str]]] = {
    "upload, nothing begun": (lambda client: client.get(f"{URL}/upload"), "awaited", 200, ["GetItem"]),
    "upload": (lambda client: client.get(f"{URL}/upload"), "begun", 200, ["GetItem", "ListParts"]),
    "first parts": (
        lambda client: client.post(f"{URL}/upload/parts", json={"numbers": [1, 2]}),
        "awaited",
        200,
        ["GetItem", "PutItem", "CreateMultipartUpload"],
    ),
    "further parts": (
        lambda client: client.post(f"{URL}/upload/parts", json={"numbers": [1, 2]}),
        "begun",
        200,
        ["GetItem", "ListParts"],
    ),
    "complete": (
        lambda client: client.post(f"{URL}/upload/complete"),
        "uploaded",
        202,
        ["GetItem", "PutItem", "ListParts", "SendMessage"],
    ),
    "complete, again": (
        lambda client: client.post(f"{URL}/upload/complete"),
        "completing",
        202,
        ["GetItem", "SendMessage"],
    ),
    "complete, parts missing": (
        lambda client: client.post(f"{URL}/upload/complete"),
        "begun",
        409,
        ["GetItem", "ListParts"],
    ),
    "give up, nothing begun": (
        lambda client: client.delete(f"{URL}/upload"),
        "awaited",
        204,
        ["GetItem", "PutItem"],
    ),
    "give up": (
        lambda client: client.delete(f"{URL}/upload"),
        "begun",
        204,
        ["GetItem", "PutItem", "AbortMultipartUpload", "HeadObject"],
    ),
    "delete": (
        lambda client: client.delete(URL),
        "begun",
        204,
        ["GetItem", "PutItem", "AbortMultipartUpload"],
    ),
    "uploads": (
        lambda client: client.post(f"{URL}/uploads", json={"media_type": "text/csv", "size": 40}),
        "begun",
        201,
        ["GetItem", "PutItem", "AbortMultipartUpload"],
    ),
}


class Calls:
    """The calls to every service, in the order they were made to each."""

    def __init__(self, aws: Aws) -> None:
        self._made: list[list[Call]] = [
            calls_of(client) for client in (aws.dynamodb, aws.s3, aws.sqs, aws.events)
        ]

    def operations(self) -> list[str]:
        return [call.operation for made in self._made for call in made]

    def clear(self) -> None:
        for made in self._made:
            made.clear()

    def of(self, operation: str) -> list[Call]:
        return [call for made in self._made for call in made if call.operation == operation]


@pytest.fixture
def stored(client: httpx2.Client, aws: Aws) -> Stored:
    stored = behind(client, aws)
    stored.add("ready")
    stored.add_webhook()
    stored.add_delivery()
    stored.add_link()
    return stored


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.usefixtures("stored")
def test_a_request_costs_what_the_design_says(client: httpx2.Client, aws: Aws, name: str) -> None:
    send, status, operations = COSTS[name]
    calls = Calls(aws)

    answer = send(client)

    assert answer.status_code == status
    assert calls.operations() == operations


@pytest.mark.parametrize("name", COSTS_IN_PARTS)
def test_a_request_about_an_upload_in_parts_costs_what_the_design_says(
    client: httpx2.Client, aws: Aws, name: str
) -> None:
    send, stage, status, operations = COSTS_IN_PARTS[name]
    stored = behind(client, aws)
    now = utc_now()
    awaited = make_in_parts(owner=stored.owner, expires_at=now + timedelta(hours=1))
    stages = {"awaited": lambda: awaited, "begun": lambda: begun(aws, awaited)}
    stages["uploaded"] = lambda: uploaded(aws, awaited)
    stages["completing"] = lambda: uploaded(aws, awaited).ask_completion(now=now)
    stored.repository.add(stages[stage]())
    calls = Calls(aws)

    answer = send(client)

    assert answer.status_code == status, answer.text
    assert calls.operations() == operations


class TestWaiting:
    @pytest.fixture
    def services(self, aws: Aws) -> ApiServices:
        return services_on(aws, max_wait_seconds=5)

    def test_a_wait_costs_a_call_for_each_poll_and_a_read_at_the_end(
        self, client: httpx2.Client, aws: Aws, stored: Stored
    ) -> None:
        now = stored.now()
        before(aws.dynamodb, "BatchGetItem", lambda: stored.repository.save(changed(now), read=now))
        calls = Calls(aws)

        answer = client.get(URL, headers={"If-None-Match": '"3"', "Prefer": "wait=5"})

        assert answer.status_code == 200
        # The change itself is noted when it interrupts the poll.
        assert calls.operations() == ["GetItem", "PutItem", "BatchGetItem", "GetItem"]

    def test_a_wait_for_events_looks_at_the_counters_only(
        self, client: httpx2.Client, aws: Aws, stored: Stored
    ) -> None:
        event = event_of(None, stored.now())
        assert event is not None
        counted = [CountedEvent(event, Usage())]
        before(aws.dynamodb, "BatchGetItem", lambda: aws.adapters().recorder.record(counted, shard=0))
        calls = Calls(aws)

        answer = client.get("/v1/events?wait=5")

        assert len(answer.json()["items"]) == 1
        page = ["Query", "Query", "BatchGetItem"]
        recording = ["GetItem", "TransactWriteItems"]
        assert calls.operations() == ["Query", *recording, "BatchGetItem", *page]
        [polled, _] = calls.of("BatchGetItem")
        [[key]] = [one["Keys"] for one in polled.parameters["RequestItems"].values()]
        assert key == {"pk": {"S": f"{stored.owner}#usage"}, "sk": {"S": "shard#0"}}


def changed(stored: StoredObject) -> StoredObject:
    return stored.edit(name="new", attributes={}, labels={}, now=stored.updated_at, cause=stored.cause)


def test_a_page_of_events_costs_a_call_for_counters_entries_and_bodies(
    client: httpx2.Client, aws: Aws, stored: Stored
) -> None:
    event = event_of(None, stored.now())
    assert event is not None
    aws.adapters().recorder.record([CountedEvent(event, Usage())], shard=0)
    calls = Calls(aws)

    answer = client.get("/v1/events")

    assert len(answer.json()["items"]) == 1
    assert calls.operations() == ["Query", "Query", "BatchGetItem"]


def test_a_payload_costs_the_worker_what_the_design_says(aws: Aws) -> None:
    service = WholeService(aws, utc_now, SandboxThatTakesAll())
    stored = make_object()
    assert stored.newest is not None
    key = PayloadKey(stored.owner, stored.id, 1)
    service.repository.add(stored)
    service.payloads.put_once(key, CSV, stored.newest)
    batch = take_batch(aws, arrived(str(key), len(CSV)))
    calls = Calls(aws)

    service.worker.handle(batch, Context())

    assert calls.operations() == ["GetItem", "PutItem", "PutItem", "GetObject"]
    assert service.repository.get(stored.owner, stored.id).status is Status.READY


def test_a_batch_of_changes_costs_the_relay_what_the_design_says(aws: Aws) -> None:
    relaying = relaying_on(aws)
    changes = [stream_record(None, make_object(id=str(uuid4()))) for _ in range(3)]
    calls = Calls(aws)

    assert relaying.relay(changes) is None
    assert calls.operations() == ["GetItem", "TransactWriteItems", "PutEvents"]


@pytest.mark.parametrize("name", ["create", "create, declared", "create, inline"])
def test_a_replay_costs_what_the_create_did(client: httpx2.Client, aws: Aws, name: str) -> None:
    send, _, operations = COSTS[name]
    send(client)
    calls = Calls(aws)

    replayed = send(client)

    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert calls.operations() == operations


@pytest.mark.parametrize("name", ["uploads", "delete"])
@pytest.mark.usefixtures("stored")
def test_what_is_asked_for_again_is_only_read(client: httpx2.Client, aws: Aws, name: str) -> None:
    send, status, _ = COSTS[name]
    send(client)
    calls = Calls(aws)

    answer = send(client)

    assert (answer.status_code, calls.operations()) == (status, ["GetItem"])


TAKING = (
    *("create", "create, declared", "create, inline"),
    *("patch", "patch with If-Match", "uploads", "put payload", "reprocess"),
)


class TestWithLimits:
    @pytest.fixture
    def services(self, aws: Aws, clock: Clock) -> ApiServices:
        """Return services on the object that is there, counted by the relay, and two more."""
        recorder = aws.adapters().recorder
        for owner in ("local-me", f"key-{API_KEY_ID}"):
            event = event_of(None, make_object(owner=owner))
            assert event is not None
            recorder.record([CountedEvent(event, Usage(1, 12))], shard=0)
        return services_on(aws, clock=clock, max_objects=3, max_bytes=100_000)

    @pytest.mark.parametrize("name", TAKING)
    @pytest.mark.usefixtures("stored")
    def test_the_counters_are_read_once_in_five_seconds(
        self, client: httpx2.Client, aws: Aws, clock: Clock, name: str
    ) -> None:
        send, status, operations = COSTS[name]
        calls = Calls(aws)
        assert client.post("/v1/objects", json=RECORD).status_code == 201
        assert calls.operations() == ["Query", "PutItem"]
        calls.clear()

        answer = send(client)

        assert (answer.status_code, calls.operations()) == (status, operations)
        calls.clear()
        clock.move(seconds=QUOTA_SECONDS)
        client.post("/v1/objects", json=RECORD)
        assert calls.operations() == ["Query", "PutItem"]

    @pytest.mark.parametrize("name", sorted(COSTS.keys() - TAKING))
    @pytest.mark.usefixtures("stored")
    def test_what_takes_nothing_costs_what_it_did(self, client: httpx2.Client, aws: Aws, name: str) -> None:
        send, status, operations = COSTS[name]
        calls = Calls(aws)

        answer = send(client)

        assert (answer.status_code, calls.operations()) == (status, operations)

    def test_a_replay_above_the_limit_is_one_read(self, client: httpx2.Client, aws: Aws) -> None:
        send = COSTS["create"][0]
        send(client)
        assert [client.post("/v1/objects", json=RECORD).status_code for _ in range(2)] == [201, 403]
        calls = Calls(aws)

        replayed = send(client)

        assert replayed.headers["Idempotency-Replayed"] == "true"
        assert calls.operations() == ["GetItem"]

    def test_a_refused_create_costs_nothing_but_the_counters(self, client: httpx2.Client, aws: Aws) -> None:
        for _ in range(2):
            client.post("/v1/objects", json=RECORD)
        calls = Calls(aws)

        refused = client.post("/v1/objects", json=RECORD)

        assert (refused.status_code, calls.operations()) == (403, [])


def refused(client: httpx2.Client) -> Iterator[httpx2.Response]:
    yield client.post("/v1/objects", json={"kind": "record"})
    yield client.post("/v1/objects", content=b"{", headers={"Content-Type": "application/json"})
    yield client.patch(URL, json={"status": "ready"})
    yield client.patch(URL, json={}, headers={"If-Match": "3"})
    yield client.put(f"{URL}/payload", content=b"x" * (4 * 1024 * 1024 + 1), headers=AS_CSV)
    yield client.get(URL, headers={"Accept": "text/html"})
    yield client.get("/v1/objects?cursor=x")
    yield client.get("/v1/objects/42")
    yield client.options(URL)


@pytest.mark.usefixtures("stored")
def test_what_is_refused_for_its_form_costs_nothing(client: httpx2.Client, aws: Aws) -> None:
    calls = Calls(aws)

    statuses = [answer.status_code for answer in refused(client)]

    assert statuses == [422, 400, 422, 400, 413, 406, 400, 404, 204]
    assert calls.operations() == []


@pytest.mark.usefixtures("stored")
def test_reads_by_id_are_strongly_consistent_and_lists_are_not(client: httpx2.Client, aws: Aws) -> None:
    calls = Calls(aws)
    client.get(URL)
    client.patch(URL, json={"name": "new"})
    client.get("/v1/objects")

    assert [call.parameters["ConsistentRead"] for call in calls.of("GetItem")] == [True, True]
    assert "ConsistentRead" not in calls.of("Query")[0].parameters


@pytest.mark.usefixtures("stored")
def test_every_write_is_conditional(client: httpx2.Client, aws: Aws) -> None:
    calls = Calls(aws)
    for name in ("create", "patch", "uploads", "put payload", "delete"):
        COSTS[name][0](client)

    writes = [*calls.of("PutItem"), *calls.of("PutObject")]
    assert len(writes) == 6
    assert all({"ConditionExpression", "IfNoneMatch"} & set(write.parameters) for write in writes)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("query", ["", "?status=ready&label=team:growth"])
def test_a_list_costs_one_call_for_each_shard_of_its_index(aws: Aws, shards: int, query: str) -> None:
    with through_lambda(app_with(services_on(aws, list_shards=shards), settings_for("api-key"))) as client:
        calls = Calls(aws)
        answer = client.get(f"/v1/objects{query}")

    index: Any = "by_status" if query else "by_owner"
    assert answer.status_code == 200
    assert [call.parameters["IndexName"] for call in calls.of("Query")] == [index] * shards
    assert len(calls.operations()) == shards

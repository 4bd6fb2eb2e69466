"""`make run` starts whole, stops whole, and says in one line why it cannot."""

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import boto3
import pytest

from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Payload
from app.domain.usage import usage_change
from app.local.aws.emulator import Emulator
from app.local.aws.stack import Function
from app.local.feeding.catch_up import lost_records, unfinished
from app.local.feeding.invocation import Handler, LambdaContext, failures
from app.local.feeding.place import NOWHERE, Place, PlaceFile, beginning
from app.local.feeding.sources import QueueSource
from app.local.feeding.stream import StreamSource, passes, still_has, stream_record
from app.services.changes.relaying import announcement_of
from app.storage.history import HistoryRepository
from app.storage.items import UnreadableItem, to_item
from tests.conftest import NOW
from tests.services import add_to_history
from tests.system.client import Client, send
from tests.system.conftest import Runtime, call, free_port, spawn, started
from tests.system.shell import run, run_script
from tests.unit.domain.test_transitions import IN_STATUS, RESULT, TRANSITIONS

Json = dict[str, Any]
FUNCTION = Function("f", 30, {}, None, 10, ())
ONLY_OBJECTS: Json = {"dynamodb": {"Keys": {"sk": {"S": ["object"]}}}}


def failed(identifier: str) -> Json:
    return {"batchItemFailures": [{"itemIdentifier": identifier}]}


@dataclass(frozen=True)
class Queue:
    client: Any
    url: str
    arn: str

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def source(self, handler: Handler, stopping: Event | None = None) -> QueueSource:
        function = replace(FUNCTION, source_arn=self.arn)
        return QueueSource(self.client, self.url, function, handler, stopping or Event())

    def left(self) -> int:
        """Return how many messages are left, waiting or taken."""
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(found[name]) for name in names)


@pytest.fixture
def queue(emulator: Emulator, session: boto3.session.Session) -> Queue:
    client = session.client("sqs", endpoint_url=emulator.url)
    url = client.create_queue(QueueName=f"queue-{uuid4()}")["QueueUrl"]
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return Queue(client, url, found["Attributes"]["QueueArn"])


@dataclass(frozen=True)
class Table:
    client: Any
    streams: Any
    name: str
    stream_arn: str

    def put(self, sk: str, version: str) -> None:
        item = {"pk": {"S": "local-me#1"}, "sk": {"S": sk}, "version": {"N": version}}
        self.client.put_item(TableName=self.name, Item=item)

    def source(self, handler: Handler) -> StreamSource:
        function = replace(FUNCTION, source_arn=self.stream_arn, filters=(ONLY_OBJECTS,))
        return StreamSource(self.streams, function, handler, Event())


@pytest.fixture
def table(emulator: Emulator, session: boto3.session.Session) -> Table:
    client = session.client("dynamodb", endpoint_url=emulator.url)
    created = client.create_table(
        TableName=f"table-{uuid4()}",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    streams = session.client("dynamodbstreams", endpoint_url=emulator.url)
    return Table(client, streams, created["TableName"], created["LatestStreamArn"])


def test_it_serves_the_api_on_the_emulated_cloud(running: Runtime) -> None:
    created = create_record(running, "order 42")

    assert call("GET", f"{running.url}/v1/objects/{created['id']}")["name"] == "order 42"


@pytest.mark.parametrize("taken", ["port", "aws_port"])
def test_a_taken_port_is_one_clear_line(tmp_path: Path, taken: str) -> None:
    with listener() as port:
        ports = {"port": free_port(), "aws_port": free_port()} | {taken: port}
        runtime = spawn(tmp_path, port=ports["port"], aws_port=ports["aws_port"])
        code = runtime.process.wait(30)

    assert code == 1
    assert runtime.output() == f"wharf: Port {port} cannot be used: Address already in use.\n"


class TestNamedEmulator:
    @pytest.mark.long
    def test_a_running_ministack_is_used_and_left_running(self, tmp_path: Path, emulator: Emulator) -> None:
        settings = {"AWS_ENDPOINT_URL": emulator.url, "AWS_PROFILE": "nobody", "AWS_CA_BUNDLE": "/nowhere"}
        with started(tmp_path, settings=settings) as runtime:
            ran = run_script("smoke", runtime.url, "--local")
            listed = run_script("redrive", "local", "--data-dir", str(tmp_path))
            stopped = runtime.stop()

        assert ran.status == 0, ran.output
        assert listed.status == 0, listed.output
        assert f"  AWS      {emulator.url}\n" in runtime.output()
        assert stopped == 0
        assert emulator.is_alive()

    @pytest.mark.parametrize(
        "url", ["https://s3.eu-north-1.amazonaws.com", "http://127.0.0.1:1", "127.0.0.1:4566", "http://"]
    )
    def test_anything_else_is_refused_in_one_line(self, tmp_path: Path, url: str) -> None:
        runtime = spawn(tmp_path, settings={"AWS_ENDPOINT_URL": url})
        code = runtime.process.wait(30)

        assert code == 1
        assert runtime.output().startswith("wharf: AWS_ENDPOINT_URL must name a running ministack ")
        assert runtime.output().count("\n") == 1

    @pytest.mark.parametrize("said", ['{"version": "1.0.0"}', '{"services": {}}', "[]", "<html>"])
    def test_so_are_another_version_and_another_emulator(self, tmp_path: Path, said: str) -> None:
        with answering(said) as url:
            runtime = spawn(tmp_path, settings={"AWS_ENDPOINT_URL": url})
            code = runtime.process.wait(30)

        assert code == 1
        assert f"which {url} is not. Other emulators and AWS are not supported here." in runtime.output()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MAX_OBJECT", "5", "There is no setting MAX_OBJECT. If you mean MAX_OBJECTS, "),
        ("PUBLIC_S3_URL", "banana", "PUBLIC_S3_URL must be a scheme and a host, like "),
        ("CORS_ORIGINS", "app.example", "CORS_ORIGINS must be * or origins like https://app.example, not "),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL must be one of "),
        ("MAX_OBJECTS", "ten", "Wrong environment: MAX_OBJECTS: Input should be "),
    ],
)
def test_a_setting_that_is_wrong_is_refused_in_one_line(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    runtime = spawn(tmp_path, settings={name: value})
    code = runtime.process.wait(30)

    assert code == 1
    assert runtime.output().startswith(f"wharf: {said}")
    assert len(runtime.output().splitlines()) == 1


@pytest.mark.parametrize("python", ["no-such-python", "/nowhere/python3", ""])
def test_so_is_a_python_that_is_not_there(python: str) -> None:
    ran = run(["make", "--no-print-directory", "run", f"PYTHON={python}"], {})

    assert ran.status == 2
    assert f'There is no "{python}". Name a Python 3.11 or later' in ran.output
    assert len(ran.output.splitlines()) == 1


def test_two_runs_cannot_share_a_data_folder(running: Runtime, tmp_path: Path) -> None:
    # Its output goes elsewhere, or it would overwrite the first one's.
    (tmp_path / "lock").symlink_to(running.data_dir / "lock")
    second = spawn(tmp_path)
    code = second.process.wait(30)

    assert code == 1
    assert second.output() == f"wharf: Another run uses {tmp_path}; stop it, or name another DATA_DIR.\n"


def test_wrong_usage_exits_with_two(tmp_path: Path) -> None:
    port = free_port()
    runtime = spawn(tmp_path, port=port, aws_port=port)

    assert runtime.process.wait(30) == 2


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_it_leaves_no_process_and_keeps_its_objects(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path) as first:
        created = create_record(first, "kept")
        children = descendants(first.process.pid)
        code = first.stop(number)
        wait_until_gone(children)

    with started(tmp_path) as second:
        found = call("GET", f"{second.url}/v1/objects/{created['id']}")
        stopped = second.stop(signal.SIGTERM)
        last_words = second.output()

    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
    assert stopped == 0
    assert children, "the emulator is a child process"
    assert found["name"] == "kept"
    assert "Traceback" not in last_words


@pytest.mark.long
def test_a_stop_answers_everybody_who_waits(tmp_path: Path) -> None:
    with started(tmp_path) as runtime, ThreadPoolExecutor(4) as clients:
        client = Client(runtime.url, {})
        born = client.create({"kind": "record", "name": "order 42"})
        known = {"If-None-Match": born.headers["etag"], "Prefer": "wait=20"}
        url = f"{runtime.url}{born.headers['location']}"
        # The event must be known before, or it might be news.
        client.wait_for_history(born.json()["id"], "object.created")
        latest = client.get("/v1/events?after=latest&wait=0").json()["next_after"]
        waiting = [clients.submit(send, "GET", url, headers=known) for _ in range(3)]
        waiting.append(clients.submit(send, "GET", f"{runtime.url}/v1/events?after={latest}&wait=20"))
        time.sleep(1)
        assert not any(one.done() for one in waiting)

        assert runtime.stop() == 0

        # Not cut off, as by a server that only waits for some seconds.
        assert [one.result().status for one in waiting] == [304, 304, 304, 200]


class TestQueueSource:
    def test_only_what_failed_stays_in_the_queue(self, queue: Queue) -> None:
        queue.send("good", "bad")
        seen: list[Json] = []

        def handler(event: Json, context: LambdaContext) -> Json:
            assert context.get_remaining_time_in_millis() > 0
            seen.extend(event["Records"])
            bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
            return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in bad]}

        while len(seen) < 2:
            queue.source(handler).poll()

        assert queue.left() == 1
        assert {record["eventSourceARN"] for record in seen} == {queue.arn}
        assert {record["attributes"]["ApproximateReceiveCount"] for record in seen} == {"1"}

    def test_a_handler_that_raises_loses_nothing(self, queue: Queue) -> None:
        queue.send("one")

        def handler(_event: Json, _context: LambdaContext) -> Json:
            raise RuntimeError

        queue.source(handler).poll()

        assert queue.left() == 1

    def test_work_refused_while_stopping_is_there_at_once_for_the_next_start(self, queue: Queue) -> None:
        queue.send("one")
        stopping = Event()

        def handler(event: Json, context: LambdaContext) -> Json:
            stopping.set()
            assert context.get_remaining_time_in_millis() == 0
            return {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}

        queue.source(handler, stopping).poll()
        again: list[Json] = []
        queue.source(lambda event, _: again.append(event)).poll()

        assert [record["body"] for event in again for record in event["Records"]] == ["one"]


class TestStreamSource:
    def test_a_batch_goes_on_from_the_first_record_that_failed(self, table: Table) -> None:
        seen: list[str] = []

        def handler(event: Json, _context: LambdaContext) -> Json:
            for record in event["Records"]:
                version = record["dynamodb"]["NewImage"]["version"]["N"]
                if version == "2" and "refused" not in seen:
                    seen.append("refused")
                    return failed(record["dynamodb"]["SequenceNumber"])
                seen.append(version)
            return {"batchItemFailures": []}

        for version in ("1", "2", "3"):
            table.put("object", version)
        table.put("event#000000000001", "0")

        assert table.source(handler).drain(10)
        assert seen == ["1", "refused", "2", "3"]

    def test_a_batch_that_the_filter_keeps_back_whole_is_not_the_end(self, table: Table) -> None:
        """The relay's own history items come by the same stream."""
        for number in range(FUNCTION.batch_size):
            table.put(f"event#{number:012d}", "0")
        table.put("object", "1")
        seen: list[Json] = []

        assert table.source(lambda event, _: seen.append(event)).drain(10)
        assert len(seen) == 1

    def test_a_handler_that_raises_gets_the_batch_again(self, table: Table) -> None:
        table.put("object", "1")
        calls: list[Json] = []

        def handler(event: Json, _context: LambdaContext) -> None:
            calls.append(event)
            if len(calls) == 1:
                raise RuntimeError

        assert table.source(handler).drain(10)
        assert len(calls) == 2
        assert calls[0] == calls[1]

    def test_another_source_goes_on_behind_the_place_that_was_kept(self, table: Table) -> None:
        """It goes on behind the last record that was finished, whatever the handler had left."""
        for version in ("1", "2", "3"):
            table.put("object", version)
        places: list[Place] = []

        def one_only(event: Json, _context: LambdaContext) -> Json:
            _first, *rest = event["Records"]
            return failed(rest[0]["dynamodb"]["SequenceNumber"]) if rest else {}

        first = replace_keep(table.source(one_only), places)
        first.poll()
        first.poll()
        seen: list[Json] = []
        second = replace(table.source(lambda event, _: seen.extend(event["Records"])), place=places[-1])

        assert second.drain(10)
        assert [one["dynamodb"]["NewImage"]["version"]["N"] for one in seen] == ["3"]

    def test_what_the_filter_keeps_back_moves_the_place_too(self, table: Table) -> None:
        table.put("event#000000000001", "0")
        places: list[Place] = []

        assert replace_keep(table.source(lambda *_: None), places).drain(10)

        assert still_has(table.streams, places[-1], table.stream_arn)

    def test_a_stream_has_only_places_of_its_own(self, table: Table) -> None:
        table.put("object", "1")
        places: list[Place] = []
        assert replace_keep(table.source(lambda *_: None), places).drain(10)
        [place] = places
        [shard] = place.shards

        assert still_has(table.streams, place, table.stream_arn)
        assert not still_has(table.streams, NOWHERE, table.stream_arn)
        assert not still_has(table.streams, replace(place, stream_arn="another"), table.stream_arn)
        trimmed = replace(place, shards={shard: "000000000000000000000000000001"})
        assert not still_has(table.streams, trimmed, table.stream_arn)

    def test_a_place_that_is_gone_is_the_oldest_record(self, table: Table) -> None:
        table.put("object", "1")
        [shard] = table.streams.describe_stream(StreamArn=table.stream_arn)["StreamDescription"]["Shards"]
        gone = Place(table.stream_arn, {shard["ShardId"]: "000000000000000000000000000001"})
        seen: list[Json] = []

        source = replace(table.source(lambda event, _: seen.extend(event["Records"])), place=gone)

        assert source.drain(10)
        assert len(seen) == 1

    def test_a_record_looks_as_lambda_shows_it(self) -> None:
        moment = datetime(2026, 3, 1, tzinfo=UTC)
        shown = stream_record(
            {"dynamodb": {"ApproximateCreationDateTime": moment, "Keys": {"pk": {"B": b"key"}}}}, "arn"
        )

        assert shown == {
            "dynamodb": {
                "ApproximateCreationDateTime": moment.timestamp(),
                "Keys": {"pk": {"B": "a2V5"}},
            },
            "eventSourceARN": "arn",
        }

    def test_a_filter_that_needs_more_than_equality_is_refused(self) -> None:
        with pytest.raises(NotImplementedError):
            passes({"eventName": "INSERT"}, [{"eventName": [{"prefix": "IN"}]}])


def replace_keep(source: StreamSource, places: list[Place]) -> StreamSource:
    """The source, which notes every place that it is to keep."""
    return replace(source, keep=places.append)


DRAINED = Place("stream", {"shard": "7"}, is_caught_up=True, is_drained=True)
CRASHED = replace(DRAINED, is_drained=False)
HALF_COMPARED = replace(CRASHED, is_caught_up=False)


@pytest.mark.parametrize(
    ("kept", "is_in_stream", "is_emulator_new", "expected"),
    [
        (NOWHERE, False, True, Place()),
        (DRAINED, True, False, CRASHED),
        (CRASHED, True, False, CRASHED),
        (HALF_COMPARED, True, False, HALF_COMPARED),
        (DRAINED, False, True, Place(is_caught_up=True)),
        (CRASHED, False, True, Place()),
        # Nobody knows how an emulator of somebody else has stopped.
        (DRAINED, False, False, Place()),
    ],
)
def test_only_after_a_crash_versions_are_compared_with_history(
    kept: Place, is_in_stream: bool, is_emulator_new: bool, expected: Place
) -> None:
    assert beginning(kept, is_in_stream=is_in_stream, is_emulator_new=is_emulator_new) == expected


def test_what_was_in_hand_comes_again_unless_the_table_is_older(table: Table) -> None:
    """The relay may have written it to the history, but not published it."""
    for number, version in ((1, "2"), (2, "1")):
        item = {"pk": {"S": f"local-me#{number}"}, "sk": {"S": "object"}, "version": {"N": version}}
        table.client.put_item(TableName=table.name, Item=item)
    in_hand = [in_hand_of(number, version) for number in (1, 2, 3) for version in ("1", "2")]

    found = list(unfinished(table.client, table.name, in_hand))

    assert found == [in_hand[0], in_hand[1], in_hand[2]]


def in_hand_of(number: int, version: str) -> Json:
    keys = {"pk": {"S": f"local-me#{number}"}, "sk": {"S": "object"}}
    return {"dynamodb": {"Keys": keys, "NewImage": {**keys, "version": {"N": version}}}}


class TestPlaceFile:
    def test_what_is_in_hand_is_kept_until_it_is_done(self, tmp_path: Path, table: Table) -> None:
        table.put("object", "1")
        file = PlaceFile(tmp_path)
        seen: list[Json] = []

        def handler(event: Json, _context: LambdaContext) -> None:
            seen.extend(file.in_hand())
            assert seen == event["Records"]

        assert replace(table.source(handler), take=file.take).drain(10)
        assert (len(seen), file.in_hand()) == (1, [])

    def test_a_place_is_kept_until_it_is_forgotten(self, tmp_path: Path) -> None:
        file = PlaceFile(tmp_path)
        file.write(CRASHED)
        file.write(DRAINED)
        kept = file.read()
        file.forget()
        file.forget()

        assert (kept, file.read()) == (DRAINED, NOWHERE)

    @pytest.mark.parametrize("text", ["", "{", "5", "null", '{"shard": 1}'])
    def test_one_that_cannot_be_read_is_none(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "relay.json").write_text(text)

        assert PlaceFile(tmp_path).read() == NOWHERE


@pytest.mark.parametrize(
    ("announced", "now", "expected"),
    [
        (None, IN_STATUS["pending"], "object.created"),
        (None, IN_STATUS["ready"], "object.created"),
        (IN_STATUS["pending"], IN_STATUS["processing"], "object.processing"),
        (IN_STATUS["pending"], IN_STATUS["ready"], "object.ready"),
        (IN_STATUS["processing"], IN_STATUS["rejected"], "object.rejected"),
        (IN_STATUS["ready"], TRANSITIONS["edit"](IN_STATUS["ready"]), "object.updated"),
        (IN_STATUS["ready"], TRANSITIONS["reprocess"](IN_STATUS["ready"]), "object.reprocess_requested"),
        (IN_STATUS["ready"], TRANSITIONS["request_upload"](IN_STATUS["ready"]), "object.upload_requested"),
        (IN_STATUS["pending"], IN_STATUS["deleted"], "object.deleted"),
        (IN_STATUS["ready"], IN_STATUS["ready"], None),
    ],
)
def test_an_object_ahead_of_its_history_is_announced_as_what_became_of_it(
    table: Table, announced: StoredObject | None, now: StoredObject, expected: str | None
) -> None:
    announce(table, *([] if announced is None else [announced]))
    table.client.put_item(TableName=table.name, Item=to_item(now))

    records = list(lost_records(table.client, table.name, table.stream_arn))
    announcements = [announcement_of(record) for record in records]

    found = [announcement and announcement.event.type for announcement in announcements]
    assert found == ([] if expected is None else [expected])


def announce(table: Table, *states: StoredObject) -> None:
    history = HistoryRepository(table.client, table.name)
    for before, after in zip((None, *states), states, strict=False):
        event = event_of(before, after)
        assert event is not None
        add_to_history(history, event)


PENDING, READY, REJECTED = (IN_STATUS[status] for status in ("pending", "ready", "rejected"))
AWAITING = TRANSITIONS["request_upload"](READY)
REPLACED = TRANSITIONS["claim"](AWAITING).accept(Payload("text/csv", 40, "a" * 64, 2), RESULT, now=NOW)


@pytest.mark.parametrize(
    ("announced", "now"),
    [
        ((), READY),
        ((PENDING,), TRANSITIONS["request_upload"](PENDING)),
        ((PENDING,), TRANSITIONS["expire"](PENDING)),
        ((PENDING, READY), AWAITING),
        ((PENDING, READY, AWAITING), REPLACED),
        ((PENDING, READY, AWAITING), TRANSITIONS["delete"](AWAITING)),
        ((PENDING, REJECTED), TRANSITIONS["request_upload"](REJECTED)),
    ],
    ids=[
        "created and ready",
        "another upload",
        "expired",
        "a new revision",
        "the new one ready",
        "deleted",
        "after a rejection",
    ],
)
def test_an_object_ahead_of_its_history_is_counted_from_what_was_announced(
    table: Table, announced: tuple[StoredObject, ...], now: StoredObject
) -> None:
    announce(table, *announced)
    table.client.put_item(TableName=table.name, Item=to_item(now))

    [record] = lost_records(table.client, table.name, table.stream_arn)

    found = announcement_of(record)
    assert found is not None
    assert found.usage == usage_change(announced[-1] if announced else None, now)


BROKEN: dict[str, Callable[[Table, StoredObject], None]] = {
    "no version": lambda table, stored: change(table, stored, "REMOVE version"),
    "an unknown status": lambda table, stored: change(table, stored, "SET label_less = :x REMOVE labels"),
    "an event that is no JSON": lambda table, stored: change(
        table, stored, "SET event = :x", "event#000000000001"
    ),
}


def change(table: Table, stored: StoredObject, how: str, sk: str = "object") -> None:
    values = {"ExpressionAttributeValues": {":x": {"S": "{"}}} if ":x" in how else {}
    key = {"pk": {"S": f"{stored.owner}#{stored.id}"}, "sk": {"S": sk}}
    table.client.update_item(TableName=table.name, Key=key, UpdateExpression=how, **values)


@pytest.mark.parametrize("how", BROKEN)
def test_an_object_that_cannot_be_read_is_left_to_the_relay_and_the_rest_is_announced(
    table: Table, how: str
) -> None:
    sound = replace(READY, id=str(uuid4()))
    announce(table, PENDING)
    for stored in (READY, sound):
        table.client.put_item(TableName=table.name, Item=to_item(stored))
    table.client.put_item(
        TableName=table.name, Item={"pk": {"S": sound.owner}, "sk": {"S": "event#x"}, "event": {"S": ""}}
    )
    BROKEN[how](table, READY)

    records = {record["dynamodb"]["Keys"]["pk"]["S"]: record for record in lost_records(*_of(table))}

    found = announcement_of(records.pop(f"{sound.owner}#{sound.id}"))
    assert found is not None
    [unreadable] = records.values()
    with pytest.raises(UnreadableItem):
        announcement_of(unreadable)


def _of(table: Table) -> tuple[Any, str, str]:
    return table.client, table.name, table.stream_arn


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": None}, set()),
        (failed("a"), {"a"}),
        (failed(""), {"a", "b"}),
        (failed("unknown"), {"a", "b"}),
    ],
)
def test_an_answer_is_read_as_lambda_reads_it(answer: Json | None, expected: set[str]) -> None:
    assert failures(answer, ["a", "b"]) == expected


def create_record(runtime: Runtime, name: str) -> dict[str, Any]:
    body = json.dumps({"kind": "record", "name": name, "attributes": {}}).encode()
    return call("POST", f"{runtime.url}/v1/objects", body, {"Content-Type": "application/json"})


def eventually(is_so: Callable[[], bool], seconds: float = 20) -> bool:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if is_so():
            return True
        time.sleep(0.2)
    return False


@contextmanager
def answering(said: str) -> Iterator[str]:
    """The address of a server that says one thing to everybody."""

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def listener() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def descendants(pid: int) -> set[int]:
    children = {
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    }
    return children.union(*(descendants(child) for child in children))


def wait_until_gone(pids: set[int], seconds: float = 30) -> None:
    give_up = time.monotonic() + seconds
    while alive := {pid for pid in pids if is_alive(pid)}:
        assert time.monotonic() < give_up, f"still running: {alive}"
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """A zombie is not: it waits for whoever adopted it, and holds nothing."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"

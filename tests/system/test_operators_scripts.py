"""The scripts that an operator runs from the shell, on the running stack."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from app.domain.causes import Cause
from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import PayloadKey
from app.domain.times import utc_now
from app.domain.usage import Usage
from app.local import running
from app.messaging.work_queue import WorkQueue
from app.storage.objects import ObjectRepository
from app.storage.recording import CountedEvent, EventRecorder
from tests.conftest import make_object
from tests.events import object_created, stream_record
from tests.system import shell
from tests.system.client import Client, eventually, send
from tests.system.conftest import Runtime, started
from tests.system.shell import Ran

CSV = b"a,b\n1,2\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A stack whose dead letters are this module's alone."""
    with started(tmp_path_factory.mktemp("operated")) as runtime:
        yield runtime


@pytest.fixture(scope="module")
def client(own: Runtime) -> Client:
    return Client(own.url, {})


def make(own: Runtime, target: str, *options: str) -> Ran:
    where = f"DATA_DIR={own.data_dir}"
    return shell.run(["make", "--no-print-directory", target, where, *options], {})


def run(own: Runtime, script: str, *arguments: str) -> Ran:
    return shell.run_script(script, "local", "--data-dir", str(own.data_dir), *arguments)


class Stage:
    """The running stack's table and queues."""

    def __init__(self, own: Runtime) -> None:
        described = own.client("cloudformation").describe_stacks(StackName="wharf")
        outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Stacks"][0]["Outputs"]}
        dynamodb = own.client("dynamodb")
        self.repository = ObjectRepository(dynamodb, outputs["TableName"], shards=1)
        self.recorder = EventRecorder(dynamodb, outputs["TableName"])
        self.sqs, self.s3 = own.client("sqs"), own.client("s3")
        self.bucket = outputs["BucketName"]
        self.dead_letter_queue_url = outputs["DeadLetterQueueUrl"]
        self.sender_queue_url = outputs["SenderQueueUrl"]
        self.queue = WorkQueue(self.sqs, outputs["QueueUrl"], self.dead_letter_queue_url)

    def fail(self, object_id: str, *, error: str = "Unavailable") -> None:
        """Leave the object as after the last attempt of a worker that S3 did not answer."""
        stored = self.repository.get("local-me", object_id)
        pending = stored.reprocess(now=utc_now(), deadline=utc_now(), cause=Cause("request-1"))
        failed = pending.give_up(now=utc_now())
        self.repository.save(failed, read=stored)
        key = PayloadKey("local-me", object_id, 1)
        self.queue.bury(object_created(str(key), 8), error=error, attempts=3)

    def stored(self, object_id: str) -> StoredObject:
        return self.repository.get("local-me", object_id)

    def dead_letters(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.dead_letter_queue_url, AttributeNames=names)
        return sum(int(number) for number in found["Attributes"].values())


@pytest.fixture(scope="module")
def stage(own: Runtime) -> Stage:
    return Stage(own)


@pytest.fixture
def failed(client: Client, stage: Stage) -> str:
    object_id = client.upload("dataset", "n.csv", "text/csv", CSV)
    client.wait_until_settled(object_id)
    stage.fail(object_id)
    return object_id


def test_a_failed_object_is_listed_tried_again_and_becomes_ready(
    own: Runtime, client: Client, stage: Stage, failed: str
) -> None:
    listed = make(own, "redrive")
    planned = make(own, "redrive", "ARGS=--all --dry-run")
    untouched = stage.stored(failed)
    redriven = run(own, "redrive", "--object", failed)
    found = client.wait_until_settled(failed)

    assert (listed.status, planned.status, redriven.status) == (0, 0, 0)
    assert "Failed objects: 1" in listed.output
    assert failed in listed.output
    assert "Unavailable, attempts_exhausted" in listed.output
    assert f"object {failed}: would process again" in planned.output
    assert untouched.status == "failed"
    assert f"object {failed}: is processed again" in redriven.output
    assert found["status"] == "ready"
    assert eventually(lambda: stage.dead_letters() == 0)


@pytest.mark.long
def test_a_message_that_nobody_understands_comes_back_to_the_dead_letters_counted(
    own: Runtime, stage: Stage
) -> None:
    """Once it was redriven too often, only dropping it helps."""
    stage.queue.bury('{"detail-type":"unheard of"}', error="UnknownMessage", attempts=1)
    outputs = []
    for _ in range(4):
        outputs.append(run(own, "redrive", "--error", "UnknownMessage").output)
        assert eventually(lambda: stage.dead_letters() == 1)

    assert all("was sent back" in output for output in outputs[:3])
    assert "left: redriven 3 times already" in outputs[3]
    assert run(own, "redrive", "--drop", "--all", "--yes").status == 0
    assert stage.dead_letters() == 0


def gauges(own: Runtime) -> dict[str, float]:
    told = send("GET", f"{own.url}/metrics").body.decode().splitlines()
    series = dict(line.rsplit(" ", 1) for line in told if '{queue="' in line)
    return {name.removeprefix("wharf_"): float(value) for name, value in series.items()}


def test_a_dead_letter_is_told_by_the_metrics_until_an_operator_drops_it(own: Runtime, stage: Stage) -> None:
    stage.queue.bury('{"detail-type":"not heard of"}', error="UnknownMessage", attempts=1)
    before = gauges(own)['dead_letters{queue="work"}']

    planned = run(own, "redrive", "--drop", "--error", "UnknownMessage", "--dry-run")
    asked = run(own, "redrive", "--drop", "--error", "UnknownMessage")
    left = stage.dead_letters()
    [message_id] = {line.split()[0] for line in planned.output.splitlines() if "UnknownMessage" in line}
    dropped = run(own, "redrive", "--drop", "--message", message_id, "--yes")

    assert (before, left) == (1, 1)
    assert f"message {message_id}: would drop" in planned.output
    assert (asked.status, "Nothing was dropped." in asked.output) == (1, True)
    assert dropped.status == 0, dropped.output
    assert '"message":"dead_letter.dropped"' in dropped.output
    assert f'message {message_id}: was dropped: {{"detail-type":"not heard of"}}' in dropped.output
    assert gauges(own)['dead_letters{queue="work"}'] == 0


@pytest.mark.parametrize("options", [["--drop"], ["--drop", "--yes"]])
def test_what_is_to_be_dropped_must_be_chosen(own: Runtime, options: list[str]) -> None:
    ran = run(own, "redrive", *options)

    assert ran.status == 2
    assert "--drop needs --message, --object, --error or --all" in ran.output


@pytest.mark.parametrize(
    "options",
    [["--object", "nosuch"], ["--error", "nosuch", "--dry-run"], ["--message", "nosuch", "--drop", "--yes"]],
)
def test_a_name_of_which_nothing_is_there_is_told(own: Runtime, options: list[str]) -> None:
    ran = run(own, "redrive", *options)

    assert ran.status == 1
    assert f"There is nothing of {options[0][2:]} nosuch" in ran.output


def test_the_age_of_what_waits_is_told(own: Runtime, stage: Stage) -> None:
    """The message is delayed, so that nobody takes it."""
    stage.sqs.send_message(QueueUrl=stage.sender_queue_url, MessageBody="{}", DelaySeconds=900)
    first = gauges(own)

    assert first['queue_messages{queue="sender"}'] >= 1
    assert eventually(lambda: gauges(own)['oldest_message_seconds{queue="sender"}'] > 1)


def test_what_was_set_aside_is_listed_and_published(own: Runtime, stage: Stage) -> None:
    """Two records of a batch that Lambda gave up, of which one is still at fault."""
    objects = [stage.repository.add(make_object(id=str(uuid4()))) for _ in range(2)]
    good, bad = (stream_record(None, stored) for stored in objects)
    del bad["dynamodb"]["NewImage"]["version"]
    batch = {"payload": json.dumps({"Records": [good, bad]})}
    stage.s3.put_object(Bucket=stage.bucket, Key="aws/lambda/m/s/batch", Body=json.dumps(batch))

    listed = make(own, "redrive")
    redriven = run(own, "redrive", "--all")

    ids = [one["dynamodb"]["NewImage"]["id"]["S"] for one in (good, bad)]
    kept = stage.s3.list_objects_v2(Bucket=stage.bucket, Prefix="relay-failures/")["Contents"]
    assert "Stream records set aside: 2" in listed.output
    assert f"records of object {ids[0]} (1): published" in redriven.output
    assert f"records of object {ids[1]} (1): left: record" in redriven.output
    assert redriven.status == 1
    assert [one["Key"] for one in kept] == [f"relay-failures/{bad['dynamodb']['SequenceNumber']}.json"]
    assert "Contents" not in stage.s3.list_objects_v2(Bucket=stage.bucket, Prefix="aws/lambda/")


def test_a_shell_that_reads_the_printed_file_is_a_client_of_the_emulator(own: Runtime) -> None:
    printed = next(line for line in own.output().splitlines() if "for other clients: " in line)
    command = printed.partition("for other clients: ")[2]
    ask = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'][0]['Name'])"
    ran = shell.run(["sh", "-c", f'{command}; "{sys.executable}" -c "{ask}"'], {})
    without = shell.run([sys.executable, "-c", ask], {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{own.aws_port}"})

    assert (ran.status, ran.output.startswith("wharf-")) == (0, True)
    assert "AccessKeyId" in without.output


@pytest.mark.parametrize("given", [["--aws-port", "1"], ["--data-dir", "nowhere"]])
@pytest.mark.parametrize("script", ["redrive", "subscriber", "recount", "adopt", "destroy"])
def test_where_nothing_runs_that_is_said_in_one_line(script: str, given: list[str]) -> None:
    ran = shell.run_script(script, "local", *given)

    assert ran.status == 1
    assert ran.output.startswith("wharf: ")
    assert len(ran.output.splitlines()) == 1


def test_the_job_is_done_once_where_the_data_folder_says(own: Runtime) -> None:
    done = make(own, "smoke")
    elsewhere = make(own, "smoke", "STAGE=dev")

    assert done.status == 0, done.output
    assert "ok      what was created is listed, and deleted again" in done.output
    assert elsewhere.status != 0
    assert "Name the endpoint of the stage" in elsewhere.output


@pytest.mark.long
def test_a_command_says_that_the_run_was_killed_and_the_next_run_says_so_too(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        assert eventually((tmp_path / running.FILE).exists)
        runtime.stop(signal.SIGKILL)
        outputs = [run(runtime, "redrive").output, shell.run_script("smoke", f"--data-dir={tmp_path}").output]
    assert all(f"wharf: The run in {tmp_path} that began at " in output for output in outputs)

    with started(tmp_path) as runtime:
        assert f"The last run in {tmp_path}, which began at " in runtime.output()
        assert run(runtime, "redrive").status == 0
    assert not (tmp_path / running.FILE).exists()
    assert f"wharf: Nothing runs in {tmp_path}." in run(runtime, "redrive").output


def test_an_objects_current_state_is_published_again(own: Runtime, client: Client) -> None:
    object_id = str(client.create({"kind": "record", "name": "order 42"}).json()["id"])

    by_id = run(own, "republish", object_id)
    by_owner = run(own, "republish", object_id, "--owner", "local-me")
    unknown = run(own, "republish", "unknown")
    by_name = run(own, "republish", object_id, "--owner", "me")

    assert (by_id.status, by_owner.status, unknown.status, by_name.status) == (0, 0, 1, 1)
    assert "X-Owner: me is local-me" in by_name.output
    assert by_id.output == by_owner.output
    assert by_id.output.startswith(f"{object_id}:1 was published as object.created")
    assert "There is no object unknown." in unknown.output


def test_a_counter_of_usage_that_went_wrong_is_put_right(own: Runtime, stage: Stage) -> None:
    """The counter is that of another owner, whose objects nobody is changing."""
    event = event_of(None, make_object(owner="somebody"))
    assert event is not None
    stage.recorder.record([CountedEvent(event, Usage(7, 70))], shard=0)

    outputs = [run(own, "recount").output for _ in range(2)]

    line = "somebody, shard 0: counted 7 objects and 70 bytes, found 0 and 0; corrected"
    assert [line in output for output in outputs] == [True, False]


def test_the_example_of_a_subscriber_notes_what_is_ready(own: Runtime, client: Client) -> None:
    deployed = make(own, "subscriber")
    object_id = client.upload("dataset", "n.csv", "text/csv", CSV)
    ready = client.wait_until_settled(object_id)
    line = f'{object_id} version {ready["version"]}: {{"format": "csv", "rows": 1, "columns": 2}}'
    record = client.create({"kind": "record", "name": "order 42"}).json()["id"]

    assert (deployed.status, deployed.output.startswith("Deployed.")) == (0, True)
    assert eventually(lambda: line in run(own, "subscriber").output)
    assert eventually(lambda: f"{record} version 1: null" in run(own, "subscriber").output)


@pytest.mark.long
def test_kept_data_is_adopted_before_the_run_that_lost_its_stack_is_stopped(tmp_path: Path) -> None:
    """The emulator makes a table anew under the name of a kept one."""
    with started(tmp_path) as first:
        object_id = Client(first.url, {}).create({"kind": "record", "name": "order 42"}).json()["id"]
        destroyed = run(first, "destroy", "--yes", "wharf")
        adopted = run(first, "adopt")
        first.stop(signal.SIGTERM)
    with started(tmp_path) as second:
        found = send("GET", f"{second.url}/v1/objects/{object_id}")

    assert "run scripts/ops/adopt.sh local before you stop this one" in destroyed.output
    assert adopted.status == 0, adopted.output
    assert found.status == 200

"""What an operator does from the shell, on the running stack."""

from collections.abc import Iterator

import boto3
import pytest

from app.domain.causes import Cause
from app.domain.objects import StoredObject
from app.domain.times import utc_now
from app.domain.values import PayloadKey
from app.messaging.work_queue import WorkQueue
from app.storage.objects import ObjectRepository
from tests.events import object_created
from tests.system import shell
from tests.system.client import Client, eventually
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
    return shell.run(["make", "--no-print-directory", target, f"AWS_PORT={own.aws_port}", *options], {})


def run(own: Runtime, script: str, *arguments: str) -> Ran:
    return shell.run_script(script, "local", "--aws-port", str(own.aws_port), *arguments)


class Stage:
    """The running stack's table and queues."""

    def __init__(self, own: Runtime) -> None:
        endpoint = f"http://127.0.0.1:{own.aws_port}"
        session = boto3.session.Session("test", "test", region_name="us-east-1")
        described = session.client("cloudformation", endpoint_url=endpoint).describe_stacks(StackName="wharf")
        outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Stacks"][0]["Outputs"]}
        self.repository = ObjectRepository(
            session.client("dynamodb", endpoint_url=endpoint), outputs["TableName"], shards=1
        )
        self.sqs = session.client("sqs", endpoint_url=endpoint)
        self.dead_letter_queue_url = outputs["DeadLetterQueueUrl"]
        self.queue = WorkQueue(self.sqs, outputs["QueueUrl"], self.dead_letter_queue_url)

    def fail(self, object_id: str, *, error: str = "Unavailable") -> None:
        """As after the last attempt of a worker that S3 did not answer."""
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
        found = self.sqs.get_queue_attributes(QueueUrl=self.dead_letter_queue_url, AttributeNames=names)  # type: ignore[arg-type]  # two of many literals
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


def test_a_message_that_nobody_understands_comes_back_to_the_dead_letters_counted(
    own: Runtime, stage: Stage
) -> None:
    stage.queue.bury('{"detail-type":"unheard of"}', error="UnknownMessage", attempts=1)
    outputs = []
    for _ in range(4):
        outputs.append(run(own, "redrive", "--error", "UnknownMessage").output)
        assert eventually(lambda: stage.dead_letters() == 1)

    assert all("was sent back" in output for output in outputs[:3])
    assert "left: redriven 3 times already" in outputs[3]


def test_where_nothing_runs_that_is_said_in_one_line() -> None:
    ran = shell.run_script("redrive", "local", "--aws-port", "1")

    assert ran.status == 1
    assert ran.output.startswith("wharf: ")
    assert len(ran.output.splitlines()) == 1


def test_an_objects_current_state_is_published_again(own: Runtime, client: Client) -> None:
    object_id = str(client.create({"kind": "record", "name": "order 42"}).json()["id"])

    by_id = run(own, "republish", object_id)
    by_owner = run(own, "republish", object_id, "--owner", "local-me")
    unknown = run(own, "republish", "unknown")

    assert (by_id.status, by_owner.status, unknown.status) == (0, 0, 1)
    assert by_id.output == by_owner.output
    assert by_id.output.startswith(f"{object_id}:1 was published as object.created")
    assert "There is no object unknown." in unknown.output


def test_the_example_of_a_subscriber_notes_what_is_ready(own: Runtime, client: Client) -> None:
    deployed = make(own, "subscriber")
    object_id = client.upload("dataset", "n.csv", "text/csv", CSV)
    ready = client.wait_until_settled(object_id)
    line = f'{object_id} version {ready["version"]}: {{"format": "csv", "rows": 1, "columns": 2}}'

    assert (deployed.status, deployed.output.startswith("Deployed.")) == (0, True)
    assert eventually(lambda: line in run(own, "subscriber").output)

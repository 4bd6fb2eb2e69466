"""A worker is killed at a step between taking a message and its end: every object ends right.

Each run draws some of the steps.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import boto3
import pytest

from app.bootstrap.adapters import adapters
from app.bootstrap.api import compose_api
from app.bootstrap.relay import compose_forwarding, compose_relay
from app.config import ApiSettings, RelaySettings
from app.domain.causes import Cause
from app.domain.objects.stored import StoredObject
from app.local.aws import stack as stacks
from app.local.aws.emulator import Emulator
from app.local.aws.stack import Stack
from app.local.feeding.sources import QueueSource, sqs_event
from app.local.feeding.stream import StreamSource
from app.messaging.messages import Sweep, Trial, parse_message
from app.services.objects.creating import NewObject
from app.services.objects.uploads import DeclaredPayload, Upload
from tests.conftest import Measured
from tests.shares import Share
from tests.system.client import send
from tests.system.conftest import ROOT, session_of
from tests.system.samples import as_csv

pytestmark = pytest.mark.long

ME = "local-killed"
LEASE_SECONDS = 60
SWEEP = '{"detail-type":"sweep","source":"wharf.clock","detail":{}}'
EXPECTED_STEPS = [
    *("before 1 dynamodb GetItem", "after 1 dynamodb GetItem"),
    *("before 2 dynamodb PutItem", "after 2 dynamodb PutItem"),
    *("before 3 s3 GetObject", "after 3 s3 GetObject"),
    *("before 4 sandbox", "during 4 sandbox", "after 4 sandbox"),
    *("before 5 s3 PutObject", "after 5 s3 PutObject"),
    *("before 6 s3 PutObject", "after 6 s3 PutObject"),
    *("before 7 s3 PutObject", "after 7 s3 PutObject"),
    *("before 8 dynamodb PutItem", "after 8 dynamodb PutItem"),
    "before 17 the message is deleted",
]
KILLED_PER_RUN = 4
TRIES = 15


@dataclass(frozen=True, slots=True)
class Site:
    """The deployed stack, fed by hand."""

    session: boto3.session.Session
    url: str
    stack: Stack
    environment: Mapping[str, str]

    def client(self, service: Any) -> Any:
        return self.session.client(service, endpoint_url=self.url)

    def receive(self, *, seconds: int) -> list[Any]:
        answer = self.client("sqs").receive_message(
            QueueUrl=self.stack.outputs["QueueUrl"],
            MaxNumberOfMessages=10,
            WaitTimeSeconds=seconds,
            MessageSystemAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def receive_about(self, object_id: str) -> Any:
        """The message that names the object. What the clock sends, and S3 to try the queue, is taken out."""
        for _ in range(TRIES):
            self.forward()
            messages = self.receive(seconds=1)
            about = [message for message in messages if object_id in message["Body"]]
            others = [message for message in messages if message not in about]
            assert all(
                isinstance(parse_message(message["Body"]).content, Sweep | Trial) for message in others
            )
            if about:
                return about[0]
        raise AssertionError(f"S3 announced no payload of {object_id}")

    def forward(self) -> None:
        """Pass on what S3 has announced, as the relay does."""
        function = stacks.describe_function(self.client("lambda"), self.stack, "RelayFunction", "Arrivals")
        forwarding = compose_forwarding(adapters(RelaySettings.from_environment(self.environment)))

        def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
            assert forwarding.forward(event["Records"]) == []
            return {"batchItemFailures": []}

        url = self.stack.outputs["ArrivalQueueUrl"]
        QueueSource(self.client("sqs"), url, function, handler, Event()).poll()

    def relay(self) -> None:
        """Hand over all that is in the stream, as the relay's source does."""
        function = stacks.describe_function(self.client("lambda"), self.stack, "RelayFunction", "Changes")
        relaying = compose_relay(adapters(RelaySettings.from_environment(self.environment)))

        def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
            failed = relaying.relay(event["Records"])
            return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}

        source = StreamSource(self.client("dynamodbstreams"), function, handler, Event())
        assert source.drain(60)


@pytest.fixture(scope="module")
def site(emulator: Emulator, deployed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    session = session_of(emulator)
    functions = [
        stacks.describe_function(session.client("lambda", endpoint_url=emulator.url), deployed, name)
        for name in ("ApiFunction", "WorkerFunction", "RelayFunction")
    ]
    environment = {**emulator.environment, "TMPDIR": str(tmp_path_factory.mktemp("workers"))}
    for function in functions:
        environment |= function.environment
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        yield Site(session, emulator.url, deployed, environment)


def test_whenever_a_worker_is_killed_its_object_ends_right(
    site: Site, measured: Measured, share: Share
) -> None:
    payload = as_csv()
    assert steps_of_a_worker_that_lives(site, payload) == EXPECTED_STEPS
    steps = share.of(EXPECTED_STEPS, KILLED_PER_RUN)
    messages = {step: upload(site, payload) for step in steps}

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(lambda step: handle(site, [messages[step]], step).returncode, steps))
    sweep_and_work(site)
    work(site, list(messages.values()), later=LEASE_SECONDS)
    sweep_and_work(site)
    site.relay()

    assert statuses == [-signal.SIGKILL] * len(steps)
    assert list(Path(site.environment["TMPDIR"]).iterdir()) == []
    ended_right = [step for step in steps if has_ended_right(site, messages[step])]
    assert ended_right == list(steps)
    measured(f"workers killed at {len(steps)} steps: {len(ended_right)} of {len(steps)} objects ended right")


def steps_of_a_worker_that_lives(site: Site, payload: bytes) -> list[str]:
    steps: list[str] = work(site, [upload(site, payload)])["steps"]
    return steps


def upload(site: Site, payload: bytes) -> Any:
    """Create an object, send its payload as a client would, and take the message that S3 causes."""
    settings = ApiSettings.from_environment({**site.environment, "AUTH_MODE": "local"})
    services = compose_api(adapters(settings), settings)
    new = NewObject(
        kind="dataset",
        name="trips.csv",
        attributes={},
        labels={},
        payload=DeclaredPayload(media_type="text/csv", size=len(payload), sha256=None),
        idempotency_key=None,
        fingerprint="f" * 64,
    )
    created = services.creating.create(ME, new, cause=Cause("request-1"))
    assert isinstance(created.upload, Upload)
    stored = send("PUT", created.upload.url, body=payload, headers=created.upload.headers)
    assert stored.status == 200, stored.body
    return site.receive_about(created.stored.id)


def handle(
    site: Site, messages: list[Any], step: str | None, *, later: int = 0
) -> "subprocess.CompletedProcess[str]":
    """Handle it by a worker of its own, which kills itself at the step, if there is one.

    Its clock is ahead by the seconds `later`.
    """
    return subprocess.run(
        [sys.executable, "-m", "tests.system.doomed_worker", *([step] if step else [])],
        cwd=ROOT,
        env={
            **os.environ,
            **site.environment,
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "SECONDS_LATER": str(later),
        },
        input=json.dumps(sqs_event(messages, "arn:aws:sqs:us-east-1:000000000000:work")),
        capture_output=True,
        text=True,
        check=False,
    )


def sweep_and_work(site: Site) -> None:
    """Sweep when the leases of the killed have ended, and work on all that was queued."""
    site.client("sqs").send_message(QueueUrl=site.stack.outputs["QueueUrl"], MessageBody=SWEEP)
    while messages := site.receive(seconds=1):
        work(site, messages, later=LEASE_SECONDS)


def work(site: Site, messages: list[Any], *, later: int = 0) -> Any:
    """Work as a worker that lives; return what it printed."""
    lived = handle(site, messages, None, later=later)
    assert lived.returncode == 0, lived.stderr
    answer = json.loads(lived.stdout.splitlines()[-1])
    assert answer["batchItemFailures"] == []
    for message in messages:
        site.client("sqs").delete_message(
            QueueUrl=site.stack.outputs["QueueUrl"], ReceiptHandle=message["ReceiptHandle"]
        )
    return answer


def has_ended_right(site: Site, message: Any) -> bool:
    """True if the object is ready with its three artifacts, and each of its versions was announced once."""
    settings = ApiSettings.from_environment({**site.environment, "AUTH_MODE": "local"})
    services = compose_api(adapters(settings), settings)
    object_id = UUID(parse_message(message["Body"]).object_id)
    stored: StoredObject = services.reading.read(ME, object_id)
    events = services.reading.history(ME, object_id, cursor=None, limit=20).items
    bucket = site.stack.outputs["BucketName"]
    found = site.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"artifacts/{ME}/{object_id}/1/")
    sizes = {content["Key"].rpartition("/")[2]: content["Size"] for content in found.get("Contents", [])}
    return (
        stored.status == "ready"
        and stored.summary == {"format": "csv", "rows": 120_000, "columns": 5}
        and sizes == {artifact.name: artifact.size for artifact in stored.artifacts}
        and len(sizes) == 3
        and (stored.lease, stored.deadline) == (None, None)
        and [event["type"] for event in events] == ["object.created", "object.processing", "object.ready"]
    )

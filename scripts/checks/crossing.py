"""Traces which files of app/ a request, a message and a stream record cross.

Each job runs on AWS in this process (moto): once to warm up, so that lazy imports
and caches are done with, and a second time under the profiler of every thread.

A file is entered when any code in it runs: functions, generators, lambdas.
A move is a call or a return in another file than the call or return before it.
Moves leave out generators and coroutines, whose every pause looks like a return,
and what has no name of its own: lambdas and comprehensions. What Python and
libraries do in between does not count; neither does the sandbox's own process.
"""

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple
from unittest.mock import patch

from moto import mock_aws

import app
from app.api.app import create_app
from app.api.lambda_adapter import create_handler
from app.aws.clients import Clients
from app.bootstrap.adapters import adapters
from app.bootstrap.api import compose_api
from app.bootstrap.relay import compose_relay
from app.bootstrap.worker import compose_worker
from app.config import ApiSettings, RelaySettings, WorkerSettings
from app.local.feeding.sources import sqs_event
from app.services.changes.relaying import Relaying
from app.worker.batch import BatchWorker
from tests.conftest import Aws, make_aws
from tests.edges.doors import API_KEY_ID, proxy_event

Json = dict[str, Any]
Job = Callable[[], object]

APP = f"{Path(app.__file__).parent}{os.sep}"
PAUSING = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:work"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}
OWNER = f"key-{API_KEY_ID}"
TEXT = b"Hello, harbour.\n"
RECORD = {"kind": "record", "name": "order 42"}
FILE = {"kind": "file", "name": "hello.txt", "payload": {"media_type": "text/plain", "size": len(TEXT)}}


class Step(NamedTuple):
    """A call or a return in app/."""

    file: str
    function: str
    event: str

    def __str__(self) -> str:
        return f"{self.file}:{self.function}" + (" (back)" if self.event == "return" else "")


@dataclass(slots=True)
class Crossing:
    """The files that one job crossed, and its steps."""

    files: set[str] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)

    def note(self, frame: FrameType, event: str, _argument: object) -> None:
        """Take what the profiler tells."""
        code = frame.f_code
        if event not in ("call", "return") or not code.co_filename.startswith(APP):
            return
        file = code.co_filename.removeprefix(APP)
        self.files.add(file)
        if not code.co_flags & PAUSING and not code.co_name.startswith("<"):
            self.steps.append(Step(file, code.co_name, event))

    def moves(self) -> list[Step]:
        return [after for before, after in pairwise(self.steps) if after.file != before.file]


def traced(job: Job) -> Crossing:
    crossing = Crossing()
    threading.setprofile(crossing.note)
    sys.setprofile(crossing.note)
    try:
        job()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return crossing


@dataclass(frozen=True, slots=True)
class Service:
    """The three functions as they are deployed."""

    api: Callable[[Any, Any], Json]
    worker: BatchWorker
    relaying: Relaying


def build(environment: Mapping[str, str]) -> Service:
    settings = ApiSettings.from_environment(environment)
    working = WorkerSettings.from_environment(environment)
    return Service(
        create_handler(create_app(compose_api(adapters(settings), settings), settings)),
        compose_worker(adapters(working), working),
        compose_relay(adapters(RelaySettings.from_environment(environment))),
    )


class PlentyOfTime:
    """A Lambda context that is far from its end."""

    def get_remaining_time_in_millis(self) -> int:
        return 250_000


class JobFailed(Exception):
    """A job did not come to the end whose way is to be measured."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """Each public method prepares one job, to be run once."""

    aws: Aws
    service: Service

    def create_record(self) -> Job:
        return lambda: self._create(RECORD)

    def sqs_record(self) -> Job:
        """Prepare the message about a text that was just uploaded."""
        key = f"payloads/{OWNER}/{self._create(FILE)}/1"
        self.aws.s3.put_object(Bucket=self.aws.bucket, Key=key, Body=TEXT)
        self.aws.sqs.send_message(QueueUrl=self.aws.queue_url, MessageBody=object_created(key))
        received = self.aws.sqs.receive_message(
            QueueUrl=self.aws.queue_url, AttributeNames=["All"], WaitTimeSeconds=1
        )
        event = sqs_event(received["Messages"], QUEUE_ARN)
        return lambda: succeeded(not self.service.worker.handle(event, PlentyOfTime())["batchItemFailures"])

    def stream_record(self) -> Job:
        """Prepare the record of an object's creation."""
        keys = {"pk": {"S": f"{OWNER}#{self._create(RECORD)}"}, "sk": {"S": "object"}}
        image = self.aws.dynamodb.get_item(TableName=self.aws.table, Key=keys)["Item"]
        record = {"dynamodb": {"Keys": keys, "NewImage": image, "SequenceNumber": "1"}}
        return lambda: succeeded(self.service.relaying.relay([record]) is None)

    def _create(self, body: Json) -> str:
        """Return the id of the new object."""
        headers = {"Content-Type": "application/json"}
        event = proxy_event("POST", "/v1/objects", headers=headers, body=json.dumps(body).encode())
        answer = self.service.api(event, None)
        succeeded(answer["statusCode"] == 201)
        return str(json.loads(answer["body"])["id"])


def succeeded(is_so: bool) -> None:
    if not is_so:
        raise JobFailed


def object_created(key: str) -> str:
    """Return what EventBridge tells of a new S3 object, as far as the worker reads it."""
    return json.dumps(
        {
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "time": "2026-03-01T09:30:00Z",
            "detail": {"object": {"key": key, "size": len(TEXT)}},
        }
    )


@contextmanager
def aws_in_process() -> Iterator[Aws]:
    """Keep a developer's own profile, endpoint and region out of it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with patch.dict(os.environ, own | CREDENTIALS, clear=True), mock_aws():
        yield make_aws(Clients())


def environment_of(aws: Aws) -> dict[str, str]:
    return {
        "AUTH_MODE": "api-key",
        "TABLE_NAME": aws.table,
        "BUCKET_NAME": aws.bucket,
        "BUS_NAME": aws.bus,
        "QUEUE_URL": aws.queue_url,
        "DEAD_LETTER_QUEUE_URL": aws.dead_letter_queue_url,
    }


def hush() -> None:
    """Let the service format its log lines, which is part of its way, and drop them."""
    for handler in logging.getLogger("wharf").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(io.StringIO())


def crossings() -> dict[str, Crossing]:
    """Run each job twice; return the second run's way."""
    hush()
    with aws_in_process() as aws:
        jobs = Jobs(aws, build(environment_of(aws)))
        found = {}
        for name, prepare in (
            ("create a record", jobs.create_record),
            ("SQS record", jobs.sqs_record),
            ("stream record", jobs.stream_record),
        ):
            prepare()()
            found[name] = traced(prepare())
        return found


def report(found: Mapping[str, Crossing], *, moves: bool) -> Iterator[str]:
    yield "What a job crosses"
    yield "  files  moves"
    for name, crossing in found.items():
        yield f"  {len(crossing.files):>5}  {len(crossing.moves()):>5}  {name}"
    if moves:
        for name, crossing in found.items():
            yield from ("", name, *(f"  {step}" for step in crossing.steps[:1] + crossing.moves()))

"""One suite, two backends: AWS in this process (moto), and the emulator with the deployed template.

The emulator is shared by all tests: each has an owner of its own, and queues of
its own, because the stack's are fed by its rules.
"""

import socket
from collections.abc import Callable, Iterator
from uuid import uuid4

import boto3
import pytest

from app.aws.clients import Clients
from app.domain.objects.stored import StoredObject
from app.local.aws import emulator, stack
from app.local.aws.emulator import Emulator
from app.local.aws.stack import Stack
from app.storage.history import HistoryRepository
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore
from tests.conftest import Aws, make_object
from tests.faults import unhook_all

MakeStored = Callable[..., StoredObject]


@pytest.fixture(scope="package")
def running_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    started = emulator.start(free_port(), tmp_path_factory.mktemp("emulator"))
    try:
        yield started
    finally:
        started.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="package")
def deployed(running_emulator: Emulator) -> Stack:
    """Deploy template.yaml, with nothing that feeds its functions."""
    session = boto3.session.Session()
    return stack.deploy(session.client("cloudformation", endpoint_url=running_emulator.url), {})


@pytest.fixture
def emulated(running_emulator: Emulator, deployed: Stack, clients: Clients) -> Iterator[Aws]:
    dynamodb, s3, sqs, events = (
        clients.client(name, endpoint_url=running_emulator.url)
        for name in ("dynamodb", "s3", "sqs", "events")
    )
    outputs = deployed.outputs
    yield Aws(
        dynamodb,
        s3,
        sqs,
        events,
        outputs["TableName"],
        outputs["BucketName"],
        outputs["BusName"],
        sqs.create_queue(QueueName=f"work-{uuid4().hex}")["QueueUrl"],
        sqs.create_queue(QueueName=f"dead-letters-{uuid4().hex}")["QueueUrl"],
        outputs["WebhooksTableName"],
        sqs.create_queue(QueueName=f"sender-{uuid4().hex}")["QueueUrl"],
    )
    unhook_all()


@pytest.fixture(params=["moto", "emulator"])
def backend(request: pytest.FixtureRequest) -> Aws:
    aws: Aws = request.getfixturevalue("aws" if request.param == "moto" else "emulated")
    return aws


@pytest.fixture
def owner() -> str:
    return f"local-{uuid4().hex[:12]}"


@pytest.fixture
def make(owner: str) -> MakeStored:
    """A sample object of this test's owner, with an id of its own."""

    def make_mine(**changes: object) -> StoredObject:
        return make_object(**{"owner": owner, "id": str(uuid4())} | changes)

    return make_mine


@pytest.fixture
def objects(backend: Aws) -> ObjectRepository:
    return backend.adapters().objects


@pytest.fixture
def history(backend: Aws) -> HistoryRepository:
    return backend.adapters().history


@pytest.fixture
def payloads(backend: Aws) -> PayloadStore:
    return backend.adapters().payloads

"""Fixtures for every test: a fixed clock, sample objects, and AWS in this process (moto).

The table comes from template.yaml, the only description of it.
"""

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest

from app.aws.clients import Clients
from app.bootstrap.adapters import Adapters
from app.config import OperatorSettings, Settings
from app.domain.causes import Cause
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Revision, Status
from app.local.aws.template import local_template
from app.observability import sinks
from app.observability.logs import SERVICE
from tests.faults import unhook_all
from tests.in_process import make_bucket, make_bus, make_queue, make_table, mocked
from tests.shares import Share, choose_seed
from tests.small_disks import mounted

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
TABLE, BUCKET, BUS = "objects", "payloads", "domain"
WEBHOOKS_TABLE = "webhooks"
#: Pytest names the test that runs. The first test that imports libvips sets its variable.
SET_BY_OTHERS = {"PYTEST_CURRENT_TEST", "VIPS_WARNING"}


@pytest.fixture(autouse=True, scope="session")
def _no_inherited_aws_settings() -> Iterator[None]:
    """A developer's own profile or endpoint must not reach a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@pytest.fixture(autouse=True, scope="session")
def _interrupts_are_heard() -> Iterator[None]:
    """A shell that starts the tests in the background lets them, and what they start, ignore SIGINT."""
    found = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, found)


@pytest.fixture(autouse=True)
def _leaves_the_process_as_found() -> Iterator[None]:
    """Fail a test that leaves its process changed, because other tests run in the same process."""
    found = _process_wide()
    yield
    assert _process_wide() == found


def _process_wide() -> dict[str, Any]:
    loggers = {name: logging.getLogger(name) for name in ("", SERVICE)}
    return {
        "environment": {key: value for key, value in os.environ.items() if key not in SET_BY_OTHERS},
        "folder": Path.cwd(),
        "levels": {name: one.level for name, one in loggers.items()},
        "propagates": {name: one.propagate for name, one in loggers.items()},
        "sinks": list(sinks),
        "time-out of sockets": socket.getdefaulttimeout(),
    }


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of SMALL_DISK_BYTES."""
    with mounted(tmp_path / "disk") as folder:
        yield folder


Measured = Callable[[str], None]
MEASURED = "measured"


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Takes a line with a figure, to be shown at the end of the run."""

    def note(line: str) -> None:
        request.node.user_properties.append((MEASURED, line))

    return note


def pytest_configure() -> None:
    choose_seed()


@pytest.fixture
def share(request: pytest.FixtureRequest) -> Share:
    """Draws some of the cases of a test that has many."""
    request.node.user_properties.append((MEASURED, f"cases of long tests drawn by SEED={choose_seed()}"))
    return Share(request.node.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the lines also where tests run in processes of their own, whose output is not shown."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    lines = {
        line
        for report in reports
        for name, line in getattr(report, "user_properties", ())
        if name == MEASURED
    }
    if lines:
        terminalreporter.section("measured")
        for line in sorted(lines):
            terminalreporter.line(line)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


SettingsOf = TypeVar("SettingsOf", bound=Settings)


@dataclass(frozen=True, slots=True)
class Aws:
    """Clients, and the names of what was made for a test."""

    dynamodb: Any
    s3: Any
    sqs: Any
    events: Any
    table: str
    bucket: str
    bus: str
    queue_url: str
    dead_letter_queue_url: str
    webhooks_table: str
    sender_queue_url: str

    @classmethod
    def of_stack(cls, client: Callable[[str], Any], outputs: Mapping[str, str]) -> Self:
        """Clients that `client` makes by the service's name, and what a deployed stack made."""
        names = [f"{name}Name" for name in ("Table", "Bucket", "Bus")]
        names += ["QueueUrl", "DeadLetterQueueUrl", "WebhooksTableName", "SenderQueueUrl"]
        services = ("dynamodb", "s3", "sqs", "events")
        return cls(*(client(service) for service in services), *(outputs[name] for name in names))

    def settings(self, function: type[SettingsOf], **more: Any) -> SettingsOf:
        """Return a function's settings, which name what was made."""
        names = {
            "table_name": self.table,
            "bucket_name": self.bucket,
            "bus_name": self.bus,
            "queue_url": self.queue_url,
            "dead_letter_queue_url": self.dead_letter_queue_url,
            "webhooks_table_name": self.webhooks_table,
            "sender_queue_url": self.sender_queue_url,
        }
        return function.model_validate(names | more)

    def adapters(self, **more: Any) -> Adapters:
        """Return what the functions use, on these clients."""
        return Adapters(self.settings(OperatorSettings, **more), GivenClients(self))


class GivenClients(Clients):
    """The clients of a test, for whatever asks for one."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def client(self, service: str, **_options: Any) -> Any:
        return getattr(self._aws, service)


class SharedClients(Clients):
    """Each client is made once for all tests: that takes longer than most of them."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[tuple[Any, ...], Any] = {}

    def client(self, service: str, **options: Any) -> Any:
        key = (service, *options.items())
        if key not in self._made:
            self._made[key] = super().client(service, **options)
        return self._made[key]


@pytest.fixture(scope="session")
def clients() -> Clients:
    shared = SharedClients()
    # It finds its credentials now, before moto puts others into the environment.
    shared.client("s3")
    return shared


@pytest.fixture
def aws(clients: Clients) -> Iterator[Aws]:
    with mocked():
        yield make_aws(clients)
    unhook_all()


def make_aws(clients: Clients) -> Aws:
    """Make what the functions use, in moto's memory, and return it with clients."""
    dynamodb, s3, sqs, events = (clients.client(name) for name in ("dynamodb", "s3", "sqs", "events"))
    make_table(TABLE, table_properties())
    make_table(WEBHOOKS_TABLE, table_properties("WebhooksTable"))
    make_bucket(BUCKET)
    make_bus(BUS)
    return Aws(
        dynamodb,
        s3,
        sqs,
        events,
        TABLE,
        BUCKET,
        BUS,
        make_queue("work"),
        make_queue("dead-letters"),
        WEBHOOKS_TABLE,
        make_queue("sender"),
    )


@cache
def table_properties(name: str = "ObjectsTable") -> Mapping[str, Any]:
    properties = local_template()["Resources"][name]["Properties"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    return {name: properties[name] for name in wanted}


def make_object(**changes: Any) -> StoredObject:
    """A pending dataset of which the first upload is awaited."""
    values: dict[str, Any] = {
        "owner": "local-me",
        "id": "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10",
        "kind": "dataset",
        "name": "cities.csv",
        "attributes": {"source": "survey", "share": 0.25},
        "labels": {"team": "growth"},
        "status": Status.PENDING,
        "version": 1,
        "newest": Revision(1, "text/csv", 12, None, NOW + timedelta(minutes=15)),
        "created_at": NOW,
        "updated_at": NOW,
        "shard": 0,
        "fingerprint": "f" * 64,
        "cause": Cause("request-1"),
        "deadline": NOW + timedelta(minutes=20),
        "writable_until": NOW + timedelta(minutes=15),
    }
    return StoredObject(**values | changes)

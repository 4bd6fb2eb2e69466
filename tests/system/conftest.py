"""The running stack: the emulator, the deployed template, and `python -m app.local`.

Everything listens on free ports, keeps its state in a temporary folder, and is
ended by its own process id, also when a test fails.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.local.aws import emulator as emulators
from app.local.aws import stack as stacks
from app.local.aws.emulator import Door, Emulator
from app.local.aws.stack import Stack
from app.local.doors import keys
from tests.system.functions import api_url, deploy, upload_code

ROOT = Path(__file__).parents[2]
START_SECONDS = 180
STOP_SECONDS = 60
NAMED_BEFORE: set[int] = set()
EMULATED = emulators.environment_of("")


def free_port() -> int:
    """A port that nothing uses. The kernel may name one twice while nobody listens there."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in NAMED_BEFORE:
            NAMED_BEFORE.add(port)
            return port


@dataclass(frozen=True)
class Runtime:
    """One `python -m app.local`, and where it answers."""

    process: subprocess.Popen[str]
    port: int
    aws_port: int
    data_dir: Path
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # faulthandler adds to the output what each thread was at.
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            pytest.fail(f"The runtime did not stop:\n{self.output()}")

    def client(self, service: str) -> Any:
        """Return a client of the emulator, with the keys of this run."""
        given = keys.read(self.data_dir)
        return boto_session(given).client(service, endpoint_url=given["AWS_ENDPOINT_URL"])  # type: ignore[call-overload]  # one of many literals

    def output(self) -> str:
        return (self.data_dir / "output.log").read_text()


def spawn(
    data_dir: Path,
    *,
    port: int | None = None,
    aws_port: int | None = None,
    root: Path = ROOT,
    settings: Mapping[str, str] | None = None,
) -> Runtime:
    """Start the runtime without waiting for it; `root` is where its code is."""
    port, aws_port = port or free_port(), aws_port or free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    arguments = [f"--port={port}", f"--aws-port={aws_port}", f"--data-dir={data_dir}"]
    with (data_dir / "output.log").open("w") as output:
        process = subprocess.Popen(  # this package's own module
            [sys.executable, "-X", "faulthandler", "-m", "app.local", *arguments],
            cwd=root,
            env={**environment, **(settings or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Runtime(process, port, aws_port, data_dir)


def call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The JSON that is answered; fails the test on a status of 400 or more."""
    where = urlsplit(url)
    connection = HTTPConnection(where.netloc, timeout=60)
    try:
        connection.request(method, f"{where.path}?{where.query}".rstrip("?"), body, dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 400, f"{method} {url}: {answer.status} {content!r}"
        found: dict[str, Any] = json.loads(content)
        return found
    finally:
        connection.close()


@contextmanager
def started(
    data_dir: Path, *, root: Path = ROOT, settings: Mapping[str, str] | None = None
) -> Iterator[Runtime]:
    """The runtime from when it answers; it is ended however the block ends."""
    runtime = spawn(data_dir, root=root, settings=settings)
    try:
        wait_until_healthy(runtime)
        yield runtime
    finally:
        if runtime.process.poll() is None:
            runtime.process.terminate()
            try:
                runtime.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                runtime.process.kill()
                runtime.process.wait()


def wait_until_healthy(runtime: Runtime) -> None:
    """Wait until the API answers and the runtime has said so, which it may do a moment later."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and runtime.process.poll() is None:
        try:
            call("GET", f"{runtime.url}/healthz")
            if "Wharf is running." in runtime.output():
                return
        except (OSError, HTTPException):
            pass
        time.sleep(0.1)
    pytest.fail(f"The runtime did not start:\n{runtime.output()}")


@contextmanager
def emulated(folder: Path, door: Door | None = None) -> Iterator[Emulator]:
    """An emulator on a free port; it is stopped however the block ends."""
    own = emulators.start(free_port(), folder, door=door)
    try:
        yield own
    finally:
        own.stop()


@pytest.fixture(scope="package")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulated(tmp_path_factory.mktemp("emulator")) as shared:
        yield shared


@pytest.fixture
def own_emulator(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator that no other test uses, for those that read all it holds or restart what feeds on it."""
    with emulated(tmp_path) as own:
        yield own


@pytest.fixture
def own_stack(own_emulator: Emulator) -> Stack:
    """The whole stack, deployed in that emulator."""
    return stacks.deploy(session_of(own_emulator).client("cloudformation", endpoint_url=own_emulator.url), {})


@pytest.fixture(scope="package")
def session(emulator: Emulator) -> boto3.session.Session:
    """Clients of it take `endpoint_url=emulator.url`."""
    return session_of(emulator)


def session_of(emulator: Emulator) -> boto3.session.Session:
    return boto_session(emulator.environment)


def boto_session(given: Mapping[str, str] = EMULATED) -> boto3.session.Session:
    return boto3.session.Session(
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        region_name=given["AWS_REGION"],
    )


@pytest.fixture(scope="package")
def deployed(emulator: Emulator, session: boto3.session.Session) -> Stack:
    """The stack with nothing that feeds its functions."""
    return stacks.deploy(session.client("cloudformation", endpoint_url=emulator.url), {})


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with started(tmp_path_factory.mktemp("running")) as runtime:
        yield runtime


@dataclass(frozen=True)
class SignedApi:
    """The API behind the emulated API Gateway, called by an IAM user; `admin` is another, who is one."""

    url: str
    #: The address of the emulator itself.
    endpoint: str
    credentials: Credentials
    region: str
    owner: str
    admin: Credentials

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        request = AWSRequest(
            method,
            self.url + path,
            {"Content-Type": "application/json", "Accept": "application/json"},
            content,
        )
        SigV4Auth(self.credentials, "execute-api", self.region).add_auth(request)
        return call(method, self.url + path, content, dict(request.headers))


@pytest.fixture(scope="package")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedApi]:
    """The stack as on AWS: queue, stream and API Gateway call functions in an emulator of its own.

    AuthMode is iam, because the emulated API Gateway does not tell a function
    which API key a request came with.
    """
    with emulated(tmp_path_factory.mktemp("functions")) as own:
        clients = session_of(own)
        iam = clients.client("iam", endpoint_url=own.url)
        owner, credentials = new_user(iam, "caller")
        admin_owner, admin = new_user(iam, "admin")
        stack = deploy(
            clients.client("cloudformation", endpoint_url=own.url),
            code_uri=upload_code(clients.client("s3", endpoint_url=own.url)),
            parameters={"AuthMode": "iam", "AdminOwners": admin_owner},
        )
        yield SignedApi(api_url(stack, own.url), own.url, credentials, emulators.REGION, owner, admin)


def new_user(iam: Any, name: str) -> tuple[str, Credentials]:
    """The owner that they are, and what they sign with."""
    user = iam.create_user(UserName=name)["User"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return f"iam-{user['UserId']}", Credentials(key["AccessKeyId"], key["SecretAccessKey"])

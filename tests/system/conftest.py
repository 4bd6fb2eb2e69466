"""The running stack: the emulator, the deployed template, and `python -m app.local`.

Everything listens on free ports, keeps its state in a temporary folder, and is
ended by its own process id, also when a test fails.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from app.local import emulator as emulators
from app.local import stack as stacks
from app.local.emulator import Emulator
from app.local.stack import Stack

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
STOP_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Runtime:
    """One `python -m app.local`, and where it answers."""

    process: subprocess.Popen[str]
    port: int
    aws_port: int
    data_dir: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def output(self) -> str:
        return (self.data_dir / "output.log").read_text()


def spawn(data_dir: Path, *, port: int | None = None, aws_port: int | None = None) -> Runtime:
    """Start the runtime without waiting for it."""
    port, aws_port = port or free_port(), aws_port or free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    arguments = [f"--port={port}", f"--aws-port={aws_port}", f"--data-dir={data_dir}"]
    with (data_dir / "output.log").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.local", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Runtime(process, port, aws_port, data_dir)


@contextmanager
def started(data_dir: Path) -> Iterator[Runtime]:
    """The runtime from when it answers; it is ended however the block ends."""
    runtime = spawn(data_dir)
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
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and runtime.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{runtime.url}/healthz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The runtime did not start:\n{runtime.output()}")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    started_emulator = emulators.start(free_port(), tmp_path_factory.mktemp("emulator"))
    try:
        yield started_emulator
    finally:
        started_emulator.stop()


@pytest.fixture(scope="session")
def session(emulator: Emulator) -> boto3.session.Session:
    """Clients of it take `endpoint_url=emulator.url`."""
    given = emulator.environment
    return boto3.session.Session(
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        region_name=given["AWS_REGION"],
    )


@pytest.fixture(scope="session")
def deployed(emulator: Emulator, session: boto3.session.Session) -> Stack:
    """The stack with nothing that feeds its functions."""
    return stacks.deploy(session.client("cloudformation", endpoint_url=emulator.url))


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with started(tmp_path_factory.mktemp("running")) as runtime:
        yield runtime

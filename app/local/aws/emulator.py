"""Runs the AWS emulator as a child process, and opens the ports that it and the API listen on.

Both listen on the loopback interface unless the user says otherwise. A door before the
emulator lets in only what is signed with its secret (app/local/doors). The emulator
keeps its state in a folder. The state is written when the emulator stops; nothing
is saved while it runs.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.local.doors.aws_door import DISK_PATH, QUEUES_PATH
from app.local.doors.queues import Backlog
from app.local.errors import CannotStart

HOST = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104  # only on request, for containers
REGION = "us-east-1"
START_SECONDS = 30
STOP_SECONDS = 30
LAUNCHER = Path(__file__).with_name("launcher.py")

HEALTH_PATH = "/_ministack/health"

#: An emulator without a door checks presigned URLs with this key, which has no meaning anywhere else.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True, slots=True)
class Door:
    """The callers that the emulator lets in."""

    credentials: Mapping[str, str]
    #: Names of this machine by which clients reach the emulator, beside those that every machine has.
    names: frozenset[str]
    #: Origins of the pages that may use presigned URLs.
    origins: Sequence[str]

    @property
    def setting(self) -> Mapping[str, str]:
        """Return the variables of the emulator's process that put up the door."""
        return {**self.credentials, "DOOR": json.dumps({"names": [*self.names], "origins": [*self.origins]})}


@dataclass(frozen=True, slots=True)
class Emulator:
    url: str
    process: subprocess.Popen[bytes]
    credentials: Mapping[str, str]

    @property
    def environment(self) -> Mapping[str, str]:
        return environment_of(self.url, self.credentials)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def disk(self) -> Mapping[str, int]:
        """Return how full the disk is, as the door tells (app/local/doors/disk.py); nothing if it is busy."""
        told: Mapping[str, int] = _ask(self.url, DISK_PATH, self.credentials) or {}
        return told

    def backlogs(self) -> Mapping[str, Backlog]:
        """Return what waits in each queue (app/local/doors/queues.py); nothing if the emulator is busy."""
        told: Mapping[str, Backlog] = _ask(self.url, QUEUES_PATH, self.credentials) or {}
        return told

    def stop(self) -> bool:
        """Let the emulator save its state and end; return True if it did. Kill it after STOP_SECONDS."""
        was_alive = self.is_alive()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            was_alive = False
        if self.process.stdin:
            self.process.stdin.close()
        return was_alive


def reached_at(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on `host`."""
    return HOST if host == EVERYWHERE else host


def listen(port: int, host: str = HOST) -> socket.socket:
    """Return a listening socket; raise CannotStart if the port is taken."""
    # asyncio sends small answers at once (TCP_NODELAY) only on sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Two processes can bind a port, but only one can listen.
        listener.listen(128)
    except OSError as refused:
        listener.close()
        raise CannotStart(f"Port {port} cannot be used: {refused.strerror}.") from None
    return listener


def environment_of(url: str, credentials: Mapping[str, str] = CREDENTIALS) -> Mapping[str, str]:
    """Return the variables that make boto3 in this process and its children talk to the emulator."""
    region = {"AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION}
    return {"AWS_ENDPOINT_URL": url, **region, **credentials}


def use_named(environment: MutableMapping[str, str]) -> None:
    """Use the emulator that AWS_ENDPOINT_URL names, and drop the user's other AWS settings.

    The user's keys and region stay, because an emulator checks presigned URLs with its own
    keys. Raises CannotStart unless ministack answers there, in the version that this code is
    tested with. The local runtime trusts every caller, so it must never reach AWS.
    """
    url, supported = environment["AWS_ENDPOINT_URL"], version("ministack")
    known = {name: environment.get(name, value) for name, value in CREDENTIALS.items()}
    found = _version_at(url, known) if url.startswith("http://") else None
    if found != supported:
        raise CannotStart(
            f"AWS_ENDPOINT_URL must name a running ministack {supported}, which {url} is not. "
            "Other emulators and AWS are not supported here."
        )
    given = {name: environment[name] for name in environment_of(url) if name in environment}
    drop_inherited(environment)
    environment.update({**environment_of(url), **given})


def drop_inherited(environment: MutableMapping[str, str]) -> None:
    """Drop the user's AWS settings: a profile or a CA bundle would lead boto3 astray."""
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]


def start(
    port: int,
    folder: Path,
    *,
    host: str = HOST,
    inherited: Sequence[int] = (),
    door: Door | None = None,
) -> Emulator:
    """Start the emulator and wait until it answers.

    `folder` holds its state and its log; `inherited` are descriptors that the
    child keeps open too; without a `door` it serves anybody who asks. Raises CannotStart
    if it does not start.
    """
    listen(port, host).close()
    added = door.setting if door else CREDENTIALS
    environment = {**_environment(port, folder.resolve() / "emulator", host), **added}
    process = _spawn(folder.resolve(), inherited, environment)
    credentials = door.credentials if door else CREDENTIALS
    emulator = Emulator(f"http://{reached_at(host)}:{port}", process, credentials)
    try:
        _wait_until_healthy(emulator, folder)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return emulator


def _spawn(folder: Path, inherited: Sequence[int], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with (folder / "emulator.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", LAUNCHER],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            pass_fds=inherited,
            # Ctrl-C reaches the whole process group, but the emulator must stop last.
            start_new_session=True,
        )


def _environment(port: int, state: Path, host: str) -> dict[str, str]:
    """Return the emulator's whole environment; inherited AWS settings would lead it astray."""
    temporary = state / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "BIND_HOST": host,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": reached_at(host),
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "TMPDIR": str(temporary),
        # These two servers would listen on ports of their own.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _wait_until_healthy(emulator: Emulator, folder: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while emulator.is_alive() and time.monotonic() < give_up:
        if _version_at(emulator.url, emulator.credentials):
            return
        time.sleep(0.05)
    raise CannotStart(f"The AWS emulator did not start; {folder / 'emulator.log'} says why.")


def _version_at(url: str, credentials: Mapping[str, str]) -> str | None:
    """Return the version of the emulator that answers at `url`. None if none does."""
    try:
        told = _ask(url, HEALTH_PATH, credentials) or {}
        return str(told["version"])
    except (LookupError, TypeError):
        return None


def _ask(url: str, path: str, credentials: Mapping[str, str]) -> Any:
    """Return what the emulator itself tells, as JSON, to a signed request. None if it tells nothing."""
    request = AWSRequest("GET", url + path, {"Host": urlsplit(url).netloc})
    SigV4Auth(Credentials(*credentials.values()), "sts", REGION).add_auth(request)
    connection = HTTPConnection(urlsplit(url).netloc, timeout=1)
    try:
        connection.request("GET", path, headers=dict(request.headers))
        answer = connection.getresponse()
        return json.loads(answer.read()) if answer.status == HTTPStatus.OK else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()

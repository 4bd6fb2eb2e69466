"""The built bundles, started as Lambda starts them, on real events.

They are built for this machine and its Python; what is built for Lambda is
looked at in tests/infrastructure/test_bundles.py.
"""

import hashlib
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import boto3
import pytest

from app.domain.kinds import KINDS
from app.local.aws.emulator import Emulator
from app.local.aws.stack import Function, Stack, describe_function
from app.local.feeding.sources import QueueSource
from app.local.feeding.stream import StreamSource
from benchmarks.samples import pdf_file, picture
from scripts.build.bundle import FUNCTIONS
from tests.conftest import Measured
from tests.edges.doors import proxy_event
from tests.system.client import send
from tests.system.conftest import ROOT
from tests.system.lambda_runtime import SAM_PYTHON, FunctionFailed, Invoked, LambdaRuntime

pytestmark = pytest.mark.builds

CSV = b"city,people\nPorto,231800\nBergen,289330\n"
SETTLES_SECONDS = 60
PRIVATE = "kanarie7731"
WARM_CALLS = 20
#: The event source that gives each function its main work.
SOURCES = {"worker": "Work", "relay": "Changes"}
#: Lines of Lambda's own, the last of which tells what a handler raised.
OF_THE_RUNTIME = re.compile(
    r"\d\d \w{3} \d{4} [\d:,]+ \[\w+\] \(rapid\)|(START|END|REPORT) RequestId: |\[ERROR\] FunctionFailed: |$"
)
#: A shell script: its first argument stays writable, but not the second within it.
ONLY_TEMPORARY = """
set -e
mount --bind "$1" "$1"
mount --bind "$2" "$2"
mount -o remount,bind,ro "$2"
mount -o remount,bind,ro /
shift 2
exec "$@"
"""

Json = dict[str, Any]


@dataclass(frozen=True)
class Built:
    bundle: Path
    function: Function
    environment: Mapping[str, str]
    contents: Mapping[str, str]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> LambdaRuntime:
    return LambdaRuntime.install(tmp_path_factory.mktemp("runtime") / "python")


@pytest.fixture(scope="module")
def built(
    tmp_path_factory: pytest.TempPathFactory,
    emulator: Emulator,
    session: boto3.session.Session,
    deployed: Stack,
) -> Mapping[str, Built]:
    folder = tmp_path_factory.mktemp("bundles")
    client = session.client("lambda", endpoint_url=emulator.url)
    found = {}
    for name in FUNCTIONS:
        command = [
            str(SAM_PYTHON),
            "-m",
            "scripts.build.bundle",
            name,
            str(folder / name),
            "--platform",
            "native",
        ]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        function = describe_function(client, deployed, f"{name.capitalize()}Function", SOURCES.get(name))
        configured = client.get_function_configuration(FunctionName=function.name)
        of_lambda = {
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configured["MemorySize"]),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_seconds),
            "LAMBDA_TASK_ROOT": str(folder / name),
        }
        environment = {**function.environment, **emulator.environment, **of_lambda}
        found[name] = Built(folder / name, function, environment, contents(folder / name))
    return found


@pytest.fixture(scope="module")
def functions(runtime: LambdaRuntime, built: Mapping[str, Built]) -> Iterator[Mapping[str, Invoked]]:
    with ExitStack() as running:
        yield {
            name: running.enter_context(
                runtime.function(
                    one.bundle, f"app.lambda_{name}.handler", one.environment, read_only(one.bundle)
                )
            )
            for name, one in built.items()
        }


def read_only(bundle: Path) -> list[str]:
    """The command, without what it is to run, that leaves only the temporary folder writable; or none."""
    as_root = [] if os.getuid() == 0 else ["--map-root-user"]
    folders = [tempfile.gettempdir(), str(bundle)]
    command = ["unshare", "--mount", *as_root, "sh", "-c", ONLY_TEMPORARY, "sh", *folders]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return []
    return command if tried.returncode == 0 else []


class Timed:
    """A function, and how long each of its calls took."""

    def __init__(self, function: Invoked) -> None:
        self._function = function
        self._seconds: list[float] = []

    def __call__(self, event: Json, context: object = None) -> Json:
        began = time.perf_counter()
        answer = self._function(event, context)
        self._seconds.append(time.perf_counter() - began)
        return answer

    def __str__(self) -> str:
        cold, *warm = (round(seconds * 1000) for seconds in self._seconds)
        return f"cold {cold} ms, warm {statistics.median(warm):.0f} ms (median of {len(warm)})"


class Service:
    """The functions, fed from the emulator's API Gateway requests, queue and stream."""

    def __init__(
        self,
        functions: Mapping[str, Invoked],
        built: Mapping[str, Built],
        sqs: Any,
        streams: Any,
        forwarder: Function,
        outputs: Mapping[str, str],
    ) -> None:
        self.timed = {name: Timed(function) for name, function in functions.items()}
        worker, relay = (built[name].function for name in ("worker", "relay"))
        queues = (outputs["ArrivalQueueUrl"], forwarder, "relay"), (outputs["QueueUrl"], worker, "worker")
        self._queues = [
            QueueSource(sqs, url, function, self.timed[name], Event()) for url, function, name in queues
        ]
        self._stream = StreamSource(streams, relay, self.timed["relay"], Event())

    def call(self, method: str, path: str, body: object = None) -> Json:
        """The JSON that the API answers."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        answer = self.timed["api"](proxy_event(method, path, headers=headers, body=content))
        assert answer["statusCode"] < 400, answer
        found: Json = json.loads(answer["body"])
        return found

    def upload(self, kind: str, media_type: str, content: bytes) -> str:
        """Hand over a payload by its presigned URL, and return the object's path."""
        payload = {"media_type": media_type, "size": len(content)}
        created = self.call("POST", "/v1/objects", {"kind": kind, "name": "a", "payload": payload})
        upload = created["upload"]
        stored = send(upload["method"], upload["url"], body=content, headers=upload["headers"])
        assert stored.status == 200, stored.body
        return f"/v1/objects/{created['id']}"

    def settle(self, path: str) -> Json:
        """Feed forwarder and worker until the object is settled, then the relay."""
        give_up = time.monotonic() + SETTLES_SECONDS
        while (found := self.call("GET", path))["status"] in {"pending", "processing"}:
            assert time.monotonic() < give_up, found
            for queue in self._queues:
                queue.poll()
        assert self._stream.drain(SETTLES_SECONDS)
        return found


@pytest.fixture(scope="module")
def service(
    functions: Mapping[str, Invoked],
    built: Mapping[str, Built],
    emulator: Emulator,
    session: boto3.session.Session,
    deployed: Stack,
) -> Service:
    sqs = session.client("sqs", endpoint_url=emulator.url)
    streams = session.client("dynamodbstreams", endpoint_url=emulator.url)
    client = session.client("lambda", endpoint_url=emulator.url)
    forwarder = describe_function(client, deployed, "RelayFunction", "Arrivals")
    return Service(functions, built, sqs, streams, forwarder, deployed.outputs)


@pytest.fixture(scope="module")
def payloads(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[str, bytes]]:
    """Return media type and content, by kind."""
    folder = tmp_path_factory.mktemp("payloads")
    return {
        "file": ("text/plain", b"Ahoy"),
        "dataset": ("text/csv", CSV),
        "image": ("image/png", picture(folder, 64, 48, "png").path.read_bytes()),
        "document": ("application/pdf", pdf_file(folder, 2).path.read_bytes()),
    }


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.processor])
def test_a_payload_becomes_ready_and_its_history_is_told(
    service: Service, payloads: Mapping[str, tuple[str, bytes]], kind: str
) -> None:
    path = service.upload(kind, *payloads[kind])
    found = service.settle(path)
    history = service.call("GET", f"{path}/history")

    assert found["status"] == "ready", found
    types = [event["type"] for event in history["items"]]
    assert types == ["object.created", "object.processing", "object.ready"]


def test_every_line_that_the_functions_log_is_json_with_their_events(
    service: Service, functions: Mapping[str, Invoked]
) -> None:
    """Lambda's runtime carries each line; a fault that no code of ours expects is one too."""
    path = service.upload("dataset", "text/csv", CSV)
    service.settle(path)
    with pytest.raises(FunctionFailed):
        functions["relay"]({"Records": [{"eventSource": "aws:sqs", "body": f"a {PRIVATE}"}]})

    logged = {
        name: [line for line in one.log.read_bytes().decode().split("\n") if not OF_THE_RUNTIME.match(line)]
        for name, one in functions.items()
    }
    events = {name: {json.loads(line)["message"] for line in lines} for name, lines in logged.items()}
    assert "request.done" in events["api"]
    assert {"object.claimed", "object.ready", "message.done"} <= events["worker"]
    assert {"event.published", "relay.done", "function.failed"} <= events["relay"]
    assert PRIVATE not in functions["relay"].log.read_text()


def test_the_documentation_is_in_the_bundle(functions: Mapping[str, Invoked]) -> None:
    pages = [f"/docs{page}" for page in ("", "/assets/swagger-ui-bundle.js", "/assets/swagger-ui.css")]
    answers = [functions["api"](proxy_event("GET", page)) for page in ("/openapi.json", *pages)]

    assert [answer["statusCode"] for answer in answers] == [200, 200, 200, 200]


def test_the_readiness_check_runs_before_a_snapshot_and_again_after_a_restore(
    runtime: LambdaRuntime, built: Mapping[str, Built]
) -> None:
    """The runtime's own hooks call it; the emulator takes no snapshots."""
    code = (
        "import app.lambda_api\n"
        "from app.api.lambda_adapter import PRIMING_EVENT\n"
        "from awslambdaric.lambda_runtime_hooks_runner import run_after_restore, run_before_snapshot\n"
        "run_before_snapshot()\n"
        "run_after_restore()\n"
        "app.lambda_api.handler(PRIMING_EVENT, None)"
    )
    ran = subprocess.run(
        [runtime.python, "-c", code],
        env={"PYTHONPATH": str(built["api"].bundle), **built["api"].environment},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines() if "request.done" in line]

    assert [(line["operation"], line["status"]) for line in lines] == [("checkReadiness", 200)] * 2


def test_a_function_leaves_its_bundle_as_it_was(
    service: Service, built: Mapping[str, Built], measured: Measured
) -> None:
    """The root is read-only where this user may arrange that; the bundles are compared anywhere."""
    path = service.upload("dataset", "text/csv", CSV)
    service.settle(path)
    for _ in range(WARM_CALLS):
        service.call("GET", path)
        service.timed["sender"]({"detail-type": "sweep"})

    python = subprocess.run([SAM_PYTHON, "-V"], capture_output=True, text=True, check=True).stdout.strip()
    place = "read-only but for /tmp" if read_only(built["api"].bundle) else "writable"
    for name, timed in service.timed.items():
        measured(f"{name} function from its bundle in the Lambda emulator: {timed} ({python}, {place})")
    assert {name: contents(one.bundle) for name, one in built.items()} == {
        name: one.contents for name, one in built.items()
    }


def contents(folder: Path) -> Mapping[str, str]:
    """The digest of each file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }

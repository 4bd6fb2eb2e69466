"""Measure the API beside plain boto3, Chalice, Powertools and FastAPI: `python -m benchmarks.api`.

Each way answers the same two operations: create a record under an `Idempotency-Key`, and read it. Wharf
runs from its bundles, as it is deployed; the others are in benchmarks/api_peers, with their packages in
`.venv-peers-api`. Each run is a process of its own, with one interpreter for all, as Lambda would start
it. AWS is benchmarks/aws_stub.py, which answers at once. In each round all take their turn, in a random
order. A ratio is the median of the rounds' ratios to the plain handler. Written to benchmarks/results:
api.md with machine, versions and load, and api.svg.
"""

import json
import os
import platform
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from app.domain.objects.values import Status
from app.storage.items import to_item
from benchmarks.api_once import UNKNOWN
from benchmarks.bars import drawn
from scripts.build import bundle, service_models
from tests.conftest import make_object
from tests.edges.doors import proxy_event
from tests.events import load, stream_record

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
ENVIRONMENT = ROOT / ".venv-peers-api"
HANDLERS = ROOT / "benchmarks" / "api_peers"
RESULTS = ROOT / "benchmarks" / "results"
#: The interpreter of all ways, without the packages of any environment.
PYTHON = str(getattr(sys, "_base_executable", sys.executable))
ROUNDS, CALLS = 11, 100
MIB = 2**20

OURS, PLAIN, TRIMMED = "Wharf", "plain boto3", "plain boto3, trimmed"
#: The handler of each framework, and the package whose version is told.
PEERS = {
    "Chalice": ("with_chalice.app", "chalice"),
    "Powertools": ("with_powertools.handler", "aws-lambda-powertools"),
    "FastAPI": ("with_fastapi.handler", "fastapi"),
}
RECORD = {"kind": "record", "name": "order 42", "attributes": {"currency": "EUR", "total": 12, "paid": True}}
HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "Host": "api.example.com",
    "User-Agent": "curl/8.5.0",
    "X-Amzn-Trace-Id": "Root=1-65e19ff8-0b7e7d3a9a0e4e6f8a512f1c",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
}
#: The variables of all ways. Lambda sets some of them, the others stand for a deployment's.
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "one",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "measured",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "AWS_LAMBDA_FUNCTION_VERSION": "1",
    "RECORDS_TABLE": "records",
    "IDEMPOTENCY_TABLE": "idempotency",
    "BUS": "changes",
    "TABLE_NAME": "objects",
    "BUCKET_NAME": "payloads",
    "AUTH_MODE": "api-key",
    "LIST_SHARDS": "4",
    "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/111122223333/work",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/111122223333/dead",
    "BUS_NAME": "domain",
    "WEBHOOKS_TABLE_NAME": "webhooks",
    "SENDER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/111122223333/sender",
    "METRICS_NAMESPACE": "Wharf/prod",
}


FIGURES = {"cold start": "cold", "warm create": "create", "warm read": "read"}
#: The services that the plain handlers make clients for.
SERVICES = frozenset({"dynamodb", "events", "s3"})
ALIKE = {"repeated": [201, True], "read": [200, RECORD["name"]], "unknown": 404}
NOTHING_FAILED: Json = {"batchItemFailures": []}


@dataclass(frozen=True, slots=True)
class Way:
    """A function, the folders it is imported from, and what it is asked."""

    name: str
    handler: str
    folders: Sequence[Path]
    task: Json


@dataclass(frozen=True, slots=True)
class Measured:
    """The times and memory that each way of doing one job took, round by round."""

    runs: Mapping[str, Sequence[Json]]

    def value(self, way: str, figure: str) -> float:
        return float(median(run[figure] for run in self.runs[way]))

    def ratio(self, way: str, figure: str, than: str = PLAIN) -> float:
        pairs = zip(self.runs[way], self.runs[than], strict=True)
        return float(median(ours[figure] / its[figure] for ours, its in pairs))


def main(_: Sequence[str] = ()) -> None:
    began = os.getloadavg()[0]
    with TemporaryDirectory(prefix="wharf-benchmark-") as name:
        folder = Path(name)
        jobs = jobs_in(folder)
        for way in jobs["api"]:
            check(way, folder)
        found = _measured(jobs, folder)
    page = "\n".join([*_head(began), *_api(found["api"]), *_others(found), *_targets(found)])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "api.md").write_text(page + "\n", encoding="utf-8")
    (RESULTS / "api.svg").write_text(drawn("Time, plain boto3 = 1", _bars(found)), encoding="utf-8")
    print(page)


def jobs_in(folder: Path) -> dict[str, list[Way]]:
    """Return the ways to do each job, the plain handler first and Wharf last."""
    packages, wharf = _packages(), bundles(folder)
    installed = [packages, HANDLERS]
    trimmed = [_trimmed(packages, folder / "trimmed"), *installed]
    theirs = {"create": _event("POST", body=RECORD), "read": _event("GET")}
    ours = {
        "create": proxy_event("POST", "/v1/objects", headers=HEADERS, body=json.dumps(RECORD).encode()),
        "read": proxy_event("GET", f"/v1/objects/{UNKNOWN}", headers=HEADERS),
    }
    ways = {
        "api": [
            Way(PLAIN, "with_boto3.handler", installed, theirs),
            Way(TRIMMED, "with_boto3.handler", trimmed, theirs),
            *(Way(name, handler, installed, theirs) for name, (handler, _) in PEERS.items()),
            Way(OURS, "app.lambda_api.handler", wharf["api"], ours),
        ]
    }
    change = {"event": {"Records": [stream_record(None, make_object())]}}
    arrival = {"event": _notice(), "seed": [to_item(make_object(status=Status.READY))]}
    for name, task in (("relay", change), ("worker", arrival)):
        handler = f"{name}_with_boto3.handler"
        ways[name] = [
            Way(PLAIN, handler, installed, task),
            Way(TRIMMED, handler, trimmed, task),
            Way(OURS, f"app.lambda_{name}.handler", wharf[name], task),
        ]
    return ways


def bundles(folder: Path) -> dict[str, list[Path]]:
    """Build Wharf's functions, and return the folders that each is imported from."""
    for name in ("api", "relay", "worker"):
        bundle.build(name, folder / name, "native")
    return {name: [folder / name] for name in ("api", "relay", "worker")}


def _packages() -> Path:
    [packages] = ENVIRONMENT.glob("lib/python*/site-packages")
    return packages


def _trimmed(packages: Path, target: Path) -> Path:
    """Copy botocore and leave out what Wharf's bundles leave out too."""

    def others(folder: str, names: list[str]) -> list[str]:
        is_data = Path(folder) == packages / "botocore" / "data"
        return [name for name in names if is_data and "." not in name and name not in SERVICES]

    shutil.copytree(packages / "botocore", target / "botocore", ignore=others)
    words = service_models.words_of(HANDLERS.glob("*with_boto3.py"))
    service_models.trim(target / "botocore" / "data", words)
    return target


def _event(method: str, body: object = None) -> Json:
    """Return a request as API Gateway sends it to an API whose routes it knows; bodies are text."""
    names = {} if body else {"record_id": UNKNOWN}
    resource = "/v1/objects/{record_id}" if names else "/v1/objects"
    event = proxy_event(method, resource.format(**names), headers=HEADERS)
    event["requestContext"]["resourcePath"] = resource
    return event | {
        "resource": resource,
        "pathParameters": names or None,
        "body": json.dumps(body) if body else None,
        "isBase64Encoded": False,
    }


def _notice() -> Json:
    """Return a message that a file has arrived, which was processed before."""
    batch = load("queue_batch")
    batch["Records"][0]["body"] = json.dumps(load("object_created"))
    return batch


def check(way: Way, folder: Path) -> None:
    """Stop the benchmark if a way does not do its job."""
    answers = _run(way, folder, check=True)
    assert answers.pop("without a name") in {400, 422}, way.name
    assert answers == ALIKE, (way.name, answers)


def _measured(jobs: Mapping[str, Sequence[Way]], folder: Path) -> dict[str, Measured]:
    chance = random.Random(1)  # noqa: S311  # not a secret
    turns = [(job, way) for job, ways in jobs.items() for way in ways]
    runs: dict[str, dict[str, list[Json]]] = {
        job: {way.name: [] for way in ways} for job, ways in jobs.items()
    }
    # The first run of each writes and reads what all later ones read.
    for number in range(ROUNDS + 1):
        for job, way in chance.sample(turns, len(turns)):
            run = _run(way, folder)
            assert run.get("answer", NOTHING_FAILED) == NOTHING_FAILED, way.name
            if number:
                runs[job][way.name].append(run)
    return {job: Measured(ways) for job, ways in runs.items()}


def _run(way: Way, folder: Path, **options: Any) -> Json:
    """Start the function in a process of its own, with an AWS of its own."""
    task = {key: value for key, value in way.task.items() if key != "seed"}
    task |= {"handler": way.handler, "calls": CALLS} | options
    output = folder / "output.json"
    script = ROOT / "benchmarks" / "api_once.py"
    with _aws(way.task.get("seed", []), folder) as url:
        subprocess.run(
            [PYTHON, "-S", "-P", script, json.dumps({**task, "began": time.monotonic()}), output],
            cwd=way.folders[0],
            env={
                **VARIABLES,
                "AWS_ENDPOINT_URL": url,
                "LAMBDA_TASK_ROOT": str(way.folders[0]),
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(map(str, [*way.folders, ROOT])),
            },
            stdout=subprocess.DEVNULL,
            check=True,
        )
    found: Json = json.loads(output.read_text())
    return found


@contextmanager
def _aws(items: Sequence[Json], folder: Path) -> Iterator[str]:
    seed = folder / "seed.json"
    seed.write_text(json.dumps(items))
    command = [sys.executable, "-m", "benchmarks.aws_stub", str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def _head(began: float) -> Iterator[str]:
    found = distributions(path=[str(_packages())])
    versions = {package.name.replace("_", "-"): package.version for package in found}
    named = ("boto3", *(package for _, package in PEERS.values()))
    yield "# The API, against peers"
    yield ""
    yield f"`make bench-api`, medians of {ROUNDS} rounds; a ratio is the median of the rounds' ratios."
    yield f"Each run is a process of its own. Its times of warm calls are medians of {CALLS}. A cold start"
    yield "is the time from the start of the process to its first answer. AWS is a process on the same"
    yield "machine that answers at once. CPU is the time of the processor alone, which depends less on"
    yield "what else the machine does."
    yield ""
    yield "Each way creates a record under an `Idempotency-Key`, or reads it. The handlers of the others"
    yield "are in `benchmarks/api_peers`, their packages are as pip installs them. `plain boto3, trimmed`"
    yield "is the plain handler with botocore's data cut down as in Wharf's bundles."
    yield ""
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    yield f"{machine}, {', '.join(f'{name} {versions[name]}' for name in named)}."
    yield f"Load at the start {began:.1f}, at the end {os.getloadavg()[0]:.1f}."
    yield ""


def _api(found: Measured) -> Iterator[str]:
    head = " | | CPU | ".join(FIGURES)
    yield f"| | {head} | | CPU | create alone | read alone | memory | calls |"
    yield f"|{'---|' * 14}"
    for way in found.runs:
        cells = [way]
        for figure in FIGURES.values():
            cells += _timed(found, way, figure)
        cells += [
            _duration(found.value(way, figure))
            for figure in ("create_own_cpu_seconds", "read_own_cpu_seconds")
        ]
        cells += [_memory(found, way), f"{found.value(way, 'create_calls'):.0f}"]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "The unnamed columns are ratios to plain boto3, and so is CPU. `alone` is the processor's time"
    yield "of a warm call that is not spent in its calls to AWS. `calls` are the calls to AWS"
    yield "of one create."
    yield ""


def _others(found: Mapping[str, Measured]) -> Iterator[str]:
    yield "The relay publishes one change, and the worker meets a notice of a file that it has processed"
    yield "before. The plain handlers read the same events."
    yield ""
    yield "| | | cold start | | CPU | memory |"
    yield f"|{'---|' * 6}"
    for job in ("relay", "worker"):
        one = found[job]
        for way in one.runs:
            cells = [job, way, *_timed(one, way, "cold"), _memory(one, way)]
            yield f"| {' | '.join(cells)} |"
    yield ""


def _targets(found: Mapping[str, Measured]) -> Iterator[str]:
    api = found["api"]
    ratios = [
        ("cold start of the API", api, "cold", 1.35),
        ("warm create", api, "create", 1.2),
        ("warm read", api, "read", 1.2),
        ("cold start of the relay", found["relay"], "cold", 1.05),
        ("cold start of the worker", found["worker"], "cold", 1.2),
    ]
    others = [
        ("create alone, µs", 1e6 * api.value(OURS, "create_own_cpu_seconds"), 200),
        ("memory of the API, MiB", api.value(OURS, "peak_bytes") / MIB, 63),
    ]
    yield "| Wharf's | at most | measured | CPU | |"
    yield "|---|---|---|---|---|"
    for name, job, figure, most in ratios:
        _, value, cpu = _timed(job, OURS, figure)
        yield f"| {name} | {most:.2f} | {value} | {cpu} | {_verdict(float(value), most)} |"
    for name, amount, most in others:
        yield f"| {name} | {most} | {amount:.0f} | | {_verdict(amount, most)} |"


def _bars(found: Mapping[str, Measured]) -> list[tuple[str, str, float]]:
    ways = [way for way in found["api"].runs if way != PLAIN]
    bars = [
        (name, way, found["api"].ratio(way, f"{figure}_seconds"))
        for name, figure in FIGURES.items()
        for way in ways
    ]
    return bars + [
        (f"{job}, cold start", OURS, found[job].ratio(OURS, "cold_seconds")) for job in ("relay", "worker")
    ]


def _timed(found: Measured, way: str, figure: str) -> tuple[str, str, str]:
    """Return the time, and its ratio and that of the processor's time to the plain handler's."""
    time, cpu = f"{figure}_seconds", f"{figure}_cpu_seconds"
    return _duration(found.value(way, time)), f"{found.ratio(way, time):.2f}", f"{found.ratio(way, cpu):.2f}"


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds > 0.01 else f"{seconds * 1e6:.0f} µs"


def _memory(found: Measured, way: str) -> str:
    return f"{found.value(way, 'peak_bytes') / MIB:.0f} MiB"


def _verdict(value: float, most: float) -> str:
    return "met" if value <= most else "missed"


if __name__ == "__main__":
    main()

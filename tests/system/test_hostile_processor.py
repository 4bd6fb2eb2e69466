"""A parser that was taken over may report anything, and attack what it reaches: only its own object suffers.

The processor of documents is replaced by one whose payload is its reply, or says what it attacks.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from uuid import uuid4

import pytest

from app.local.doors import keys
from app.local.settings import LOG_FILE
from tests.system.client import Client, eventually
from tests.system.conftest import ROOT, Runtime, started
from tests.unit.sandbox.locks.test_landlock import version
from tests.unit.sandbox.test_sandbox import processes_below

CANARY = f"canary-{uuid4().hex}".encode()
TEMPORARY_FOLDERS = (Path(gettempdir()), Path("/dev/shm"))  # noqa: S108  # nothing may be left there
LIMIT, CRASH = "limit_exceeded", "processor_crashed"
HISTORY = ["object.created", "object.processing"]


def reporting(summary: str) -> str:
    return f'{{"report": {{"summary": {summary}, "artifacts": [], "media_type": null}}}}'


def naming(names: list[str]) -> str:
    named = [[name, "text/plain"] for name in names]
    report = {"summary": {"say": "make artifacts"}, "artifacts": named, "media_type": None}
    return json.dumps({"report": report})


HOSTILE = {
    "9,994 deep": (LIMIT, reporting('{"a":' * 9_994 + "1" + "}" * 9_994)),
    "900 deep": (LIMIT, reporting('{"a":' * 900 + "1" + "}" * 900)),
    "33 deep": (LIMIT, reporting('{"a":' * 33 + "1" + "}" * 33)),
    "deeper than any parser goes": (LIMIT, "[" * 100_000 + "]" * 100_000),
    "13,000 numbers": (LIMIT, reporting(json.dumps({"a": list(range(13_000))}))),
    "numbers that grow": (LIMIT, reporting('{"a": [' + ",".join(["1e15"] * 13_000) + "]}")),
    "NaN": (CRASH, reporting('{"a": NaN}')),
    "infinity": (LIMIT, reporting('{"a": 1e999}')),
    "10**400": (LIMIT, reporting(f'{{"a": {10**400}}}')),
    "a number that Python does not read": (LIMIT, reporting(f'{{"a": 1{"0" * 5_000}}}')),
    "half a character": (CRASH, reporting('{"a": "\\ud800"}')),
    "half a character in a name": (CRASH, reporting('{"\\udfff": 1}')),
    "a name twice": (CRASH, reporting('{"a": 1, "a": 2}')),
    "a huge name": (LIMIT, reporting(json.dumps({"n" * 60_000: 1}))),
    "many names": (LIMIT, reporting(json.dumps({str(number): 1 for number in range(5_000)}))),
    "a huge text": (LIMIT, reporting(json.dumps({"a": "t" * 60_000}))),
    "more than is read": (LIMIT, reporting(json.dumps({"a": "t" * 1_000_000}))),
    "many artifacts": (LIMIT, naming([f"{number}.txt" for number in range(100)])),
    "an artifact twice": (CRASH, naming(["1.txt", "1.txt"])),
    "an artifact that is not there": (CRASH, naming(["other.txt"])),
    "a path": (CRASH, naming(["../payload"])),
    "no report": (CRASH, '{"report": null}'),
    "a problem of the service": (CRASH, '{"invalid": {"code": "attempts_exhausted", "detail": ""}}'),
    "a limit that it did not meet": (CRASH, '{"limit": "disk"}'),
    "nothing": (CRASH, ""),
}
LARGEST = {
    "deep": json.loads('{"a":' * 30 + "1" + "}" * 30),
    "long": ["\u0000é😀" * 900] * 4,
    "n": 10**38 - 1,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("taken-over")
    shutil.copytree(ROOT / "app", root / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "template.yaml", root)
    taken_over = ROOT / "tests" / "system" / "taken_over.py"
    shutil.copy(taken_over, root / "app" / "processors" / "document" / "__init__.py")
    return root


@pytest.fixture(scope="module")
def runtime(root: Path) -> Iterator[Runtime]:
    with started(root / "data", root=root) as runtime:
        yield runtime


def test_what_a_taken_over_parser_reports_harms_its_own_object_only(root: Path, runtime: Runtime) -> None:
    hostile, other = (Client(runtime.url, {"X-Owner": owner}) for owner in ("hostile", "other"))
    theirs = {}
    others = []
    for name, (_, reply) in HOSTILE.items():
        theirs[name] = hostile.upload("document", name, "text/plain", reply.encode())
        others.append(other.upload("dataset", name, "text/csv", b"a,b\n1,2\n"))

    problems = {name: hostile.wait_until_settled(one)["problem"] for name, one in theirs.items()}
    statuses = {other.wait_until_settled(one)["status"] for one in others}

    assert {name: problem["code"] for name, problem in problems.items()} == {
        name: code for name, (code, _) in HOSTILE.items()
    }
    assert statuses == {"ready"}
    for one in others:
        other.wait_for_history(one, *HISTORY, "object.ready")
    for one in theirs.values():
        hostile.wait_for_history(one, *HISTORY, "object.rejected")
    assert "relay.set_aside" not in runtime.output()
    assert len(other.get("/v1/objects?limit=100").json()["items"]) == len(others)


@pytest.mark.skipif(version() < 6, reason="this kernel has no Landlock, or an old one")
def test_a_taken_over_parser_reaches_nothing_of_others_and_they_lose_nothing(runtime: Runtime) -> None:
    hostile, other = (Client(runtime.url, {"X-Owner": owner}) for owner in ("attacker", "attacked"))
    kept = other.upload("file", "kept", "application/octet-stream", CANARY)
    other.wait_until_settled(kept)
    attack = json.dumps({"attack": targets(runtime)}).encode()
    before = set(left_in_temporary_folders())

    attacks, others = [], []
    for number in range(3):
        attacks.append(hostile.upload("document", "attack", "text/plain", attack))
        others.append(other.upload("dataset", "table", "text/csv", f"a,b\n{number},2\n".encode()))
    reports = [hostile.wait_until_settled(one) for one in attacks]
    tables = [other.wait_until_settled(one) for one in others]

    assert [each["status"] for each in reports] == ["ready"] * len(attacks)
    for report in reports:
        outcomes = report["result"]["summary"]
        assert len(outcomes) >= 40
        assert {name: outcome for name, outcome in outcomes.items() if outcome == "done"} == {}
    assert [each["status"] for each in tables] == ["ready"] * len(others)
    for number, one in enumerate(others):
        assert json.loads(other.artifact(one, "preview.json"))["rows"] == [[number, 2]]
        other.wait_for_history(one, *HISTORY, "object.ready")
    assert other.get(f"/v1/objects/{kept}/payload").body == CANARY
    assert other.history(kept) == [*HISTORY, "object.ready"]
    assert len(other.get("/v1/objects").json()["items"]) == len(others) + 1
    assert set(left_in_temporary_folders()) <= before
    assert runtime.process.poll() is None


def targets(runtime: Runtime) -> dict[str, Any]:
    """Return the targets of a hostile parser that has found out where everything is."""
    payloads = [
        path for path in runtime.data_dir.rglob("*") if path.is_file() and CANARY in path.read_bytes()
    ]
    assert payloads
    named = {"payload": payloads[0], "keys": runtime.data_dir / keys.FILE, "log": runtime.data_dir / LOG_FILE}
    places = [runtime.data_dir, payloads[0].parent, Path.home(), *TEMPORARY_FOLDERS]
    return {
        "files": {name: str(path) for name, path in named.items()},
        "places": list(map(str, places)),
        "processes": [runtime.process.pid, *processes_below(runtime.process.pid)],
        "ports": [runtime.port, runtime.aws_port],
    }


def left_in_temporary_folders() -> Iterator[Path]:
    for folder in TEMPORARY_FOLDERS:
        yield from folder.glob("left-*")


@pytest.mark.long
def test_the_largest_report_is_stored_announced_and_read_back_after_a_restart(
    root: Path, runtime: Runtime
) -> None:
    client = Client(runtime.url, {"X-Owner": "large"})
    reply = reporting(json.dumps(LARGEST))
    large = client.upload("document", "large", "text/plain", reply.encode())
    found = client.wait_until_settled(large)
    client.wait_for_history(large, *HISTORY, "object.ready")
    published = eventually(lambda: len(published_of(runtime, large)) == 3)
    assert runtime.stop() == 0

    with started(root / "data", root=root) as again:
        reader = Client(again.url, {"X-Owner": "large"})
        kept = reader.get(f"/v1/objects/{large}").json()
        [listed] = reader.get("/v1/objects").json()["items"]
        last = reader.get(f"/v1/objects/{large}/history").json()["items"][-1]

    assert published
    assert found["status"] == "ready"
    summaries = [each["result"]["summary"] for each in (found, kept, listed, last["data"])]
    assert summaries == [LARGEST] * 4


def published_of(runtime: Runtime, object_id: str) -> list[str]:
    lines = (runtime.data_dir / LOG_FILE).read_text().splitlines()
    return [line for line in lines if "event.published" in line and object_id in line]

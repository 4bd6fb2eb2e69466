"""Measure the whole way from an upload until its object is ready, against `make run`.

    python -m benchmarks.way [TREE]

First a payload of about 1 MB of each kind, one a second in turns. Times begin once its last byte was
sent: until a worker claims it, by the log, and until its owner is told that it is ready. "emulator" is
what the worker's calls to it take. Then 200 CSVs of 8 bytes, each in the request that creates its
object, from eight clients at once, who are one owner or eight. Beside the rate stands the processor's time
that an object took in each process. TREE is another tree of the service,
such as a worktree of an older commit: both take this in turns. Takes six minutes, and the machine for itself.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from random import Random
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import httpx2

from benchmarks.measuring import table
from benchmarks.pictures import photo
from benchmarks.samples import CSV, MB, PDF, csv_file, pdf_file, scanned_pdf
from tests.system.conftest import ROOT, Runtime, started

#: The processes of a run: its own, the emulator, and the sandboxes.
PARTS = ("runtime", "emulator", "sandbox")
WAY_HEAD = ("kind", "uploads", "claim", "its p99", "ready", "its p99", "emulator")
MANY_HEAD = ("eight clients", "tree", "a second", "ratio", *PARTS)
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
SMALL = {"media_type": CSV, "text": "a,b\n1,2\n"}
#: In this time all sandboxes are started.
WARM_UP_SECONDS = 10
UPLOADS_OF_EACH, EVERY_SECONDS = 50, 1.0
SMALL_PAYLOADS, CLIENTS, ROUNDS = 200, 8, 3
WAIT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    object_id: str
    #: When the last byte was sent, and when the owner was told that the object is ready, by the clock.
    sent_at: float
    ready_at: float


@dataclass(frozen=True, slots=True)
class Run:
    """Objects that were ready in a second, and the processor time that each took, by the process."""

    rate: float
    used: Mapping[str, float]


class Client:
    def __init__(self, url: str, owner: str) -> None:
        self.api = httpx2.Client(base_url=url, headers={"X-Owner": owner}, timeout=3 * WAIT_SECONDS)

    def close(self) -> None:
        self.api.close()

    def create(self, kind: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        body = {"kind": kind, "name": "payload", "payload": payload}
        answer = self.api.post("/v1/objects", json=body)
        assert answer.status_code == 201, answer.text
        created: Mapping[str, Any] = answer.json()
        return created

    def upload(self, name: str, media_type: str, content: bytes) -> Upload:
        """Hand over a payload, whose kind is the first word of its name, and wait until it is ready."""
        created = self.create(name.split(maxsplit=1)[0], {"media_type": media_type, "size": len(content)})
        asked = created["upload"]
        url = urlsplit(asked["url"])
        with closing(HTTPConnection(url.netloc)) as connection:
            connection.request(asked["method"], f"{url.path}?{url.query}", content, asked["headers"])
            sent_at = time.time()
            answer = connection.getresponse()
            answer.read()
        assert answer.status == 200
        self.wait(created["id"])
        return Upload(name, created["id"], sent_at, time.time())

    def wait(self, object_id: str) -> None:
        """Wait until the object is ready."""
        headers = {"Prefer": f"wait={WAIT_SECONDS}"}
        while True:
            answer = self.api.get(f"/v1/objects/{object_id}", headers=headers)
            if answer.status_code == 200:
                if (status := answer.json()["status"]) == "ready":
                    return
                assert status in {"pending", "processing"}, answer.text
                headers["If-None-Match"] = answer.headers["ETag"]


def main(arguments: Sequence[str]) -> None:
    trees = [ROOT, *(Path(argument).resolve() for argument in arguments if os.sep in argument)]
    about = f"An upload of about 1 MB every {EVERY_SECONDS:.0f} s: times from its last byte"
    table(about, WAY_HEAD, _way_rows())
    table(f"{SMALL_PAYLOADS} small CSVs within their requests", MANY_HEAD, _many_rows(trees))


def _way_rows() -> Iterator[Sequence[str]]:
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder, started(Path(folder)) as runtime:
        uploads = _uploads(runtime, payloads(Path(folder)))
        claims, calls = _logged(Path(folder))
    for name in dict.fromkeys(upload.name for upload in uploads):
        of_kind = [upload for upload in uploads if upload.name == name]
        claimed = [claims[upload.object_id] - upload.sent_at for upload in of_kind]
        ready = [upload.ready_at - upload.sent_at for upload in of_kind]
        called = median(calls[upload.object_id] for upload in of_kind)
        shown = (median(claimed), _p99(claimed), median(ready), _p99(ready), called)
        yield name, str(len(of_kind)), *(f"{seconds * 1000:.0f} ms" for seconds in shown)


def payloads(folder: Path) -> Mapping[str, tuple[str, bytes]]:
    """Return media types and bytes by kind and form."""
    photo(2600, 1950).save(folder / "photo.jpeg", quality=90)
    return {
        "dataset": (CSV, csv_file(folder, MB).path.read_bytes()),
        "image": ("image/jpeg", (folder / "photo.jpeg").read_bytes()),
        "document of 400 pages": (PDF, pdf_file(folder, 400).path.read_bytes()),
        "document of 2 scans": (PDF, scanned_pdf(folder, 2).path.read_bytes()),
        "file": ("application/octet-stream", Random(1).randbytes(MB)),  # noqa: S311  # not a secret
    }


def _uploads(runtime: Runtime, samples: Mapping[str, tuple[str, bytes]]) -> Sequence[Upload]:
    uploads = []
    time.sleep(WARM_UP_SECONDS)
    with closing(Client(runtime.url, "A")) as client:
        for name, sample in samples.items():
            client.upload(name, *sample)
        begin = time.monotonic()
        turns = islice(cycle(samples.items()), UPLOADS_OF_EACH * len(samples))
        for number, (name, sample) in enumerate(turns):
            time.sleep(max(0.0, begin + number * EVERY_SECONDS - time.monotonic()))
            uploads.append(client.upload(name, *sample))
    return uploads


def _logged(folder: Path) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Return by object when a worker claimed it, and the seconds that the worker's calls to AWS took."""
    claims, calls = {}, {}
    for line in map(json.loads, (folder / "log.jsonl").read_text().splitlines()):
        if line["message"] == "object.claimed":
            claims[line["object_id"]] = datetime.fromisoformat(line["timestamp"]).timestamp()
        if line["message"] == "message.done" and line["type"] == "arrival":
            calls[line["object_id"]] = line["aws_seconds"]
    return claims, calls


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[-1]


def _many_rows(trees: Sequence[Path]) -> Iterator[Sequence[str]]:
    for name, owners in (("one owner", "A" * CLIENTS), ("eight owners", "ABCDEFGH")):
        turns = [[_many(tree, owners) for tree in trees] for _ in range(ROUNDS)]
        for place, tree in enumerate(trees):
            runs = [turn[place] for turn in turns]
            yield (
                name,
                "this" if tree == ROOT else tree.name,
                f"{median(run.rate for run in runs):.1f}",
                f"{median(turn[0].rate / turn[place].rate for turn in turns):.2f}",
                *(f"{median(run.used[part] for run in runs) * 1000:.0f} ms" for part in PARTS),
            )


def _many(tree: Path, owners: str) -> Run:
    """Measure from the first request until the last object is ready."""
    with (
        TemporaryDirectory(prefix="wharf-benchmark-") as folder,
        started(Path(folder), root=tree) as runtime,
        ThreadPoolExecutor(CLIENTS) as threads,
        ExitStack() as open_clients,
    ):
        clients = [open_clients.enter_context(closing(Client(runtime.url, owner))) for owner in owners]
        time.sleep(WARM_UP_SECONDS)
        list(threads.map(_hand_over, clients, [1] * CLIENTS))
        before, began = _used(runtime.process.pid), time.monotonic()
        list(threads.map(_hand_over, clients, [SMALL_PAYLOADS // CLIENTS] * CLIENTS))
        seconds, after = time.monotonic() - began, _used(runtime.process.pid)
    used = {part: (after[part] - before[part]) / SMALL_PAYLOADS for part in PARTS}
    return Run(SMALL_PAYLOADS / seconds, used)


def _used(runtime: int) -> Mapping[str, float]:
    """Return the processor time of the run's processes, of those that have ended too, in seconds."""
    used = dict.fromkeys(PARTS, 0.0)
    for process in _family(runtime):
        with suppress(OSError):  # a sandboxed child that has ended counts as its parent's
            folder = Path("/proc", str(process))
            is_emulator = "launcher.py" in (folder / "cmdline").read_text()
            times = (folder / "stat").read_text().rpartition(")")[2].split()[11:15]
            part = "emulator" if is_emulator else "runtime" if process == runtime else "sandbox"
            used[part] += sum(map(int, times)) / TICKS_A_SECOND
    return used


def _family(process: int) -> Iterator[int]:
    """Yield the process and all that it started, and so on."""
    yield process
    for children in Path("/proc", str(process)).glob("task/*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from _family(int(child))


def _hand_over(client: Client, number: int) -> None:
    """Create objects one after another, and then wait until all are ready."""
    for object_id in [client.create("dataset", SMALL)["id"] for _ in range(number)]:
        client.wait(object_id)


if __name__ == "__main__":
    main(sys.argv[1:])

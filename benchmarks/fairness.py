"""Measure how long small payloads take while another owner floods the service, against `make run`.

Nine owners, B to J, hand over a CSV of 8 bytes every 2 seconds each. They do so alone first, and then while A
keeps 20 of its worst in the queue. The time is from the request that creates the object until its
owner is told that it is ready. This benchmark takes three minutes, and the machine for itself.
"""

import asyncio
import gzip
import io
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from PIL import Image

from app.domain.kinds import MEBIBYTE
from app.processors.image.decode import MOST_SCANNED_PIXELS
from benchmarks.measuring import table
from benchmarks.samples import CSV, PDF
from tests.system.conftest import started
from tests.system.test_bombs import endless_pdf

HEAD = ("", "payloads", "median", "19 of 20", "slowest", "ratio", "busy", "load")
OWNERS = "BCDEFGHIJ"
SMALL = b"a,b\n1,2\n"
EVERY_SECONDS = 2.0
#: In this time all sandboxes are started.
WARM_UP_SECONDS = 10
ALONE_SECONDS = 30
BESIDE_SECONDS = 120
#: Payloads that A keeps in the queue, those in work included.
FLOOD = 20
WAIT_SECONDS = 20
START_SCAN = b"\xff\xda"


@dataclass(frozen=True, slots=True)
class Worst:
    """A payload that holds a worker for as long as its kind allows."""

    kind: str
    media_type: str
    content: bytes


def worst() -> Sequence[Worst]:
    """Return what takes longest: a packed table, an endless PDF, and a JPEG with the most scans."""
    rows = gzip.compress(b"1,2.5,abc\n" * MEBIBYTE, mtime=0)
    return (
        Worst("dataset", CSV, rows * 200),
        Worst("document", PDF, endless_pdf()),
        Worst("image", "image/jpeg", scanned_again(8000)),
    )


def scanned_again(side: int) -> bytes:
    """Return a blank JPEG that repeats its last scan for as often as the service accepts."""
    drawn = io.BytesIO()
    Image.new("L", (side, side)).save(drawn, "JPEG", progressive=True)
    payload = drawn.getvalue()
    last = payload.rindex(START_SCAN)
    more = MOST_SCANNED_PIXELS // (side * side) - payload.count(START_SCAN)
    return payload[:last] + payload[last:-2] * (more + 1) + payload[-2:]


@dataclass(slots=True)
class Phase:
    """The measurements of one phase, alone or beside the flood."""

    seconds: list[float] = field(default_factory=list)
    #: The share of the machine's processor time that was used, by anybody.
    busy: float = 0.0
    load: float = 0.0


def main(_: Sequence[str]) -> None:
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder, started(Path(folder)) as runtime:
        alone, beside, settled = asyncio.run(_measure(runtime.url))
    table(
        "Nine owners' small payloads, alone and beside another owner's 20 worst", HEAD, _rows(alone, beside)
    )
    told = ", ".join(f"{number} {how}" for how, number in sorted(settled.items())) or "none"
    print(f"\nPayloads of A that were settled meanwhile: {told}")


def _rows(alone: Phase, beside: Phase) -> Iterator[Sequence[str]]:
    for name, phase in (("alone", alone), ("beside A", beside)):
        ratio = median(phase.seconds) / median(alone.seconds)
        times = (
            median(phase.seconds),
            quantiles(phase.seconds, n=20, method="inclusive")[-1],
            max(phase.seconds),
        )
        shown = (f"{seconds:.2f} s" for seconds in times)
        yield name, str(len(phase.seconds)), *shown, f"{ratio:.2f}", f"{phase.busy:.0%}", f"{phase.load:.1f}"


async def _measure(url: str) -> tuple[Phase, Phase, Mapping[str, int]]:
    """Return both phases, and how many of A's payloads came to which end in the second."""
    limits = httpx2.Limits(max_connections=4 * (FLOOD + len(OWNERS)))
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=3 * WAIT_SECONDS) as client:
        service = Service(client)
        await service.small_payloads(WARM_UP_SECONDS)
        alone = await service.small_payloads(ALONE_SECONDS)
        flood = [asyncio.create_task(service.keep_handing_over(number)) for number in range(FLOOD)]
        await service.handed_over_by_a.wait()
        service.settled.clear()
        beside = await service.small_payloads(BESIDE_SECONDS)
        settled = dict(service.settled)
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
    return alone, beside, settled


@dataclass(slots=True)
class Service:
    client: httpx2.AsyncClient
    payloads: Sequence[Worst] = field(default_factory=worst)
    #: Set once A has FLOOD payloads in the queue.
    handed_over_by_a: asyncio.Event = field(default_factory=asyncio.Event)
    settled: Counter[str] = field(default_factory=Counter)
    _handed_over: Any = field(default_factory=lambda: count(1))

    async def small_payloads(self, seconds: float) -> Phase:
        """Hand over each owner's payloads, whether those before are ready or not, and wait for all."""
        phase, ready = Phase(), []
        before = _processor_time()
        begin = time.monotonic()
        for number in range(round(len(OWNERS) * seconds / EVERY_SECONDS)):
            due = begin + number * EVERY_SECONDS / len(OWNERS)
            await asyncio.sleep(due - time.monotonic())
            ready.append(asyncio.create_task(self._small_payload(OWNERS[number % len(OWNERS)])))
        phase.seconds = await asyncio.gather(*ready)
        used, passed = (after - once for after, once in zip(_processor_time(), before, strict=True))
        phase.busy, phase.load = used / passed, os.getloadavg()[0]
        return phase

    async def keep_handing_over(self, number: int) -> None:
        """Hand over one of A's payloads after the other, each once the one before is settled."""
        while True:
            payload = self.payloads[number % len(self.payloads)]
            path = await self._hand_over("A", payload)
            if next(self._handed_over) == FLOOD:
                self.handed_over_by_a.set()
            self.settled[await self._settled("A", path)] += 1
            number += 1

    async def _small_payload(self, owner: str) -> float:
        began = time.monotonic()
        path = await self._hand_over(owner, Worst("dataset", CSV, SMALL))
        assert await self._settled(owner, path) == "ready"
        return time.monotonic() - began

    async def _hand_over(self, owner: str, payload: Worst) -> str:
        declared = {"media_type": payload.media_type, "size": len(payload.content)}
        body = {"kind": payload.kind, "name": "payload", "payload": declared}
        created = await self.client.post("/v1/objects", json=body, headers={"X-Owner": owner})
        assert created.status_code == 201, created.text
        upload = created.json()["upload"]
        stored = await self.client.request(
            upload["method"], upload["url"], content=payload.content, headers=upload["headers"]
        )
        assert stored.status_code == 200, stored.text
        return created.headers["Location"]

    async def _settled(self, owner: str, path: str) -> str:
        """Wait until the object is settled, and return how."""
        headers = {"X-Owner": owner, "Prefer": f"wait={WAIT_SECONDS}"}
        while True:
            answer = await self.client.get(path, headers=headers)
            if answer.status_code == 200:
                if (status := answer.json()["status"]) not in {"pending", "processing"}:
                    return str(status)
                headers["If-None-Match"] = answer.headers["ETag"]
            else:
                assert answer.status_code == 304, answer.text


def _processor_time() -> tuple[float, float]:
    """Return the time that all processors were used, and the time that has passed, times their number."""
    times = [int(number) for number in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = times[3] + times[4]
    return sum(times) - idle, sum(times)


if __name__ == "__main__":
    main(sys.argv[1:])

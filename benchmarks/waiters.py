"""Measure how soon waiting clients are told of a change: each of an object of its own, against `make run`.

What is shown is the time from the answer to the change, to whoever made it, until the waiting client is told.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import httpx2

from benchmarks.measuring import table
from tests.system.conftest import started

HEAD = ("clients", "threads more", "median", "19 of 20", "longest")
CLIENTS = 100
#: The pause between two changes.
PAUSE_SECONDS = 0.02
#: The time after which all clients are waiting.
BEGIN_SECONDS = 1.0
WAIT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Told:
    seconds: list[float]
    threads: int


def main(_: Sequence[str]) -> None:
    with TemporaryDirectory(prefix="wharf-benchmark-") as folder, started(Path(folder)) as runtime:
        told = asyncio.run(_wait(runtime.url, runtime.process.pid))
    shown = (median(told.seconds), quantiles(told.seconds, n=20, method="inclusive")[-1], max(told.seconds))
    row = (str(CLIENTS), str(told.threads), *(f"{seconds * 1000:.0f} ms" for seconds in shown))
    table("Clients that wait, each for an object that is changed once", HEAD, iter([row]))


async def _wait(url: str, process: int) -> Told:
    limits = httpx2.Limits(max_connections=2 * CLIENTS)
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=2 * WAIT_SECONDS) as client:
        objects = [await _create(client, number) for number in range(CLIENTS)]
        before = _threads(process)
        waiting = [asyncio.create_task(_answered(client, one)) for one in objects]
        await asyncio.sleep(BEGIN_SECONDS)
        threads, changed = _threads(process) - before, []
        for one in objects:
            answer = await client.patch(one, json={"name": "changed"})
            changed.append(time.perf_counter())
            assert answer.status_code == 200
            await asyncio.sleep(PAUSE_SECONDS)
        answered = await asyncio.gather(*waiting)
    return Told([told - began for told, began in zip(answered, changed, strict=True)], threads)


async def _create(client: httpx2.AsyncClient, number: int) -> str:
    answer = await client.post("/v1/objects", json={"kind": "record", "name": f"number {number}"})
    return answer.headers["Location"]


async def _answered(client: httpx2.AsyncClient, one: str) -> float:
    """Return when the client was told of version 2."""
    headers = {"If-None-Match": '"1"', "Prefer": f"wait={WAIT_SECONDS}"}
    answer = await client.get(one, headers=headers)
    while answer.status_code == 304:  # a machine that is very busy takes longer than one wait
        answer = await client.get(one, headers=headers)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    return time.perf_counter()


def _threads(process: int) -> int:
    return sum(1 for _ in Path(f"/proc/{process}/task").iterdir())


if __name__ == "__main__":
    main(sys.argv[1:])

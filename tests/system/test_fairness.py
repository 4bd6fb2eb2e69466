"""One owner's slow payloads do not hold up another's small one."""

import gzip
import time
from pathlib import Path

import pytest

from app.local.runtime import WORKERS
from tests.system.client import Client
from tests.system.conftest import started

pytestmark = pytest.mark.long

#: A few hundred kilobytes, which take a worker many seconds.
SLOW = gzip.compress(b"id,a,b\n" + b"1,2.5,abc\n" * 30_000_000, 6)
#: The time in which a worker begins, if one is free.
BEGIN_SECONDS = 3


def test_a_small_payload_is_ready_before_any_of_another_owners_slow_ones(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        greedy = Client(runtime.url, {"X-Owner": "greedy"})
        modest = Client(runtime.url, {"X-Owner": "modest"})
        slow = []
        for number in range(WORKERS):
            # One at a time, so that no worker gets two of them at once.
            slow.append(greedy.upload("dataset", f"{number}.csv.gz", "text/csv", SLOW))
            wait_until_begun(greedy, slow[-1])

        small = modest.upload("dataset", "small.csv", "text/csv", b"a,b\n1,2\n")
        settled = modest.wait_until_settled(small)
        statuses = {status_of(greedy, one) for one in slow}

    assert settled["status"] == "ready"
    assert statuses <= {"pending", "processing"}


def wait_until_begun(client: Client, object_id: str) -> None:
    """Wait until a worker has begun, or until it is plain that none is free."""
    give_up = time.monotonic() + BEGIN_SECONDS
    while status_of(client, object_id) == "pending" and time.monotonic() < give_up:
        time.sleep(0.05)


def status_of(client: Client, object_id: str) -> str:
    return str(client.get(f"/v1/objects/{object_id}").json()["status"])

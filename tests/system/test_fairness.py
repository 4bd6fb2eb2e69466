"""One owner's slow payloads do not hold up another's small one."""

import re
import time
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pytest

from app.local.runtime import WORKERS, WORKERS_OF_ONE_OWNER
from tests.system.client import Client, eventually
from tests.system.conftest import Runtime, started
from tests.system.test_bombs import PDF, endless_pdf

pytestmark = pytest.mark.long

#: The time in which a worker begins, if one is free.
BEGIN_SECONDS = 3
FLOOD = 20
#: The owners of the small payloads that come meanwhile, in their order.
SMALL_ONES = "BCDBCDBCD"
#: The line that the worker logs when it begins with a payload, and when it is done.
STEP = re.compile(r"object\.(claimed|ready|rejected) .*object_id=(\S+) owner=local-(\w+)$", re.MULTILINE)


def test_a_small_payload_is_ready_before_any_of_another_owners_slow_ones(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        greedy, modest = client(runtime, "greedy"), client(runtime, "modest")
        slow = []
        for _ in range(WORKERS):
            # One at a time, so that no worker gets two of them at once.
            slow.append(hand_over_a_slow_one(greedy))
            wait_until_begun(greedy, slow[-1])

        small = hand_over_a_small_one(modest)
        settled = modest.wait_until_settled(small)
        statuses = {status_of(greedy, one) for one in slow}

    assert settled["status"] == "ready"
    assert statuses <= {"pending", "processing"}


def test_of_a_flood_few_are_in_work_at_once_and_no_small_payload_waits_for_more(tmp_path: Path) -> None:
    begun_before = dict[str, int]()
    with started(tmp_path) as runtime:
        greedy = client(runtime, "greedy")
        for _ in range(FLOOD):
            hand_over_a_slow_one(greedy)
        for owner in SMALL_ONES:
            modest = client(runtime, owner)
            begun = begun_of("greedy", steps_of(runtime))
            small = hand_over_a_small_one(modest)
            begun_before[small] = begun
            assert modest.wait_until_settled(small)["status"] == "ready"
        steps = steps_of(runtime)

    until_begun = {small: steps[: steps.index(begins(small, steps))] for small in begun_before}
    waited_for = [begun_of("greedy", until_begun[small]) - begun for small, begun in begun_before.items()]
    assert most_at_once("greedy", steps) == WORKERS_OF_ONE_OWNER
    assert max(waited_for) <= WORKERS_OF_ONE_OWNER


def test_each_worker_has_a_sandbox_before_a_payload_needs_it(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        assert eventually(lambda: fork_servers(runtime) == WORKERS, within=60)


class Step(NamedTuple):
    """A step of a payload, as the worker logged it."""

    name: str
    object_id: str
    owner: str


def steps_of(runtime: Runtime) -> list[Step]:
    return [Step(*found) for found in STEP.findall(runtime.output())]


def begins(object_id: str, steps: Sequence[Step]) -> Step:
    return next(step for step in steps if step.name == "claimed" and step.object_id == object_id)


def begun_of(owner: str, steps: Sequence[Step]) -> int:
    """Return how many payloads of the owner a worker has begun with."""
    return sum(step.owner == owner and step.name == "claimed" for step in steps)


def most_at_once(owner: str, steps: Sequence[Step]) -> int:
    """Return how many payloads of the owner were in work at once, at most."""
    changes = (1 if step.name == "claimed" else -1 for step in steps if step.owner == owner)
    return max(accumulate(changes))


def fork_servers(runtime: Runtime) -> int:
    """Return how many sandboxes the runtime has started."""
    children = Path(f"/proc/{runtime.process.pid}/task").glob("*/children")
    commands = (
        Path(f"/proc/{pid}/cmdline").read_bytes() for each in children for pid in each.read_text().split()
    )
    return sum(b"app.sandbox.server" in command for command in commands)


def client(runtime: Runtime, owner: str) -> Client:
    return Client(runtime.url, {"X-Owner": owner})


def hand_over_a_slow_one(client: Client) -> str:
    """Hand over half a kilobyte that takes a worker a minute."""
    return client.upload("document", "endless.pdf", PDF, endless_pdf())


def hand_over_a_small_one(client: Client) -> str:
    return client.upload("dataset", "small.csv", "text/csv", b"a,b\n1,2\n")


def wait_until_begun(client: Client, object_id: str) -> None:
    """Wait until a worker has begun, or until it is plain that none is free."""
    give_up = time.monotonic() + BEGIN_SECONDS
    while status_of(client, object_id) == "pending" and time.monotonic() < give_up:
        time.sleep(0.05)


def status_of(client: Client, object_id: str) -> str:
    return str(client.get(f"/v1/objects/{object_id}").json()["status"])

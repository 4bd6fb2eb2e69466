"""The stack survives its own death in the middle of the work."""

import fcntl
import json
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.domain.objects.values import Status
from app.domain.times import utc_now
from app.local.aws.emulator import Emulator
from app.local.feeding.place import PlaceFile
from app.storage.objects import ObjectRepository
from tests.conftest import Measured, make_object
from tests.system.client import Client, eventually
from tests.system.conftest import Runtime, emulated, session_of, started
from tests.system.faulty import failing
from tests.system.samples import as_csv

pytestmark = pytest.mark.long

KILLS = 5
BACKLOG = 3000
#: Objects of each run that is killed; a batch of the stream holds 100 records.
CREATED = 40


def test_an_object_whose_worker_was_killed_is_finished_by_the_next_run_at_once(tmp_path: Path) -> None:
    """Its lease would be held for five minutes, but nobody is left who holds it."""
    with started(tmp_path) as first:
        client = Client(first.url, {})
        rows = as_csv().partition(b"\n")[2]
        object_id = client.upload("dataset", "trips.csv", "text/csv", as_csv() + rows * 3)
        wait_for_status(client, object_id, "processing")
        first.stop(signal.SIGKILL)
    # The emulator saves its state and ends when its parent is gone.
    wait_until_free(tmp_path)
    with started(tmp_path) as second:
        found = Client(second.url, {}).wait_until_settled(object_id)

    assert found["status"] == "ready"
    assert found["version"] == 3


def wait_for_status(client: Client, object_id: str, status: str) -> None:
    give_up = time.monotonic() + 30
    while client.get(f"/v1/objects/{object_id}").json()["status"] != status:
        assert time.monotonic() < give_up
        time.sleep(0.005)


def wait_until_free(data_dir: Path) -> None:
    """The lock is held for as long as the emulator lives."""
    with (data_dir / "emulator.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


class TestWhileTheEmulatorLives:
    """Several runs, one after the other, on an emulator that is not theirs."""

    def test_a_killed_run_publishes_nothing_again(self, tmp_path: Path, aws: Emulator) -> None:
        ids: list[str] = []
        for _ in range(3):
            with started(tmp_path, settings=aws.environment) as runtime:
                ids += [create(runtime) for _ in range(5)]
                assert all_are_published(tmp_path, ids)
                # The place is kept right after the events.
                time.sleep(0.5)
                runtime.stop(signal.SIGKILL)

        assert sorted(published(tmp_path)) == sorted(ids)
        assert aws.is_alive()

    def test_runs_that_are_killed_in_the_middle_repeat_a_batch_each_at_most(
        self, tmp_path: Path, aws: Emulator, measured: Measured
    ) -> None:
        ids: list[str] = []
        for _ in range(KILLS):
            with started(tmp_path, settings=aws.environment) as runtime:
                ids += [create(runtime) for _ in range(CREATED)]
                runtime.stop(signal.SIGKILL)
        with started(tmp_path, settings=aws.environment):
            assert all_are_published(tmp_path, ids)

        events = published(tmp_path)
        assert set(events) == set(ids)
        # A start that publishes the whole stream again would repeat three times as many.
        repeats = len(events) - len(ids)
        assert repeats <= KILLS * CREATED
        measured(f"{KILLS} kills: {len(events)} events of {len(ids)} versions, {repeats} of them repeats")

    def test_a_crash_loop_comes_up_although_calls_fail(self, tmp_path: Path, aws: Emulator) -> None:
        ids: list[str] = []
        with failing(aws.url, share=0.05) as url:
            settings = {**aws.environment, "AWS_ENDPOINT_URL": url}
            for _ in range(KILLS):
                with started(tmp_path, settings=settings) as runtime:
                    ids += [create(runtime) for _ in range(5)]
                    runtime.stop(signal.SIGKILL)
            with started(tmp_path, settings=settings):
                assert all_are_published(tmp_path, ids)

    def test_what_is_in_the_stream_after_a_clean_stop_is_published_by_the_next_run(
        self, tmp_path: Path, aws: Emulator
    ) -> None:
        """An operator writes while nothing relays."""
        with started(tmp_path, settings=aws.environment) as runtime:
            first = create(runtime)
            assert all_are_published(tmp_path, [first])
            runtime.stop(signal.SIGTERM)
        drained = PlaceFile(tmp_path).read()
        dynamodb = session_of(aws).client("dynamodb", endpoint_url=aws.url)
        [table] = [name for name in dynamodb.list_tables()["TableNames"] if "Objects" in name]
        second = ObjectRepository(dynamodb, table, 1).add(make_object(id=str(uuid4())))
        with started(tmp_path, settings=aws.environment):
            assert all_are_published(tmp_path, [first, second.id])
            running = PlaceFile(tmp_path).read()

        assert (drained.is_drained, running.is_drained) == (True, False)
        assert published(tmp_path).count(first) == 1


def test_a_sweep_acts_although_the_work_queue_is_full(
    tmp_path: Path, aws: Emulator, measured: Measured
) -> None:
    with started(tmp_path, settings=aws.environment) as runtime:
        runtime.stop(signal.SIGTERM)
    session = session_of(aws)
    dynamodb = session.client("dynamodb", endpoint_url=aws.url)
    [table] = [name for name in dynamodb.list_tables()["TableNames"] if "Objects" in name]
    objects = ObjectRepository(dynamodb, table, shards=1)
    sqs = session.client("sqs", endpoint_url=aws.url)
    [url] = [one for one in sqs.list_queues()["QueueUrls"] if "WorkQueue" in one]
    for number in range(BACKLOG // 10):
        entries: Any = [{"Id": str(i), "MessageBody": f"message {number}.{i}"} for i in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    overdue = objects.add(make_object(id=str(uuid4()), deadline=utc_now() - timedelta(minutes=1)))

    with started(tmp_path, settings=aws.environment):
        assert eventually(lambda: objects.get(overdue.owner, overdue.id).status is Status.EXPIRED)
        waiting = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])

    left = int(waiting["Attributes"]["ApproximateNumberOfMessages"])
    assert left > 0
    measured(f"the first sweep acted on an overdue object while {left} of {BACKLOG} messages waited")


def test_a_clean_stop_is_noted_and_the_next_run_has_nothing_to_announce(tmp_path: Path) -> None:
    with started(tmp_path) as first:
        created = create(first)
        first.stop(signal.SIGTERM)
    noted = PlaceFile(tmp_path).read()
    with started(tmp_path):
        running = PlaceFile(tmp_path).read()

    assert (noted.is_caught_up, noted.is_drained) == (True, True)
    assert (running.is_caught_up, running.is_drained, running.shards) == (True, False, {})
    assert published(tmp_path) == [created]


def test_after_a_crash_nothing_is_left_unannounced(tmp_path: Path) -> None:
    """The stream went with the emulator, so versions are compared with history."""
    with started(tmp_path) as first:
        ids = [create(first) for _ in range(20)]
        first.stop(signal.SIGKILL)
    wait_until_free(tmp_path)
    before = PlaceFile(tmp_path).read()
    with started(tmp_path):
        assert all_are_published(tmp_path, ids)
        after = PlaceFile(tmp_path).read()

    assert not before.is_drained
    assert after.is_caught_up


@pytest.fixture
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulated(tmp_path_factory.mktemp("aws")) as own:
        yield own


def create(runtime: Runtime) -> str:
    created = Client(runtime.url, {}).create({"kind": "record", "name": "order 42"})
    return str(created.json()["id"])


def all_are_published(data_dir: Path, ids: list[str]) -> bool:
    return eventually(lambda: set(ids) <= set(published(data_dir)))


def published(data_dir: Path) -> list[str]:
    """The ids of the objects of all events that were published, repeats as well."""
    log = data_dir / "log.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [line["object_id"] for line in lines if line["message"] == "event.published"]

"""What the stack survives: its own death in the middle of the work."""

import fcntl
import signal
import time
from pathlib import Path

import boto3
import pytest

from tests.system.client import Client
from tests.system.conftest import Runtime, started
from tests.system.samples import as_csv

LEASE_SECONDS = 10


def test_an_object_whose_worker_was_killed_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEASE_SECONDS", str(LEASE_SECONDS))
    with started(tmp_path) as first:
        client = Client(first.url, {})
        rows = as_csv().partition(b"\n")[2]
        object_id = client.upload("dataset", "trips.csv", "text/csv", as_csv() + rows * 3)
        wait_for_status(client, object_id, "processing")
        first.stop(signal.SIGKILL)
    # The emulator saves its state and ends when its parent is gone.
    wait_until_free(tmp_path)
    with started(tmp_path) as second:
        client = Client(second.url, {})
        interrupted = client.get(f"/v1/objects/{object_id}").json()
        time.sleep(LEASE_SECONDS)
        sweep(second)
        found = client.wait_until_settled(object_id)

    assert interrupted["status"] == "processing"
    assert found["status"] == "ready"
    assert found["version"] == 3


def wait_for_status(client: Client, object_id: str, status: str) -> None:
    give_up = time.monotonic() + 30
    while client.get(f"/v1/objects/{object_id}").json()["status"] != status:
        assert time.monotonic() < give_up
        time.sleep(0.005)


def wait_until_free(data_dir: Path) -> None:
    """The lock is held for as long as the emulator lives."""
    with (data_dir / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def sweep(runtime: Runtime) -> None:
    """The clock's message, now rather than within the minute."""
    endpoint = f"http://127.0.0.1:{runtime.aws_port}"
    session = boto3.session.Session("test", "test", region_name="us-east-1")
    outputs = session.client("cloudformation", endpoint_url=endpoint).describe_stacks(StackName="wharf")
    queue_url = next(
        output["OutputValue"]
        for output in outputs["Stacks"][0]["Outputs"]
        if output["OutputKey"] == "QueueUrl"
    )
    body = '{"detail-type":"sweep","source":"wharf.clock","detail":{}}'
    session.client("sqs", endpoint_url=endpoint).send_message(QueueUrl=queue_url, MessageBody=body)

"""An upload in parts on the running stack: its client is killed, and the next knows only the object's id.

CASES=all sends 1 GB instead of 40 MB.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Measured
from tests.shares import CASES
from tests.system.client import Client, send
from tests.system.conftest import ROOT, Runtime, started
from tests.system.parts_client import MIB, Uploader, part_of, put

SIZE = 1024 * MIB - 5 if os.environ.get(CASES) == "all" else 40 * MIB - 5
#: The client is killed once this share of the parts is there.
KILLED_AT = 0.4


@pytest.fixture(scope="module")
def client(running: Runtime) -> Client:
    return Client(running.url, {"X-Owner": "parts"})


def create(client: Client, size: int, **more: Any) -> str:
    payload = {"media_type": "application/octet-stream", "size": size, "multipart": True, **more}
    created = client.create({"kind": "file", "name": "film.bin", "payload": payload})
    assert created.status == 201, created.body
    return str(created.json()["id"])


def digest(size: int) -> str:
    found = hashlib.sha256()
    for start in range(0, size, MIB):
        found.update(part_of(start, min(MIB, size - start)))
    return found.hexdigest()


def test_a_client_that_was_killed_goes_on_with_nothing_but_the_id(
    running: Runtime, client: Client, measured: Measured
) -> None:
    object_id = create(client, SIZE, sha256=digest(SIZE))
    total = Uploader(running.url, client.headers, object_id).state()["part_count"]
    killed_at = max(1, round(total * KILLED_AT))
    command = [sys.executable, "-m", "tests.system.parts_client", running.url, json.dumps(client.headers)]
    with subprocess.Popen([*command, object_id], cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        sent_first = [first.stdout.readline() for _ in range(killed_at)]
        first.kill()
        sent_first += first.stdout.readlines()

    second = Uploader(running.url, client.headers, object_id)
    there = {part["number"] for part in second.state()["uploaded"]}
    began = time.monotonic()
    sent_second = list(second.send_missing())
    second.complete()
    found = client.wait_until_settled(object_id)

    measured(
        f"{SIZE} bytes in {total} parts: {len(sent_first)} sent before the kill, {len(sent_second)} after, "
        f"{time.monotonic() - began:.1f} s from there to ready"
    )
    assert (found["status"], found["problem"]) == ("ready", None)
    assert found["payload"]["size"] == SIZE
    assert len(there) >= killed_at
    # Only the part that was on its way may be sent again.
    assert len(sent_first) + len(sent_second) <= total + 1
    assert open_uploads(running, object_id) == []


def open_uploads(runtime: Runtime, object_id: str) -> list[str]:
    s3 = runtime.client("s3")
    [bucket] = [one["Name"] for one in s3.list_buckets()["Buckets"] if "payload" in one["Name"]]
    found = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return [one["Key"] for one in found if object_id in one["Key"]]


def test_an_upload_that_is_given_up_leaves_nothing(running: Runtime, client: Client) -> None:
    object_id = create(client, 9 * MIB)
    uploader = Uploader(running.url, client.headers, object_id)
    uploader.send_part(1)

    statuses = [uploader.give_up() for _ in range(2)]

    found = client.get(f"/v1/objects/{object_id}").json()
    assert statuses == [204, 204]
    assert (found["status"], found["problem"]["code"]) == ("expired", "upload_cancelled")
    assert open_uploads(running, object_id) == []
    assert client.post(f"/v1/objects/{object_id}/upload/complete", b"").status == 409


def test_missing_parts_are_named_and_wrong_ones_refused(running: Runtime, client: Client) -> None:
    object_id = create(client, 9 * MIB)
    uploader = Uploader(running.url, client.headers, object_id)
    url = uploader.url_of(2)

    wrong = [put(url, b"x" * length) for length in (MIB - 1, MIB + 1)]
    refused = client.post(f"/v1/objects/{object_id}/upload/complete", b"")
    stranger = Client(running.url, {"X-Owner": "another"})

    assert wrong == [403, 403]
    assert (refused.status, refused.json()["missing"]) == (409, [1, 2])
    assert stranger.get(f"/v1/objects/{object_id}/upload").status == 404


def test_the_put_that_the_page_shows_runs(running: Runtime, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(MIB))
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / "uploads.md").read_text(), re.DOTALL)
    script = "".join(blocks).replace("http://127.0.0.1:8000", running.url)

    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f'{script}echo "$id"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    found = Client(running.url, {}).wait_until_settled(ran.stdout.split()[-1])
    assert (found["status"], found["payload"]["media_type"]) == ("ready", "video/mp4")


def test_a_single_put_gets_its_url_again(client: Client) -> None:
    payload = {"media_type": "text/plain", "size": 5}
    object_id = client.create({"kind": "file", "name": "a.txt", "payload": payload}).json()["id"]

    upload = client.get(f"/v1/objects/{object_id}/upload").json()

    assert send(upload["method"], upload["url"], body=b"hello", headers=upload["headers"]).status == 200
    assert client.wait_until_settled(object_id)["status"] == "ready"


@pytest.mark.long
def test_after_a_restart_of_the_emulator_the_upload_begins_anew(tmp_path: Path) -> None:
    """It forgets the parts of open uploads."""
    size = 9 * MIB
    with started(tmp_path) as first:
        client = Client(first.url, {})
        object_id = create(client, size)
        Uploader(first.url, {}, object_id).send_part(1)
        first.stop()
    with started(tmp_path) as second:
        uploader = Uploader(second.url, {}, object_id)
        missing = uploader.state()["missing"]
        list(uploader.send_missing())
        uploader.complete()
        found = Client(second.url, {}).wait_until_settled(object_id)
        left = open_uploads(second, object_id)

    assert missing == [1, 2]
    assert (found["status"], found["payload"]["sha256"]) == ("ready", digest(size))
    assert left == []

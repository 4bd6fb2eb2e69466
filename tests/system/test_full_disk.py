"""A disk that is full loses nothing that was acknowledged: what does not fit is refused in time."""

import os
from pathlib import Path

import pytest

from tests.small_disks import SMALL_DISK_BYTES
from tests.system.client import Answer, Client, eventually, send
from tests.system.conftest import started

pytestmark = pytest.mark.long

MEBIBYTE = 1024 * 1024
FILE_BYTES = 8 * MEBIBYTE
FILES = 8


def test_what_was_acknowledged_is_there_after_a_restart(small_disk: Path) -> None:
    payloads: dict[str, bytes] = {}
    with started(small_disk) as first:
        client = Client(first.url, {})
        before = client.get("/readyz")
        statuses = []
        for number in range(FILES):
            payload = os.urandom(FILE_BYTES)
            declared = {"media_type": "application/octet-stream", "size": FILE_BYTES}
            created = client.create({"kind": "file", "name": f"{number}", "payload": declared}).json()
            upload = created["upload"]
            answer = send("PUT", upload["url"], body=payload, headers=upload["headers"])
            statuses.append(answer.status)
            if answer.status == 200:
                payloads[created["id"]] = payload
        settled = {one: client.wait_until_settled(one)["status"] for one in payloads}
        after = client.get("/readyz")
        told = eventually(lambda: f"The disk of {small_disk} is full: " in first.output())
        assert first.stop() == 0

    with started(small_disk) as second:
        client = Client(second.url, {})
        found = {one: client.get(f"/v1/objects/{one}/payload").body for one in payloads}

    assert statuses == [200] * len(payloads) + [507] * (FILES - len(payloads))
    assert 2 <= len(payloads) < FILES
    assert set(settled.values()) == {"ready"}
    assert (before.status, after.status) == (200, 503)
    assert "disk (it has no room)" in after.json()["detail"]
    assert told
    assert found == payloads


def test_room_that_comes_back_is_used(small_disk: Path) -> None:
    with started(small_disk) as runtime:
        client = Client(runtime.url, {})
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * (SMALL_DISK_BYTES - 3 * MEBIBYTE))
        refused = [client.get("/readyz").status, inline(client).status]
        filler.unlink()
        taken = [client.get("/readyz").status, inline(client).status]

    assert refused == [503, 503]
    assert taken == [200, 201]


def inline(client: Client) -> Answer:
    payload = {"media_type": "text/csv", "text": "a,b\n1,2\n"}
    return client.create({"kind": "dataset", "name": "small.csv", "payload": payload})


def test_a_full_disk_of_the_worker_fails_nobodys_payload(small_disk: Path, tmp_path: Path) -> None:
    """One attempt is all that each payload has. Two do not fit at once, nor what is made of one."""
    rows = "".join(f"{os.urandom(32).hex()}\n" for _ in range(14_000))
    payload = f"a\n{rows}".encode()
    settings = {"TMPDIR": str(small_disk), "MAX_ATTEMPTS": "1"}
    with started(tmp_path / "data", settings=settings) as runtime:
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * (SMALL_DISK_BYTES - MEBIBYTE))
        clients = [Client(runtime.url, {"X-Owner": owner}) for owner in ("one", "other")]
        uploaded = [client.upload("dataset", "a.csv", "text/csv", payload) for client in clients]
        is_met = eventually(lambda: runtime.output().count("processing.failed") >= len(clients))
        filler.unlink()
        settled = [client.wait_until_settled(one) for client, one in zip(clients, uploaded, strict=True)]

    assert is_met
    assert [(one["status"], one["version"]) for one in settled] == [("ready", 3)] * len(clients)

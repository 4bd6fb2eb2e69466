"""The limits of the running stack, from the settings of `make run` to the owner who meets them."""

from pathlib import Path

import pytest

from tests.system.client import Client, eventually, send
from tests.system.conftest import started

RECORD = {"kind": "record", "name": "order 42"}
MAX_BYTES = 1_099_511_627_776


@pytest.mark.long
def test_an_owner_meets_the_limits_and_finds_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_OBJECTS", "2")
    monkeypatch.setenv("MAX_BYTES", str(MAX_BYTES))
    with started(tmp_path) as runtime:
        client = Client(runtime.url, {"X-Owner": "rushing"})
        first, second, refused = [client.create(RECORD) for _ in range(3)]

        assert [first.status, second.status, refused.status] == [201, 201, 403]
        assert refused.json()["code"] == "quota_exceeded"
        assert client.get("/v1/usage").json()["limits"] == {"objects": 2, "bytes": MAX_BYTES}

        send("DELETE", f"{client.url}/v1/objects/{first.json()['id']}", headers=client.headers)
        assert eventually(lambda: client.create(RECORD).status == 201)
        assert client.create(RECORD).status == 403

"""A download is whole or not there."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.clients.service import Service, breaking_after, problem
from wharf_client import ObjectNotReady, SourceChanged, StorageRefused, WharfError

PAYLOAD = b"a,b\n" + b"1,2\n" * 1000


def test_a_payload_and_an_artifact_are_written_to_files(
    client: Any, service: Service, tmp_path: Path
) -> None:
    service.be_ready(PAYLOAD)
    told: list[int] = []

    client.download("o-1", tmp_path / "a", progress=lambda done, _total: told.append(done))
    client.download("o-1", tmp_path / "b", artifact="profile.json")

    assert [file.read_bytes() for file in sorted(tmp_path.iterdir())] == [PAYLOAD, PAYLOAD]
    assert told[-1] == len(PAYLOAD)


def test_it_goes_on_where_the_connection_broke(client: Any, service: Service, tmp_path: Path) -> None:
    service.be_ready(PAYLOAD)
    service.faults["GET", "/payload"] = [
        httpx2.Response(200, json={"url": "http://storage.test/payload?signature=0"}),
        breaking_after(PAYLOAD[:700]),
        breaking_after(PAYLOAD[700:900], 206),
    ]

    client.download("o-1", tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == PAYLOAD
    ranges = [
        request.headers.get("range") for request in service.requests if request.url.host == "storage.test"
    ]
    assert ranges == [None, "bytes=700-", "bytes=900-"]


def test_a_url_that_has_ended_is_asked_for_again(client: Any, service: Service, tmp_path: Path) -> None:
    service.be_ready(PAYLOAD)
    link = httpx2.Response(200, json={"url": "http://storage.test/payload?signature=0"})
    service.faults["GET", "/payload"] = [link, httpx2.Response(403)]

    client.download("o-1", tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == PAYLOAD


def test_other_bytes_than_declared_are_not_kept(client: Any, service: Service, tmp_path: Path) -> None:
    service.be_ready(PAYLOAD)
    service.payload = PAYLOAD[::-1]

    with pytest.raises(SourceChanged):
        client.download("o-1", tmp_path / "a")

    assert list(tmp_path.iterdir()) == []


def test_storage_that_refuses_is_an_error(client: Any, service: Service, tmp_path: Path) -> None:
    service.be_ready(PAYLOAD)
    link = httpx2.Response(200, json={"url": "http://storage.test/payload?signature=0"})
    service.faults["GET", "/payload"] = [link, httpx2.Response(400, text="no")]

    with pytest.raises(StorageRefused, match="400: no"):
        client.download("o-1", tmp_path / "a")


def test_what_is_not_there_is_told(client: Any, service: Service, tmp_path: Path) -> None:
    service.be_ready(PAYLOAD)
    with pytest.raises(WharfError, match=r"has no artifact of this name. It has: profile.json."):
        client.download("o-1", tmp_path / "a", artifact="thumbnail.webp")

    service.stored |= {"status": "pending", "payload": None}
    with pytest.raises(ObjectNotReady):
        client.download("o-1", tmp_path / "a")

    service.faults["GET", "/v1/objects"] = [problem(404, "not_found")]
    with pytest.raises(WharfError, match="not_found"):
        client.download("o-1", tmp_path / "a")

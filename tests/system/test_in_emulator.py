"""The template whole inside the emulator: its API Gateway in front, its functions as Lambda."""

import json
import time
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.system.client import send
from tests.system.conftest import SignedApi

CSV = b"city,people\nPorto,231800\nBergen,289330\n"
SETTLES_SECONDS = 60


def wait_until_settled(functions: SignedApi, object_id: str) -> dict[str, Any]:
    give_up = time.monotonic() + SETTLES_SECONDS
    while (found := functions.call("GET", f"/v1/objects/{object_id}"))["status"] in {"pending", "processing"}:
        assert time.monotonic() < give_up, found
        time.sleep(0.1)
    return found


def test_a_payload_uploaded_to_a_presigned_url_becomes_ready(functions: SignedApi) -> None:
    payload = {"media_type": "text/csv", "size": len(CSV)}
    body = {"kind": "dataset", "name": "cities.csv", "payload": payload}
    created = functions.call("POST", "/v1/objects", body)
    upload = created["upload"]
    stored = send(upload["method"], upload["url"], body=CSV, headers=upload["headers"])

    found = wait_until_settled(functions, created["id"])

    assert stored.status == 200
    assert found["status"] == "ready"
    assert found["result"]["summary"] == {"format": "csv", "rows": 2, "columns": 2}
    link = functions.call("GET", f"/v1/objects/{created['id']}/artifacts/profile.json")
    profile = json.loads(send("GET", link["url"]).body)
    assert [column["name"] for column in profile["columns"]] == ["city", "people"]


def test_the_relay_function_writes_the_history(functions: SignedApi) -> None:
    payload = {"media_type": "text/plain", "text": "Ahoy"}
    created = functions.call("POST", "/v1/objects", {"kind": "file", "name": "a.txt", "payload": payload})
    expected = ["object.created", "object.processing", "object.ready"]

    give_up = time.monotonic() + SETTLES_SECONDS
    types: list[str] = []
    while types != expected and time.monotonic() < give_up:
        history = functions.call("GET", f"/v1/objects/{created['id']}/history")
        types = [event["type"] for event in history["items"]]

    assert types == expected


def test_an_admin_reads_what_another_caller_has_by_saying_so_and_nobody_else_does(
    functions: SignedApi,
) -> None:
    admin = replace(functions, credentials=functions.admin)
    created = functions.call("POST", "/v1/objects", {"kind": "record", "name": "order 42"})
    path = f"/v1/objects/{created['id']}"

    assert admin.call("GET", f"{path}?owner={functions.owner}")["name"] == "order 42"
    with pytest.raises(AssertionError, match=": 404 "):
        admin.call("GET", path)
    with pytest.raises(AssertionError, match=": 403 "):
        functions.call("GET", f"{path}?owner=iam-SOMEBODYELSE")


def test_api_gateway_refuses_a_caller_who_does_not_sign(functions: SignedApi) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{functions.url}/v1/objects", timeout=30)

    refused.value.close()
    assert refused.value.code == 403

"""The template whole inside the emulator: its API Gateway in front, its functions as Lambda."""

import time
from dataclasses import replace

import pytest

from tests.system.client import send
from tests.system.conftest import SignedApi

SETTLES_SECONDS = 60


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


def test_a_stranger_gets_the_apis_own_answer_where_there_is_no_page(functions: SignedApi) -> None:
    """Where a resource has no method, API Gateway refuses the stranger itself."""
    answer = send("GET", f"{functions.url}/problems")

    assert (answer.status, answer.json()["code"]) == (404, "not_found")


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

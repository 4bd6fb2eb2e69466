"""Records that were set aside, on both backends: each comes back whole, in the order of its object."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.storage.set_aside import SetAsideStore, in_order_of_objects, number_of
from tests.conftest import Aws

BATCH = "aws/lambda/0e1c/shardId-1/2026/03/01/2026-03-01T09.30.00-5b8e"


@pytest.fixture
def aside(backend: Aws) -> Iterator[SetAsideStore]:
    store = backend.adapters().set_aside
    yield store
    for file in store.files():
        store.remove(file)


def record(pk: str, number: str) -> dict[str, Any]:
    return {"eventID": number, "dynamodb": {"Keys": {"pk": {"S": pk}}, "SequenceNumber": number}}


def by_lambda(backend: Aws, body: Any, key: str = BATCH) -> None:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    backend.s3.put_object(Bucket=backend.bucket, Key=key, Body=text)


def test_a_record_comes_back_whole(aside: SetAsideStore) -> None:
    kept = record("local-me#1", "4711")

    aside.keep("4711", kept)
    aside.keep("4711", kept)

    [file] = aside.files()
    assert (file.key, file.records, file.is_by_lambda) == ("relay-failures/4711.json", (kept,), False)


def test_a_name_cannot_lead_out_of_the_folder(aside: SetAsideStore) -> None:
    aside.keep("../a#1:2", record("a#1", "a#1:2"))

    assert [file.key for file in aside.files()] == ["relay-failures/..%2Fa%231%3A2.json"]


def test_a_batch_that_lambda_gave_up_is_read_from_its_payload(aside: SetAsideStore, backend: Aws) -> None:
    """The Lambda Developer Guide shows such a file ("Example Amazon S3 invocation record")."""
    records = [record("local-me#1", "1"), record("local-me#1", "2")]
    invocation = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "DDBStreamBatchInfo": {}}
    by_lambda(backend, {**invocation, "payload": json.dumps({"Records": records})})

    [file] = aside.files()

    assert (file.key, list(file.records), file.is_by_lambda) == (BATCH, records, True)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", {}, {"payload": "{"}, {"payload": "{}"}, {"payload": None}], ids=str
)
def test_a_file_of_another_kind_has_no_records(aside: SetAsideStore, backend: Aws, body: Any) -> None:
    by_lambda(backend, body)

    [file] = aside.files()
    assert file.records == ()


def test_what_is_removed_is_gone(aside: SetAsideStore) -> None:
    aside.keep("4711", record("local-me#1", "4711"))
    [file] = aside.files()

    aside.remove(file)
    aside.remove(file)

    assert list(aside.files()) == []


def test_each_objects_records_are_in_the_order_of_its_changes(aside: SetAsideStore, backend: Aws) -> None:
    aside.keep("100", record("local-me#1", "100"))
    aside.keep("20", record("local-me#2", "20"))
    by_lambda(backend, {"payload": json.dumps({"Records": [record("local-me#1", n) for n in ("9", "99")]})})

    ordered = in_order_of_objects(list(aside.files()))

    assert [number_of(found) for found, _ in ordered] == ["9", "99", "100", "20"]

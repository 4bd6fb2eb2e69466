"""The template whole inside the emulator: its API Gateway in front, its functions as Lambda."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from app.domain.objects.values import Status
from app.domain.times import utc_now
from app.local.aws.emulator import CREDENTIALS
from app.storage.objects import ObjectRepository
from tests.conftest import Measured, make_object
from tests.system.client import eventually, send
from tests.system.conftest import SignedApi

SETTLES_SECONDS = 60
SWEPT_SECONDS = 90
BACKLOG = 200


@pytest.mark.long
def test_the_relay_function_writes_the_history(functions: SignedApi) -> None:
    payload = {"media_type": "text/plain", "text": "Ahoy"}
    created = functions.call("POST", "/v1/objects", {"kind": "file", "name": "a.txt", "payload": payload})
    expected = ["object.created", "object.processing", "object.ready"]

    def types() -> list[str]:
        history = functions.call("GET", f"/v1/objects/{created['id']}/history")
        return [event["type"] for event in history["items"]]

    eventually(lambda: types() == expected, SETTLES_SECONDS)

    assert types() == expected


def test_a_stranger_gets_the_apis_own_answer_where_there_is_no_page(functions: SignedApi) -> None:
    """API Gateway itself refuses a stranger where a resource has no method."""
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


@pytest.mark.long
def test_a_sweep_acts_while_the_work_queue_is_full_and_nobody_takes_from_it(
    functions: SignedApi, measured: Measured
) -> None:
    def client(service: Any) -> Any:
        session = boto3.session.Session(
            CREDENTIALS["AWS_ACCESS_KEY_ID"],
            CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=functions.region,
        )
        return session.client(service, endpoint_url=functions.endpoint)

    [table] = [name for name in client("dynamodb").list_tables()["TableNames"] if "Objects" in name]
    objects = ObjectRepository(client("dynamodb"), table, shards=1)

    with backlog(client("lambda"), client("sqs")) as waiting:
        moment = utc_now() - timedelta(minutes=1)
        overdue = objects.add(make_object(id=str(uuid4()), deadline=moment))
        give_up = time.monotonic() + SWEPT_SECONDS
        while objects.get(overdue.owner, overdue.id).status is Status.PENDING:
            assert time.monotonic() < give_up
            time.sleep(1)

        assert objects.get(overdue.owner, overdue.id).status is Status.EXPIRED
        assert waiting() >= BACKLOG
        measured(f"the clock's sweep acted on an overdue object while {waiting()} messages waited")


@contextmanager
def backlog(functions: Any, sqs: Any) -> Iterator[Any]:
    """Messages that wait in a work queue that feeds no worker; gives their number."""
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    [mapping] = [one for one in mappings if "WorkQueue" in one["EventSourceArn"]]
    url = sqs.get_queue_url(QueueName=mapping["EventSourceArn"].rsplit(":", 1)[-1])["QueueUrl"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        for _ in range(BACKLOG):
            sqs.send_message(QueueUrl=url, MessageBody="{}")
        yield lambda: waiting_in(sqs, url)
    finally:
        sqs.purge_queue(QueueUrl=url)
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def waiting_in(sqs: Any, url: str) -> int:
    name: Any = "ApproximateNumberOfMessages"
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
    return int(found[name])

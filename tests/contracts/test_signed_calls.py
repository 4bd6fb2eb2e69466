"""Our client of DynamoDB gets from the emulator what botocore's gets, operation by operation."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from app.aws import dynamodb
from app.aws.dynamodb import KNOWN, DynamoDB
from app.local.aws.emulator import Emulator
from tests.conftest import Aws


@pytest.fixture
def ours(running_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDB]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", running_emulator.url)
    access = dynamodb.access()
    assert access is not None
    client = DynamoDB(access)
    yield client
    client.close()


def told(call: Callable[[], Any]) -> Any:
    try:
        found = call()
    except ClientError as refused:
        response: Any = refused.response
        known = type(refused).__name__ in KNOWN and type(refused).__name__
        return known, [response.get(name) for name in ("Error", "Item", "CancellationReasons")]
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


def life(client: Any, table: str, partition: str) -> list[Any]:
    """Write, read and delete items of a partition, and return every answer."""

    def item(number: int, **more: Any) -> dict[str, Any]:
        values = {"pk": {"S": partition}, "sk": {"S": f"{number:03d}"}, "text": {"S": "Grüße\n✓ '\""}}
        return values | {"list": {"L": [{"N": "1.5"}, {"NULL": True}, {"M": {}}]}} | more

    key = {"pk": {"S": partition}, "sk": {"S": "000"}}
    new = {"ConditionExpression": "attribute_not_exists(pk)"}
    old = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    query = {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": partition}},
    }
    puts = [{"PutRequest": {"Item": item(number)}} for number in range(1, 26)]
    again = [{"Put": {"TableName": table, "Item": item(number), **new, **old}} for number in (0, 90)]
    once = [{"Put": {"TableName": table, "Item": item(91), **new}}]
    keys = [{"pk": {"S": partition}, "sk": {"S": f"{number:03d}"}} for number in (0, 1, 99)]
    answers = [
        told(lambda: client.get_item(TableName=table, Key=key)),
        told(lambda: client.put_item(TableName=table, Item=item(0), **new)),
        told(lambda: client.put_item(TableName=table, Item=item(0, a={"BOOL": True}), **new, **old)),
        told(lambda: client.get_item(TableName=table, Key=key, ConsistentRead=True)),
        told(lambda: client.batch_write_item(RequestItems={table: puts})),
        told(lambda: client.transact_write_items(TransactItems=once)),
        told(lambda: client.transact_write_items(TransactItems=again)),
        told(
            lambda: client.update_item(
                TableName=table,
                Key=key,
                UpdateExpression="ADD n :n",
                ExpressionAttributeValues={":n": {"N": "2"}},
                ReturnValues="ALL_NEW",
            )
        ),
        told(lambda: client.query(**query, Limit=2, ScanIndexForward=False)),
        told(lambda: client.query(**query, Limit=0)),
        told(lambda: client.get_item(TableName="nowhere", Key=key)),
    ]
    found = told(lambda: client.batch_get_item(RequestItems={table: {"Keys": keys}}))
    found["Responses"][table].sort(key=lambda one: one["sk"]["S"])
    pages = client.get_paginator("query").paginate(**query, Limit=10)
    sorts = [[one["sk"]["S"] for one in page["Items"]] for page in pages]
    scanned = client.get_paginator("scan").paginate(TableName=table)
    mine = sorted(one["sk"]["S"] for page in scanned for one in page["Items"] if one["pk"]["S"] == partition)
    return [*answers, found, sorts, mine]


def test_every_operation_answers_alike(emulated: Aws, ours: DynamoDB) -> None:
    partition = f"local-{uuid4().hex}#signed"

    theirs = life(emulated.dynamodb, emulated.table, f"{partition}-1")
    found = life(ours, emulated.table, f"{partition}-2")

    assert json.loads(json.dumps(found).replace("signed-2", "signed-1")) == json.loads(json.dumps(theirs))
    assert [len(page) for page in found[-2]] == [10, 10, 7]

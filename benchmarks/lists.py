"""Count the items that a page of each list reads, at 1,000 and at 100,000 objects of one owner.

DynamoDB bills a list by what it reads, before filters. moto counts that as DynamoDB does.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

from moto import mock_aws

from app.aws.clients import Clients
from app.domain.objects.stored import StoredObject
from app.storage.items import to_item
from app.storage.objects import ListQuery, ObjectRepository
from benchmarks import lives
from benchmarks.measuring import table
from tests.conftest import Aws, make_aws

SIZES = (1_000, 100_000)
HEAD = ("list", *(f"{size:,} objects" for size in SIZES))
#: One in a thousand objects has failed, one in ten is a data set, and one in fifty has the label.
FAILED, DATASET, LABELLED = 1_000, 10, 50
PER_CALL = 25

OWNER = lives.record().made[0].owner
QUERIES = {
    "all": ListQuery(OWNER),
    "all, 100 a page": ListQuery(OWNER, limit=100),
    "status=ready": ListQuery(OWNER, status="ready"),
    "status=failed": ListQuery(OWNER, status="failed"),
    "kind=dataset": ListQuery(OWNER, kind="dataset"),
    "label=team:growth": ListQuery(OWNER, labels=(("team", "growth"),)),
    "status=failed, label": ListQuery(OWNER, status="failed", labels=(("team", "growth"),)),
    "a label that none has": ListQuery(OWNER, labels=(("team", "none"),)),
}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}


def main(_: Sequence[str]) -> None:
    read = [_read(size) for size in SIZES]
    rows = ((name, *(str(counts[name]) for counts in read)) for name in QUERIES)
    table("Items that the first page of a list reads", HEAD, rows)


def _read(size: int) -> dict[str, int]:
    with patch.dict(os.environ, CREDENTIALS), mock_aws():
        aws = make_aws(Clients())
        _fill(aws, size)
        return {name: items_read(aws, query) for name, query in QUERIES.items()}


def items_read(aws: Aws, query: ListQuery) -> int:
    """Return how many items DynamoDB reads for a page."""
    counts: list[int] = []

    def count(parsed: dict[str, Any], **_: Any) -> None:
        counts.append(parsed["ScannedCount"])

    aws.dynamodb.meta.events.register("after-call.dynamodb.Query", count)
    try:
        ObjectRepository(aws.dynamodb, aws.table, shards=1).list_page(query)
    finally:
        aws.dynamodb.meta.events.unregister("after-call.dynamodb.Query", count)
    return sum(counts)


def _fill(aws: Aws, size: int) -> None:
    puts: list[Any] = [{"PutRequest": {"Item": to_item(one)}} for one in _objects(size)]
    for start in range(0, size, PER_CALL):
        aws.dynamodb.batch_write_item(RequestItems={aws.table: puts[start : start + PER_CALL]})


def _objects(size: int) -> Iterator[StoredObject]:
    order, (pending, claimed, ready) = lives.record().made[0], lives.dataset().made
    failed = replace(claimed.give_up(now=pending.created_at), labels={})
    for number in range(size):
        kind = failed if number % FAILED == 0 else ready if number % DATASET == 0 else order
        yield replace(
            kind,
            id=str(UUID(int=number)),
            labels={"team": "growth"} if number % LABELLED == 0 else {},
            created_at=kind.created_at + timedelta(seconds=number),
        )


if __name__ == "__main__":
    main(sys.argv[1:])

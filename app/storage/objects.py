"""The repository of objects: one table, three indexes, conditional writes."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from app.aws.faults import all_faults, transient_faults
from app.domain.errors import NotFound, StaleWrite
from app.domain.objects.state import ListedObject
from app.domain.objects.stored import StoredObject
from app.domain.times import timestamp
from app.storage.items import (
    OBJECT,
    UnreadableItem,
    from_item,
    listed_from_item,
    object_key,
    owner_and_id,
    owner_partition,
    to_item,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOT_THERE_YET = "attribute_not_exists(#pk)"
NOBODY_WROTE_SINCE = "#write_token = :read_token"
AFTER_EVERY_TIMESTAMP = "~"
#: How many items a page of a filtered list may read, since many may not match.
FILTERED_READ = 200


@dataclass(frozen=True, slots=True)
class ListQuery:
    """`before` is the sort key of a list, `<created_at>#<id>`; a page starts below it."""

    owner: str
    status: str | None = None
    kind: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    before: str | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Page:
    """`position` is where the next page starts, None after the last one."""

    items: tuple[ListedObject, ...]
    position: str | None


class Unreadable(NamedTuple):
    """The key of an item that this version of the code cannot read."""

    owner: str
    object_id: str


class Due(NamedTuple):
    """A row of the index `in_flight`, which holds keys only."""

    owner: str
    object_id: str
    at: datetime


class ObjectRepository:
    def __init__(self, client: "DynamoDBClient", table: str, shards: int) -> None:
        self._client = client
        self._table = table
        self._shards = shards

    @transient_faults()
    def add(self, created: StoredObject) -> StoredObject:
        """Write a new object in one conditional write. Return the object stored under its id.

        It is `created` itself, also if the SDK repeated the write after a lost reply;
        or else the earlier object with this id.
        """
        try:
            self._client.put_item(
                TableName=self._table,
                Item=to_item(created),
                ConditionExpression=NOT_THERE_YET,
                ExpressionAttributeNames={"#pk": "pk"},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            return from_item(_item_in_the_way(refused))
        return created

    @transient_faults()
    def get(self, owner: str, object_id: str) -> StoredObject:
        """Read an object or tombstone, with strong consistency. Raises NotFound."""
        found = self._client.get_item(
            TableName=self._table, Key=object_key(owner, object_id), ConsistentRead=True
        )
        if "Item" not in found:
            raise NotFound
        return from_item(found["Item"])

    @all_faults()
    def check(self) -> None:
        """Raise Unavailable when the table does not answer, does not exist or refuses us."""
        self._client.get_item(TableName=self._table, Key=object_key("readiness", "check"))

    @transient_faults()
    def save(self, after: StoredObject, *, read: StoredObject) -> None:
        """Replace `read` by `after` in one conditional write.

        Raises StaleWrite when another writer wrote in between. Our own write, repeated
        by the SDK after a lost reply, is recognised by its token.
        """
        try:
            self._client.put_item(
                TableName=self._table,
                Item=to_item(after),
                ConditionExpression=NOBODY_WROTE_SINCE,
                ExpressionAttributeNames={"#write_token": "write_token"},
                ExpressionAttributeValues={":read_token": {"S": read.write_token}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            if _item_in_the_way(refused).get("write_token") == {"S": after.write_token}:
                return
            raise StaleWrite from None

    @transient_faults()
    def list_page(self, query: ListQuery) -> Page:
        """Return one page over all shards, newest first. Eventually consistent.

        A filtered page may be short or empty although more objects follow.
        """
        parts = [self._query_shard(query, shard) for shard in range(self._shards)]
        # Merge the shards' items, down to the point that every shard was read to.
        read_to = [part["LastEvaluatedKey"]["listed_at"]["S"] for part in parts if "LastEvaluatedKey" in part]
        horizon = max(read_to, default="")
        found = [item for part in parts for item in part["Items"] if _listed_at(item) >= horizon]
        found.sort(key=_listed_at, reverse=True)
        has_more = len(found) > query.limit
        position = _listed_at(found[query.limit - 1]) if has_more else horizon or None
        return Page(tuple(listed_from_item(item) for item in found[: query.limit]), position)

    def _query_shard(self, query: ListQuery, shard: int) -> Mapping[str, Any]:
        index = "by_owner" if query.status is None else "by_status"
        partition = owner_partition(query.owner, query.status, shard)
        condition, names, values = (
            "#index = :partition",
            {"#index": index},
            {":partition": partition},
        )
        if query.before is not None:
            condition += " AND #listed_at < :before"
            names["#listed_at"] = "listed_at"
            values[":before"] = query.before
        filters, filter_names, filter_values = _filters(query)
        parameters: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names | filter_names,
            "ExpressionAttributeValues": {
                name: {"S": value} for name, value in (values | filter_values).items()
            },
            "ScanIndexForward": False,
            "Limit": query.limit,
        }
        if filters:
            parameters |= {"FilterExpression": filters, "Limit": max(query.limit, FILTERED_READ)}
        return self._client.query(**parameters)

    def overdue(self, now: datetime) -> Iterator[Due]:
        """Yield every unfinished object whose deadline has passed, the most overdue of all shards first."""
        shards = [self._due(f"in_flight#{shard}", timestamp(now)) for shard in range(self._shards)]
        yield from heapq.merge(*shards, key=attrgetter("at"))

    def failed(self) -> Iterator[Due]:
        """Yield every failed object with the time of its failure; in each shard the earliest first."""
        for shard in range(self._shards):
            yield from self._due(f"failed#{shard}", AFTER_EVERY_TIMESTAMP)

    def all(self) -> Iterator[StoredObject | Unreadable]:
        """Yield every object and tombstone. Reads the whole table, so only an operator may ask."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="#sk = :object",
            ExpressionAttributeNames={"#sk": "sk"},
            ExpressionAttributeValues={":object": {"S": OBJECT}},
            ConsistentRead=True,
        )
        with transient_faults():
            for page in pages:
                yield from (_read(item) for item in page["Items"])

    def owners_of(self, object_id: str) -> Iterator[str]:
        """Yield the owners of objects with this id. Reads the whole table, so only an operator may ask."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="#sk = :object AND #id = :id",
            ProjectionExpression="#pk",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk", "#id": "id"},
            ExpressionAttributeValues={":object": {"S": OBJECT}, ":id": {"S": object_id}},
        )
        with transient_faults():
            for page in pages:
                yield from (owner_and_id(item["pk"]["S"])[0] for item in page["Items"])

    def _due(self, partition: str, before: str) -> Iterator[Due]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName="in_flight",
            KeyConditionExpression="#in_flight = :partition AND #due_at < :before",
            ExpressionAttributeNames={"#in_flight": "in_flight", "#due_at": "due_at"},
            ExpressionAttributeValues={
                ":partition": {"S": partition},
                ":before": {"S": before},
            },
        )
        with transient_faults():
            for page in pages:
                for item in page["Items"]:
                    due_at = datetime.fromisoformat(item["due_at"]["S"])
                    yield Due(*owner_and_id(item["pk"]["S"]), due_at)


def _item_in_the_way(refused: ClientError) -> Mapping[str, Any]:
    """Return the item that failed the condition; DynamoDB sends it along (ALL_OLD)."""
    response: Mapping[str, Any] = refused.response
    return response.get("Item", {})  # type: ignore[no-any-return]  # botocore's stubs leave it out


def _filters(query: ListQuery) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the FilterExpression over kind and labels, with its names and values."""
    names: dict[str, str] = {}
    values: dict[str, str] = {}
    conditions = []
    if query.kind is not None:
        conditions.append("#kind = :kind")
        names["#kind"], values[":kind"] = "kind", query.kind
    for number, (key, value) in enumerate(query.labels):
        conditions.append(f"#labels.#label{number} = :label{number}")
        names["#labels"], names[f"#label{number}"] = "labels", key
        values[f":label{number}"] = value
    return " AND ".join(conditions), names, values


def _listed_at(item: Mapping[str, Any]) -> str:
    return str(item["listed_at"]["S"])


def _read(item: Mapping[str, Any]) -> StoredObject | Unreadable:
    try:
        return from_item(item)
    except UnreadableItem:
        return Unreadable(*owner_and_id(item["pk"]["S"]))

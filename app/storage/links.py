"""The repository of share links. They stand in the table of the objects, each as two items:

    pk               sk            found by
    link#<hash>      link          who opens the link: the hash is that of its token
    <owner>#<id>     link#<id>     the owner of the object
    <owner>#<id>     links         a token that every change of the object's links replaces

Both items are written and deleted in one transaction. The last item makes changes of the same
object's links follow each other, so that there are never more than there may be. DynamoDB drops
the items of a link some time after its end; until then they say that it has ended.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.aws.faults import transient_faults
from app.domain.errors import NotFound, StaleWrite, Unavailable
from app.domain.objects.links import Disposition, Link, Links
from app.domain.times import timestamp
from app.storage.attribute_values import deserialize, serialize
from app.storage.items import OBJECT, from_item, partition_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LINK = "link"
LINK_PREFIX = "link#"
LINKS = "links"
NAMES = tuple(field.name for field in fields(Link))
MOMENTS = ("object_created_at", "created_at", "expires_at", "revoked_at")
#: The reasons why a transaction that met another writer is cancelled.
OTHERS_WROTE = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
#: BatchWriteItem takes no more (Amazon DynamoDB API Reference).
ITEMS_PER_CALL = 25
CALLS_PER_BATCH = 4

Item = dict[str, Any]


class LinkRepository:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    @transient_faults()
    def find(self, token_hash: str) -> Link:
        """Read a link by the hash of its token, with strong consistency. Raises NotFound."""
        key = _opening_key(token_hash)
        found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in found:
            raise NotFound("link")
        return _link(found["Item"])

    @transient_faults()
    def of_object(self, owner: str, object_id: str) -> Links:
        """Read an object or tombstone with all its links, with strong consistency. Raises NotFound."""
        stored, links, write_token = None, [], None
        for item in self._items(owner, object_id, to=OBJECT):
            sk = item["sk"]["S"]
            if sk == OBJECT:
                stored = from_item(item)
            elif sk == LINKS:
                write_token = item["write_token"]["S"]
            else:
                links.append(_link(item))
        if stored is None:
            raise NotFound
        return Links(stored=stored, links=tuple(links), write_token=write_token)

    @transient_faults()
    def save(self, after: Links, *, read: Links) -> None:
        """Write what changed, in one transaction. Raises StaleWrite if others changed the links meanwhile."""
        writes = [self._token(after, read), *self._changes(after, read)]
        try:
            self._client.transact_write_items(TransactItems=writes)
        except self._client.exceptions.TransactionCanceledException as cancelled:
            reasons: Any = cancelled.response["CancellationReasons"]
            if reasons[0].get("Item", {}).get("write_token") == serialize(after.write_token):
                return  # our own write, repeated by the SDK after a lost reply
            if any(reason["Code"] in OTHERS_WROTE for reason in reasons):
                raise StaleWrite from None
            raise Unavailable("DynamoDB cancelled a transaction.") from cancelled

    @transient_faults()
    def purge(self, owner: str, object_id: str) -> None:
        """Delete all links of an object. To purge again changes nothing."""
        keys = self._keys(owner, object_id)
        while batch := list(islice(keys, ITEMS_PER_CALL)):
            self._delete([{"DeleteRequest": {"Key": key}} for key in batch])

    def _token(self, after: Links, read: Links) -> Any:
        """Return a write that every change of these links makes. If several try, only one succeeds."""
        item = _key(after.stored.owner, after.stored.id, LINKS) | {
            "write_token": serialize(after.write_token)
        }
        put: Item = {
            "TableName": self._table,
            "Item": item,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if read.write_token is None:
            condition: Item = {
                "ConditionExpression": "attribute_not_exists(#write_token)",
                "ExpressionAttributeNames": {"#write_token": "write_token"},
            }
        else:
            condition = {
                "ConditionExpression": "#write_token = :read_token",
                "ExpressionAttributeNames": {"#write_token": "write_token"},
                "ExpressionAttributeValues": {":read_token": serialize(read.write_token)},
            }
        return {"Put": put | condition}

    def _changes(self, after: Links, read: Links) -> Iterator[Any]:
        before = {link.id: link for link in read.links}
        kept = {link.id: link for link in after.links}
        opening = {link.token_hash for link in after.links if link.revoked_at is None}
        for link_id, link in before.items():
            if link_id not in kept:
                yield self._deletion(_link_key(link))
            if link.revoked_at is None and link.token_hash not in opening:
                yield self._deletion(_opening_key(link.token_hash))
        for link_id, link in kept.items():
            if before.get(link_id) != link:
                yield self._put(_link_key(link), link)
                if link.revoked_at is None:
                    yield self._put(_opening_key(link.token_hash), link)

    def _put(self, key: Item, link: Link) -> Any:
        return {"Put": {"TableName": self._table, "Item": key | _values(link)}}

    def _deletion(self, key: Item) -> Any:
        return {"Delete": {"TableName": self._table, "Key": key}}

    def _items(self, owner: str, object_id: str, *, to: str) -> Iterator[Mapping[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#pk = :pk AND #sk BETWEEN :first AND :last",
            ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
            ExpressionAttributeValues={
                ":pk": {"S": partition_key(owner, object_id)},
                ":first": {"S": LINK_PREFIX},
                ":last": {"S": to},
            },
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def _keys(self, owner: str, object_id: str) -> Iterator[Item]:
        for item in self._items(owner, object_id, to=LINKS):
            if "token_hash" in item:
                yield _opening_key(item["token_hash"]["S"])
            yield {name: item[name] for name in ("pk", "sk")}

    def _delete(self, batch: list[Any]) -> None:
        requests: Any = {self._table: batch}
        for _ in range(CALLS_PER_BATCH):
            requests = self._client.batch_write_item(RequestItems=requests)["UnprocessedItems"]
            if not requests:
                return
        raise Unavailable("DynamoDB left links undeleted.")


def _key(owner: str, object_id: str, sk: str) -> Item:
    return {"pk": {"S": partition_key(owner, object_id)}, "sk": {"S": sk}}


def _link_key(link: Link) -> Item:
    return _key(link.owner, link.object_id, f"{LINK_PREFIX}{link.id}")


def _opening_key(token_hash: str) -> Item:
    return {"pk": {"S": f"{LINK_PREFIX}{token_hash}"}, "sk": {"S": LINK}}


def _values(link: Link) -> Item:
    values = {name: getattr(link, name) for name in NAMES}
    values["purge_at"] = int(link.expires_at.timestamp()) + 1
    return {
        name: serialize(timestamp(value) if isinstance(value, datetime) else value)
        for name, value in values.items()
        if value is not None
    }


def _link(item: Mapping[str, Any]) -> Link:
    values: Item = {name: deserialize(item[name]) if name in item else None for name in NAMES}
    for name in MOMENTS:
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    values["disposition"] = Disposition(values["disposition"])
    return Link(**values)

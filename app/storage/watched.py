"""Read many items at once, only to see whether they have changed."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from app.aws.faults import transient_faults
from app.storage.items import object_key
from app.storage.usage import Counter, counter_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

#: BatchGetItem takes no more (Amazon DynamoDB API Reference).
KEYS_PER_CALL = 100


class Watched(NamedTuple):
    """An item with a number that only rises: an object with its version, or a counter with its position."""

    pk: str
    sk: str

    @classmethod
    def object(cls, owner: str, object_id: str) -> "Watched":
        return cls._of(object_key(owner, object_id))

    @classmethod
    def counter(cls, owner: str, shard: int) -> "Watched":
        return cls._of(counter_key(Counter(owner, shard)))

    @classmethod
    def _of(cls, key: Mapping[str, Any]) -> "Watched":
        return cls(key["pk"]["S"], key["sk"]["S"])


class WatchedItems:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    @transient_faults()
    def numbers(self, wanted: Collection[Watched]) -> dict[Watched, int]:
        """Return the number of each item now, with strong consistency.

        An item that is not there has 0. One that DynamoDB has no time for is left out.
        """
        found: dict[Watched, int] = {}
        each = list(wanted)
        for start in range(0, len(each), KEYS_PER_CALL):
            found |= self._read(each[start : start + KEYS_PER_CALL])
        return found

    def _read(self, wanted: Sequence[Watched]) -> dict[Watched, int]:
        request: Any = {
            "Keys": [{"pk": {"S": one.pk}, "sk": {"S": one.sk}} for one in wanted],
            "ProjectionExpression": "#pk, #sk, #version, #position",
            "ExpressionAttributeNames": {name: name[1:] for name in ("#pk", "#sk", "#version", "#position")},
            "ConsistentRead": True,
        }
        answer: Any = self._client.batch_get_item(RequestItems={self._table: request})
        unread = answer["UnprocessedKeys"].get(self._table, {"Keys": ()})["Keys"]
        numbers = dict.fromkeys(wanted, 0)
        for key in unread:
            del numbers[Watched(key["pk"]["S"], key["sk"]["S"])]
        for item in answer["Responses"].get(self._table, ()):
            number = item.get("version") or item.get("position") or {"N": "0"}
            numbers[Watched(item["pk"]["S"], item["sk"]["S"])] = int(number["N"])
        return numbers

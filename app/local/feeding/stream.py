"""Feeds the relay from the table's stream, as Lambda's event source mapping does.

A shard's records are handed over in order; a batch that fails is tried again
from the first record that failed, for as long as it takes. The place is kept
after each batch, so that another run of this process can go on behind it.
"""

import base64
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Any, Self

from app.local.aws.stack import Function
from app.local.errors import log_fault
from app.local.feeding.invocation import Handler, Json, LambdaContext, failures
from app.local.feeding.place import NOWHERE, Place

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

logger = logging.getLogger("wharf.local")

IDLE_SECONDS = 0.2
SHARDS_SECONDS = 10
LONGEST_PAUSE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard of the stream, and how far it has been read."""

    id: str
    parent: str | None
    #: None once the shard is closed and read to its end.
    iterator: str | None
    #: The sequence number of the last record that was read.
    last_read: str | None = None
    #: The sequence number of the last record that the handler has finished, or that nobody wants.
    done: str | None = None
    #: Records that were read but that the handler has not finished.
    waiting: tuple[Json, ...] = ()

    @property
    def is_finished(self) -> bool:
        return self.iterator is None and not self.waiting

    def left_with(self, left: tuple[Json, ...]) -> Self:
        """Return the shard after the handler has left these of the waiting records."""
        finished = self.waiting[: len(self.waiting) - len(left)]
        done = _number(finished[-1]) if finished else self.done
        return replace(self, waiting=left, done=done if left else self.last_read)


@dataclass(slots=True)
class StreamSource:
    """Reads the shards of one stream until `stopping` is set."""

    client: "DynamoDBStreamsClient"
    function: Function
    handler: Handler
    stopping: Event
    #: The place to begin; if it is NOWHERE, reading begins with the oldest record that the stream has.
    place: Place = NOWHERE
    #: Called with the place whenever the relay has moved on.
    keep: Callable[[Place], None] = field(default=lambda _: None)
    #: Called with the records before the handler gets them, and with those that it leaves.
    take: Callable[[Sequence[Json]], None] = field(default=lambda _: None)
    _shards: dict[str, Shard] = field(default_factory=dict)
    _shards_known_until: float = 0.0

    def run(self) -> None:
        """Poll until `stopping` is set; log faults, and try again after longer and longer pauses."""
        pause = IDLE_SECONDS
        while not self.stopping.wait(pause):
            try:
                found = self.poll()
            except Exception as fault:  # noqa: BLE001  # logged, and never fatal
                log_fault("stream.unreachable", fault)
                found = None
            if found is None:
                pause = min(max(1.0, pause * 2), LONGEST_PAUSE_SECONDS)
            else:
                pause = 0 if found else IDLE_SECONDS

    def drain(self, seconds: float) -> bool:
        """Hand over everything that is in the stream now; False if that takes more than `seconds`."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            found = self.poll()
            if found == 0:
                return True
            if found is None:
                time.sleep(IDLE_SECONDS)
        return False

    def poll(self) -> int | None:
        """Read each shard once. Return the number of records, or None if the handler is stuck.

        Records that the filters held back count as one, since more may follow them.
        """
        self._find_shards()
        found = 0
        is_stuck = False
        for shard in [shard for shard in self._shards.values() if self._is_next(shard)]:
            read = shard if shard.waiting else self._read(shard)
            found += len(read.waiting) or int(read.last_read != shard.last_read)
            left = self._hand_over(read.waiting)
            is_stuck = is_stuck or 0 < len(left) == len(read.waiting)
            self._shards[shard.id] = read.left_with(left)
        done = {shard.id: shard.done for shard in self._shards.values() if shard.done is not None}
        if done != self.place.shards:
            self.move(stream_arn=self._stream_arn, shards=done)
        return None if is_stuck else found

    def _hand_over(self, records: tuple[Json, ...]) -> tuple[Json, ...]:
        if not records:
            return ()
        self.take(records)
        left = hand_over(records, self.function, self.handler)
        self.take(left)
        return left

    def move(self, **changes: Any) -> None:
        """Change the place, and keep it."""
        self.place = replace(self.place, **changes)
        self.keep(self.place)

    def _find_shards(self) -> None:
        if time.monotonic() < self._shards_known_until:
            return
        found = self._described()
        # Shards that the stream has dropped are forgotten.
        self._shards = {
            shard["ShardId"]: self._shards.get(shard["ShardId"]) or self._opened(shard) for shard in found
        }
        self._shards_known_until = time.monotonic() + SHARDS_SECONDS

    def _described(self) -> list[Any]:
        shards: list[Any] = []
        start: dict[str, Any] = {}
        while True:
            answer = self.client.describe_stream(StreamArn=self._stream_arn, **start)
            shards += answer["StreamDescription"].get("Shards", [])
            last = answer["StreamDescription"].get("LastEvaluatedShardId")
            if not last:
                return shards
            start = {"ExclusiveStartShardId": last}

    def _opened(self, described: Mapping[str, Any]) -> Shard:
        shard_id = described["ShardId"]
        done = self.place.shards.get(shard_id)
        parent = described.get("ParentShardId")
        return Shard(shard_id, parent, self._iterator(shard_id, done), last_read=done, done=done)

    def _is_next(self, shard: Shard) -> bool:
        """True if the shard has records left and the shard that it was split from has none."""
        parent = self._shards.get(shard.parent or "")
        return not shard.is_finished and (parent is None or parent.is_finished)

    def _read(self, shard: Shard) -> Shard:
        try:
            answer = self.client.get_records(
                ShardIterator=shard.iterator or "", Limit=self.function.batch_size
            )
        except self.client.exceptions.ExpiredIteratorException:
            return replace(shard, iterator=self._iterator(shard.id, shard.last_read))
        except self.client.exceptions.TrimmedDataAccessException:
            return replace(shard, iterator=self._iterator(shard.id, None))
        read = [stream_record(record, self._stream_arn) for record in answer["Records"]]
        last_read = _number(read[-1]) if read else shard.last_read
        waiting = tuple(record for record in read if passes(record, self.function.filters))
        return replace(shard, iterator=answer.get("NextShardIterator"), last_read=last_read, waiting=waiting)

    def _iterator(self, shard_id: str, after: str | None) -> str:
        position: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if after is not None:
            position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        shard: Any = {"StreamArn": self._stream_arn, "ShardId": shard_id}
        try:
            return self.client.get_shard_iterator(**shard, **position)["ShardIterator"]
        except self.client.exceptions.TrimmedDataAccessException:
            # The record itself is a day old by now, but none behind it is lost.
            horizon = self.client.get_shard_iterator(**shard, ShardIteratorType="TRIM_HORIZON")
            return horizon["ShardIterator"]

    @property
    def _stream_arn(self) -> str:
        return self.function.source_arn or ""


def still_has(client: "DynamoDBStreamsClient", place: Place, stream_arn: str) -> bool:
    """True if a stream has the record at a place, which no other life of the emulator can have."""
    if place.stream_arn != stream_arn:
        return False
    return any(_has(client, stream_arn, shard_id, number) for shard_id, number in place.shards.items())


def _has(client: "DynamoDBStreamsClient", stream_arn: str, shard_id: str, number: str) -> bool:
    shard: Any = {"StreamArn": stream_arn, "ShardId": shard_id}
    refusals = (client.exceptions.ResourceNotFoundException, client.exceptions.TrimmedDataAccessException)
    try:
        answer = client.get_shard_iterator(
            **shard, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=number
        )
        found = client.get_records(ShardIterator=answer["ShardIterator"], Limit=1)["Records"]
    except refusals:
        return False
    return [record["dynamodb"]["SequenceNumber"] for record in found] == [number]


def hand_over(records: Sequence[Json], function: Function, handler: Handler) -> tuple[Json, ...]:
    """Call the handler; return the records from the first that failed, or all if it raises."""
    if not records:
        return ()
    identifiers = [_number(record) for record in records]
    try:
        answer = handler({"Records": list(records)}, LambdaContext.of(function))
    except Exception:
        logger.exception("relay.raised")
        return tuple(records)
    failed = failures(answer, identifiers)
    first = min((identifiers.index(one) for one in failed), default=len(records))
    return tuple(records[first:])


def _number(record: Json) -> str:
    number: str = record["dynamodb"]["SequenceNumber"]
    return number


def stream_record(record: Mapping[str, Any], stream_arn: str) -> Json:
    """Return the record as Lambda shows it to a function."""
    shown = {name: _shown(value) for name, value in record.items() if name != "userIdentity"}
    if user := record.get("userIdentity"):
        shown["userIdentity"] = {"type": user["Type"], "principalId": user["PrincipalId"]}
    return {**shown, "eventSourceARN": stream_arn}


def _shown(value: Any) -> Any:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.timestamp()
        case dict():
            return {name: _shown(inner) for name, inner in value.items()}
        case list():
            return [_shown(inner) for inner in value]
        case _:
            return value


def passes(record: Any, filters: Sequence[Json]) -> bool:
    """True if a record matches one of the event source mapping's patterns, or there are none."""
    return not filters or any(_matches(record, pattern) for pattern in filters)


def _matches(value: Any, pattern: Any) -> bool:
    """True if the pattern lists the value; raise NotImplementedError if it holds an operator."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            _matches(value.get(name), wanted) for name, wanted in pattern.items()
        )
    if any(isinstance(wanted, dict) for wanted in pattern):
        raise NotImplementedError(f"This filter needs more than equality: {pattern}")
    return value in pattern

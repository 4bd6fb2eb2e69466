"""Owners who do all that may be done, at random, with a network and a stream at their worst.

    Crowd      changes objects, through the services and repositories of the functions
    Relay      reads the table's stream in order, and delivers parts of it again and again
    counted    what each owner uses, by the counters
    recounted  what each owner uses, by a scan of the table

All of it is chosen by the seed, so that a failure can be repeated.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Event
from typing import Any
from uuid import UUID

from app.aws.sdk import CONFIG, S3_CONFIG
from app.domain.causes import Cause
from app.domain.errors import InvalidPayload, ObjectDeleted, ProblemCode, Unavailable
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Payload, Result, Status
from app.domain.usage import NOTHING, Usage, usage_of
from app.local.aws import stack as stacks
from app.local.aws.emulator import Emulator
from app.local.aws.stack import Function
from app.local.feeding.invocation import Json
from app.local.feeding.stream import StreamSource
from app.messaging.messages import Deletion, Message
from app.services.objects.creating import NewObject
from app.services.objects.uploads import DeclaredPayload, InlinePayload
from app.storage.items import OBJECT, from_item
from app.storage.recording import PAUSES_SECONDS
from tests.conftest import Aws, Clock
from tests.faults import after, answering, conflict, fail, lose_reply, not_replying, unhook_all
from tests.services import WholeService, relaying_on
from tests.system.conftest import emulated, session_of

OWNERS = ("local-ada", "local-bob", "local-cyd", "local-dee")
LIST_SHARDS = 4
LARGEST = 5_000_000
#: The share of creates in all operations, and that of deletions in all changes.
CREATES, DELETIONS = 0.25, 0.1
TROUBLED_WRITES = 0.1
TROUBLED_DELIVERIES = 0.5
INVALID = InvalidPayload(ProblemCode.INVALID_CONTENT, "Line 3 has no end.")

ALLOWED: Mapping[Status, Sequence[str]] = {
    Status.PENDING: ("claim", "claim", "claim", "expire", "give up", "requeue", "upload", "put", "edit"),
    Status.PROCESSING: ("accept", "accept", "accept", "reject", "give up", "release", "claim again", "edit"),
    Status.READY: ("upload", "put", "reprocess", "edit"),
    Status.REJECTED: ("upload", "put", "reprocess", "edit"),
    Status.FAILED: ("upload", "put", "redrive", "edit"),
    Status.EXPIRED: ("claim", "claim", "upload", "put", "edit"),
    Status.DELETED: ("purge",),
}
CREATED = ("create NoneType", "create DeclaredPayload", "create InlinePayload", "create again")
EVERYTHING = {*CREATED, "delete", *(action for actions in ALLOWED.values() for action in actions)}
RECORDS_ALLOW: Mapping[Status, Sequence[str]] = {Status.READY: ("edit",), Status.DELETED: ("purge",)}


#: Functions that set up a fault, from the client, the operation and the number of calls to spare.
TROUBLES: Mapping[str, Callable[[Any, str, int], None]] = {
    "lost replies": lambda client, operation, spared: lose_reply(client, operation, spared=spared),
    "failed calls": lambda client, operation, _: fail(client, operation, answering(503)),
    # Carried out, and nobody learns of it.
    "calls without any reply": lambda client, operation, spared: after(
        client, operation, lambda _: not_replying(), spared=spared
    ),
}


class Crowd:
    def __init__(self, aws: Aws, chance: Random) -> None:
        self._client = aws.dynamodb
        self._chance = chance
        self._clock = Clock()
        service = WholeService(aws, self._clock, list_shards=LIST_SHARDS)
        self._repository = service.repository
        self._creating, self._editing = service.creating, service.editing
        self._dispatch = service.dispatch
        self._requests: list[tuple[str, NewObject]] = []
        self._known: list[StoredObject] = []
        self.done: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()

    def act(self) -> None:
        """Do one thing, whatever comes of it."""
        self._clock.move(seconds=self._chance.randrange(60))
        self._make_trouble()
        try:
            self._create() if self._chance.random() < CREATES else self._change()
        finally:
            unhook_all()

    def _make_trouble(self) -> None:
        if self._chance.random() < TROUBLED_WRITES:
            trouble = self._chance.choice(tuple(TROUBLES))
            self.troubles[trouble] += 1
            TROUBLES[trouble](self._client, "PutItem", 0)

    def _create(self) -> None:
        """Create an object, or repeat a create, which finds the object as it is by now, or its tombstone."""
        if self._requests and self._chance.random() < 0.2:
            owner, request = self._chance.choice(self._requests)
            self.done["create again"] += 1
        else:
            owner, request = self._chance.choice(OWNERS), self._new_request()
            self._requests.append((owner, request))
            self.done[f"create {type(request.payload).__name__}"] += 1
        with suppress(Unavailable, ObjectDeleted):
            creation = self._creating.create(owner, request, cause=Cause("crowd"))
            if not creation.replayed:
                self._known.append(creation.stored)

    def _new_request(self) -> NewObject:
        number = len(self._requests)
        payload = self._chance.choice((None, self._declared(), self._declared(), self._inline()))
        return NewObject(
            kind="record" if payload is None else "file",
            name=f"number {number}",
            attributes={},
            labels={},
            payload=payload,
            fingerprint=f"{number:064d}",
            idempotency_key=str(number),
        )

    def _declared(self) -> DeclaredPayload:
        return DeclaredPayload("text/csv", self._chance.randrange(LARGEST), None)

    def _inline(self) -> InlinePayload:
        return InlinePayload("text/csv", b"x" * self._chance.randrange(200))

    def _change(self) -> None:
        if not self._known:
            return self._create()
        stored = self._known.pop(self._chance.randrange(len(self._known)))
        action = self._choose(stored)
        self.done[action] += 1
        try:
            changed = self._act_on(stored, action)
        except Unavailable:
            changed = None
        changed = changed or self._repository.get(stored.owner, stored.id)
        if action != "purge" or self._chance.random() < 0.3:
            self._known.append(changed)

    def _choose(self, stored: StoredObject) -> str:
        if stored.status is not Status.DELETED and self._chance.random() < DELETIONS:
            return "delete"
        return self._chance.choice(ALLOWED[stored.status] if stored.newest else RECORDS_ALLOW[stored.status])

    def _act_on(self, stored: StoredObject, action: str) -> StoredObject | None:
        """Act on an object, and return what became of it if the services tell."""
        me, object_id = stored.owner, UUID(stored.id)
        by_services: Mapping[str, Callable[[], StoredObject | None]] = {
            "edit": lambda: self._editing.edit(
                me, object_id, {"name": f"at {self._clock.now}"}, cause=Cause("crowd")
            ),
            "delete": lambda: self._editing.delete(me, object_id, cause=Cause("crowd")),
            "upload": lambda: self._editing.request_upload(
                me, object_id, self._declared(), cause=Cause("crowd")
            )[0],
            "put": lambda: self._editing.put_payload(me, object_id, self._inline(), cause=Cause("crowd")),
            "reprocess": lambda: self._editing.reprocess(me, object_id, cause=Cause("crowd")),
        }
        if action == "purge":
            self._dispatch(Message(Deletion(me, stored.id)))
            return None
        if action in by_services:
            return by_services[action]()
        after_it = self._processed(stored, action)
        self._repository.save(after_it, read=stored)
        return after_it

    def _processed(self, stored: StoredObject, action: str) -> StoredObject:
        """Let worker, sweep or operator process it."""
        now = self._clock.now
        lease_until = now + timedelta(seconds=300)
        transitions: Mapping[str, Callable[[], StoredObject]] = {
            "claim": lambda: stored.claim(now=now, lease_until=lease_until),
            "claim again": lambda: stored.release(now=now).claim(now=now, lease_until=lease_until),
            "release": lambda: stored.release(now=now),
            "accept": lambda: stored.accept(_payload(stored), Result({}, ()), now=now),
            "reject": lambda: stored.reject(INVALID, now=now),
            "give up": lambda: stored.give_up(now=now),
            "expire": lambda: stored.expire(now=now),
            "requeue": lambda: stored.requeue(now=now),
            "redrive": lambda: stored.redrive(now=now, deadline=lease_until, cause=Cause("crowd")),
        }
        return transitions[action]()


def _payload(stored: StoredObject) -> Payload:
    newest = stored.newest
    assert newest is not None
    return Payload(newest.media_type, newest.size, "a" * 64, newest.number)


class Relay:
    """Every record is delivered once at least, and each object's in their order at first."""

    def __init__(self, aws: Aws, streams: Any, function: Function, chance: Random) -> None:
        self._client = aws.dynamodb
        self._chance = chance
        self._relaying = relaying_on(aws)
        self._source = StreamSource(streams, function, self._handle, Event())
        self._delivered: list[Json] = []
        self.records = 0
        self.repeated = 0
        self.troubles: Counter[str] = Counter()

    def catch_up(self, polls: int) -> None:
        """Poll at most `polls` times, so that after some trouble it stays behind for a while."""
        while polls and self._source.poll() != 0:
            polls -= 1

    def finish(self) -> None:
        while self._source.poll() != 0:
            pass

    def _handle(self, event: Json, _context: Any) -> Json:
        records = event["Records"]
        self._deliver_again()
        self._make_trouble()
        try:
            failed = self._deliver(records)
        finally:
            unhook_all()
        if self._chance.random() < 0.1:
            self._deliver(records)
        return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}

    def _deliver(self, records: Sequence[Json]) -> str | None:
        self.records += len(records)
        seen = {record["dynamodb"]["SequenceNumber"] for record in self._delivered[-400:]}
        new = [record for record in records if record["dynamodb"]["SequenceNumber"] not in seen]
        self.repeated += len(records) - len(new)
        self._delivered += new
        return self._relaying.relay(records)

    def _deliver_again(self) -> None:
        """Repeat records of the batch before, or old ones, whose objects may be purged since."""
        if self._delivered and self._chance.random() < 0.2:
            start = self._chance.choice((0, max(0, len(self._delivered) - 40)))
            start = self._chance.randrange(start, len(self._delivered))
            again = self._delivered[start : start + self._chance.randrange(1, 60)]
            self.records += len(again)
            self.repeated += len(again)
            self._relaying.relay(again)

    def _make_trouble(self) -> None:
        if self._chance.random() < TROUBLED_DELIVERIES:
            trouble = self._chance.choice((*TROUBLES, "conflicts"))
            self.troubles[trouble] += 1
            if trouble == "conflicts":
                conflict(self._client, times=self._chance.choice((1, len(PAUSES_SECONDS))))
            else:
                # Whichever of them the relay makes.
                for operation in ("TransactWriteItems", "PutItem", "UpdateItem"):
                    TROUBLES[trouble](self._client, operation, self._chance.randrange(15))


#: The operations between two polls, so many that a batch has several changes of an owner, and often of
#: an object.
POLLED_EVERY = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    crowd: Crowd
    relay: Relay
    counted: Mapping[str, Usage]
    recounted: Mapping[str, Usage]
    #: The number of items: one for each owner and shard.
    counters: int

    def __str__(self) -> str:
        crowd, relay = self.crowd, self.relay
        return (
            f"{sum(crowd.done.values())} operations, {relay.records} stream records delivered, "
            f"{relay.repeated} of them again; in writes and deliveries {_in_words(crowd.troubles)} "
            f"and {_in_words(relay.troubles)}"
        )


def _in_words(troubles: Counter[str]) -> str:
    return ", ".join(f"{number} {trouble}" for trouble, number in sorted(troubles.items()))


def operate(folder: Path, *, operations: int, seed: int) -> Outcome:
    """Operate an emulator of its own, to whose stream nobody else writes."""
    chance = Random(seed)
    with emulated(folder) as own:
        aws, streams, function = _stage(own)
        crowd, relay = Crowd(aws, chance), Relay(aws, streams, function, chance)
        for number in range(operations):
            crowd.act()
            if number % POLLED_EVERY == 0:
                relay.catch_up(chance.randrange(4))
        relay.finish()
        return Outcome(crowd, relay, counted(aws), recounted(aws), _counters(aws))


def _stage(own: Emulator) -> tuple[Aws, Any, Function]:
    session = session_of(own)

    def client(service: str) -> Any:
        config = S3_CONFIG if service == "s3" else CONFIG
        return session.client(service, endpoint_url=own.url, config=config)  # type: ignore[call-overload]

    stack = stacks.deploy(client("cloudformation"), {})
    aws = Aws.of_stack(client, stack.outputs)
    function = stacks.describe_function(client("lambda"), stack, "RelayFunction", "Changes")
    return aws, client("dynamodbstreams"), function


def counted(aws: Aws) -> dict[str, Usage]:
    usage = aws.adapters().usage
    return {owner: usage.read(owner) for owner in OWNERS}


def recounted(aws: Aws) -> dict[str, Usage]:
    found: dict[str, Usage] = defaultdict(lambda: NOTHING)
    for item in _items(aws):
        if item["sk"] == {"S": OBJECT}:
            stored = from_item(item)
            found[stored.owner] += usage_of(stored)
    return dict(found)


def _counters(aws: Aws) -> int:
    return sum(item["sk"]["S"].startswith("shard#") for item in _items(aws))


def _items(aws: Aws) -> Iterator[Any]:
    for page in aws.dynamodb.get_paginator("scan").paginate(TableName=aws.table, ConsistentRead=True):
        yield from page["Items"]

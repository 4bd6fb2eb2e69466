"""Measure the relay on calls that take 5 ms, of which some fail, and some transactions conflict.

Calls and pauses are counted, not slept for. The rate is that of a machine with nothing else to do: of their
sum and of the processor's time. Faults and pauses are drawn by one seed, so each run counts the same.
"""

import logging
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from app.aws.clients import Clients
from app.bootstrap.adapters import Adapters
from app.bootstrap.relay import compose_relay
from app.config import RelaySettings
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Payload, Result
from app.observability.logs import SERVICE
from app.services.changes.relaying import Relaying
from app.storage.set_aside import StreamRecord
from benchmarks.measuring import table
from tests.conftest import NOW, make_object
from tests.events import stream_record

HEAD = ("fail", "conflict", "records/s", "of none", "calls and pauses, of none", "repeated", "longest wait")
CALL_SECONDS = 0.005
#: The shares of the calls that fail, and of the transactions that are cancelled by another writer.
FAULTS = ((0.0, 0.0), (0.05, 0.0), (0.2, 0.0), (0.0, 0.2), (0.05, 0.2))
OBJECTS, OWNERS, BATCH = 1_000, 5, 100
ENVIRONMENT = {
    "TABLE_NAME": "objects",
    "BUCKET_NAME": "payloads",
    "BUS_NAME": "domain",
    "QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/work",
}


@dataclass(slots=True)
class Cloud:
    """Answers each call after 5 ms, or fails it by chance."""

    faults: float
    conflicts: float
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311  # the same in each run

    def answer(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        time.sleep(CALL_SECONDS)
        if self.chance.random() < self.faults:
            error = {"Code": "InternalError", "Message": "Not now."}
            return _answered(500, {"Error": error})
        if model.name == "TransactWriteItems" and self.chance.random() < self.conflicts:
            return _conflict(params["body"].count(b'"Put"'))
        if model.name != "PutEvents":
            return _answered(200, {})
        entries = params["body"].count(b'"DetailType"')
        return _answered(200, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}] * entries})


def _answered(status: int, content: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]]:
    answer = {**content, "ResponseMetadata": {"HTTPStatusCode": status}}
    return AWSResponse("https://aws.test/", status, HTTPHeaders(), None), answer


def _conflict(events: int) -> tuple[AWSResponse, dict[str, Any]]:
    """Cancel a transaction because somebody else writes its counter, the last item."""
    reasons = [{"Code": "None"}] * events + [{"Code": "TransactionConflict"}]
    error = {"Code": "TransactionCanceledException", "Message": "Conflict."}
    return _answered(400, {"Error": error, "CancellationReasons": reasons})


@dataclass(slots=True)
class Slept:
    """Counts the seconds for which it was asked to sleep."""

    seconds: float = 0.0

    def __call__(self, seconds: float) -> None:
        self.seconds += seconds

    def clock(self) -> float:
        """Return the time of this process as if it had slept and nobody else had worked."""
        return self.seconds + time.process_time()


def main(_: Sequence[str]) -> None:
    service = logging.getLogger(SERVICE)
    level = service.level
    service.setLevel(logging.WARNING)
    try:
        table(f"The relay: {3 * OBJECTS} records in batches of {BATCH}, 5 ms a call", HEAD, _rows())
    finally:
        service.setLevel(level)


def _rows() -> Iterator[Sequence[str]]:
    records, best, least = _records(), 0.0, 0.0
    for faults, conflicts in FAULTS:
        relaying, slept = _relaying(Cloud(faults, conflicts)), Slept()
        random.seed(1)
        with patch("time.sleep", slept):
            took, handed_over, longest = _relay(relaying, records, slept.clock)
        rate = len(records) / took
        best, least = best or rate, least or slept.seconds
        yield (
            f"{faults:.0%}",
            f"{conflicts:.0%}",
            f"{rate:.0f}",
            f"{rate / best:.2f}",
            f"{least / slept.seconds:.2f}",
            f"{handed_over / len(records) - 1:.1%}",
            f"{longest:.2f} s",
        )


def _relaying(cloud: Cloud) -> Relaying:
    relaying = compose_relay(Adapters(RelaySettings.from_environment(ENVIRONMENT), _clients(cloud)))
    relaying.relay(_records()[:1])
    return relaying


def _clients(cloud: Cloud) -> Clients:
    class Answered(Clients):
        def client(self, service: str, **options: Any) -> Any:
            keys = {"aws_access_key_id": "benchmark", "aws_secret_access_key": "benchmark"}
            client = super().client(service, region_name="eu-central-1", **keys, **options)
            client.meta.events.register("before-call", cloud.answer)
            return client

    return Answered(callers_repeat=True)


def _relay(
    relaying: Relaying, records: Sequence[StreamRecord], clock: Callable[[], float]
) -> tuple[float, int, float]:
    """Return the seconds in all, the records handed over, and the longest wait for one of them."""
    began, start, handed_over, longest = clock(), 0, 0, 0.0
    since = began
    while start < len(records):
        batch = records[start : start + BATCH]
        left = relaying.relay(batch)
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        done = len(batch) if left is None else numbers.index(left)
        handed_over += len(batch)
        now = clock()
        longest = max(longest, now - since)
        since = now if done else since
        start += done
    return clock() - began, handed_over, longest


def _records() -> list[StreamRecord]:
    """Return the changes of objects that are created, claimed and become ready, mixed as in a busy stream."""
    lives = [_life(number) for number in range(OBJECTS)]
    changes = [life[step] for step in range(3) for life in lives]
    return [
        stream_record(before, changed, sequence_number=str(number))
        for number, (before, changed) in enumerate(changes, 1)
    ]


def _life(number: int) -> list[tuple[StoredObject | None, StoredObject]]:
    created = make_object(id=f"{number:08d}-9a0e-4e6f-8a51-2f1c7f1f6a10", owner=f"local-{number % OWNERS}")
    claimed = created.claim(now=NOW, lease_until=NOW + timedelta(minutes=5))
    ready = claimed.accept(Payload("text/csv", 12, "a" * 64, 1), Result({"rows": 2}, ()), now=NOW)
    return [(None, created), (created, claimed), (claimed, ready)]


if __name__ == "__main__":
    main(sys.argv[1:])

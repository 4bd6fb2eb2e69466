"""The domain event bus (EventBridge)."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from app.aws.faults import error_code, insist, transient_faults
from app.domain.errors import Unavailable
from app.domain.events import SOURCE, ObjectEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

#: From the Amazon EventBridge API Reference, "PutEvents".
ENTRIES_PER_CALL = 10
#: EventBridge takes 1 MB since January 2026; it was 256 KB (AWS Compute Blog, "More room to build:
#: serverless services now support payloads up to 1 MB"). Where it still is, a call that is refused
#: for its size is made again entry by entry.
BYTES_PER_CALL = 1_000_000

#: Codes of an entry or a call that is wrong itself (Amazon EventBridge API Reference, "PutEvents").
REFUSALS = frozenset({"ValidationException", "ValidationError", "InvalidArgument", "MalformedDetail"})

Entry = tuple[ObjectEvent, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Published:
    """The ids of events that were not published."""

    #: The events that the bus did not take now.
    waiting: frozenset[str]
    #: The events that it will never take.
    refused: frozenset[str]


class EventBus:
    def __init__(self, client: "EventBridgeClient", name: str) -> None:
        self._client = client
        self._name = name

    def publish(self, events: Sequence[ObjectEvent]) -> Published:
        """Publish in order, as far as the bus takes the events.

        The bus takes or refuses each entry of a call. So no call holds two events of one
        object, and no call follows one with an entry that is still to be taken. An event
        never overtakes an earlier event of its object.
        """
        left, refused = [event.id for event in events], set[str]()
        for batch in _batches([(event, self._entry(event)) for event in events]):
            waiting = self._publish_batch(batch, refused)
            done = {event.id for event, _ in batch} - waiting
            left = [event_id for event_id in left if event_id not in done]
            if waiting:
                break
        return Published(frozenset(left), frozenset(refused))

    def _publish_batch(self, batch: list[Entry], refused: set[str]) -> set[str]:
        """Return the events that the bus did not take now; add those that it never takes to `refused`."""
        waiting = batch

        def put() -> None:
            nonlocal waiting
            codes = self._put([entry for _, entry in waiting])
            coded = list(zip(waiting, codes, strict=True))
            refused.update(event.id for (event, _), code in coded if code in REFUSALS)
            waiting = [one for one, code in coded if code is not None and code not in REFUSALS]
            if waiting:
                raise Unavailable("The bus did not take some events.")

        with suppress(Unavailable):
            insist(put)
        return {event.id for event, _ in waiting}

    @transient_faults()
    def _put(self, entries: list[dict[str, Any]]) -> list[str | None]:
        """Return the code of each entry that was not taken, None for the others."""
        try:
            answer = self._client.put_events(Entries=entries)  # type: ignore[arg-type]  # a dict is one
        except ClientError as fault:
            if error_code(fault) not in REFUSALS:
                raise
            if len(entries) == 1:
                return [error_code(fault)]
            return [code for entry in entries for code in self._put([entry])]
        return [result.get("ErrorCode") for result in answer["Entries"]]

    def _entry(self, event: ObjectEvent) -> dict[str, Any]:
        trace = event.cause.trace
        return {
            **({} if trace is None else {"TraceHeader": trace.xray_header}),
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event.type.value,
            "Time": event.time,
            "Detail": event.text,
        }


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for event, entry in entries:
        entry_size = _size(entry)
        is_full = len(batch) == ENTRIES_PER_CALL or size + entry_size > BYTES_PER_CALL
        if batch and (is_full or any(event.object_id == other.object_id for other, _ in batch)):
            yield batch
            batch, size = [], 0
        batch.append((event, entry))
        size += entry_size
    if batch:
        yield batch


def _size(entry: dict[str, Any]) -> int:
    """Return the size as EventBridge counts it: 14 bytes for the time, and the texts in UTF-8."""
    texts = (entry["Source"], entry["DetailType"], entry["Detail"])
    return 14 + sum(len(text.encode()) for text in texts)

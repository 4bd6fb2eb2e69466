"""The domain event bus (EventBridge)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from app.aws import passing_faults
from app.domain.events import SOURCE, ObjectEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

ENTRIES_PER_CALL = 10
#: Both limits are from the Amazon EventBridge User Guide, "PutEvents".
BYTES_PER_CALL = 256 * 1024


class EventBus:
    def __init__(self, client: "EventBridgeClient", name: str) -> None:
        self._client = client
        self._name = name

    @passing_faults()
    def publish(self, events: Sequence[ObjectEvent]) -> frozenset[str]:
        """Publish in order. Return the ids of the events that the bus did not take.

        The bus takes or refuses each entry of a call. So no call holds two events of one
        object, and no call follows one with a refused entry. An event never overtakes an
        earlier event of its object.
        """
        unpublished = [event.id for event in events]
        for batch in _batches([(event, self._entry(event)) for event in events]):
            answer = self._client.put_events(Entries=[entry for _, entry in batch])
            taken = {
                event.id
                for (event, _), result in zip(batch, answer["Entries"], strict=True)
                if "ErrorCode" not in result
            }
            unpublished = [event_id for event_id in unpublished if event_id not in taken]
            if answer["FailedEntryCount"]:
                break
        return frozenset(unpublished)

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


def _batches(
    entries: Sequence[tuple[ObjectEvent, Any]],
) -> Iterator[list[tuple[ObjectEvent, Any]]]:
    batch: list[tuple[ObjectEvent, Any]] = []
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

"""Upload a payload of any size, and go on where an earlier attempt ended.

A payload above `IN_PARTS_ABOVE` goes in parts, so that a broken connection costs one part. The service
tells which parts it has: the same call with the same key after a crash sends only what is missing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from wharf_client.errors import Conflict, StorageRefused, Unavailable
from wharf_client.flows import objects
from wharf_client.models import Object
from wharf_client.pieces import Piece, Source
from wharf_client.retries import Retries, pause_after
from wharf_client.steps import Answer, Broken, Flow, Pause, Send, Work

IN_PARTS_ABOVE = 16 * 1024 * 1024
#: How many URLs are asked for at once. They must not end before their parts are sent.
PARTS_AT_ONCE = 10
#: How often the service may name other parts that are missing after all were sent.
ROUNDS = 5
#: A PUT that finds the payload there already: an earlier one arrived, and its answer got lost.
IS_THERE = 412
FORBIDDEN = 403
#: A part of an upload that storage no longer knows; the next one begins anew.
IS_FORGOTTEN = 404

#: Called with the number of bytes that are there, and the number that there will be.
Progress = Callable[[int, int], None]


def no_progress(_done: int, _total: int) -> None:
    """Tell nobody."""


def upload(
    source: Source,
    body: Mapping[str, Any],
    media_type: str,
    key: str | None,
    progress: Progress,
    retries: Retries,
) -> Flow[Object]:
    """Create an object and upload its payload; return the object as the service then has it."""
    sha256 = yield Work(source.sha256)
    payload = {"media_type": media_type, "size": source.size, "sha256": sha256}
    if source.size > IN_PARTS_ABOVE:
        payload["multipart"] = True
    stored = yield from objects.create({**body, "payload": payload}, key, retries)
    if stored["status"] == "expired":
        stored = yield from objects.request(
            "POST", f"{objects.path_of(stored['id'])}/uploads", retries, body=payload
        )
    upload: Mapping[str, Any] | None = stored["upload"]
    if upload is None:
        # An earlier call with this key has sent everything.
        return stored
    try:
        if "part_size" in upload:
            yield from _send_parts(stored["id"], source, progress, retries)
        else:
            yield from _send_whole(stored["id"], upload, source, progress, retries)
    except Conflict:
        # The upload is no longer awaited. If it has not ended without a payload, all of it is there.
        found = yield from objects.read(stored["id"], retries)
        if found["status"] == "expired":
            raise
        return found
    return (yield from objects.read(stored["id"], retries))


def _send_whole(
    object_id: str, upload: Mapping[str, Any], source: Source, progress: Progress, retries: Retries
) -> Flow[None]:
    def again() -> Flow[Mapping[str, Any]]:
        found: Mapping[str, Any] = yield from objects.request(
            "GET", f"{objects.path_of(object_id)}/upload", retries
        )
        return found

    piece = Piece(source, 0, source.size, lambda sent: progress(sent, source.size))
    yield from _send(piece, upload, again, retries)


def _send_parts(object_id: str, source: Source, progress: Progress, retries: Retries) -> Flow[None]:
    path = f"{objects.path_of(object_id)}/upload"
    for _ in range(ROUNDS):
        state = yield from objects.request("GET", path, retries)
        done = sum(part["size"] for part in state["uploaded"])
        progress(done, source.size)
        try:
            for numbers in _batches(state["missing"]):
                done = yield from _send_batch(
                    path, numbers, state["part_size"], done, source, progress, retries
                )
            yield from objects.request("POST", f"{path}/complete", retries)
            return
        except Conflict as conflict:
            if conflict.code != "parts_missing":
                raise
        except StorageRefused as refused:
            if refused.status != IS_FORGOTTEN:
                raise
    raise Unavailable("Storage goes on losing parts.")


def _send_batch(
    path: str,
    numbers: Sequence[int],
    part_size: int,
    done: int,
    source: Source,
    progress: Progress,
    retries: Retries,
) -> Flow[int]:
    """Send some parts, and return how many bytes are there now."""

    def targets(wanted: Sequence[int]) -> Flow[list[Mapping[str, Any]]]:
        found = yield from objects.request("POST", f"{path}/parts", retries, body={"numbers": list(wanted)})
        parts: list[Mapping[str, Any]] = found["parts"]
        return parts

    for part in (yield from targets(numbers)):
        number: int = part["number"]

        def again(number: int = number) -> Flow[Mapping[str, Any]]:
            return (yield from targets([number]))[0]

        def report(sent: int, before: int = done) -> None:
            progress(before + sent, source.size)

        offset = (number - 1) * part_size
        piece = Piece(source, offset, min(part_size, source.size - offset), report)
        yield from _send(piece, part, again, retries)
        done += piece.size
    return done


def _send(
    piece: Piece,
    target: Mapping[str, Any],
    again: Callable[[], Flow[Mapping[str, Any]]],
    retries: Retries,
) -> Flow[None]:
    """Send a piece until storage has it; `again` asks for a new URL where one has ended."""
    attempt = 1
    while True:
        outcome = yield Send(target["method"], target["url"], target["headers"], piece)
        if isinstance(outcome, Answer) and (outcome.status < 300 or outcome.status == IS_THERE):
            return
        if isinstance(outcome, Answer) and outcome.status == FORBIDDEN and attempt < retries.attempts:
            target = yield from again()
        else:
            yield Pause(_pause(outcome, attempt, retries))
        attempt += 1


def _pause(outcome: Answer | Broken, attempt: int, retries: Retries) -> float:
    """Return how long to wait. Raises what ends the attempts."""
    pause = pause_after(outcome, attempt, retries)
    if pause is not None:
        return pause
    if isinstance(outcome, Broken):
        raise Unavailable(f"Storage cannot be reached: {outcome.reason}")
    raise StorageRefused(outcome.status, outcome.body)


def _batches(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(numbers), PARTS_AT_ONCE):
        yield numbers[first : first + PARTS_AT_ONCE]

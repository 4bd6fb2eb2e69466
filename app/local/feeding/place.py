"""How far the relay has come in the stream, kept in the data folder over a restart of this process.

the stream still has the record there      the emulator lives: the relay goes on behind it
it has not, but our emulator had stopped   nothing was lost, and the stream is new and empty
  cleanly, with all of its stream relayed
otherwise                                  the stream's records are lost: see catch_up.py

The records that the relay has in hand are kept too: it may have written them to the
history, but not yet published them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FILE = "relay.json"
IN_HAND = "relay-in-hand.json"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in one stream."""

    stream_arn: str = ""
    #: The sequence number of the last record that the relay is done with, by shard.
    shards: Mapping[str, str] = field(default_factory=dict)
    #: True if no change before the place was lost, or all that were are announced.
    is_caught_up: bool = False
    #: True once the relay is done with the whole stream, and nobody writes any more.
    is_drained: bool = False


NOWHERE = Place()


def beginning(kept: Place, *, is_in_stream: bool, is_emulator_new: bool) -> Place:
    """Return where a run begins, given the place that was kept and if the stream still has it."""
    if is_in_stream:
        return replace(kept, is_drained=False)
    return Place(is_caught_up=kept.is_drained and is_emulator_new)


class PlaceFile:
    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._in_hand = folder / IN_HAND

    def read(self) -> Place:
        """Return the place; NOWHERE if there is none that can be read."""
        try:
            return Place(**json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError):
            return NOWHERE

    def write(self, place: Place) -> None:
        """Replace the place. A kill in between leaves the one before."""
        _replace(self._path, asdict(place))

    def forget(self) -> None:
        """Forget the place and what is in hand: the table may be older than they are."""
        self._path.unlink(missing_ok=True)
        self._in_hand.unlink(missing_ok=True)

    def take(self, records: Sequence[Json]) -> None:
        """Note what the relay has in hand from now on; nothing once it is done."""
        if records:
            _replace(self._in_hand, records)
        else:
            self._in_hand.unlink(missing_ok=True)

    def in_hand(self) -> list[Json]:
        try:
            found: list[Json] = json.loads(self._in_hand.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return found


def _replace(path: Path, content: Any) -> None:
    written = path.with_suffix(".new")
    written.write_text(json.dumps(content), encoding="utf-8")
    written.replace(path)

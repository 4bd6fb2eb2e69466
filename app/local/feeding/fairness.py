"""Shares the workers of one machine among owners, as SQS's fair queues do on AWS.

The emulator gives messages in the order in which they came. So all that wait are taken from the
queue at once, and kept here by the owner that each message names. Owners take turns, and none has
more than a few of the workers: however many slow payloads one hands over, the others' are processed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from threading import Condition
from typing import TYPE_CHECKING

from app.local.errors import log_fault
from app.local.feeding.sources import PAUSE_AFTER_FAULT_SECONDS, QueueSource

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

#: A message takes one or two kilobytes.
MOST_WAITING = 20_000
LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Turns:
    """Messages that wait for a worker. Safe for several threads."""

    #: How many workers one owner may have at once.
    most_at_once: int
    #: Messages by owner, in the order of turns; those of one owner in the order in which they came.
    _waiting: "dict[str, dict[str, MessageTypeDef]]" = field(default_factory=dict)
    _working: Counter[str] = field(default_factory=Counter)
    _changed: Condition = field(default_factory=Condition)

    def __len__(self) -> int:
        with self._changed:
            return sum(map(len, self._waiting.values()))

    def add(self, messages: Iterable["MessageTypeDef"]) -> None:
        """Let messages wait. One that waits already has come again: only its newest receipt counts."""
        with self._changed:
            for message in messages:
                self._waiting.setdefault(owner_of(message), {})[message["MessageId"]] = message
            self._changed.notify_all()

    def take(self, most: int, *, wait_seconds: float) -> Sequence["MessageTypeDef"]:
        """Return up to `most` messages of the owner whose turn it is; none if nobody has any in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._next() is not None, wait_seconds)
            owner = self._next()
            if owner is None:
                return ()
            theirs = self._waiting.pop(owner)
            taken = [theirs.pop(identifier) for identifier in list(islice(theirs, most))]
            if theirs:
                # The owner goes behind all others.
                self._waiting[owner] = theirs
            self._working[owner] += 1
            return taken

    def done(self, messages: Sequence["MessageTypeDef"]) -> None:
        """Tell that a worker is free again."""
        with self._changed:
            self._working[owner_of(messages[0])] -= 1
            self._changed.notify_all()

    def drain(self) -> Sequence["MessageTypeDef"]:
        """Return all that wait, and forget them."""
        with self._changed:
            left = [message for theirs in self._waiting.values() for message in theirs.values()]
            self._waiting.clear()
            return left

    def _next(self) -> str | None:
        free = (owner for owner in self._waiting if self._working[owner] < self.most_at_once)
        return next(free, None)


def owner_of(message: "MessageTypeDef") -> str:
    """Return the owner that a message names; messages of nobody are one more owner's."""
    return message.get("Attributes", {}).get("MessageGroupId", "")


@dataclass(frozen=True, slots=True)
class FairSource:
    """Feeds several workers from one queue: one thread runs `receive`, each worker `work`."""

    source: QueueSource
    turns: Turns

    def receive(self) -> None:
        """Take what comes until the source stops; then give back what still waits."""
        while not self.source.stopping.is_set():
            try:
                if len(self.turns) < MOST_WAITING:
                    self.turns.add(self.source.receive())
                else:
                    self.source.stopping.wait(LOOK_SECONDS)
            except Exception as fault:  # noqa: BLE001  # logged, and never fatal
                log_fault("queue.unreachable", fault)
                self.source.stopping.wait(PAUSE_AFTER_FAULT_SECONDS)
        self.source.give_back(self.turns.drain())

    def work(self) -> None:
        """Handle batches until the source stops."""
        while not self.source.stopping.is_set():
            messages = self.turns.take(self.source.function.batch_size, wait_seconds=LOOK_SECONDS)
            if not messages:
                continue
            try:
                self.source.handle(messages)
            except Exception as fault:  # noqa: BLE001  # logged, and never fatal
                log_fault("queue.unreachable", fault)
                self.source.stopping.wait(PAUSE_AFTER_FAULT_SECONDS)
            finally:
                self.turns.done(messages)

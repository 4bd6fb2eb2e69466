"""Try again what the service gave up, at an operator's word.

    a failed object       reprocessed; its dead letters are deleted
    any other dead letter sent back to the work queue

What is there is read once, before anything is sent, and what was redriven too
often is left unless it is named: so nothing goes round in circles.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.causes import Cause
from app.domain.errors import NotFound, UnknownMessage
from app.domain.objects import FIRST_REQUEUE_SECONDS, Status, StoredObject
from app.domain.times import utc_now
from app.messaging.dead_letters import DeadLetter, DeadLetterQueue
from app.services import messages
from app.services.messages import parse_message
from app.storage.objects import ObjectRepository

MOST_REDRIVES = 3
HIDDEN_SECONDS = 15 * 60
"""For so long no second operator sees the dead letters that a first one is looking at."""


@dataclass(frozen=True, slots=True)
class FailedObject:
    stored: StoredObject
    letters: tuple[DeadLetter, ...]

    @property
    def errors(self) -> frozenset[str]:
        """What the worker met, and the code of the object's problem."""
        code = () if self.stored.problem is None else (self.stored.problem.code.value,)
        return frozenset((*(letter.error for letter in self.letters), *code))


@dataclass(frozen=True, slots=True)
class Survey:
    failed: tuple[FailedObject, ...]
    letters: tuple[DeadLetter, ...]
    """Those of no failed object."""

    @property
    def all_letters(self) -> tuple[DeadLetter, ...]:
        return (*(letter for one in self.failed for letter in one.letters), *self.letters)


@dataclass(frozen=True, slots=True)
class Choice:
    """Everything, or only what is of one object or one error."""

    object_id: str | None = None
    error: str | None = None


class Action(StrEnum):
    REPROCESS = "process again"
    SEND_BACK = "send back"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Step:
    target: FailedObject | DeadLetter
    action: Action


def plan(survey: Survey, choice: Choice) -> list[Step]:
    """One step for each thing chosen; LEAVE what was redriven too often, unless it is named."""

    def step(target: FailedObject | DeadLetter, action: Action, redrives: int) -> Step:
        is_too_often = redrives >= MOST_REDRIVES and choice.object_id is None
        return Step(target, Action.LEAVE if is_too_often else action)

    objects = [
        step(one, Action.REPROCESS, one.stored.redrives)
        for one in survey.failed
        if choice.object_id in (None, one.stored.id) and (choice.error is None or choice.error in one.errors)
    ]
    letters = [
        step(letter, Action.SEND_BACK, letter.redrives)
        for letter in survey.letters
        if choice.object_id in (None, object_of(letter)) and choice.error in (None, letter.error)
    ]
    return objects + letters


def object_of(letter: DeadLetter) -> str | None:
    """The id of the object that a dead letter is about; None when it is about none."""
    try:
        return messages.object_of(parse_message(letter.body))
    except UnknownMessage:
        return None


class Redriving:
    def __init__(
        self,
        objects: ObjectRepository,
        letters: DeadLetterQueue,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._letters = letters
        self._clock = clock

    def survey(self) -> Survey:
        """Read everything that was given up. Its dead letters stay hidden until `release`."""
        letters = self._letters.receive_all(seconds=HIDDEN_SECONDS)
        found = [self._failed(due.owner, due.object_id) for due in self._objects.failed()]
        failed = {stored.id: stored for stored in found if stored is not None}
        letters_of = defaultdict[str | None, list[DeadLetter]](list)
        for letter in letters:
            letters_of[object_of(letter)].append(letter)
        return Survey(
            tuple(FailedObject(stored, tuple(letters_of[stored.id])) for stored in failed.values()),
            tuple(letter for letter in letters if object_of(letter) not in failed),
        )

    def carry_out(self, step: Step, *, cause: Cause) -> None:
        """Raises Refused when the object is no longer as it was surveyed."""
        match step.target, step.action:
            case FailedObject() as failed, Action.REPROCESS:
                self._reprocess(failed, cause)
            case DeadLetter() as letter, Action.SEND_BACK:
                self._letters.send_back(letter)

    def release(self, letters: Sequence[DeadLetter]) -> None:
        self._letters.release(letters)

    def _failed(self, owner: str, object_id: str) -> StoredObject | None:
        """None when it changed since the index was written."""
        try:
            stored = self._objects.get(owner, object_id)
        except NotFound:
            return None
        return stored if stored.status is Status.FAILED else None

    def _reprocess(self, failed: FailedObject, cause: Cause) -> None:
        """The object first: its dead letters are proof of nothing once it is pending again."""
        now = self._clock()
        deadline = now + timedelta(seconds=FIRST_REQUEUE_SECONDS)
        pending = failed.stored.redrive(now=now, deadline=deadline, cause=cause)
        self._objects.save(pending, read=failed.stored)
        for letter in failed.letters:
            self._letters.delete(letter)

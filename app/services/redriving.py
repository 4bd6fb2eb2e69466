"""Redrive: try again what the service gave up, when an operator asks for it.

    a failed object            processed again; its dead letters are deleted
    any other dead letter      sent back to the work queue

Everything is read once, before anything is sent, so nothing goes round in
circles. What was redriven too often is left, unless the operator names it.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.causes import Cause
from app.domain.errors import NotFound
from app.domain.objects import FIRST_REQUEUE_SECONDS, StoredObject
from app.domain.times import utc_now
from app.domain.values import Status
from app.messaging.dead_letters import DeadLetter, DeadLetterQueue
from app.messaging.messages import parse_message
from app.storage.objects import ObjectRepository

MOST_REDRIVES = 3
#: While one operator looks at the dead letters, a second one does not see them.
HIDDEN_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class FailedObject:
    stored: StoredObject
    letters: tuple[DeadLetter, ...]

    @property
    def errors(self) -> frozenset[str]:
        """The errors of its dead letters, and the code of the object's problem."""
        code = () if self.stored.problem is None else (self.stored.problem.code.value,)
        return frozenset((*(letter.error for letter in self.letters), *code))


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that was given up."""

    failed: tuple[FailedObject, ...]
    #: The dead letters that belong to no failed object.
    letters: tuple[DeadLetter, ...]

    @property
    def all_letters(self) -> tuple[DeadLetter, ...]:
        return (*(letter for one in self.failed for letter in one.letters), *self.letters)


@dataclass(frozen=True, slots=True)
class Choice:
    """What to redrive: everything, or only one object or one error."""

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
    """Return a step for each thing chosen. LEAVE what was redriven too often, unless it is named."""

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
    """Return the id of the object that a dead letter is about, if it is about one."""
    return parse_message(letter.body).object_id


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
        """Return everything that was given up. The dead letters stay hidden until `release`."""
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
        """Do what the step says. Raises Refused if the object has changed since the survey."""
        match step.target, step.action:
            case FailedObject(stored, letters), Action.REPROCESS:
                now = self._clock()
                deadline = now + timedelta(seconds=FIRST_REQUEUE_SECONDS)
                self._objects.save(stored.redrive(now=now, deadline=deadline, cause=cause), read=stored)
                # Only now that the object is pending again are its dead letters no longer needed.
                for letter in letters:
                    self._letters.delete(letter)
            case DeadLetter() as letter, Action.SEND_BACK:
                self._letters.send_back(letter)

    def release(self, letters: Sequence[DeadLetter]) -> None:
        self._letters.release(letters)

    def _failed(self, owner: str, object_id: str) -> StoredObject | None:
        """Return the object if it is still failed; the index may lag behind."""
        try:
            stored = self._objects.get(owner, object_id)
        except NotFound:
            return None
        return stored if stored.status is Status.FAILED else None

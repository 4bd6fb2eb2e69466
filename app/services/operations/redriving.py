"""Redrive: try again what the service gave up, when an operator asks for it.

    a failed object            processed again; its dead letters are deleted
    any other dead letter      sent back to the work queue
    records of the stream      published, in the order of each object

Or drop dead letters: they are deleted, and nothing else changes. A failed object stays failed.

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
from app.domain.objects.stored import FIRST_REQUEUE_SECONDS, StoredObject
from app.domain.objects.values import Status
from app.domain.times import timestamp, utc_now
from app.messaging.dead_letters import DeadLetter, DeadLetterQueue
from app.messaging.messages import parse_message
from app.observability import logger
from app.services.operations.replaying import Aside, AsideChanges, Replaying
from app.storage.items import UnreadableItem
from app.storage.objects import ObjectRepository

MOST_REDRIVES = 3
NOTHING_ASIDE = Aside()
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
    #: The stream records that the relay or Lambda set aside.
    records: Aside = NOTHING_ASIDE

    @property
    def all_letters(self) -> tuple[DeadLetter, ...]:
        return (*(letter for one in self.failed for letter in one.letters), *self.letters)


@dataclass(frozen=True, slots=True)
class Choice:
    """The choice of what to redrive or drop: everything, or only one object, one message or one error."""

    object_id: str | None = None
    message_id: str | None = None
    error: str | None = None

    @property
    def is_of_one(self) -> bool:
        return self.object_id is not None or self.message_id is not None

    def has(self, letter: DeadLetter) -> bool:
        return (
            self.object_id in (None, object_of(letter))
            and self.message_id in (None, letter.message_id)
            and self.error in (None, letter.error)
        )

    def has_failed(self, one: FailedObject) -> bool:
        """True if the choice has a failed object, or one of its dead letters."""
        return (
            self.object_id in (None, one.stored.id)
            and (self.message_id is None or self.message_id in {letter.message_id for letter in one.letters})
            and (self.error is None or self.error in one.errors)
        )

    def has_records(self, changes: AsideChanges) -> bool:
        """True if the choice has them. No message holds them, and nothing says why they were set aside."""
        is_of_others = self.message_id is not None or self.error is not None
        return not is_of_others and self.object_id in (None, changes.object_id)


class Action(StrEnum):
    REPROCESS = "process again"
    SEND_BACK = "send back"
    REPLAY = "publish"
    DROP = "drop"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Step:
    target: FailedObject | DeadLetter | AsideChanges
    action: Action


def plan(survey: Survey, choice: Choice) -> list[Step]:
    """Return a step for each thing chosen. LEAVE what was redriven too often, unless it is named."""

    def step(target: FailedObject | DeadLetter, action: Action, redrives: int) -> Step:
        is_too_often = redrives >= MOST_REDRIVES and not choice.is_of_one
        return Step(target, Action.LEAVE if is_too_often else action)

    objects = [
        step(one, Action.REPROCESS, one.stored.redrives) for one in survey.failed if choice.has_failed(one)
    ]
    letters = [
        step(letter, Action.SEND_BACK, letter.redrives) for letter in survey.letters if choice.has(letter)
    ]
    records = [
        Step(changes, Action.REPLAY) for changes in survey.records.changes if choice.has_records(changes)
    ]
    return objects + letters + records


def plan_to_drop(survey: Survey, choice: Choice) -> list[Step]:
    """Return a step for each dead letter chosen, also those of failed objects."""
    return [Step(letter, Action.DROP) for letter in survey.all_letters if choice.has(letter)]


def object_of(letter: DeadLetter) -> str | None:
    """Return the id of the object that a dead letter is about, if it is about one."""
    return parse_message(letter.body).object_id


class Redriving:
    def __init__(
        self,
        objects: ObjectRepository,
        letters: DeadLetterQueue,
        replaying: Replaying,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._objects = objects
        self._letters = letters
        self._replaying = replaying
        self._clock = clock

    def survey(self) -> Survey:
        """Return everything that was given up. The dead letters stay hidden until `release`.

        If it cannot read all, it hides none.
        """
        letters = self._letters.receive_all(seconds=HIDDEN_SECONDS)
        try:
            return self._survey(letters)
        except BaseException:  # Ctrl-C too
            self._letters.release(letters)
            raise

    def _survey(self, letters: Sequence[DeadLetter]) -> Survey:
        found = [self._failed(due.owner, due.object_id) for due in self._objects.failed()]
        failed = {stored.id: stored for stored in found if stored is not None}
        letters_of = defaultdict[str | None, list[DeadLetter]](list)
        for letter in letters:
            letters_of[object_of(letter)].append(letter)
        return Survey(
            tuple(FailedObject(stored, tuple(letters_of[stored.id])) for stored in failed.values()),
            tuple(letter for letter in letters if object_of(letter) not in failed),
            self._replaying.survey(),
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
            case DeadLetter() as letter, Action.DROP:
                self._drop(letter)
            case AsideChanges() as changes, Action.REPLAY:
                self._replaying.replay(changes)

    def release(self, letters: Sequence[DeadLetter]) -> None:
        self._letters.release(letters)

    def _drop(self, letter: DeadLetter) -> None:
        self._letters.delete(letter)
        message = parse_message(letter.body)
        logger.warning(
            "dead_letter.dropped",
            message_id=letter.message_id,
            object_id=message.object_id,
            owner=message.owner,
            error=letter.error,
            attempts=letter.attempts,
            sent_at=timestamp(letter.sent_at),
        )

    def _failed(self, owner: str, object_id: str) -> StoredObject | None:
        """Return the object if it is still failed; the index may lag behind."""
        try:
            stored = self._objects.get(owner, object_id)
        except (NotFound, UnreadableItem):
            return None
        return stored if stored.status is Status.FAILED else None

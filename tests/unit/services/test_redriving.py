"""What was given up is tried again: chosen, once, and never in a circle."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.domain.causes import Cause
from app.domain.errors import StaleWrite
from app.domain.events import EventType, event_of
from app.domain.json import compact_json
from app.domain.objects import StoredObject
from app.domain.values import PayloadKey, Status
from app.messaging.dead_letters import DeadLetter
from app.messaging.work_queue import WorkQueue
from app.services.redriving import Action, Choice, FailedObject, Redriving, Survey, object_of, plan
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, Aws, Clock
from tests.events import object_created
from tests.faults import before
from tests.statuses import make_in
from tests.unit.services.conftest import messages_in

SWEEP = '{"detail-type":"sweep"}'
EVERYTHING = Choice()


@pytest.fixture
def redriving(aws: Aws, repository: ObjectRepository, clock: Clock) -> Redriving:
    letters = aws.adapters().dead_letters
    return Redriving(repository, letters, clock=clock)


def arrival_of(stored: StoredObject) -> str:
    return object_created(str(PayloadKey(stored.owner, stored.id, 1)))


def letter(body: str = SWEEP, **changes: Any) -> DeadLetter:
    values = {"message_id": uuid4().hex, "error": "UnknownMessage", "attempts": 1, "redrives": 0}
    fixed = {"body": body, "sent_at": NOW, "trace": None, "receipt_handle": ""}
    return DeadLetter(**{**values, **fixed, **changes})


def fail(repository: ObjectRepository, queue: WorkQueue, *, error: str = "Unavailable") -> StoredObject:
    """An object that was given up, and its message as the worker buries it."""
    failed = make_in("failed", id=str(uuid4()))
    repository.add(failed)
    queue.bury(arrival_of(failed), error=error, attempts=3)
    return failed


def redrive(redriving: Redriving, choice: Choice = EVERYTHING) -> list[tuple[str | None, Action]]:
    steps = plan(redriving.survey(), choice)
    for step in steps:
        redriving.carry_out(step, cause=Cause("redrive-1"))
    return [(name_of(step.target), step.action) for step in steps]


def name_of(target: FailedObject | DeadLetter) -> str | None:
    return target.stored.id if isinstance(target, FailedObject) else object_of(target)


class TestSurvey:
    def test_a_failed_object_is_found_with_its_dead_letters(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue
    ) -> None:
        failed = fail(repository, queue)
        queue.bury(SWEEP, error="UnknownMessage", attempts=1)

        survey = redriving.survey()

        assert [(one.stored, len(one.letters)) for one in survey.failed] == [(failed, 1)]
        assert survey.failed[0].errors == {"Unavailable", "attempts_exhausted"}
        assert [one.body for one in survey.letters] == [SWEEP]
        assert len(survey.all_letters) == 2

    def test_a_failed_object_without_dead_letter_is_found_too(
        self, redriving: Redriving, repository: ObjectRepository
    ) -> None:
        """The sweep has no message to keep."""
        failed = make_in("failed")
        repository.add(failed)

        assert redriving.survey() == Survey((FailedObject(failed, ()),), ())

    @pytest.mark.parametrize("status", [status for status in Status if status is not Status.FAILED])
    def test_the_dead_letter_of_an_object_that_has_not_failed_stands_alone(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue, status: Status
    ) -> None:
        stored = make_in(status.value)
        repository.add(stored)
        queue.bury(arrival_of(stored), error="Unavailable", attempts=3)

        survey = redriving.survey()

        assert survey.failed == ()
        assert [object_of(one) for one in survey.letters] == [stored.id]

    def test_nothing_is_found_where_nothing_was_given_up(self, redriving: Redriving) -> None:
        assert redriving.survey() == Survey((), ())


@pytest.mark.parametrize("event_type", [EventType.DELETED, EventType.REPROCESS_REQUESTED, EventType.READY])
def test_a_dead_letter_names_the_object_of_its_event(event_type: EventType) -> None:
    ready = make_in("ready")
    after = {
        EventType.DELETED: (ready, ready.delete(now=NOW, cause=Cause("request-2"))),
        EventType.REPROCESS_REQUESTED: (
            ready,
            ready.reprocess(now=NOW, deadline=NOW, cause=Cause("request-2")),
        ),
        EventType.READY: (make_in("processing"), ready),
    }
    event = event_of(*after[event_type])
    assert event is not None
    body = f'{{"detail-type":"{event_type}","detail":{compact_json(event.as_cloud_event())}}}'

    assert object_of(letter(body)) == ready.id


@pytest.mark.parametrize("body", [SWEEP, "not JSON", '{"detail-type":"Object Created"}'])
def test_a_dead_letter_about_no_object_names_none(body: str) -> None:
    assert object_of(letter(body)) is None


FAILED = make_in("failed")
LETTERS = (letter(arrival_of(FAILED), error="Unavailable"),)
OTHER = letter(error="UnknownMessage")
LATE = letter(arrival_of(make_in("ready", id="late")), error="Unavailable")
SURVEY = Survey((FailedObject(FAILED, LETTERS),), (OTHER, LATE))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (EVERYTHING, [FAILED.id, None, "late"]),
        (Choice(object_id=FAILED.id), [FAILED.id]),
        (Choice(object_id="late"), ["late"]),
        (Choice(object_id="unknown"), []),
        (Choice(error="Unavailable"), [FAILED.id, "late"]),
        (Choice(error="attempts_exhausted"), [FAILED.id]),
        (Choice(error="UnknownMessage"), [None]),
        (Choice(error="unknown"), []),
    ],
)
def test_only_what_is_chosen_is_planned(choice: Choice, expected: list[str | None]) -> None:
    assert [name_of(step.target) for step in plan(SURVEY, choice)] == expected


class TestTooOften:
    TIRED = Survey(
        (FailedObject(replace(FAILED, redrives=3), ()),),
        (letter(arrival_of(make_in("ready", id="late")), redrives=3),),
    )

    @pytest.mark.parametrize("choice", [EVERYTHING, Choice(error="attempts_exhausted")])
    def test_what_was_redriven_three_times_is_left(self, choice: Choice) -> None:
        assert {step.action for step in plan(self.TIRED, choice)} == {Action.LEAVE}

    @pytest.mark.parametrize(
        ("object_id", "action"), [(FAILED.id, Action.REPROCESS), ("late", Action.SEND_BACK)]
    )
    def test_it_is_tried_again_when_it_is_named(self, object_id: str, action: Action) -> None:
        assert [step.action for step in plan(self.TIRED, Choice(object_id=object_id))] == [action]

    def test_an_object_that_keeps_failing_is_left_after_the_third_redrive(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue
    ) -> None:
        stored = fail(repository, queue)
        seen = []
        for _ in range(5):
            seen += [action for _, action in redrive(redriving)]
            current = repository.get(stored.owner, stored.id)
            if current.status is Status.PENDING:
                repository.save(current.give_up(now=NOW), read=current)

        assert seen == [*[Action.REPROCESS] * 3, Action.LEAVE, Action.LEAVE]

    def test_a_new_upload_forgets_the_redrives(self) -> None:
        tired = replace(FAILED, redrives=3)
        assert tired.newest is not None
        awaiting = tired.request_upload(
            replace(tired.newest, number=2), now=NOW, deadline=NOW, cause=Cause("request-2")
        )

        assert awaiting.redrives == 0


class TestRedrive:
    def test_a_failed_object_is_processed_again_and_its_dead_letters_go(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue, aws: Aws
    ) -> None:
        failed = fail(repository, queue)

        done = redrive(redriving)

        pending = repository.get(failed.owner, failed.id)
        event = event_of(failed, pending)
        assert done == [(failed.id, Action.REPROCESS)]
        assert (pending.status, pending.attempts, pending.redrives) == (Status.PENDING, 0, 1)
        assert pending.deadline == NOW + timedelta(minutes=5)
        assert event is not None
        assert (event.type, event.cause) == (EventType.REPROCESS_REQUESTED, Cause("redrive-1"))
        assert left_in(aws, aws.dead_letter_queue_url) == left_in(aws, aws.queue_url) == 0

    def test_any_other_dead_letter_goes_back_to_the_work_queue(
        self, redriving: Redriving, queue: WorkQueue, aws: Aws
    ) -> None:
        queue.bury(SWEEP, error="UnknownMessage", attempts=1)

        done = redrive(redriving)

        assert done == [(None, Action.SEND_BACK)]
        assert [message["Body"] for message in messages_in(aws, aws.queue_url)] == [SWEEP]
        assert left_in(aws, aws.dead_letter_queue_url) == 0

    def test_what_is_not_chosen_stays_where_it_is(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue, aws: Aws
    ) -> None:
        failed = fail(repository, queue, error="Unavailable")
        queue.bury(SWEEP, error="UnknownMessage", attempts=1)

        redrive(redriving, Choice(error="UnknownMessage"))

        assert repository.get(failed.owner, failed.id) == failed
        assert left_in(aws, aws.dead_letter_queue_url) == 1

    def test_what_was_read_and_not_redriven_can_be_seen_again(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue, aws: Aws
    ) -> None:
        fail(repository, queue)
        survey = redriving.survey()

        redriving.release(survey.all_letters)

        assert len(messages_in(aws, aws.dead_letter_queue_url)) == 1

    def test_an_object_that_changed_meanwhile_is_left_with_its_dead_letters(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue, aws: Aws
    ) -> None:
        failed = fail(repository, queue)
        edited = failed.edit(name="new", attributes={}, labels={}, now=NOW, cause=Cause("request-2"))
        [step] = plan(redriving.survey(), EVERYTHING)
        before(aws.dynamodb, "PutItem", lambda: repository.save(edited, read=failed))

        with pytest.raises(StaleWrite):
            redriving.carry_out(step, cause=Cause("redrive-1"))

        assert repository.get(failed.owner, failed.id) == edited
        assert left_in(aws, aws.dead_letter_queue_url) == 1


def left_in(aws: Aws, queue_url: str) -> int:
    """Hidden messages too."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = aws.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return sum(int(number) for number in found.values())

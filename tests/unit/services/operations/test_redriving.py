"""Work that was given up is tried again: chosen, once, and never in a circle."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.bootstrap.operations import compose_redriving
from app.domain.causes import Cause
from app.domain.errors import StaleWrite, Unavailable
from app.domain.events import EventType, event_of
from app.domain.json import compact_json
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import PayloadKey, Status
from app.messaging import dead_letters
from app.messaging.dead_letters import DeadLetter
from app.messaging.work_queue import WorkQueue
from app.observability.logs import JsonFormatter
from app.services.operations.redriving import (
    Action,
    Choice,
    FailedObject,
    Redriving,
    Survey,
    object_of,
    plan,
    plan_to_drop,
)
from app.services.operations.replaying import AsideChanges
from app.storage.items import object_key
from app.storage.objects import ObjectRepository
from tests.captured import Captured
from tests.conftest import NOW, Aws, Clock, make_object
from tests.events import object_created, stream_record
from tests.faults import answering, before
from tests.faults import fail as fail_call
from tests.statuses import make_in
from tests.unit.services.conftest import messages_in

SWEEP = '{"detail-type":"sweep"}'
EVERYTHING = Choice()


@pytest.fixture
def captured() -> Iterator[Captured]:
    """Yield the lines of the service's log."""
    shown = Captured(JsonFormatter(service="wharf"))
    handler = shown.handler()
    logging.getLogger("wharf").addHandler(handler)
    try:
        yield shown
    finally:
        logging.getLogger("wharf").removeHandler(handler)


@pytest.fixture
def redriving(aws: Aws, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Redriving:
    # moto has one host, which shows every message at once.
    monkeypatch.setattr(dead_letters, "WAIT_SECONDS", 0)
    return compose_redriving(aws.adapters(), clock=clock)


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


def name_of(target: FailedObject | DeadLetter | AsideChanges) -> str | None:
    match target:
        case FailedObject(stored):
            return stored.id
        case DeadLetter() as found:
            return object_of(found)
    return target.object_id


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
        (Choice(message_id=OTHER.message_id), [None]),
        (Choice(message_id=LETTERS[0].message_id), [FAILED.id]),
        (Choice(message_id="unknown"), []),
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

    def test_a_message_that_is_named_is_tried_again_too(self) -> None:
        choice = Choice(message_id=self.TIRED.letters[0].message_id)

        assert [step.action for step in plan(self.TIRED, choice)] == [Action.SEND_BACK]

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

    @pytest.mark.parametrize(
        ("client", "operation", "answered"),
        [("sqs", "ReceiveMessage", 1), ("dynamodb", "Query", 0), ("s3", "ListObjectsV2", 1)],
    )
    def test_what_was_read_can_be_seen_again_if_the_rest_cannot_be_read(
        self,
        redriving: Redriving,
        repository: ObjectRepository,
        queue: WorkQueue,
        aws: Aws,
        client: str,
        operation: str,
        answered: int,
    ) -> None:
        fail(repository, queue)
        fail_call(getattr(aws, client), operation, answering(503), spared=answered)

        with pytest.raises(Unavailable):
            redriving.survey()

        assert len(messages_in(aws, aws.dead_letter_queue_url)) == 1

    def test_what_was_read_can_be_seen_again_after_an_operator_gave_up(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue, aws: Aws
    ) -> None:
        fail(repository, queue)

        def press_ctrl_c() -> None:
            raise KeyboardInterrupt

        before(aws.dynamodb, "Query", press_ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            redriving.survey()

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
    """Return how many messages are left, hidden ones included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = aws.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return sum(int(number) for number in found.values())


class TestDrop:
    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            (EVERYTHING, [*LETTERS, OTHER, LATE]),
            (Choice(object_id=FAILED.id), [*LETTERS]),
            (Choice(message_id=OTHER.message_id), [OTHER]),
            (Choice(error="Unavailable"), [*LETTERS, LATE]),
            # An error of the object, but of no dead letter.
            (Choice(error="attempts_exhausted"), []),
            (Choice(object_id="unknown"), []),
        ],
    )
    def test_only_dead_letters_that_are_chosen_are_dropped(
        self, choice: Choice, expected: list[DeadLetter]
    ) -> None:
        steps = plan_to_drop(SURVEY, choice)

        assert [step.target for step in steps] == expected
        assert {step.action for step in steps} <= {Action.DROP}

    def test_a_failed_object_stays_failed_and_can_be_tried_again_without_its_letter(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue, aws: Aws
    ) -> None:
        failed = fail(repository, queue)
        [step] = plan_to_drop(redriving.survey(), EVERYTHING)
        redriving.carry_out(step, cause=Cause("redrive-1"))

        assert left_in(aws, aws.dead_letter_queue_url) == 0
        assert repository.get(failed.owner, failed.id) == failed
        assert redrive(redriving) == [(failed.id, Action.REPROCESS)]

    def test_what_is_dropped_is_logged_without_its_body(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue, captured: Captured
    ) -> None:
        failed = fail(repository, queue)
        [step] = plan_to_drop(redriving.survey(), EVERYTHING)
        redriving.carry_out(step, cause=Cause("redrive-1"))

        [line] = [line for line in captured.lines if line["message"] == "dead_letter.dropped"]
        assert (line["object_id"], line["owner"], line["error"]) == (failed.id, failed.owner, "Unavailable")
        assert "Object Created" not in captured.text


class TestSetAside:
    def test_records_of_the_stream_are_published_by_object(
        self, redriving: Redriving, repository: ObjectRepository, aws: Aws
    ) -> None:
        born = repository.add(make_object())
        aws.adapters().set_aside.keep("4711", stream_record(None, born, sequence_number="4711"))

        elsewhere = redrive(redriving, Choice(object_id="another"))
        by_error = redrive(redriving, Choice(error="Unavailable"))
        done = redrive(redriving, Choice(object_id=born.id))

        assert (elsewhere, by_error, done) == ([], [], [(born.id, Action.REPLAY)])
        assert redriving.survey().records.changes == ()

    def test_a_failed_object_that_cannot_be_read_does_not_hide_the_others(
        self, redriving: Redriving, repository: ObjectRepository, queue: WorkQueue, aws: Aws
    ) -> None:
        sound, broken = fail(repository, queue), fail(repository, queue)
        aws.dynamodb.update_item(
            TableName=aws.table,
            Key=object_key(broken.owner, broken.id),
            UpdateExpression="REMOVE attempts",
        )

        assert [one.stored.id for one in redriving.survey().failed] == [sound.id]

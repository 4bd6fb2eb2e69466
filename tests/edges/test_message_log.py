"""The one line that a queue message leaves: what it said, what came of it, on whose behalf."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.domain.causes import Cause, Trace
from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import PayloadKey
from app.observability.metrics import MESSAGES, OBJECTS, QUEUE_SECONDS, REJECTIONS, RETRIES, Sample
from app.processors.report import Report, Task
from tests.conftest import NOW, Aws, Clock, make_object
from tests.edges.test_worker_batch import Context, arrived, take_batch
from tests.events import stream_record
from tests.faults import after, answering, fail
from tests.sending import OWNER, SendingService
from tests.services import WholeService, relaying_on
from tests.subscribed import ID, make_delivery, make_webhook

CSV = b"a,b\n1,2\n3,4\n"
TRACE = Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)


class SandboxThatTakesAll:
    def run(self, _task: Task, *, seconds: float) -> Report:
        assert seconds > 0
        return Report({})


class Worker:
    """The worker's edge and use cases on AWS in this process, and the lines that it leaves."""

    def __init__(self, aws: Aws, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
        self.aws = aws
        self.service = WholeService(aws, clock, SandboxThatTakesAll())
        self._caplog = caplog

    def upload(self, stored: StoredObject) -> str:
        """The message that S3 has sent for it."""
        self.service.repository.add(stored)
        assert stored.newest is not None
        key = PayloadKey(stored.owner, stored.id, 1)
        self.service.payloads.put_once(key, CSV, stored.newest)
        return arrived(str(key), len(CSV))

    def meet(self, body: str) -> list[dict[str, Any]]:
        """The lines of this one, the last of which is its own."""
        return self._lines(lambda: self.service.worker.handle(take_batch(self.aws, body), Context()))

    def sweep(self) -> list[dict[str, Any]]:
        """The lines of a sweep for the clock."""
        return self._lines(lambda: self.service.worker.sweep(Context()))

    def _lines(self, act: Callable[[], object]) -> list[dict[str, Any]]:
        self._caplog.clear()
        with self._caplog.at_level("INFO"):
            act()
        lines = [vars(record) for record in self._caplog.records if record.name == "wharf"]
        assert [line["message"] for line in lines].count("message.done") == 1
        assert lines[-1]["message"] == "message.done"
        return lines


@pytest.fixture
def worker(aws: Aws, clock: Clock, caplog: pytest.LogCaptureFixture) -> Worker:
    return Worker(aws, clock, caplog)


def test_a_payload_is_told_with_its_object_and_on_behalf_of_its_request(
    worker: Worker, clock: Clock, samples: list[Sample]
) -> None:
    stored = make_object(cause=Cause("request-1", TRACE))
    body = worker.upload(stored)
    clock.move(seconds=3)

    lines = worker.meet(body)

    assert [line["message"] for line in lines] == ["object.claimed", "object.ready", "message.done"]
    for line in lines:
        assert (line["correlation_id"], line["trace_id"]) == ("request-1", TRACE.trace_id)
        assert (line["owner"], line["object_id"], line["kind"]) == (stored.owner, stored.id, "dataset")
    assert (lines[-1]["type"], lines[-1]["outcome"]) == ("arrival", "ready")
    assert lines[-1]["aws_calls"] >= 4
    assert QUEUE_SECONDS(3.0, kind="dataset") in samples
    assert OBJECTS(1, kind="dataset", outcome="ready") in samples
    assert MESSAGES(1, type="arrival", outcome="ready") in samples


def test_an_edit_meanwhile_does_not_take_over_the_payload(worker: Worker) -> None:
    stored = make_object(cause=Cause("the upload", TRACE))
    body = worker.upload(stored)
    edited = stored.edit(name="b", attributes={}, labels={}, now=NOW, cause=Cause("the edit"))
    worker.service.repository.save(edited, read=stored)

    lines = worker.meet(body)

    assert {line["correlation_id"] for line in lines} == {"the upload"}
    assert {line["trace_id"] for line in lines} == {TRACE.trace_id}
    assert worker.service.repository.get(stored.owner, stored.id).cause == Cause("the upload", TRACE)


def test_what_an_event_asks_for_is_done_on_behalf_of_its_own_request(worker: Worker) -> None:
    stored = make_object(cause=Cause("the-deletion"))
    deleted = stored.delete(now=NOW, cause=Cause("the-deletion"))
    worker.service.repository.add(replace(deleted, cause=Cause("somebody later")))
    event = event_of(stored, deleted)
    assert event is not None

    [line] = worker.meet(json.dumps({"detail-type": event.type, "detail": event.as_cloud_event()}))

    assert (line["type"], line["outcome"]) == ("deletion", "purged")
    assert (line["correlation_id"], line["object_id"]) == ("the-deletion", stored.id)


def test_a_payload_that_is_wrong_is_counted_by_its_code(worker: Worker, samples: list[Sample]) -> None:
    stored = make_object()
    body = worker.upload(replace(stored, newest=stored.newest and replace(stored.newest, size=99)))

    lines = worker.meet(body)

    assert (lines[1]["message"], lines[1]["code"]) == ("object.rejected", "size_mismatch")
    assert lines[-1]["outcome"] == "rejected"
    assert REJECTIONS(1, code="size_mismatch") in samples


def test_a_payload_of_no_known_object_has_the_id_of_its_announcement(worker: Worker) -> None:
    [line] = worker.meet(arrived())

    assert (line["type"], line["outcome"], line["error"]) == ("arrival", "buried", "NotFound")
    assert line["correlation_id"] == "17793124-05d4-b198-2fde-7ededc63b103"
    assert line["object_id"] == "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"
    assert line["levelname"] == "ERROR"


def test_a_buried_message_is_told_by_the_id_that_it_is_listed_with(worker: Worker) -> None:
    [line] = worker.meet(arrived())

    assert [line["dead_letter_id"]] == dead_letters(worker.aws)


def test_a_failed_object_is_told_with_the_id_of_its_dead_letter(worker: Worker) -> None:
    tried = replace(make_object().claim(now=NOW, lease_until=NOW), attempts=3)

    lines = worker.meet(worker.upload(tried))

    [failed] = [line for line in lines if line["message"] == "object.failed"]
    assert [failed["dead_letter_id"]] == dead_letters(worker.aws)


def dead_letters(aws: Aws) -> list[str]:
    answer = aws.sqs.receive_message(QueueUrl=aws.dead_letter_queue_url)
    return [message["MessageId"] for message in answer["Messages"]]


def test_what_nobody_can_read_has_the_id_of_its_message(worker: Worker) -> None:
    [line] = worker.meet("not JSON")

    assert (line["type"], line["outcome"]) == ("unreadable", "buried")
    assert line["correlation_id"] == line["message_id"]


def test_what_cannot_even_be_buried_goes_back(worker: Worker) -> None:
    after(worker.aws.sqs, "ReceiveMessage", lambda _: fail(worker.aws.sqs, "SendMessage", answering(503)))

    [line] = worker.meet("not JSON")

    assert (line["type"], line["outcome"]) == ("unreadable", "returned")
    assert line["error"] == "Unavailable: AWS is busy: InternalError"


def test_what_goes_back_is_told_with_the_reason_and_counted(worker: Worker, samples: list[Sample]) -> None:
    body = worker.upload(make_object())
    fail(worker.aws.dynamodb, "GetItem", answering(503))

    [line] = worker.meet(body)

    assert (line["outcome"], line["levelname"], line["retry_seconds"]) == ("returned", "WARNING", 5)
    assert line["error"] == "Unavailable: AWS is busy: InternalError"
    assert line["object_id"] == make_object().id
    assert RETRIES(1) in samples


def test_a_message_tells_nothing_of_the_one_before(worker: Worker) -> None:
    worker.meet(worker.upload(make_object()))

    for line in worker.sweep():
        assert {"object_id", "owner", "kind"}.isdisjoint(line)


def test_a_sweep_tells_each_object_on_behalf_of_its_request(worker: Worker, clock: Clock) -> None:
    stored = make_object(cause=Cause("request-7", TRACE))
    worker.service.repository.add(stored)
    clock.move(hours=1)

    lines = worker.sweep()

    assert [line["message"] for line in lines] == ["object.swept", "sweep.done", "message.done"]
    assert (lines[0]["action"], lines[0]["correlation_id"]) == ("expired", "request-7")
    assert lines[0]["trace_id"] == TRACE.trace_id
    assert lines[1]["overdue_seconds"] == 2400
    assert {"object_id", "trace_id"}.isdisjoint(lines[2])


def test_a_sweep_that_aws_stops_is_told_and_left_to_the_next(worker: Worker, samples: list[Sample]) -> None:
    """The function does not fail, so no alarm rings before the one on missing sweeps."""
    fail(worker.aws.dynamodb, "Query", answering(503))

    [line] = worker.sweep()

    assert (line["type"], line["outcome"], line["levelname"]) == ("sweep", "unfinished", "WARNING")
    assert line["error"] == "Unavailable: AWS is busy: InternalError"
    assert MESSAGES(1, type="sweep", outcome="unfinished") in samples
    assert worker.sweep()[-1]["outcome"] == "swept"


def test_the_relay_is_never_ahead_of_its_changes(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    """The clocks of two functions may differ."""
    relaying = relaying_on(aws, clock=lambda: NOW - timedelta(seconds=3))
    record = stream_record(None, make_object(cause=Cause("request-1", TRACE)))

    with caplog.at_level("INFO"):
        relaying.relay([record])

    [line] = [vars(found) for found in caplog.records if found.message == "event.published"]
    assert (line["relay_seconds"], line["type"]) == (0.0, "object.created")
    assert (line["correlation_id"], line["trace_id"]) == ("request-1", TRACE.trace_id)


def test_a_failing_endpoint_fills_no_log_while_it_waits(
    aws: Aws, clock: Clock, caplog: pytest.LogCaptureFixture, samples: list[Sample]
) -> None:
    service = SendingService(aws, clock)
    service.webhooks.add(make_webhook(url="http://127.0.0.1:9/"))
    service.deliveries.add(make_delivery())
    with caplog.at_level("INFO"):
        for _ in range(3):
            service.queue.look(OWNER, ID)
            service.handle(service.receive())

    lines = [vars(record) for record in caplog.records]
    assert [line["outcome"] for line in lines if line["message"] == "message.done"] == ["sent"]
    assert samples.count(MESSAGES(1, type="look", outcome="waited")) == 2

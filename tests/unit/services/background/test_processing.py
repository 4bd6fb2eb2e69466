"""One payload from claim to verdict, whatever happens on the way."""

import errno
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.domain.causes import Cause
from app.domain.errors import (
    InvalidPayload,
    NotFound,
    OutOfTime,
    ProblemCode,
    Unavailable,
    WorkerFault,
)
from app.domain.kinds import KINDS, WorkerCapacity
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact, Payload, PayloadKey, Problem, Result, Revision, Status
from app.messaging.messages import Message, parse_message
from app.processors.recognition import recognise
from app.processors.report import ArtifactFile, Report, Task
from app.sandbox.output import OF_THE_MACHINE
from app.services.background.processing import (
    PROCESSOR_MEMORY_BYTES,
    Action,
    decide,
    seconds_needed,
)
from tests.conftest import NOW, Aws, Clock, make_object
from tests.events import object_created
from tests.faults import (
    Fault,
    answering,
    before,
    calls_of,
    connecting_too_slowly,
    fail,
    lose_reply,
    not_connecting,
    not_replying,
    sent_by,
    throttling,
)
from tests.services import WholeService
from tests.small_disks import SMALL_DISK_BYTES
from tests.unit.services.conftest import content_of, keys_in_bucket, messages_in

CSV = b"a,b\n1,2\n3,4\n"
CSV_SHA256 = sha256(CSV).hexdigest()
PROFILE = b'{"rows":2}'
LEASE_SECONDS = 300
MAX_ATTEMPTS = 3
CAPACITY = WorkerCapacity(LEASE_SECONDS, 10_240)
LATER = NOW + timedelta(seconds=LEASE_SECONDS)

Process = Callable[[Task], Report]


def after(cause: Exception, fault: Exception) -> Exception:
    fault.__cause__ = cause
    return fault


class SandboxHere:
    """Runs a function in this process, where the real one forks a child and locks it in."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.tasks: list[Task] = []
        self.seconds: list[float] = []

    def run(self, task: Task, *, seconds: float) -> Report:
        self.tasks.append(task)
        self.seconds.append(seconds)
        return self._process(task)


def profile(task: Task) -> Report:
    (task.output / "profile.json").write_bytes(PROFILE)
    return Report({"rows": 2, "share": 0.5}, (ArtifactFile("profile.json", "application/json"),))


def refuse(_: Task) -> Report:
    raise InvalidPayload(ProblemCode.INVALID_CONTENT, "Line 3 has no end.")


def break_down(_: Task) -> Report:
    raise RuntimeError("a bug of ours")


class Bench:
    """A worker's use case on AWS in this process, with an object whose payload has arrived."""

    def __init__(self, aws: Aws, clock: Clock) -> None:
        self.aws = aws
        self.clock = clock
        self.objects = aws.adapters().objects
        self.payloads = aws.adapters().payloads
        self.sandbox = SandboxHere(profile)

    def upload(self, stored: StoredObject, body: bytes = CSV) -> Message:
        self.objects.add(stored)
        return self.upload_revision(stored, body)

    def upload_revision(self, stored: StoredObject, body: bytes = CSV) -> Message:
        assert stored.newest is not None
        key = PayloadKey(stored.owner, stored.id, stored.newest.number)
        self.payloads.put_once(key, body, stored.newest)
        return arrival_of(key, len(body))

    def process(
        self,
        arrival: Message,
        by: Process = profile,
        *,
        seconds_left: float = LEASE_SECONDS,
        **settings: int,
    ) -> StoredObject:
        """Meet the message as the worker would; return the object as it is then."""
        self.sandbox = SandboxHere(by)
        service = WholeService(self.aws, self.clock, self.sandbox, **settings)
        service.dispatch(arrival, seconds_left=seconds_left)
        return self.stored(arrival)

    def stored(self, arrival: Message) -> StoredObject:
        return self.objects.get(make_object().owner, str(arrival.object_id))

    def save(self, change: Callable[[StoredObject], StoredObject]) -> StoredObject:
        """Save the sample object as another writer would."""
        sample = make_object()
        stored = self.objects.get(sample.owner, sample.id)
        after = change(stored)
        self.objects.save(after, read=stored)
        return after

    def dead_letters(self) -> list[tuple[str, str, str]]:
        return [
            (
                message["Body"],
                message["MessageAttributes"]["error"]["StringValue"],
                message["MessageAttributes"]["attempts"]["StringValue"],
            )
            for message in messages_in(self.aws, self.aws.dead_letter_queue_url)
        ]


@pytest.fixture
def bench(aws: Aws, clock: Clock) -> Bench:
    return Bench(aws, clock)


def arrival_of(key: PayloadKey, size: int) -> Message:
    return parse_message(object_created(str(key), size))


def edited(stored: StoredObject) -> StoredObject:
    return stored.edit(name="new name", attributes={"n": 1}, labels={}, now=NOW, cause=Cause("request-2"))


def deleted(stored: StoredObject) -> StoredObject:
    return stored.delete(now=NOW, cause=Cause("request-2"))


CLAIMED = make_object().claim(now=NOW, lease_until=LATER)
PAYLOAD = Payload("text/csv", 12, CSV_SHA256, 1)
TIRED = replace(CLAIMED, attempts=MAX_ATTEMPTS)
SECOND = Revision(2, "text/csv", 1, None, None)

ACTIONS: dict[str, tuple[StoredObject, int, datetime, Action]] = {
    "pending": (make_object(), 1, NOW, Action.CLAIM),
    "pending, an older revision": (
        make_object(newest=SECOND),
        1,
        NOW,
        Action.DISCARD,
    ),
    "pending, a revision to come": (make_object(), 2, NOW, Action.ACKNOWLEDGE),
    "expired": (make_object().expire(now=NOW), 1, NOW, Action.CLAIM),
    "processing, lease held": (CLAIMED, 1, LATER - timedelta(milliseconds=1), Action.ACKNOWLEDGE),
    "processing, lease lapsed": (CLAIMED, 1, LATER, Action.CLAIM),
    "processing, lease released": (CLAIMED.release(now=NOW), 1, NOW, Action.CLAIM),
    "processing, lease lapsed, attempts used up": (
        TIRED,
        1,
        LATER,
        Action.GIVE_UP,
    ),
    "processing, lease held, attempts used up": (TIRED, 1, NOW, Action.ACKNOWLEDGE),
    "ready": (CLAIMED.accept(PAYLOAD, Result({}, ()), now=NOW), 1, NOW, Action.ACKNOWLEDGE),
    "rejected": (
        CLAIMED.reject(InvalidPayload(ProblemCode.INVALID_CONTENT, "no"), now=NOW),
        1,
        NOW,
        Action.ACKNOWLEDGE,
    ),
    "failed": (CLAIMED.give_up(now=NOW), 1, NOW, Action.ACKNOWLEDGE),
    "deleted": (deleted(make_object()), 1, NOW, Action.DISCARD),
    "a revision that a newer one has replaced": (
        make_object(status=Status.READY, newest=SECOND, payload=replace(PAYLOAD, revision=2)),
        1,
        NOW,
        Action.DISCARD,
    ),
    "the ready revision while another is awaited": (
        make_object(newest=Revision(3, "text/csv", 1, None, None), payload=replace(PAYLOAD, revision=2)),
        2,
        NOW,
        Action.ACKNOWLEDGE,
    ),
    "one between the ready revision and the newest": (
        make_object(newest=Revision(3, "text/csv", 1, None, None), payload=PAYLOAD),
        2,
        NOW,
        Action.DISCARD,
    ),
    "older than the newest, which was rejected": (
        make_object(status=Status.REJECTED, newest=SECOND),
        1,
        NOW,
        Action.DISCARD,
    ),
    "a record": (
        make_object(kind="record", status=Status.READY, newest=None),
        1,
        NOW,
        Action.ACKNOWLEDGE,
    ),
}


@pytest.mark.parametrize(("stored", "revision", "now", "expected"), ACTIONS.values(), ids=ACTIONS)
def test_a_message_is_judged_by_revision_status_lease_and_attempts(
    stored: StoredObject, revision: int, now: datetime, expected: Action
) -> None:
    assert decide(stored, revision, now=now, max_attempts=MAX_ATTEMPTS) is expected


@pytest.mark.parametrize(
    ("size", "lease_seconds", "expected"),
    [
        (0, 300, 20),
        (20 * 1024**2, 300, 25),
        (1024**3, 300, 240),
        (1024**3, 900, 276),
        (0, 10, 8),
        (5 * 1000**3, 900, 720),
    ],
)
def test_the_time_needed_grows_with_size_up_to_what_a_fresh_function_has(
    size: int, lease_seconds: int, expected: float
) -> None:
    assert seconds_needed(size, lease_seconds) == pytest.approx(expected, abs=0.1)


def test_a_good_payload_makes_its_object_ready(bench: Bench) -> None:
    arrival = bench.upload(make_object())

    ready = bench.process(arrival)

    assert (ready.status, ready.version, ready.attempts) == (Status.READY, 3, 1)
    assert ready.payload == PAYLOAD
    assert ready.summary == {"rows": 2, "share": 0.5}
    assert (ready.problem, ready.lease, ready.deadline) == (None, None, None)


@pytest.mark.parametrize(
    ("declared", "found", "shown"),
    [
        ("application/octet-stream", "text/csv", "text/csv"),
        ("application/vnd.ms-excel; charset=windows-1252", "text/csv", "text/csv; charset=windows-1252"),
        ("Text/CSV; header=absent", "text/csv", "text/csv; header=absent"),
        ("application/csv", "text/csv", "text/csv"),
        ("application/csv", None, "text/csv"),
        ("text/csv", None, "text/csv"),
    ],
)
def test_the_object_shows_the_type_that_was_found(
    bench: Bench, declared: str, found: str | None, shown: str
) -> None:
    arrival = bench.upload(make_object(newest=Revision(1, declared, 12, None, None)))

    ready = bench.process(arrival, lambda _: Report({}, media_type=found))

    assert ready.payload is not None
    assert ready.payload.media_type == shown


def test_a_file_shows_any_type_that_was_found(bench: Bench) -> None:
    undeclared = Revision(1, "application/octet-stream", 12, None, None)
    arrival = bench.upload(make_object(kind="file", newest=undeclared))

    ready = bench.process(arrival, lambda _: Report({}, media_type="video/mp4"))

    assert ready.payload is not None
    assert ready.payload.media_type == "video/mp4"


def test_a_type_that_the_kind_does_not_take_is_not_believed(bench: Bench) -> None:
    """The child that names it may be in somebody else's hands."""
    arrival = bench.upload(make_object())

    rejected = bench.process(arrival, lambda _: Report({}, media_type="text/html"))

    assert rejected.payload is None
    assert rejected.problem is not None
    assert rejected.problem.code == ProblemCode.PROCESSOR_CRASHED


def test_what_the_processor_made_is_kept_as_artifacts(bench: Bench) -> None:
    arrival = bench.upload(make_object())

    ready = bench.process(arrival)

    assert ready.artifacts == (
        Artifact("profile.json", "application/json", len(PROFILE), sha256(PROFILE).hexdigest()),
    )
    key = f"artifacts/{ready.owner}/{ready.id}/1/profile.json"
    assert content_of(bench.aws, key) == PROFILE
    head = bench.aws.s3.head_object(Bucket=bench.aws.bucket, Key=key)
    assert head["ContentType"] == "application/json"


def test_the_processor_gets_the_payload_and_an_empty_folder(bench: Bench) -> None:
    seen: dict[str, Any] = {}

    def look(task: Task) -> Report:
        seen.update(
            source=task.source.read_bytes(),
            output=[path.name for path in task.output.iterdir()],
            scratch=list((task.output / "scratch").iterdir()),
        )
        return Report({})

    declared = Revision(1, 'Text/CSV; Charset="utf-8"; header=absent', 12, None, None)
    arrival = bench.upload(make_object(newest=declared))

    bench.process(arrival, look)

    assert seen == {"source": CSV, "output": ["scratch"], "scratch": []}
    [task] = bench.sandbox.tasks
    assert (task.processor, task.media_type, task.memory_limit) == (
        "dataset",
        "text/csv",
        PROCESSOR_MEMORY_BYTES,
    )
    assert task.parameters == {"charset": "utf-8", "header": "absent"}
    assert task.unpacked_limit == CAPACITY.fit(KINDS["dataset"]).unpacked_limit
    assert task.disk_limit == CAPACITY.disk_bytes_beside(KINDS["dataset"])


def test_a_large_file_costs_no_disk(bench: Bench) -> None:
    """It is hashed on the way, and its processor sees both ends of it."""
    body = b"PAR1" + bytes(10 * 1024 * 1024) + b"PAR1"
    declared = Revision(1, "application/vnd.apache.parquet", len(body), sha256(body).hexdigest(), None)
    sizes: list[int] = []

    def look(task: Task) -> Report:
        sizes.append(task.source.stat().st_size)
        return Report({"detected_media_type": recognise(task.source)})

    arrival = bench.upload(make_object(kind="file", newest=declared), body)
    stored = bench.process(arrival, look)

    assert sizes == [64 * 1024 + 12]
    assert stored.payload == Payload(declared.media_type, len(body), sha256(body).hexdigest(), 1)
    assert stored.summary == {"detected_media_type": "application/vnd.apache.parquet"}


def test_nothing_is_left_on_the_workers_disk(bench: Bench) -> None:
    arrival = bench.upload(make_object())

    bench.process(arrival)

    [task] = bench.sandbox.tasks
    assert not task.source.parent.exists()


def test_the_processor_leaves_time_to_store_what_it_made(bench: Bench) -> None:
    arrival = bench.upload(make_object())

    bench.process(arrival, seconds_left=100)

    [seconds] = bench.sandbox.seconds
    assert 50 < seconds < 100


@pytest.mark.parametrize("lease_seconds", [10, 30, 60, 120, 300, 600, 900])
def test_a_payload_that_is_started_gets_most_of_the_time_it_was_said_to_need(
    bench: Bench, lease_seconds: int
) -> None:
    """This holds for every lease that the template allows. Without time, a verdict means nothing."""
    arrival = bench.upload(make_object())
    seconds_left = seconds_needed(arrival.size, lease_seconds)

    bench.process(arrival, seconds_left=seconds_left, lease_seconds=lease_seconds)

    [seconds] = bench.sandbox.seconds
    assert seconds >= seconds_left / 2


def test_a_download_that_took_all_the_time_is_no_fault_of_the_payload(bench: Bench) -> None:
    """Started without time, the sandbox would say `limit_exceeded`, which is for ever."""
    arrival = bench.upload(make_object())
    before(bench.aws.s3, "GetObject", lambda: bench.clock.move(seconds=99))

    with pytest.raises(Unavailable):
        bench.process(arrival, seconds_left=100)

    assert bench.sandbox.tasks == []
    assert bench.stored(arrival).status is Status.PROCESSING


def take_too_long(_: Task) -> Report:
    raise OutOfTime(8)


def test_a_processor_that_was_cut_short_for_want_of_time_is_tried_again(bench: Bench) -> None:
    arrival = bench.upload(make_object())

    with pytest.raises(Unavailable, match="Too little time"):
        bench.process(arrival, take_too_long, seconds_left=60)

    assert bench.stored(arrival).status is Status.PROCESSING
    assert bench.process(arrival).status is Status.READY


def test_a_processor_that_had_all_the_time_there_is_exceeded_its_limit(bench: Bench) -> None:
    arrival = bench.upload(make_object())

    rejected = bench.process(arrival, take_too_long)

    [seconds] = bench.sandbox.seconds
    assert seconds == CAPACITY.seconds_for(arrival.size)
    assert rejected.problem == Problem(
        ProblemCode.LIMIT_EXCEEDED, "Processing this payload took longer than 8 s."
    )


def test_a_late_payload_of_a_replaced_revision_is_removed(bench: Bench) -> None:
    """Its upload URL may outlive the revision: nothing would remove it any more."""
    late = bench.upload(make_object())
    second = Revision(2, "text/csv", 4, None, None)
    awaiting = bench.save(
        lambda stored: stored.request_upload(second, now=NOW, deadline=LATER, cause=Cause("request-2"))
    )
    ready = bench.process(bench.upload_revision(awaiting, b"a\n1\n"))

    assert bench.process(late) == ready
    assert not bench.payloads.exists(make_object().payload_key(1))


def test_an_empty_payload_is_processed_like_any_other(bench: Bench) -> None:
    arrival = bench.upload(make_object(newest=Revision(1, "text/csv", 0, None, None)), b"")

    assert bench.process(arrival, lambda _: Report({})).status is Status.READY


def test_a_declared_checksum_that_is_right_is_accepted(bench: Bench) -> None:
    arrival = bench.upload(make_object(newest=Revision(1, "text/csv", 12, CSV_SHA256, None)))

    assert bench.process(arrival).status is Status.READY


def test_a_payload_that_comes_late_revives_its_expired_object(bench: Bench) -> None:
    arrival = bench.upload(make_object().expire(now=NOW))

    ready = bench.process(arrival)

    assert (ready.status, ready.problem) == (Status.READY, None)


def test_a_second_revision_takes_the_place_of_the_first(bench: Bench) -> None:
    bench.process(bench.upload(make_object()))
    second = Revision(2, "text/csv", 4, None, None)
    awaiting = bench.save(
        lambda stored: stored.request_upload(second, now=NOW, deadline=LATER, cause=Cause("request-2"))
    )
    arrival = bench.upload_revision(awaiting, b"a\n1\n")

    ready = bench.process(arrival, lambda _: Report({"rows": 1}))

    assert ready.payload == Payload("text/csv", 4, sha256(b"a\n1\n").hexdigest(), 2)
    assert (ready.summary, ready.artifacts) == ({"rows": 1}, ())


def test_a_payload_is_processed_again_after_reprocess(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    bench.process(arrival, refuse)
    bench.save(lambda stored: stored.reprocess(now=NOW, deadline=LATER, cause=Cause("request-2")))

    assert bench.process(arrival).status is Status.READY


def test_a_payload_the_processor_refuses_is_rejected_with_its_words(bench: Bench) -> None:
    arrival = bench.upload(make_object())

    rejected = bench.process(arrival, refuse)

    assert rejected.status is Status.REJECTED
    assert rejected.problem == Problem(ProblemCode.INVALID_CONTENT, "Line 3 has no end.")
    assert (rejected.payload, rejected.lease, rejected.deadline) == (None, None, None)
    assert bench.dead_letters() == []


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        (Revision(1, "text/csv", 11, None, None), ProblemCode.SIZE_MISMATCH),
        (Revision(1, "text/csv", 13, None, None), ProblemCode.SIZE_MISMATCH),
        (Revision(1, "text/csv", 0, None, None), ProblemCode.SIZE_MISMATCH),
        (Revision(1, "text/csv", 12, "0" * 64, None), ProblemCode.CHECKSUM_MISMATCH),
        (Revision(1, "text/csv", 13, "0" * 64, None), ProblemCode.SIZE_MISMATCH),
    ],
    ids=["longer", "shorter", "not empty", "other bytes", "both"],
)
def test_a_payload_other_than_declared_is_rejected_and_no_processor_sees_it(
    bench: Bench, declared: Revision, code: ProblemCode
) -> None:
    arrival = bench.upload(make_object(newest=declared))

    rejected = bench.process(arrival)

    assert rejected.status is Status.REJECTED
    assert rejected.problem is not None
    assert rejected.problem.code is code
    assert bench.sandbox.tasks == []


def test_a_rejected_revision_leaves_the_ready_one_as_it_was(bench: Bench) -> None:
    ready = bench.process(bench.upload(make_object()))
    second = Revision(2, "text/csv", 4, None, None)
    awaiting = bench.save(
        lambda stored: stored.request_upload(second, now=NOW, deadline=LATER, cause=Cause("request-2"))
    )
    arrival = bench.upload_revision(awaiting, b"a\n1\n")

    rejected = bench.process(arrival, refuse)

    assert rejected.status is Status.REJECTED
    assert (rejected.payload, rejected.artifacts) == (ready.payload, ready.artifacts)


NEEDS_NOTHING: dict[str, StoredObject] = {
    "settled": CLAIMED.give_up(now=NOW),
    "older revision": make_object(newest=Revision(2, "text/csv", 12, None, None)),
    "lease held": CLAIMED,
    "deleted": deleted(make_object()),
}


@pytest.mark.parametrize("stored", NEEDS_NOTHING.values(), ids=NEEDS_NOTHING)
def test_a_message_that_needs_nothing_changes_nothing(bench: Bench, stored: StoredObject) -> None:
    bench.objects.add(stored)
    arrival = arrival_of(PayloadKey(stored.owner, stored.id, 1), 12)

    after = bench.process(arrival)

    assert after == stored
    assert bench.sandbox.tasks == []


def test_a_message_met_twice_has_one_effect(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    ready = bench.process(arrival)

    again = bench.process(arrival)

    assert again == ready
    assert bench.sandbox.tasks == []


def test_an_unknown_object_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.process(arrival_of(PayloadKey("local-me", make_object().id, 1), 12))


def test_too_little_time_is_noticed_before_anything_is_touched(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    calls = calls_of(bench.aws.dynamodb)

    with pytest.raises(Unavailable):
        bench.process(arrival, seconds_left=19)

    assert calls == []


TRANSIENT: dict[str, tuple[str, str, Fault]] = {
    "S3 answers 503 to the download": ("s3", "GetObject", answering(503, "SlowDown")),
    "S3 answers 500 to the download": ("s3", "GetObject", answering(500)),
    "S3 cannot be reached": ("s3", "GetObject", not_connecting),
    "S3 is slow to connect": ("s3", "GetObject", connecting_too_slowly),
    "S3 does not reply": ("s3", "GetObject", not_replying),
    "S3 answers 503 to an artifact": ("s3", "PutObject", answering(503, "SlowDown")),
}


@pytest.mark.parametrize(("service", "operation", "fault"), TRANSIENT.values(), ids=TRANSIENT)
def test_a_fault_that_passes_ends_the_lease_and_the_next_message_finishes(
    bench: Bench, service: str, operation: str, fault: Fault
) -> None:
    arrival = bench.upload(make_object())
    fail(getattr(bench.aws, service), operation, fault)

    with pytest.raises(Unavailable):
        bench.process(arrival)

    released = bench.stored(arrival)
    assert (released.status, released.lease, released.attempts) == (Status.PROCESSING, None, 1)
    assert released.deadline == NOW + timedelta(minutes=5)
    finished = bench.process(arrival)
    assert (finished.status, finished.attempts, finished.version) == (Status.READY, 2, 3)


@pytest.mark.parametrize("fault", [throttling(), answering(500), not_connecting, not_replying])
def test_a_verdict_that_dynamodb_does_not_take_is_found_again(bench: Bench, fault: Fault) -> None:
    arrival = bench.upload(make_object())

    def profile_then_lose_the_table(task: Task) -> Report:
        fail(bench.aws.dynamodb, "PutItem", fault)
        return profile(task)

    with pytest.raises(Unavailable):
        bench.process(arrival, profile_then_lose_the_table)

    assert bench.stored(arrival).lease is None
    assert bench.process(arrival).status is Status.READY


@pytest.mark.parametrize("fault", [throttling(), answering(500), not_connecting, not_replying])
@pytest.mark.parametrize("operation", ["GetItem", "PutItem"])
def test_a_claim_that_dynamodb_does_not_take_counts_no_attempt(
    bench: Bench, operation: str, fault: Fault
) -> None:
    arrival = bench.upload(make_object())
    fail(bench.aws.dynamodb, operation, fault)

    with pytest.raises(Unavailable):
        bench.process(arrival)

    assert bench.stored(arrival).attempts == 0


def test_a_bug_of_ours_is_raised_as_it_is_and_ends_the_lease(bench: Bench) -> None:
    arrival = bench.upload(make_object())

    with pytest.raises(RuntimeError, match="a bug of ours"):
        bench.process(arrival, break_down)

    assert bench.stored(arrival).lease is None


def test_the_last_failed_attempt_fails_the_object_and_keeps_its_message(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    fail(bench.aws.s3, "GetObject", answering(503, "SlowDown"), times=MAX_ATTEMPTS)
    for _ in range(MAX_ATTEMPTS - 1):
        with pytest.raises(Unavailable):
            bench.process(arrival)

    failed = bench.process(arrival)

    assert (failed.status, failed.attempts, failed.lease) == (Status.FAILED, MAX_ATTEMPTS, None)
    assert failed.problem is not None
    assert failed.problem.code is ProblemCode.ATTEMPTS_EXHAUSTED
    assert bench.dead_letters() == [(arrival.body, "Unavailable", "3")]


@pytest.mark.parametrize("number", sorted(OF_THE_MACHINE), ids=errno.errorcode.get)
def test_a_fault_of_the_workers_machine_is_no_attempt_however_often_it_comes(
    bench: Bench, number: int
) -> None:
    def break_down(_task: Task) -> Report:
        raise OSError(number, os.strerror(number))

    arrival = bench.upload(make_object())
    for _ in range(2 * MAX_ATTEMPTS):
        with pytest.raises(OSError, match=re.escape(os.strerror(number))):
            bench.process(arrival, break_down)

    released = bench.stored(arrival)
    assert (released.status, released.lease, released.attempts) == (Status.PROCESSING, None, 0)
    assert bench.dead_letters() == []
    finished = bench.process(arrival)
    assert (finished.status, finished.attempts) == (Status.READY, 1)


@pytest.mark.parametrize(
    "fault",
    [WorkerFault("the disk is full"), after(OSError(errno.ENOSPC, "full"), RuntimeError("cannot write"))],
    ids=["told by the sandbox", "wrapped by a library"],
)
def test_a_full_disk_that_somebody_else_tells_of_is_no_attempt_either(bench: Bench, fault: Exception) -> None:
    def break_down(_task: Task) -> Report:
        raise fault

    arrival = bench.upload(make_object())
    for _ in range(2 * MAX_ATTEMPTS):
        with pytest.raises(type(fault)):
            bench.process(arrival, break_down)

    assert bench.stored(arrival).attempts == 0
    assert bench.process(arrival).status is Status.READY


def test_a_download_that_finds_the_disk_full_is_no_attempt(
    bench: Bench, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    filler = small_disk / "filler"
    filler.write_bytes(bytes(SMALL_DISK_BYTES - 64 * 1024))
    body = b"a" * 128 * 1024
    arrival = bench.upload(make_object(newest=Revision(1, "text/csv", len(body), None, None)), body)

    for _ in range(2 * MAX_ATTEMPTS):
        with pytest.raises(OSError, match="No space left"):
            bench.process(arrival)
    filler.unlink()

    assert bench.stored(arrival).attempts == 0
    assert bench.process(arrival).status is Status.READY


def test_the_dead_letter_names_the_error(bench: Bench) -> None:
    arrival = bench.upload(make_object())

    bench.process(arrival, break_down, max_attempts=1)

    assert bench.dead_letters() == [(arrival.body, "RuntimeError", "1")]


def test_a_lease_that_lapsed_on_the_last_attempt_fails_the_object(bench: Bench) -> None:
    arrival = bench.upload(TIRED)
    bench.clock.move(seconds=LEASE_SECONDS)

    failed = bench.process(arrival)

    assert (failed.status, failed.attempts) == (Status.FAILED, MAX_ATTEMPTS)
    assert bench.sandbox.tasks == []
    assert bench.dead_letters() == [(arrival.body, "lease lapsed", "3")]


def test_a_lease_that_lapsed_before_the_last_attempt_is_claimed_again(bench: Bench) -> None:
    arrival = bench.upload(CLAIMED)
    bench.clock.move(seconds=LEASE_SECONDS)

    ready = bench.process(arrival)

    assert (ready.status, ready.attempts) == (Status.READY, 2)


def test_a_failed_object_that_is_reprocessed_has_all_its_attempts_again(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    bench.process(arrival, break_down, max_attempts=1)
    bench.save(lambda stored: stored.reprocess(now=NOW, deadline=LATER, cause=Cause("request-2")))

    ready = bench.process(arrival, max_attempts=1)

    assert (ready.status, ready.attempts) == (Status.READY, 1)


def test_a_dead_letter_queue_that_is_away_does_not_cost_the_message(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    fail(bench.aws.sqs, "SendMessage", answering(500))
    with pytest.raises(Unavailable):
        bench.process(arrival, break_down, max_attempts=1)

    failed = bench.process(arrival, break_down, max_attempts=1)

    assert failed.status is Status.FAILED
    assert [body for body, _, _ in bench.dead_letters()] == [arrival.body]


@pytest.mark.parametrize(
    ("process", "status"), [(profile, Status.READY), (refuse, Status.REJECTED)], ids=["ready", "rejected"]
)
def test_an_edit_while_processing_loses_neither_the_verdict_nor_itself(
    bench: Bench, process: Process, status: Status
) -> None:
    arrival = bench.upload(make_object())

    def process_while_edited(task: Task) -> Report:
        bench.save(edited)
        return process(task)

    after = bench.process(arrival, process_while_edited)

    assert (after.status, after.version) == (status, 4)
    assert (after.name, after.attributes) == ("new name", {"n": 1})


def test_an_edit_while_a_fault_passes_is_kept_and_the_lease_ends(bench: Bench) -> None:
    arrival = bench.upload(make_object())

    def break_down_while_edited(task: Task) -> Report:
        bench.save(edited)
        return break_down(task)

    with pytest.raises(RuntimeError):
        bench.process(arrival, break_down_while_edited)

    after = bench.stored(arrival)
    assert (after.name, after.lease, after.attempts) == ("new name", None, 1)


def test_an_edit_just_before_the_claim_is_claimed_with(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    before(bench.aws.dynamodb, "PutItem", lambda: bench.save(edited))

    after = bench.process(arrival)

    assert (after.status, after.name, after.attempts) == (Status.READY, "new name", 1)


def test_an_object_that_never_stands_still_is_left_for_later(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    other = Bench(bench.aws, bench.clock)
    busy = {"is_editing": False}

    def edit_first() -> None:
        if not busy["is_editing"]:
            busy["is_editing"] = True
            other.save(edited)
            busy["is_editing"] = False

    before(bench.aws.dynamodb, "PutItem", edit_first, times=1000)

    with pytest.raises(Unavailable):
        bench.process(arrival)

    assert bench.stored(arrival).status is Status.PENDING


@pytest.mark.parametrize("process", [profile, refuse], ids=["ready", "rejected"])
def test_an_object_deleted_while_processing_stays_deleted(bench: Bench, process: Process) -> None:
    arrival = bench.upload(make_object())
    tombstones: list[StoredObject] = []

    def process_while_deleted(task: Task) -> Report:
        tombstones.append(bench.save(deleted))
        return process(task)

    after = bench.process(arrival, process_while_deleted)

    assert [after] == tombstones
    assert bench.dead_letters() == []


@pytest.mark.parametrize("max_attempts", [1, MAX_ATTEMPTS])
def test_a_fault_after_the_object_was_deleted_leaves_it_deleted(bench: Bench, max_attempts: int) -> None:
    arrival = bench.upload(make_object())

    def break_down_while_deleted(task: Task) -> Report:
        bench.save(deleted)
        return break_down(task)

    try:
        bench.process(arrival, break_down_while_deleted, max_attempts=max_attempts)
    except RuntimeError:
        bench.process(arrival, max_attempts=max_attempts)

    assert bench.stored(arrival).status is Status.DELETED
    assert bench.dead_letters() == []


def test_a_payload_purged_with_its_object_under_a_claim_needs_no_dead_letter(bench: Bench) -> None:
    """NotFound would bury the message of an object that its owner simply deleted."""
    arrival = bench.upload(make_object())

    def delete_and_purge() -> None:
        bench.save(deleted)
        bench.aws.s3.delete_object(Bucket=bench.aws.bucket, Key=str(make_object().payload_key(1)))

    before(bench.aws.s3, "GetObject", delete_and_purge)

    after = bench.process(arrival)

    assert after.status is Status.DELETED


@pytest.mark.parametrize("process", [profile, refuse, break_down], ids=["ready", "rejected", "fault"])
def test_a_lease_lost_to_another_worker_is_respected(bench: Bench, process: Process) -> None:
    arrival = bench.upload(make_object())
    theirs: list[StoredObject] = []

    def process_too_slowly(task: Task) -> Report:
        bench.clock.move(seconds=LEASE_SECONDS)
        now = bench.clock()
        lease_until = now + timedelta(seconds=LEASE_SECONDS)
        theirs.append(bench.save(lambda stored: stored.claim(now=now, lease_until=lease_until)))
        return process(task)

    try:
        bench.process(arrival, process_too_slowly)
    except RuntimeError:
        bench.process(arrival)

    assert [bench.stored(arrival)] == theirs


def test_a_verdict_of_another_worker_is_not_overwritten(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    theirs: list[StoredObject] = []

    def process_too_slowly(task: Task) -> Report:
        bench.clock.move(seconds=LEASE_SECONDS)
        slow, bench.sandbox = bench.sandbox, SandboxHere(profile)
        theirs.append(bench.process(arrival))
        bench.sandbox = slow
        return refuse(task)

    after = bench.process(arrival, process_too_slowly)

    assert [after] == theirs
    assert after.status is Status.READY


@pytest.mark.parametrize("write", [0, 1], ids=["claim", "verdict"])
@pytest.mark.parametrize(
    ("process", "status"), [(profile, Status.READY), (refuse, Status.REJECTED)], ids=["ready", "rejected"]
)
def test_a_write_whose_reply_got_lost_is_recognised_as_ours(
    bench: Bench, write: int, process: Process, status: Status
) -> None:
    arrival = bench.upload(make_object())
    lose_reply(bench.aws.dynamodb, "PutItem", spared=write)
    sent = sent_by(bench.aws.dynamodb, "PutItem")

    after = bench.process(arrival, process)

    assert len(sent) == 3
    assert (after.status, after.version, after.attempts) == (status, 3, 1)


def test_a_release_whose_reply_got_lost_is_recognised_as_ours(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    lose_reply(bench.aws.dynamodb, "PutItem", spared=1)

    with pytest.raises(RuntimeError):
        bench.process(arrival, break_down)

    assert bench.stored(arrival).lease is None


def test_a_failure_whose_reply_got_lost_still_keeps_its_message_once(bench: Bench) -> None:
    arrival = bench.upload(make_object())
    lose_reply(bench.aws.dynamodb, "PutItem", spared=1)

    failed = bench.process(arrival, break_down, max_attempts=1)

    assert failed.status is Status.FAILED
    assert bench.dead_letters() == [(arrival.body, "RuntimeError", "1")]


def test_an_artifact_is_stored_for_its_own_revision_only(bench: Bench) -> None:
    bench.process(bench.upload(make_object()))

    stored = make_object()
    assert keys_in_bucket(bench.aws) == [
        f"artifacts/{stored.owner}/{stored.id}/1/profile.json",
        f"payloads/{stored.owner}/{stored.id}/1",
    ]

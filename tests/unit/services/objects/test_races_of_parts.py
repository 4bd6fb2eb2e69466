"""Two actors meet at an upload in parts, of which every part is there: it has one outcome.

The second one acts, from its first call to its last, before a call of the first. Then everything
that was queued is handled, and the sweep comes around until nothing is overdue. Whatever came of
it, the bucket holds the payload that the object shows, and nothing else.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any, NoReturn
from uuid import UUID

import pytest
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend

from app.aws.clients import Clients
from app.domain.causes import Cause
from app.domain.errors import Refused, Unavailable
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import PayloadKey, Status
from app.messaging.messages import Arrival, Completion, Deletion, Message, Replacement, Sweep, parse_message
from app.processors.report import Report, Task
from app.services.objects.uploads import DeclaredPayload, InlinePayload
from tests.conftest import NOW, Aws, Clock, make_aws, make_object
from tests.faults import ANY, before, calls_of, unhook_all
from tests.in_parts import EXPIRES_AT, FIRST, LAST, make_in_parts, uploaded, uploads_left
from tests.in_process import mocked
from tests.services import WholeService
from tests.shares import Share
from tests.unit.services.conftest import content_of, keys_in_bucket, messages_in

ME = "local-me"
KEY = make_in_parts().payload_key(1)
ID = UUID(make_object().id)
CAUSE = Cause("request-2")
DRAWN = 8
ROUNDS = 4


class SandboxThatTakesAll:
    def run(self, _task: Task, *, seconds: float) -> Report:
        return Report({"detected_media_type": "application/octet-stream", "seconds": seconds}, ())


class Killed(BaseException):
    """The process of an actor is gone."""


class Scene:
    def __init__(self, aws: Aws, clock: Clock) -> None:
        self.aws, self.clock = aws, clock
        self.service = WholeService(aws, clock, SandboxThatTakesAll())
        self._announced = set[str]()

    def now(self) -> StoredObject:
        return self.service.repository.get(ME, str(ID))

    def sweep(self, **later: float) -> None:
        self.clock.now = max(self.clock.now, NOW) + timedelta(**later)
        self.service.dispatch(Message(Sweep()))

    def expire(self) -> None:
        self.clock.now = EXPIRES_AT + timedelta(minutes=6)
        self.service.dispatch(Message(Sweep()))

    def settle(self) -> None:
        """Handle what is queued and what S3 and the stream announce, until the sweep finds nothing more."""
        for _ in range(ROUNDS):
            for message in messages_in(self.aws, self.aws.queue_url):
                self.take(parse_message(message["Body"]))
            for key in set(keys_in_bucket(self.aws)) - self._announced:
                self._announced.add(key)
                size = self.aws.s3.head_object(Bucket=self.aws.bucket, Key=key)["ContentLength"]
                self.take(Message(Arrival(PayloadKey.parse(key), size)))
            deleted = self.now().status is Status.DELETED
            self.take(Message((Deletion if deleted else Replacement)(ME, str(ID))))
            self.sweep(hours=25)

    def take(self, message: Message) -> None:
        with suppress(Refused, Unavailable):
            self.service.dispatch(message)


Actor = Callable[[Scene], object]
ACTORS: dict[str, Actor] = {
    "complete": lambda scene: scene.service.parts.complete(ME, ID, cause=CAUSE),
    "the worker": lambda scene: scene.service.dispatch(Message(Completion(KEY))),
    "sign": lambda scene: scene.service.parts.sign(ME, ID, [1]),
    "give up": lambda scene: scene.service.parts.cancel(ME, ID, cause=CAUSE),
    "delete": lambda scene: scene.service.editing.delete(ME, ID, cause=CAUSE),
    "a new upload": lambda scene: scene.service.editing.request_upload(
        ME, ID, DeclaredPayload("text/csv", 40, None), cause=CAUSE
    ),
    "a new upload in parts": lambda scene: scene.service.editing.request_upload(
        ME, ID, DeclaredPayload("text/csv", 40, None, multipart=True), cause=CAUSE
    ),
    "a new payload": lambda scene: scene.service.editing.put_payload(
        ME, ID, InlinePayload("text/csv", b"a\n1\n"), cause=CAUSE
    ),
    "expiry": lambda scene: scene.expire(),
    "an edit": lambda scene: scene.service.editing.edit(ME, ID, {"name": "new"}, cause=CAUSE),
}
#: The calls that each makes if nobody interrupts it.
CALLS = {
    "complete": 4,
    "the worker": 4,
    "sign": 2,
    "give up": 4,
    "delete": 3,
    "a new upload": 3,
    "a new upload in parts": 3,
    "a new payload": 4,
    "expiry": 5,
    "an edit": 2,
}
DEATHS = [(actor, call) for actor in ACTORS for call in range(CALLS[actor])]
#: The first actor, the number of its call before which the second acts, and the second actor.
CASES = [(first, call, second) for (first, call), second in product(DEATHS, ACTORS)]


@pytest.fixture(autouse=True)
def _unknown_uploads_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto 5.2 crashes where S3 answers NoSuchUpload."""
    complete = S3Backend.complete_multipart_upload

    def complete_known(self: S3Backend, bucket: str, upload_id: str, body: Any) -> Any:
        if upload_id not in self.get_bucket(bucket).multiparts:
            raise NoSuchUpload(upload_id=upload_id)
        return complete(self, bucket, upload_id, body)

    monkeypatch.setattr(S3Backend, "complete_multipart_upload", complete_known)


@contextmanager
def staged(clients: Clients, *actors: str) -> Iterator[Scene]:
    """An upload of which every part is there. Without a request the worker would have nothing to do."""
    with mocked():
        scene = Scene(make_aws(clients), Clock())
        stored = uploaded(scene.aws, make_in_parts())
        scene.service.repository.add(stored.ask_completion(now=NOW) if "the worker" in actors else stored)
        yield scene
        unhook_all()


def act(scene: Scene, actor: str) -> None:
    with suppress(Refused, Unavailable):
        ACTORS[actor](scene)


def interrupted(scene: Scene, actor: str, call: int, interrupt: Callable[[], object]) -> None:
    """Let the actor act, and interrupt it before that call."""
    made = 0

    def count() -> None:
        nonlocal made
        made += 1
        if made == call + 1:
            interrupt()

    for client in (scene.aws.dynamodb, scene.aws.s3, scene.aws.sqs):
        before(client, ANY, count, times=1000)
    try:
        act(scene, actor)
    finally:
        unhook_all()
    if made <= call:
        interrupt()


def check(scene: Scene, case: object, *, left: int = 0) -> None:
    """The object is settled, and the bucket holds its payload only."""
    found = scene.now()
    kept = [] if found.payload is None else [str(found.payload_key(found.payload.revision))]
    if found.status is Status.DELETED:
        kept = []
    assert found.status in {Status.READY, Status.EXPIRED, Status.REJECTED, Status.DELETED}, case
    assert keys_in_bucket(scene.aws) == kept, case
    assert len(uploads_left(scene.aws)) <= left, case
    if found.payload is not None and found.payload.revision == 1 and kept:
        assert content_of(scene.aws, kept[0]) == FIRST + LAST, case


def test_each_makes_as_many_calls_as_are_interrupted(clients: Clients) -> None:
    for actor, calls in CALLS.items():
        with staged(clients, actor) as scene:
            made = [calls_of(client) for client in (scene.aws.dynamodb, scene.aws.s3, scene.aws.sqs)]
            act(scene, actor)

            assert sum(map(len, made)) == calls, actor


def test_two_that_meet_have_one_outcome(clients: Clients, share: Share) -> None:
    for first, call, second in share.of(CASES, DRAWN):
        with staged(clients, first, second) as scene:
            interrupted(scene, first, call, partial(act, scene, second))
            scene.settle()

            check(scene, (first, call, second))


def test_one_that_is_killed_and_tries_again_has_one_outcome(clients: Clients, share: Share) -> None:
    """An upload that it has begun in S3, but told nobody about, may stay for the bucket to abort."""
    for actor, call in share.of(DEATHS, DRAWN):
        with staged(clients, actor) as scene:
            with suppress(Killed):
                interrupted(scene, actor, call, die)
            act(scene, actor)
            scene.settle()

            check(scene, (actor, call), left=1)


def die() -> NoReturn:
    raise Killed

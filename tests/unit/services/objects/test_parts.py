"""Uploads in parts, from the first URL to the payload: a client needs to know the object's id only."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.errors import (
    InvalidInput,
    NotFound,
    PartsMissing,
    Unavailable,
    VersionMismatch,
    WrongState,
)
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Status
from app.messaging.messages import Completion, Message, Outcome, parse_message
from app.services.objects.parts import PartsState
from app.services.objects.uploads import DeclaredPayload, InlinePayload, Upload, UploadInParts
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, Aws, Clock, make_object
from tests.faults import answering, before, calls_of, fail, lose_reply
from tests.in_parts import (
    EXPIRES_AT,
    FIRST,
    LAST,
    PART_BYTES,
    SIZE,
    begun,
    make_in_parts,
    upload,
    uploaded,
    uploads_left,
)
from tests.services import WholeService
from tests.statuses import STATUSES, make_in
from tests.unit.services.conftest import content_of, keys_in_bucket, messages_in
from tests.unit.services.new_objects import create, new

ME = "local-me"
ID = UUID(make_object().id)
CAUSE = Cause("request-2")
FIVE_GB = 5 * 1000**3


def now_of(repository: ObjectRepository) -> StoredObject:
    return repository.get(ME, str(ID))


class TestDeclared:
    @pytest.mark.parametrize(("size", "multipart"), [(20_000_000, True), (FIVE_GB + 1, False), (1, True)])
    def test_it_is_in_parts_when_asked_for_and_always_above_5_gb(
        self, api: ApiServices, size: int, multipart: bool
    ) -> None:
        payload = DeclaredPayload("video/mp4", size, None, multipart)
        creation = api.creating.create(ME, new(kind="file", payload=payload), cause=CAUSE)

        shown, stored = creation.upload, creation.stored
        assert isinstance(shown, UploadInParts)
        assert shown.expires_at == EXPIRES_AT == stored.writable_until
        assert stored.deadline == EXPIRES_AT + timedelta(minutes=5)
        assert stored.newest is not None
        assert stored.newest.plan == shown.plan

    def test_up_to_5_gb_it_is_one_put_unless_asked_for(self, api: ApiServices) -> None:
        payload = DeclaredPayload("video/mp4", FIVE_GB, None)

        assert isinstance(
            api.creating.create(ME, new(kind="file", payload=payload), cause=CAUSE).upload, Upload
        )

    def test_more_than_the_lease_can_hash_is_refused(self, api: ApiServices) -> None:
        limit = int(0.75 * 300 * 30_000_000)
        create(api, new(kind="file", payload=DeclaredPayload("video/mp4", limit, None)))

        with pytest.raises(InvalidInput, match=str(limit)):
            create(api, new(kind="file", payload=DeclaredPayload("video/mp4", limit + 1, None)))

    def test_to_ask_for_the_same_upload_changes_nothing_and_for_the_other_form_everything(
        self, api: ApiServices, repository: ObjectRepository
    ) -> None:
        repository.add(make_in("ready", kind="file"))
        declared = DeclaredPayload("text/csv", 40, None, multipart=True)
        first, _ = api.editing.request_upload(ME, ID, declared, cause=CAUSE)

        again, _ = api.editing.request_upload(ME, ID, declared, cause=CAUSE)
        whole, shown = api.editing.request_upload(ME, ID, replace(declared, multipart=False), cause=CAUSE)

        assert again == first
        assert (first.newest_number, whole.newest_number) == (2, 3)
        assert isinstance(shown, Upload)


class TestSigning:
    def test_the_first_begins_and_the_next_goes_on(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        repository.add(make_in_parts())

        first = api.parts.sign(ME, ID, [1])
        second = api.parts.sign(ME, ID, [2, 1, 2])

        assert len(uploads_left(aws)) == 1
        assert [part.number for part in second.parts] == [2, 1]
        ids = {parse_qs(urlsplit(part.url).query)["uploadId"][0] for part in (*first.parts, *second.parts)}
        known = now_of(repository).parts_upload
        assert known is not None
        assert ids == {known.id}

    def test_a_url_lasts_as_any_other_and_no_longer_than_the_upload(
        self, api: ApiServices, repository: ObjectRepository, clock: Clock
    ) -> None:
        repository.add(make_in_parts())
        early = api.parts.sign(ME, ID, [1])
        clock.now = EXPIRES_AT - timedelta(seconds=30)

        late = api.parts.sign(ME, ID, [1])

        seconds = [parse_qs(urlsplit(one.parts[0].url).query)["X-Amz-Expires"] for one in (early, late)]
        assert seconds == [["900"], ["30"]]
        assert (early.expires_at, late.expires_at) == (NOW + timedelta(seconds=900), EXPIRES_AT)
        clock.now = EXPIRES_AT
        with pytest.raises(WrongState):
            api.parts.sign(ME, ID, [1])

    def test_of_two_that_begin_at_once_one_takes_the_others(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        repository.add(make_in_parts())
        before(aws.dynamodb, "PutItem", lambda: api.parts.sign(ME, ID, [1]))

        signed = api.parts.sign(ME, ID, [1])

        known = now_of(repository).parts_upload
        assert known is not None
        assert f"uploadId={known.id}" in signed.parts[0].url
        assert len(uploads_left(aws)) == 1

    def test_an_upload_that_s3_no_longer_knows_begins_anew(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        repository.add(make_in_parts().begin_parts("forgotten"))

        assert state_of(api).missing == (1, 2)
        api.parts.sign(ME, ID, [1])

        known = now_of(repository).parts_upload
        assert known is not None
        assert known.id != "forgotten"
        assert len(uploads_left(aws)) == 1

    def test_a_number_beyond_the_last_part_is_named(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        repository.add(make_in_parts())

        with pytest.raises(InvalidInput) as refused:
            api.parts.sign(ME, ID, [1, 3])

        assert [error.pointer for error in refused.value.errors] == ["/numbers/1"]
        assert uploads_left(aws) == []

    def test_nothing_is_signed_while_the_parts_are_put_together(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        repository.add(uploaded(aws, make_in_parts()).ask_completion(now=NOW))

        with pytest.raises(WrongState):
            api.parts.sign(ME, ID, [1])


def test_an_upload_as_a_whole_has_no_parts(api: ApiServices, repository: ObjectRepository) -> None:
    repository.add(make_in("pending"))

    for act in (
        lambda: api.parts.sign(ME, ID, [1]),
        lambda: api.parts.complete(ME, ID, cause=CAUSE),
        lambda: api.parts.cancel(ME, ID, cause=CAUSE),
    ):
        with pytest.raises(
            WrongState, match="An object that is awaiting one PUT does not allow: upload parts"
        ):
            act()


def state_of(api: ApiServices) -> PartsState:
    state = api.parts.state(ME, ID)
    assert isinstance(state, PartsState)
    return state


class TestState:
    def test_it_tells_what_is_there_and_what_is_missing(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        known = begun(aws, make_in_parts())
        repository.add(known)
        empty = state_of(api)
        upload(aws, known, 2)

        state = state_of(api)

        assert (empty.uploaded, empty.missing) == ((), (1, 2))
        assert [(part.number, part.size) for part in state.uploaded] == [(2, len(LAST))]
        assert (state.missing, state.expires_at) == ((1,), EXPIRES_AT)

    def test_what_was_put_together_is_all_there(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        stored = make_in_parts().begin_parts("completed").ask_completion(now=NOW)
        repository.add(stored)
        aws.s3.put_object(Bucket=aws.bucket, Key=str(stored.payload_key(1)), Body=FIRST + LAST)

        assert state_of(api).missing == ()

    def test_an_upload_as_a_whole_gets_its_url_again(
        self, api: ApiServices, repository: ObjectRepository, clock: Clock
    ) -> None:
        repository.add(make_object())
        clock.move(minutes=5)

        again = api.parts.state(ME, ID)

        assert isinstance(again, Upload)
        assert parse_qs(urlsplit(again.url).query)["X-Amz-Expires"] == ["600"]

    @pytest.mark.parametrize("status", [status for status in STATUSES if status != "pending"])
    def test_where_nothing_is_awaited_there_is_nothing_to_tell(
        self, api: ApiServices, repository: ObjectRepository, status: str, clock: Clock
    ) -> None:
        repository.add(make_in(status))
        clock.move(hours=1)

        with pytest.raises(NotFound if status == "deleted" else WrongState):
            api.parts.state(ME, ID)
        with pytest.raises(NotFound if status == "deleted" else WrongState):
            api.parts.sign(ME, ID, [1])


def queued(aws: Aws) -> list[Message]:
    return [parse_message(message["Body"]) for message in messages_in(aws, aws.queue_url)]


@pytest.fixture
def service(aws: Aws, clock: Clock) -> WholeService:
    return WholeService(aws, clock)


class TestCompleting:
    def test_the_worker_is_asked_and_puts_the_parts_together(
        self, api: ApiServices, service: WholeService, repository: ObjectRepository, aws: Aws
    ) -> None:
        stored = uploaded(aws, make_in_parts())
        repository.add(stored)

        answered = api.parts.complete(ME, ID, cause=CAUSE)
        [message] = queued(aws)
        outcomes = [service.dispatch(message) for _ in range(2)]

        assert answered.is_completing
        assert message.content == Completion(stored.payload_key(1))
        assert message.correlation_id == "request-2"
        assert outcomes == [Outcome.COMPLETED] * 2
        assert content_of(aws, str(stored.payload_key(1))) == FIRST + LAST
        assert uploads_left(aws) == []

    def test_another_version_than_the_clients_is_not_completed(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        stored = uploaded(aws, make_in_parts())
        repository.add(stored)

        with pytest.raises(VersionMismatch):
            api.parts.complete(ME, ID, expected={stored.version + 1}, cause=CAUSE)

        assert (now_of(repository), queued(aws)) == (stored, [])
        assert api.parts.complete(ME, ID, expected={stored.version}, cause=CAUSE).is_completing

    def test_missing_parts_are_named_up_to_a_hundred(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        stored = make_in_parts()
        assert stored.newest is not None
        newest = replace(stored.newest, size=PART_BYTES * 150)
        repository.add(begun(aws, replace(stored, newest=newest)))

        with pytest.raises(PartsMissing, match="150 parts") as refused:
            api.parts.complete(ME, ID, cause=CAUSE)

        assert refused.value.numbers == tuple(range(1, 101))
        assert not now_of(repository).is_completing

    @pytest.mark.parametrize("body", [FIRST[1:], FIRST + b"a"])
    def test_a_part_of_another_length_is_missing(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws, body: bytes
    ) -> None:
        known = uploaded(aws, make_in_parts())
        repository.add(known)
        upload(aws, known, 1, body)

        with pytest.raises(PartsMissing) as refused:
            api.parts.complete(ME, ID, cause=CAUSE)

        assert refused.value.numbers == (1,)

    def test_to_ask_again_sends_the_message_again_and_writes_nothing(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        repository.add(uploaded(aws, make_in_parts()))
        fail(aws.sqs, "SendMessage", answering(503))
        with pytest.raises(Unavailable):
            api.parts.complete(ME, ID, cause=CAUSE)
        noted = now_of(repository)

        api.parts.complete(ME, ID, cause=CAUSE)

        assert now_of(repository) == noted
        assert len(queued(aws)) == 1

    @pytest.mark.parametrize("status", ["processing", "ready", "rejected", "failed"])
    def test_what_is_complete_is_answered_as_it_is(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws, status: str
    ) -> None:
        stored = repository.add(make_in(status, newest=make_in_parts().newest))

        assert api.parts.complete(ME, ID, cause=CAUSE) == stored
        assert queued(aws) == []

    @pytest.mark.parametrize("status", STATUSES)
    def test_what_comes_whole_is_not_completed(
        self, api: ApiServices, repository: ObjectRepository, status: str
    ) -> None:
        repository.add(make_in(status))

        with pytest.raises(NotFound if status == "deleted" else WrongState):
            api.parts.complete(ME, ID, cause=CAUSE)

    def test_parts_that_s3_lost_meanwhile_are_awaited_again(
        self, api: ApiServices, service: WholeService, repository: ObjectRepository, aws: Aws
    ) -> None:
        stored = uploaded(aws, make_in_parts())
        repository.add(stored)
        api.parts.complete(ME, ID, cause=CAUSE)
        assert stored.parts_upload is not None
        aws.adapters().parts.abort(stored.payload_key(1), stored.parts_upload.id)

        [message] = queued(aws)
        outcome = service.dispatch(message)

        assert outcome is Outcome.ACKNOWLEDGED
        assert (now_of(repository).parts_upload, now_of(repository).deadline) == (None, stored.deadline)
        assert state_of(api).missing == (1, 2)

    @pytest.mark.parametrize("lose", ["CompleteMultipartUpload", "ListParts", "HeadObject"])
    def test_a_lost_reply_does_no_harm(
        self, service: WholeService, repository: ObjectRepository, aws: Aws, lose: str
    ) -> None:
        stored = uploaded(aws, make_in_parts()).ask_completion(now=NOW)
        repository.add(stored)
        lose_reply(aws.s3, lose)

        outcome = service.dispatch(Message(Completion(stored.payload_key(1))))

        assert outcome is Outcome.COMPLETED
        assert keys_in_bucket(aws) == [str(stored.payload_key(1))]

    def test_a_part_that_is_sent_again_meanwhile_is_met_by_another_try(
        self, service: WholeService, repository: ObjectRepository, aws: Aws
    ) -> None:
        stored = uploaded(aws, make_in_parts()).ask_completion(now=NOW)
        repository.add(stored)
        other = b"b" * PART_BYTES
        before(aws.s3, "CompleteMultipartUpload", lambda: upload(aws, stored, 1, other))
        message = Message(Completion(stored.payload_key(1)))

        with pytest.raises(Unavailable):
            service.dispatch(message)

        assert service.dispatch(message) is Outcome.COMPLETED
        assert content_of(aws, str(stored.payload_key(1))) == other + LAST

    def test_a_payload_is_never_replaced_and_the_parts_are_dropped(
        self, service: WholeService, repository: ObjectRepository, aws: Aws
    ) -> None:
        stored = uploaded(aws, make_in_parts()).ask_completion(now=NOW)
        repository.add(stored)
        aws.s3.put_object(Bucket=aws.bucket, Key=str(stored.payload_key(1)), Body=b"first")
        fail(aws.s3, "CompleteMultipartUpload", answering(412, "PreconditionFailed"))

        outcome = service.dispatch(Message(Completion(stored.payload_key(1))))

        assert outcome is Outcome.COMPLETED
        assert content_of(aws, str(stored.payload_key(1))) == b"first"
        assert uploads_left(aws) == []

    def test_nothing_is_put_together_while_a_part_is_of_another_length(
        self, service: WholeService, repository: ObjectRepository, aws: Aws
    ) -> None:
        stored = uploaded(aws, make_in_parts()).ask_completion(now=NOW)
        repository.add(stored)
        upload(aws, stored, 1, FIRST[1:])

        outcome = service.dispatch(Message(Completion(stored.payload_key(1))))

        assert outcome is Outcome.ACKNOWLEDGED
        assert not service.payloads.exists(stored.payload_key(1))


ENDED: dict[str, Callable[[ApiServices], object]] = {
    "given up": lambda api: api.parts.cancel(ME, ID, cause=CAUSE),
    "deleted": lambda api: api.editing.delete(ME, ID, cause=CAUSE),
    "a new upload": lambda api: api.editing.request_upload(
        ME, ID, DeclaredPayload("text/csv", 40, None), cause=CAUSE
    ),
    "a new payload": lambda api: api.editing.put_payload(
        ME, ID, InlinePayload("text/csv", b"a\n1\n"), cause=CAUSE
    ),
}


@pytest.mark.parametrize("end", ENDED)
def test_whoever_ends_the_wait_drops_the_parts(
    api: ApiServices, repository: ObjectRepository, aws: Aws, end: str
) -> None:
    repository.add(uploaded(aws, make_in_parts()))

    ENDED[end](api)

    assert uploads_left(aws) == []
    assert now_of(repository).parts_upload is None


@pytest.mark.parametrize("end", sorted(ENDED.keys() - {"given up"}))
def test_where_s3_is_away_they_are_left_to_the_bucket(
    api: ApiServices, repository: ObjectRepository, aws: Aws, end: str
) -> None:
    repository.add(uploaded(aws, make_in_parts()))
    fail(aws.s3, "AbortMultipartUpload", answering(503))

    ENDED[end](api)

    assert now_of(repository).parts_upload is None
    assert len(uploads_left(aws)) == 1


def test_the_same_bytes_inline_do_not_slip_below_an_upload_in_parts(
    api: ApiServices, repository: ObjectRepository, aws: Aws
) -> None:
    body = b"a\n1\n"
    payload = InlinePayload("text/csv", body)
    declared = DeclaredPayload("text/csv", len(body), sha256(body).hexdigest(), multipart=True)
    repository.add(make_in("ready", kind="file"))
    api.editing.request_upload(ME, ID, declared, cause=CAUSE)
    api.parts.sign(ME, ID, [1])

    stored = api.editing.put_payload(ME, ID, payload, cause=CAUSE)

    assert stored.newest_number == 3
    assert uploads_left(aws) == []


class TestGivingUp:
    def test_it_has_expired_and_may_be_repeated(self, api: ApiServices, repository: ObjectRepository) -> None:
        repository.add(make_in_parts())
        api.parts.cancel(ME, ID, cause=CAUSE)
        given_up = now_of(repository)

        api.parts.cancel(ME, ID, cause=CAUSE)

        assert given_up.status is Status.EXPIRED
        assert now_of(repository) == given_up

    def test_another_version_than_the_clients_is_kept(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        stored = uploaded(aws, make_in_parts())
        repository.add(stored)

        with pytest.raises(VersionMismatch):
            api.parts.cancel(ME, ID, expected={stored.version + 1}, cause=CAUSE)

        assert (now_of(repository), len(uploads_left(aws))) == (stored, 1)
        api.parts.cancel(ME, ID, expected={stored.version}, cause=CAUSE)
        assert now_of(repository).status is Status.EXPIRED

    def test_what_is_there_already_is_processed(
        self, api: ApiServices, repository: ObjectRepository, aws: Aws
    ) -> None:
        stored = make_in_parts().begin_parts("completed").ask_completion(now=NOW)
        repository.add(stored)
        aws.s3.put_object(Bucket=aws.bucket, Key=str(stored.payload_key(1)), Body=b"x" * SIZE)

        with pytest.raises(WrongState):
            api.parts.cancel(ME, ID, cause=CAUSE)

        assert now_of(repository) == stored

    @pytest.mark.parametrize("status", STATUSES)
    def test_what_comes_whole_is_not_given_up(
        self, api: ApiServices, repository: ObjectRepository, status: str
    ) -> None:
        repository.add(make_in(status))

        with pytest.raises(NotFound if status == "deleted" else WrongState):
            api.parts.cancel(ME, ID, cause=CAUSE)


class TestSwept:
    def test_a_lost_message_is_sent_again_and_not_expired(
        self, service: WholeService, repository: ObjectRepository, aws: Aws, clock: Clock
    ) -> None:
        repository.add(uploaded(aws, make_in_parts()).ask_completion(now=NOW))
        clock.now = EXPIRES_AT + timedelta(hours=1)

        service.worker.dispatcher.dispatch(
            parse_message('{"detail-type":"sweep"}'), seconds_left=lambda: 99.0
        )

        [message] = queued(aws)
        assert isinstance(message.content, Completion)
        assert service.dispatch(message) is Outcome.COMPLETED

    def test_an_upload_that_was_not_made_expires_and_its_parts_go(
        self, service: WholeService, repository: ObjectRepository, aws: Aws, clock: Clock
    ) -> None:
        repository.add(uploaded(aws, make_in_parts()))
        clock.now = EXPIRES_AT + timedelta(minutes=6)

        service.worker.dispatcher.dispatch(
            parse_message('{"detail-type":"sweep"}'), seconds_left=lambda: 99.0
        )

        assert now_of(repository).status is Status.EXPIRED
        assert uploads_left(aws) == []

    def test_calls_are_counted_where_nothing_was_begun(
        self, service: WholeService, repository: ObjectRepository, aws: Aws, clock: Clock
    ) -> None:
        repository.add(make_in_parts())
        clock.now = EXPIRES_AT + timedelta(minutes=6)
        calls = calls_of(aws.s3)

        service.worker.dispatcher.dispatch(
            parse_message('{"detail-type":"sweep"}'), seconds_left=lambda: 99.0
        )

        assert [call.operation for call in calls] == ["HeadObject"]

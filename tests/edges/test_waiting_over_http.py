"""`Prefer: wait` on an object (RFC 7240), `wait` on the feed, and when to ask again without them."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from app.api.http.preferences import MOST_DIGITS
from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.events import event_of
from app.domain.objects.stored import StoredObject
from app.domain.usage import NOTHING
from app.storage.recording import CountedEvent
from tests.conftest import Aws, make_object
from tests.edges.stored import URL, Stored, behind
from tests.faults import before, calls_of
from tests.services import services_on
from tests.statuses import make_record

MOST_SECONDS = 2
KNOWN = {"If-None-Match": '"3"'}


@pytest.fixture
def services(aws: Aws) -> ApiServices:
    return services_on(aws, max_wait_seconds=MOST_SECONDS)


@pytest.fixture
def stored(client: httpx2.Client, aws: Aws) -> Stored:
    return behind(client, aws)


def wait(client: httpx2.Client, prefer: str = "wait=2", **headers: str) -> httpx2.Response:
    return client.get(URL, headers={**KNOWN, "Prefer": prefer} | headers)


def polled(calls: Any) -> int:
    return sum(call.operation == "BatchGetItem" for call in calls)


def at_the_first_poll(aws: Aws, act: Callable[[], object]) -> None:
    before(aws.dynamodb, "BatchGetItem", act)


def rename(stored: Stored) -> StoredObject:
    now = stored.now()
    renamed = now.edit(name="new", attributes={}, labels={}, now=now.updated_at, cause=Cause("request-2"))
    stored.repository.save(renamed, read=now)
    return renamed


class TestAnObject:
    def test_it_is_answered_at_the_next_change(self, client: httpx2.Client, aws: Aws, stored: Stored) -> None:
        stored.add("ready")
        at_the_first_poll(aws, lambda: rename(stored))

        answer = wait(client)

        assert (answer.status_code, answer.headers["ETag"], answer.json()["name"]) == (200, '"4"', "new")
        assert answer.headers["Preference-Applied"] == "wait=2"

    def test_where_nothing_changes_the_client_is_told_so(self, client: httpx2.Client, stored: Stored) -> None:
        stored.add("ready")

        answer = wait(client, "wait=1")

        assert (answer.status_code, answer.headers["ETag"]) == (304, '"3"')
        assert answer.headers["Preference-Applied"] == "wait=1"

    def test_one_that_the_client_does_not_know_is_answered_at_once(
        self, client: httpx2.Client, aws: Aws, stored: Stored
    ) -> None:
        stored.add("ready")
        calls = calls_of(aws.dynamodb)

        answer = wait(client, **{"If-None-Match": '"2"'})

        assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=2")
        assert [call.operation for call in calls] == ["GetItem"]

    def test_without_a_known_version_there_is_nothing_to_wait_for(
        self, client: httpx2.Client, aws: Aws, stored: Stored
    ) -> None:
        stored.add("ready")
        calls = calls_of(aws.dynamodb)

        answer = client.get(URL, headers={"Prefer": "wait=2"})

        assert answer.status_code == 200
        assert "Preference-Applied" not in answer.headers
        assert [call.operation for call in calls] == ["GetItem"]

    def test_if_it_is_deleted_meanwhile_it_is_not_found(
        self, client: httpx2.Client, aws: Aws, stored: Stored
    ) -> None:
        now = stored.add("ready")
        deleted = now.delete(now=now.updated_at, cause=Cause("request-2"))
        at_the_first_poll(aws, lambda: stored.repository.save(deleted, read=now))

        answer = wait(client)

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    def test_another_owners_is_not_found_at_once(self, client: httpx2.Client, aws: Aws) -> None:
        Stored(aws, "local-ada").add("ready")
        calls = calls_of(aws.dynamodb)

        assert wait(client).status_code == 404
        assert polled(calls) == 0

    def test_bookkeeping_is_no_change(self, client: httpx2.Client, aws: Aws, stored: Stored) -> None:
        now = stored.add("processing")
        known = f'"{now.version}"'
        at_the_first_poll(aws, lambda: stored.repository.save(now.release(now=now.updated_at), read=now))

        answer = wait(client, "wait=1", **{"If-None-Match": known})

        assert (answer.status_code, answer.headers["ETag"]) == (304, known)

    def test_a_client_that_knows_the_next_version_waits_for_the_one_behind_it(
        self, client: httpx2.Client, aws: Aws, stored: Stored
    ) -> None:
        stored.add("ready")

        def rename_twice() -> None:
            rename(stored)
            at_the_first_poll(aws, lambda: rename(stored))

        at_the_first_poll(aws, rename_twice)

        answer = wait(client, **{"If-None-Match": '"3", "4"'})

        assert (answer.status_code, answer.headers["ETag"]) == (200, '"5"')

    def test_to_a_client_that_has_any_version_nothing_is_new(
        self, client: httpx2.Client, aws: Aws, stored: Stored
    ) -> None:
        stored.add("ready")
        calls = calls_of(aws.dynamodb)

        answer = wait(client, **{"If-None-Match": "*"})

        assert (answer.status_code, polled(calls)) == (304, 0)
        assert "Preference-Applied" not in answer.headers

    def test_a_stop_answers_with_what_there_is(
        self, client: httpx2.Client, aws: Aws, stored: Stored, services: ApiServices
    ) -> None:
        stored.add("ready")
        at_the_first_poll(aws, services.waiting.stop)
        calls = calls_of(aws.dynamodb)

        object_, feed = wait(client), client.get("/v1/events?wait=2")

        assert (object_.status_code, feed.status_code) == (304, 200)
        assert [call.operation for call in calls] == ["GetItem", "BatchGetItem", "Query"]

    def test_head_waits_too(self, client: httpx2.Client, aws: Aws, stored: Stored) -> None:
        stored.add("ready")
        at_the_first_poll(aws, lambda: rename(stored))

        answer = client.head(URL, headers={**KNOWN, "Prefer": "wait=2"})

        assert (answer.status_code, answer.headers["ETag"], answer.content) == (200, '"4"', b"")


class TestThePreference:
    @pytest.mark.parametrize(
        ("prefer", "applied"),
        [
            ("wait=1", "wait=1"),
            ("WAIT=1", "wait=1"),
            ('wait="1"', "wait=1"),
            ("wait = 1", "wait=1"),
            ("wait=1; priority=high", "wait=1"),
            ("respond-async, wait=1", "wait=1"),
            ("wait=1, wait=2", "wait=1"),
            ("wait=3600", "wait=2"),
            (f"wait={'9' * MOST_DIGITS}", "wait=2"),
            (f"wait={'9' * 5000}", "wait=2"),
            (f"wait={'0' * 5000}1", "wait=1"),
            ("wait", None),
            ("wait=", None),
            ("wait=0", None),
            ("wait=-1", None),
            ("wait=1.5", None),
            ("wait=soon", None),
            ("wait=\u0661".encode().decode("latin-1"), None),
            ("waiting=1", None),
            ("return=minimal", None),
            ("", None),
            (",,;=", None),
        ],
        ids=lambda value: str(value)[:24],
    )
    def test_it_is_read_as_rfc_7240_has_it(
        self, client: httpx2.Client, aws: Aws, stored: Stored, prefer: str, applied: str | None
    ) -> None:
        stored.add("ready")
        at_the_first_poll(aws, lambda: rename(stored))

        headers = [(b"If-None-Match", b'"3"'), (b"Prefer", prefer.encode("latin-1"))]
        answer = client.get(URL, headers=headers)

        # A busy machine may not see the change within a second.
        assert answer.status_code in ({200, 304} if applied else {304})
        assert answer.headers.get("Preference-Applied") == applied

    def test_several_headers_are_one_list(self, client: httpx2.Client, aws: Aws, stored: Stored) -> None:
        stored.add("ready")
        at_the_first_poll(aws, lambda: rename(stored))

        headers = [("If-None-Match", '"3"'), ("Prefer", "respond-async"), ("Prefer", "wait=2")]
        answer = client.get(URL, headers=headers)

        assert answer.headers["Preference-Applied"] == "wait=2"


class TestWhereNobodyMayWait:
    @pytest.fixture
    def services(self, aws: Aws) -> ApiServices:
        """Give services that let nobody wait, which is the default on AWS."""
        return services_on(aws)

    def test_the_preference_is_not_applied(self, client: httpx2.Client, aws: Aws, stored: Stored) -> None:
        stored.add("ready")
        calls = calls_of(aws.dynamodb)

        answer = wait(client)

        assert answer.status_code == 304
        assert "Preference-Applied" not in answer.headers
        assert [call.operation for call in calls] == ["GetItem"]

    def test_the_feed_answers_at_once(self, client: httpx2.Client, aws: Aws) -> None:
        calls = calls_of(aws.dynamodb)

        answer = client.get("/v1/events?wait=3600")

        assert (answer.status_code, answer.json()["items"]) == (200, [])
        assert polled(calls) == 0


@pytest.mark.parametrize("status", ["pending", "processing", "ready", "rejected", "failed", "expired"])
def test_what_is_not_settled_tells_when_to_ask_again(
    client: httpx2.Client, stored: Stored, status: str
) -> None:
    tag = f'"{stored.add(status).version}"'

    answers = [client.get(URL), client.get(URL, headers={"If-None-Match": tag})]

    assert [answer.status_code for answer in answers] == [200, 304]
    expected = "2" if status in ("pending", "processing") else None
    assert [answer.headers.get("Retry-After") for answer in answers] == [expected] * 2


class TestTheFeed:
    def record(self, stored: Stored, *objects: StoredObject) -> list[str]:
        events = [event for one in objects if (event := event_of(None, one))]
        stored.aws.adapters().recorder.record([CountedEvent(event, NOTHING) for event in events], shard=0)
        return [event.id for event in events]

    def test_it_is_answered_when_an_event_is_recorded(
        self, client: httpx2.Client, aws: Aws, stored: Stored
    ) -> None:
        born = make_object(owner=stored.owner)
        at_the_first_poll(aws, lambda: self.record(stored, born))

        answer = client.get("/v1/events?after=latest&wait=2").json()

        assert [event["id"] for event in answer["items"]] == [f"{born.id}:1"]

    def test_what_is_not_wanted_is_no_answer(self, client: httpx2.Client, aws: Aws, stored: Stored) -> None:
        other, wanted = make_object(owner=stored.owner), make_record(owner=stored.owner, id=ID)

        def record_another() -> None:
            self.record(stored, other)
            at_the_first_poll(aws, lambda: self.record(stored, wanted))

        at_the_first_poll(aws, record_another)

        answer = client.get("/v1/events?kind=record&wait=2").json()

        assert [event["id"] for event in answer["items"]] == [f"{wanted.id}:1"]

    def test_what_is_there_is_answered_at_once(self, client: httpx2.Client, aws: Aws, stored: Stored) -> None:
        self.record(stored, make_object(owner=stored.owner))
        calls = calls_of(aws.dynamodb)

        assert len(client.get("/v1/events?wait=2").json()["items"]) == 1
        assert [call.operation for call in calls] == ["Query", "Query", "BatchGetItem"]

    def test_a_wait_without_an_event_ends_where_it_began(self, client: httpx2.Client, stored: Stored) -> None:
        answer = client.get("/v1/events?after=latest&wait=1").json()
        assert (answer["items"], answer["has_more"]) == ([], False)

        ids = self.record(stored, make_object(owner=stored.owner))

        following = client.get("/v1/events", params={"after": answer["next_after"]}).json()
        assert [event["id"] for event in following["items"]] == ids


ID = "11111111-9a0e-4e6f-8a51-2f1c7f1f6a10"


def test_the_time_waited_is_logged_apart(
    client: httpx2.Client, aws: Aws, stored: Stored, caplog: pytest.LogCaptureFixture
) -> None:
    stored.add("ready")
    at_the_first_poll(aws, lambda: rename(stored))

    wait(client)
    client.get(URL)

    waited, other = (line.__dict__ for line in caplog.records if line.message == "request.done")
    assert waited["waited_seconds"] > 0
    assert "waited_seconds" not in other

"""The hosts that presigned URLs name, and calls that are repeated."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from botocore.parsers import ResponseParserError

from app.aws import clients
from app.aws.clients import Clients, credentials_end
from app.aws.faults import INSISTS_SECONDS, TRIES, insist, transient_faults
from app.domain.errors import Unavailable
from app.domain.objects.values import PayloadKey, Revision
from app.messaging.work_queue import WorkMessage, WorkQueue
from app.storage.payloads import PayloadStore

KEY = PayloadKey("local-me", "6f1c", 1)
REVISION = Revision(1, "text/csv", 12, None, None)


def signed(clients: Clients, **options: Any) -> list[str]:
    """Return an upload and a download of the bucket `wharf-payloads`, as scheme, host and path."""
    s3 = clients.client("s3", **options)
    store = PayloadStore(s3, "wharf-payloads", s3)
    upload = store.sign_upload(KEY, REVISION, seconds=60).url
    download = store.sign_download(str(KEY), media_type="text/csv", file_name="a.csv", seconds=60)
    return [url.partition("?")[0] for url in (upload, download)]


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("us-east-1", "amazonaws.com"),
        ("us-west-2", "amazonaws.com"),
        ("eu-north-1", "amazonaws.com"),
        ("eu-central-2", "amazonaws.com"),
        ("ap-southeast-4", "amazonaws.com"),
        ("af-south-1", "amazonaws.com"),
        ("il-central-1", "amazonaws.com"),
        ("mx-central-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("us-gov-west-1", "amazonaws.com"),
    ],
)
def test_a_presigned_url_names_the_host_of_its_region(
    region: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)

    for url in signed(Clients()):
        assert url == f"https://wharf-payloads.s3.{region}.{suffix}/{KEY}"


class TestAnAwaitedStart:
    """A start that a request waits for, in which each client is made when it is first used."""

    @pytest.fixture
    def made(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The services of the clients that were made."""
        made: list[str] = []
        make = Clients._make
        monkeypatch.setattr(clients, "IS_AWAITED", True)
        monkeypatch.setattr(
            Clients,
            "_make",
            lambda clients, service, options: made.append(service) or make(clients, service, options),  # type: ignore[func-returns-value]  # a list's append
        )
        return made

    def test_a_client_is_made_once_it_is_asked_for_something(self, made: list[str]) -> None:
        clients = Clients()
        s3, _ = (clients.client(service) for service in ("s3", "sqs"))
        before = list(made)
        clients.drop_connections()
        with ThreadPoolExecutor(8) as threads:
            regions = list(threads.map(lambda _: s3.meta.region_name, range(8)))

        assert (before, made) == ([], ["s3"])
        assert set(regions) == {"us-east-1"}

    def test_it_does_what_the_client_does(self, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        later = signed(Clients())
        end = credentials_end(Clients().client("s3"))
        monkeypatch.setattr(clients, "IS_AWAITED", False)

        assert later == signed(Clients())
        assert end == credentials_end(Clients().client("s3"))
        with pytest.raises(AttributeError):
            Clients().client("s3").no_such_operation  # noqa: B018  # it is asked for
        assert "s3" in made


EMULATORS = ["http://127.0.0.1:4566", "http://localhost:4566", "http://emulator:14566"]


@pytest.mark.parametrize("emulator", EMULATORS)
def test_an_emulators_host_stays_as_it_is(emulator: str) -> None:
    for url in signed(Clients(), endpoint_url=emulator):
        assert url == f"{emulator}/wharf-payloads/{KEY}"


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("emulator", EMULATORS)
def test_so_does_one_that_the_environment_names(
    variable: str, emulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, emulator)

    for url in signed(Clients()):
        assert url == f"{emulator}/wharf-payloads/{KEY}"


class TestInsisting:
    def test_a_call_that_hangs_is_made_once(self) -> None:
        """The listener takes connections and never answers, so the client's own timeout ends the call."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            queue = queue_at(f"http://127.0.0.1:{listener.getsockname()[1]}")

            left = queue.send_all([WorkMessage("{}", owner="local-me")])

            assert left == {0}
            assert connections_to(listener) == 1

    def test_no_call_may_hang_for_longer_than_it_is_insisted_on(self) -> None:
        patient, insisting = (
            client_of(Clients(callers_repeat=callers_repeat)) for callers_repeat in (False, True)
        )

        assert insisting.meta.config.read_timeout == INSISTS_SECONDS < patient.meta.config.read_timeout
        assert insisting.meta.config.connect_timeout < INSISTS_SECONDS
        assert insisting.meta.config.retries["total_max_attempts"] == 1

    def test_what_fails_at_once_is_tried_four_times(self) -> None:
        assert tries_until_given_up(seconds_each=0.0) == TRIES == 4

    @pytest.mark.parametrize(("seconds_each", "tries"), [(0.9, 3), (1.5, 2), (2.0, 1), (60.0, 1)])
    def test_no_try_begins_after_the_time_is_up(self, seconds_each: float, tries: int) -> None:
        assert tries_until_given_up(seconds_each=seconds_each) == tries


def test_an_answer_that_cannot_be_read_passes() -> None:
    with pytest.raises(Unavailable, match="ResponseParserError"), transient_faults():
        raise ResponseParserError("Unable to parse response")


def tries_until_given_up(*, seconds_each: float) -> int:
    """Return how often `insist` makes a call that fails after these seconds of a clock of its own."""
    now, tries = 0.0, 0

    def fail() -> None:
        nonlocal now, tries
        now, tries = now + seconds_each, tries + 1
        raise Unavailable("Not now.")

    with pytest.raises(Unavailable):
        insist(fail, clock=lambda: now)
    return tries


def client_of(clients: Clients, **options: Any) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return clients.client("sqs", region_name="eu-north-1", **keys, **options)


def queue_at(url: str) -> WorkQueue:
    return WorkQueue(
        client_of(Clients(callers_repeat=True), endpoint_url=url), f"{url}/1/work", f"{url}/1/dead"
    )


def connections_to(listener: socket.socket) -> int:
    """Return how many connections wait to be accepted."""
    listener.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            count += 1
    return count

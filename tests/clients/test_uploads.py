"""An upload arrives whole, in one request or in parts, whatever breaks on the way."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.clients.conftest import Clock
from tests.clients.service import MIB, Service, problem
from wharf_client import Conflict, SourceChanged, StorageRefused, Unavailable
from wharf_client.pieces import Piece, Source
from wharf_client.retries import Retries

SMALL = b"a,b\n1,2\n"
LARGE = bytes(range(256)) * (20 * MIB // 256) + b"the rest"
GIVEN = {"kind": "file", "name": "a.bin", "media_type": "text/csv"}
RESET = httpx2.WriteError("reset by peer")
LOST = httpx2.ReadError("reset by peer")


class Stopped(Exception):
    """The caller's progress callback ends the upload."""


def part_numbers(service: Service) -> list[int]:
    return [int(request.url.path.rpartition("/")[2]) for request in service.asked("PUT", "/parts/")]


def test_a_small_file_is_sent_in_one_request(client: Any, service: Service, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(SMALL)

    stored = client.upload(file, **GIVEN)

    assert (stored["id"], service.payload) == ("o-1", SMALL)
    assert [request.method for request in service.requests] == ["POST", "PUT", "GET"]
    assert service.stored["incoming"]["sha256"] == Source.of(SMALL).sha256()


def test_an_empty_payload_is_sent_too(client: Any, service: Service) -> None:
    client.upload(b"", **GIVEN)

    assert service.payload == b""


def test_a_large_file_is_sent_in_parts(client: Any, service: Service) -> None:
    told: list[tuple[int, int]] = []

    client.upload(LARGE, **GIVEN, progress=lambda done, total: told.append((done, total)))

    assert service.payload == LARGE
    assert part_numbers(service) == [1, 2, 3]
    assert told == sorted(told)
    assert (told[0], told[-1]) == ((0, len(LARGE)), (len(LARGE), len(LARGE)))


def test_a_part_that_breaks_is_sent_again_alone(client: Any, service: Service, clock: Clock) -> None:
    service.faults["PUT", "/parts/2"] = [RESET, httpx2.Response(503), RESET]

    client.upload(LARGE, **GIVEN)

    assert service.payload == LARGE
    assert part_numbers(service) == [1, 2, 2, 2, 2, 3]
    assert len(clock.slept) == 3


def test_the_same_key_sends_only_what_is_missing(client: Any, service: Service) -> None:
    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise Stopped

    with pytest.raises(Stopped):
        client.upload(LARGE, **GIVEN, idempotency_key="mine", progress=stop)
    before = part_numbers(service)
    client.upload(LARGE, **GIVEN, idempotency_key="mine")

    assert service.payload == LARGE
    assert set(service.keys) == {"mine"}
    assert (before, part_numbers(service)[len(before) :]) == ([1], [2, 3])


def test_what_was_sent_before_is_not_sent_again(client: Any, service: Service) -> None:
    client.upload(SMALL, **GIVEN, idempotency_key="mine")
    service.stored["status"] = "processing"
    client.upload(SMALL, **GIVEN, idempotency_key="mine")

    assert len(service.asked("PUT", "/whole")) == 1


def test_a_put_whose_answer_got_lost_is_not_an_error(client: Any, service: Service) -> None:
    client.create("file", "a", payload={"media_type": "text/csv", "size": 1}, idempotency_key="mine")
    service.payload = SMALL

    client.upload(SMALL, **GIVEN, idempotency_key="mine")

    assert len(service.asked("PUT", "/whole")) == 1


@pytest.mark.parametrize("payload", [SMALL, LARGE], ids=["whole", "in parts"])
def test_a_url_that_has_ended_is_asked_for_again(client: Any, service: Service, payload: bytes) -> None:
    def end_urls(done: int, _total: int) -> None:
        service.signature += done == 0 or service.signature == 0

    service.faults["PUT", "/"] = [httpx2.Response(403, text="Request has expired")]
    client.upload(payload, **GIVEN, progress=end_urls)

    assert service.payload == payload


def test_storage_that_goes_on_refusing_is_an_error(client: Any, service: Service) -> None:
    service.faults["PUT", "/whole"] = [httpx2.Response(403, text="SignatureDoesNotMatch")] * 99

    with pytest.raises(StorageRefused, match="403: SignatureDoesNotMatch"):
        client.upload(SMALL, **GIVEN)


def test_storage_that_stays_away_is_unavailable(client: Any, service: Service) -> None:
    service.faults["PUT", "/whole"] = [RESET] * Retries().attempts

    with pytest.raises(Unavailable, match="Storage cannot be reached: reset by peer"):
        client.upload(SMALL, **GIVEN)


def test_parts_that_got_lost_are_sent_before_it_is_complete(client: Any, service: Service) -> None:
    def lose(done: int, total: int) -> None:
        if done == total and not service.asked("POST", "/upload/complete"):
            service.parts.pop(1, None)

    client.upload(LARGE, **GIVEN, progress=lose)

    assert service.payload == LARGE
    assert part_numbers(service) == [1, 2, 3, 1]


def test_parts_that_storage_has_forgotten_are_sent_again(client: Any, service: Service) -> None:
    service.faults["PUT", "/parts/2"] = [httpx2.Response(404, text="NoSuchUpload")]

    client.upload(LARGE, **GIVEN)

    assert service.payload == LARGE


def test_an_upload_that_is_no_longer_awaited_has_arrived(client: Any, service: Service) -> None:
    service.faults["POST", "/upload/complete"] = [problem(409, "wrong_state")]

    assert client.upload(LARGE, **GIVEN)["id"] == "o-1"


def test_or_it_has_ended_without_a_payload(client: Any, service: Service) -> None:
    def expire(_done: int, _total: int) -> None:
        service.stored["status"] = "expired"

    service.faults["POST", "/upload/complete"] = [problem(409, "wrong_state")]

    with pytest.raises(Conflict, match="wrong_state"):
        client.upload(LARGE, **GIVEN, progress=expire)


def test_an_upload_that_has_expired_begins_anew(client: Any, service: Service) -> None:
    client.create("file", "a", payload={"media_type": "text/csv", "size": 1}, idempotency_key="mine")
    service.stored["status"] = "expired"

    client.upload(SMALL, **GIVEN, idempotency_key="mine")

    assert service.payload == SMALL
    assert len(service.asked("POST", "/uploads")) == 1


def test_storage_gets_no_credentials(client: Any, service: Service) -> None:
    client.upload(SMALL, **GIVEN)
    [put] = service.asked("PUT", "/whole")
    [create] = service.asked("POST", "/v1/objects")

    assert create.headers["x-api-key"] == "secret"
    assert "secret" not in str(put.headers) + str(put.url)


def test_a_file_that_became_shorter_is_noticed() -> None:
    piece = Piece(Source.of(SMALL), 4, len(SMALL), lambda _sent: None)

    with pytest.raises(SourceChanged):
        list(piece.chunks())

"""One attempt, over real sockets: what is sent, what is kept of the answer, and when it ends."""

import json
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Verifier

from app.domain.webhooks.deliveries import ANSWER_BYTES
from app.domain.webhooks.endpoints import Reach
from app.domain.webhooks.webhook import Secret
from app.sender.connect import Connector
from app.sender.send import Sender
from app.services.webhooks.managing import new_secret
from tests.receiver import Receiver, drip, hang, raw_server, receiving
from tests.subscribed import SECRET, make_delivery, make_event, make_webhook

REACH = Reach(frozenset())
DEADLINE = 0.4
#: Far less time than any of these servers would take, also on a busy machine.
SOON = 8.0
#: Far more than the buffers of two sockets hold.
LONG_ANSWER_BYTES = 64 * 1024**2


def sender(seconds: float = 10.0, **options: object) -> Sender:
    return Sender(Connector(REACH, **options), seconds=seconds)  # type: ignore[arg-type]


def test_the_receiver_gets_the_event_signed() -> None:
    with receiving(Receiver()) as receiver:
        attempt = sender().send(make_webhook(url=receiver.url), make_delivery())

    [(headers, body)] = receiver.received
    assert (attempt.status, attempt.error) == (204, None)
    assert Verifier(SECRET).verify(body, headers) == make_event()
    assert headers["webhook-id"] == make_event()["id"]
    assert headers["content-type"] == "application/cloudevents+json"
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert headers[""] == "/hook?from=wharf"
    assert json.loads(body)["data"]["name"] == "Zoë"


def test_every_secret_that_is_alive_signs() -> None:
    now = datetime.now(UTC)
    texts = [new_secret() for _ in range(3)]
    ends = (None, now + timedelta(hours=1), now - timedelta(seconds=1))
    secrets = tuple(Secret(text, now, end) for text, end in zip(texts, ends, strict=True))
    with receiving(Receiver()) as receiver:
        sender().send(make_webhook(url=receiver.url, secrets=secrets), make_delivery())

    [(headers, body)] = receiver.received
    assert Verifier(texts[0]).verify(body, headers)
    assert Verifier(texts[1]).verify(body, headers)
    assert len(headers["webhook-signature"].split()) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    with (
        receiving(Receiver()) as inside,
        receiving(Receiver(answer=lambda _: (status, b""), headers={"Location": inside.url})) as receiver,
    ):
        attempt = sender().send(make_webhook(url=receiver.url), make_delivery())

    assert (attempt.status, attempt.is_accepted) == (status, False)
    assert inside.received == []


def test_the_beginning_of_an_answer_is_kept_as_text() -> None:
    with receiving(Receiver(answer=lambda _: (500, "ü".encode() * 5_000 + b"\xff\x00"))) as receiver:
        attempt = sender().send(make_webhook(url=receiver.url), make_delivery())

    assert (attempt.status, attempt.answer) == (500, "ü" * (ANSWER_BYTES // 2))
    assert attempt.answer not in repr(attempt)


def test_the_rest_of_an_answer_is_not_read() -> None:
    taken: list[int] = []

    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LONG_ANSWER_BYTES)
        while sum(taken) < LONG_ANSWER_BYTES:
            taken.append(connection.send(b"x" * 65_536))

    with raw_server(serve) as port:
        attempt = sender().send(make_webhook(url=f"http://127.0.0.1:{port}/"), make_delivery())

    assert (attempt.status, attempt.answer) == (200, "x" * ANSWER_BYTES)
    assert sum(taken) < LONG_ANSWER_BYTES


@pytest.mark.parametrize(
    "serve",
    [
        hang,
        drip(b"", b"H"),
        drip(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["hangs", "drips a status", "drips headers", "drips a body", "drips chunks", "goes on with 100"],
)
def test_whatever_a_server_drips_the_attempt_ends_at_its_deadline(
    serve: Callable[[socket.socket], None],
) -> None:
    began = time.monotonic()
    with raw_server(serve) as port:
        attempt = sender(DEADLINE).send(make_webhook(url=f"http://127.0.0.1:{port}/"), make_delivery())

        assert (attempt.error, attempt.status) == ("timed_out", None)
        assert time.monotonic() - began < SOON


def test_a_server_that_takes_nothing_ends_at_the_deadline() -> None:
    delivery = make_delivery(event=json.dumps(make_event() | {"much": "x" * 20_000_000}))
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        attempt = sender(DEADLINE).send(make_webhook(url=f"http://127.0.0.1:{port}/"), delivery)

    assert attempt.error == "timed_out"


def test_a_handshake_that_hangs_ends_at_the_deadline() -> None:
    with raw_server(hang) as port:
        attempt = sender(DEADLINE).send(make_webhook(url=f"https://127.0.0.1:{port}/"), make_delivery())

    assert attempt.error == "timed_out"


def test_a_resolver_that_hangs_ends_at_the_deadline() -> None:
    def resolve(_host: str, _port: int) -> list[str]:
        time.sleep(2)
        return ["127.0.0.1"]

    attempt = sender(DEADLINE, resolve=resolve).send(make_webhook(), make_delivery())

    assert attempt.error == "timed_out"
    assert attempt.seconds < SOON


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 70_000])
def test_what_is_not_http_is_a_malformed_answer(said: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(said)

    with raw_server(serve) as port:
        attempt = sender().send(make_webhook(url=f"http://127.0.0.1:{port}/"), make_delivery())

    assert attempt.status is None
    assert attempt.error in {"malformed_answer", "not_connected"}


def test_nobody_listening_is_not_connected() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert (
        sender().send(make_webhook(url=f"http://127.0.0.1:{port}/"), make_delivery()).error == "not_connected"
    )


def test_plain_text_on_a_tls_port_is_a_fault_of_tls() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with raw_server(serve) as port:
        attempt = sender().send(make_webhook(url=f"https://127.0.0.1:{port}/"), make_delivery())

    assert attempt.error == "tls_failed"


def test_tls_is_verified_against_the_name_of_the_url() -> None:
    asked: list[str | None] = []

    class Noted(ssl.SSLContext):
        def wrap_socket(self, sock: socket.socket, **options: object) -> ssl.SSLSocket:  # type: ignore[override]
            asked.append(str(options["server_hostname"]))
            raise ssl.SSLCertVerificationError

    context = Noted(ssl.PROTOCOL_TLS_CLIENT)
    with raw_server(hang) as port:
        attempt = sender(tls=context, resolve=lambda _host, _port: ["127.0.0.1"]).send(
            make_webhook(url=f"https://app.example:{port}/"), make_delivery()
        )

    assert (asked, attempt.error) == (["app.example"], "certificate_refused")
    default = Connector(REACH)._tls
    assert (default.check_hostname, default.verify_mode) == (True, ssl.CERT_REQUIRED)

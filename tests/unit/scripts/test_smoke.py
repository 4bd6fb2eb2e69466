"""The smoke test waits for an endpoint and a caller that are not known yet."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import repeat
from socket import gaierror
from threading import Thread
from typing import Any
from urllib.error import URLError

import pytest

from scripts.ops.smoke import (
    Answer,
    Endpoint,
    Patience,
    Unexpected,
    check_open_paths,
    check_strangers_are_refused,
    main,
    wait_for,
)

AT_ONCE = Patience(pause=0)


@contextmanager
def endpoint(answers: Iterator[int], body: bytes = b"") -> Iterator[Endpoint]:
    """An endpoint that answers GET with the statuses, one after another, and POST with 201."""

    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(next(answers))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(201)

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Endpoint(f"http://127.0.0.1:{server.server_port}", lambda *_: {})
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("not_yet", [401, 403, 404, 500, 502, 503])
def test_what_is_not_known_yet_is_tried_again_and_the_reason_is_told(
    not_yet: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with endpoint(iter([not_yet, not_yet, 200])) as api:
        wait_for(lambda: api.call("GET", "/v1/usage"), "GET /v1/usage", (200,), AT_ONCE)

    told = capsys.readouterr().out.splitlines()
    assert [line.partition(";")[0] for line in told] == [f"waits   GET /v1/usage: {not_yet}"] * 2
    assert "a new deployment or key may take a minute to be known" in told[0]


@pytest.mark.parametrize("fault", [gaierror(-2, "Name or service not known"), ConnectionRefusedError()])
def test_a_name_that_is_not_known_yet_is_tried_again(fault: OSError) -> None:
    answers: Iterator[Answer | OSError] = iter([URLError(fault), fault, Answer(200, {}, b"")])

    def ask() -> Answer:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    wait_for(ask, "GET /healthz", (200,), AT_ONCE)

    assert next(answers, None) is None


def test_an_open_path_may_be_known_to_one_host_and_not_to_the_next() -> None:
    with endpoint(iter([403, 200, 404, 200, 503, 200, 200, 200])) as api:
        check_open_paths(api.url, AT_ONCE)


def test_strangers_may_meet_a_host_that_does_not_know_the_paths() -> None:
    with endpoint(iter([404, 403, 401])) as api:
        check_strangers_are_refused(api.url, AT_ONCE)


def test_what_stays_unknown_fails_the_smoke_test() -> None:
    with endpoint(repeat(401)) as api, pytest.raises(Unexpected, match=r"^GET /v1/usage: 401$"):
        wait_for(lambda: api.call("GET", "/v1/usage"), "GET /v1/usage", (200,), Patience(seconds=0))


@pytest.mark.parametrize("status", [200, 400, 429])
def test_any_other_answer_fails_at_once(status: int, capsys: pytest.CaptureFixture[str]) -> None:
    with endpoint(iter([status])) as api, pytest.raises(Unexpected, match=f"without a caller: {status}"):
        check_strangers_are_refused(api.url, AT_ONCE)

    assert "waits" not in capsys.readouterr().out


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"{}", b"[]", b"\xff", b"null"], ids=repr)
def test_an_answer_that_is_not_the_apis_fails_in_a_line(
    body: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with endpoint(repeat(200), body) as api:
        monkeypatch.setattr("sys.argv", ["smoke", api.url, "--local"])
        status = main()

    assert status == 1
    [told] = capsys.readouterr().err.splitlines()
    assert told.startswith("FAILED  ")


def test_a_server_that_does_not_speak_http_fails_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=lambda: answer_once(server, b"220 mail.example.com\r\n"))
        thread.start()
        monkeypatch.setattr("sys.argv", ["smoke", f"http://127.0.0.1:{server.getsockname()[1]}", "--local"])
        status = main()
        thread.join()

    assert status == 1
    assert capsys.readouterr().err.startswith("FAILED  ")


def answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(answer)


def test_a_run_on_this_machine_which_refuses_nobody_is_told_from_a_stage() -> None:
    with endpoint(iter([200])) as api, pytest.raises(Unexpected, match=r"caller: 200\. If .* leave URL out"):
        check_strangers_are_refused(api.url, AT_ONCE)

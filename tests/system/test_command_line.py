"""`wharf` against the running service: exit codes, and a large file over a connection that breaks."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from signal import SIGINT
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.conftest import Measured
from tests.system.client import eventually
from tests.system.command_line import client_environment, left_running, wharf
from tests.system.conftest import Runtime
from tests.system.shell import Ran
from wharf_client.cli.__main__ import main
from wharf_client.cli.exits import INTERRUPTED

#: PUT_BYTES=1000000000 tries a file of 1 GB.
PUT_BYTES = int(os.environ.get("PUT_BYTES", "40000000"))
STARTS_SECONDS = 30
CHUNK_BYTES = 64 * 1024
UNKNOWN = "6f1c0000-0000-4000-8000-000000000000"


@dataclass
class Line:
    """A connection that breaks after each of these numbers of uploaded bytes."""

    breaks_after: list[int]
    carried: int = 0

    def carry(self, chunk: bytes) -> bool:
        """True unless the connection breaks now."""
        self.carried += len(chunk)
        if self.breaks_after and self.carried > self.breaks_after[0]:
            del self.breaks_after[0]
            return False
        return True


@contextmanager
def proxy(line: Line) -> Iterator[str]:
    """An HTTP proxy; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def __getattr__(self, name: str) -> Callable[[], None]:
            """Take every method: the server looks for do_GET, do_PUT and so on."""
            if not name.startswith("do_"):
                raise AttributeError(name)
            return self.pass_on

        def pass_on(self) -> None:
            self.close_connection = True
            where = urlsplit(self.path)
            upstream = HTTPConnection(where.netloc, timeout=60)
            try:
                upstream.putrequest(
                    self.command, f"{where.path}?{where.query}", skip_host=True, skip_accept_encoding=True
                )
                for name, given in self.headers.items():
                    upstream.putheader(name, given)
                upstream.endheaders()
                left = int(self.headers.get("Content-Length") or 0)
                while left:
                    chunk = self.rfile.read(min(CHUNK_BYTES, left))
                    if not line.carry(chunk):
                        return
                    upstream.send(chunk)
                    left -= len(chunk)
                answer = upstream.getresponse()
                body = answer.read()
            finally:
                upstream.close()
            self.send_response(answer.status)
            for name, given in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "content-length", "connection"}:
                    self.send_header(name, given)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def new_owner() -> str:
    return f"line-{uuid4().hex[:8]}"


def test_a_large_file_arrives_over_a_connection_that_breaks_three_times(
    running: Runtime, tmp_path: Path, measured: Measured
) -> None:
    file = tmp_path / "large.bin"
    block = os.urandom(1_000_000)
    with file.open("wb") as made:
        for _ in range(PUT_BYTES // len(block)):
            made.write(block)
    line = Line([PUT_BYTES * share // 10 for share in (2, 5, 8)])
    environment = client_environment(running, new_owner())
    began = time.monotonic()
    with proxy(line) as url:
        put = wharf({**environment, "http_proxy": url, "no_proxy": ""}, "put", str(file), "--watch", "--json")
    took = time.monotonic() - began

    assert put.status == 0, put.output
    assert json.loads(put.output.splitlines()[0])["payload"]["size"] == file.stat().st_size
    assert line.breaks_after == []
    extra = line.carried - file.stat().st_size
    assert extra < 3 * 16 * 1024 * 1024
    size = f"{PUT_BYTES / 1e6:.0f} MB"
    measured(f"wharf put: {size} over three breaks in {took:.1f} s, {extra / 1e6:.0f} MB sent twice")


@dataclass
class Here:
    """Runs commands in this process, which is quicker than one process for each."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        told = self.capture.readouterr()
        return Ran(int(ended.value.code or 0), told.out + told.err)


@pytest.fixture
def here(running: Runtime, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    for name, given in client_environment(running, new_owner()).items():
        monkeypatch.setenv(name, given)
    return Here(capsys)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["show", UNKNOWN], 3, "404 not_found"),
        (["get", UNKNOWN], 3, "404 not_found"),
        (["retry", UNKNOWN], 3, "404 not_found"),
        (["put", "nowhere.csv"], 2, "does not exist"),
        (["ls", "--label", "growth"], 2, "KEY:VALUE"),
        (["ls", "--kind", "ship"], 1, "422 invalid_input"),
        (["tail", "--after", "nonsense"], 1, "400 invalid_cursor"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_error_is_one_line_and_a_code(here: Here, arguments: list[str], status: int, told: str) -> None:
    ran = here(*arguments)

    assert (ran.status, told in ran.output) == (status, True), ran.output


def test_a_payload_that_is_rejected_is_told_to_who_watches(here: Here, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.png"
    good.write_text("a,b\n1,2\n")
    bad.write_text("not a picture")

    put = here("put", bad, good, "--watch")

    assert put.status == 5
    bad_id, good_id = put.output.splitlines()[:2]
    assert f"bad.png: {bad_id} is rejected, media_type_mismatch" in put.output
    assert f"good.csv: {good_id} is ready" in put.output


def test_a_file_that_does_not_fit_the_kind_of_its_name_may_be_put_as_a_file(
    here: Here, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"depth": 3}')

    assert "--kind file" in here("put", config, "--watch").output
    assert here("put", config, "--kind", "file", "--watch").status == 0


def test_ctrl_c_ends_tail_with_its_code_and_the_place_to_go_on(here: Here, tmp_path: Path) -> None:
    file, output = tmp_path / "a.csv", tmp_path / "output"
    file.write_text("a,b\n1,2\n")
    here("put", file, "--watch")
    with left_running(os.environ, "tail", "--after", "oldest", "--cursor", output=output) as process:
        assert eventually(lambda: "object.ready" in output.read_text(), STARTS_SECONDS)
        process.send_signal(SIGINT)
        assert process.wait(30) == INTERRUPTED

    cursor = output.read_text().splitlines()[-1]
    assert here("tail", "--after", cursor, "--no-follow") == Ran(0, "")


def test_get_replaces_no_file_unless_it_must(here: Here, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,2\n")
    object_id = here("put", file, "--watch").output.splitlines()[0]
    file.write_text("mine")

    assert here("get", object_id, "--output", file).status == 1
    assert file.read_text() == "mine"
    assert here("get", object_id, "--output", file, "--force").status == 0
    assert file.read_text() == "a,b\n1,2\n"


def test_get_of_what_was_rejected_says_so_whatever_is_there(here: Here, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_text("not a picture")
    object_id = here("put", file, "--watch").output.splitlines()[0]

    got = here("get", object_id, "--output", file)

    assert (got.status, "is rejected, media_type_mismatch" in got.output) == (5, True)


def test_another_service_than_http_is_told(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHARF_URL", "ftp://127.0.0.1")

    assert here("ls").status == 1

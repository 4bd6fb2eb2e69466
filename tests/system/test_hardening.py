"""The running stack, over a real connection, neither tells what it is made with nor echoes a request."""

import socket
import sys
from pathlib import Path

import pytest

from app.api.middleware.security_headers import HEADERS
from tests.system.client import send
from tests.system.conftest import Runtime

PATHS = ("/healthz", "/readyz", "/docs", "/openapi.json", "/v1/objects", "/nothing", "/docs/assets/nothing")
#: States of a socket, as proc(5) writes them.
LISTENING, LOOPBACK = "0A", "0100007F"
SENT = "Zq7canaryXv"
MADE_WITH = ("uvicorn", "starlette", "fastapi", "python", "h11", "httptools")


def raw(runtime: Runtime, request: bytes) -> str:
    """The whole answer, to bytes that no HTTP client would send."""
    with socket.create_connection((runtime.host, runtime.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b"")).decode("latin-1")


@pytest.mark.parametrize("path", PATHS)
def test_no_answer_has_a_banner_and_every_one_the_headers(running: Runtime, path: str) -> None:
    answer = send("GET", running.url + path)
    headers = {name.lower(): value for name, value in answer.headers.items()}

    assert not {"server", "x-powered-by", "via"} & set(headers)
    assert set(HEADERS) <= set(headers)
    assert not [word for word in MADE_WITH if word in str(headers).lower()]


@pytest.mark.parametrize(
    "request_",
    [
        f"{SENT} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        f"GET /{SENT} HTTP/9.9\r\nHost: a\r\n\r\n",
        f"{SENT}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\n{SENT}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {SENT}\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{SENT}\r\n",
        f"GET /{SENT} HTTP/1.1\r\nHost: {SENT}\r\nConnection: close\r\n\r\n",
        f"TRACE /v1/objects HTTP/1.1\r\nHost: a\r\nX-Secret: {SENT}\r\nConnection: close\r\n\r\n",
    ],
)
def test_a_refusal_of_the_server_itself_says_neither_who_it_is_nor_what_it_got(
    running: Runtime, request_: str
) -> None:
    answer = raw(running, request_.encode())

    assert answer.startswith("HTTP/1.1 4")
    assert SENT not in answer
    assert not [word for word in MADE_WITH if word in answer.lower()]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_local_runtime_listens_on_loopback_only(running: Runtime) -> None:
    """It believes every caller, and so must be reached by none but its user."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    lines += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    listening = [tuple(line[1].split(":")) for line in lines if line[3] == LISTENING]

    for port in (running.port, running.aws_port):
        assert [address for address, at in listening if int(at, 16) == port] == [LOOPBACK]

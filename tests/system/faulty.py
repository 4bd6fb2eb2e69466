"""A proxy in front of the emulator that fails a share of all calls, as AWS does on a bad day."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

HEALTH = "/_ministack/"
#: Headers that belong to one connection and not to the call.
OWN_HEADERS = frozenset({"connection", "transfer-encoding", "content-length", "date", "server"})


@contextmanager
def failing(url: str, *, share: float) -> Iterator[str]:
    """The address of a proxy to `url` that answers 503 to `share` of the calls.

    The answer has no body: anything but XML would be unreadable for the services that answer in XML.
    """
    chance = random.Random(13)
    target = urlsplit(url).netloc

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self.path.startswith(HEALTH) and chance.random() < share:
                self.answer(503, [], b"")
                return
            connection = HTTPConnection(target, timeout=60)
            try:
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                self.answer(answer.status, answer.getheaders(), answer.read())
            finally:
                connection.close()

        def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in OWN_HEADERS:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward  # noqa: N815  # as its base calls them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as its base names it
            """Keep the test's output free of request lines."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()

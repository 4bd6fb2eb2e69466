"""Receives webhooks on this machine, verifies each and prints it.

It subscribes with a fixed Idempotency-Key, so that a second run gets the same webhook and its secret
again. When it ends, it switches the webhook off.
"""

import json
import signal
import sys
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from wharf_client.cli.screen import plain
from wharf_client.client import Wharf
from wharf_client.webhooks import NotGenuine, verify

HOST = "127.0.0.1"
MOST_BYTES = 1_000_000


class CannotListen(Exception):
    """The port is taken."""


def server_on(port: int) -> ThreadingHTTPServer:
    """Return a server on a port of this machine. Raises CannotListen."""
    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except OSError as fault:
        raise CannotListen(
            f"Port {port} cannot be used: {fault.strerror}. Choose another with --port."
        ) from None


def listen(server: ThreadingHTTPServer, client: Wharf, types: Sequence[str]) -> None:
    """Subscribe, and print what arrives until a person stops it, or closes the terminal."""
    # A shell that starts it in the background lets it ignore SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    url = url_of(server)
    webhook = subscribe(client, url, types)
    try:
        serve(server, webhook["secret"])
    finally:
        client.request("PATCH", f"/v1/webhooks/{webhook['id']}", body={"enabled": False})


def subscribe(client: Wharf, url: str, types: Sequence[str]) -> Mapping[str, Any]:
    """Return the webhook of this URL with its secret, made now or by an earlier run, and switch it on.

    An earlier run that was killed left it on and failing. It is switched off first, because a webhook
    that is switched on is tried at once, and one that is on may have to wait for hours.
    """
    key = {"Idempotency-Key": f"listen {url}"}
    webhook = client.request("POST", "/v1/webhooks", body={"url": url}, headers=key)
    own = f"/v1/webhooks/{webhook['id']}"
    client.request("PATCH", own, body={"enabled": False})
    wanted = {"enabled": True, "types": list(types) or None}
    return {**webhook, **client.request("PATCH", own, body=wanted)}


def serve(server: ThreadingHTTPServer, secret: str) -> None:
    Handler.secret = secret
    print(f"Listening on {url_of(server)} - Ctrl-C stops it.", flush=True)
    server.serve_forever()


def url_of(server: ThreadingHTTPServer) -> str:
    return f"http://{HOST}:{server.server_port}/"


class Handler(BaseHTTPRequestHandler):
    """Answers 204 to what is signed, and 401 to everything else."""

    secret: str

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if size > MOST_BYTES:
            self.answer(413)
            return
        body = self.rfile.read(size)
        try:
            event = verify(self.secret, body, dict(self.headers))
        except NotGenuine as forged:
            tell(f"NOT VERIFIED: {plain(forged)}")
            self.answer(401)
            return
        tell(f"verified {line(event)}")
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing beside the events."""


def tell(text: str) -> None:
    """Print a line in one piece. `print` writes its end apart, and each event has a thread of its own."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def line(event: Mapping[str, Any]) -> str:
    """Return an event in one line; a test delivery has no object."""
    data = event.get("data", {})
    name = json.dumps(data.get("name", ""), ensure_ascii=True)
    shown = f"{event['time']} {event['type']:<24} {event['id']} {data.get('status', '')} {name}"
    return plain(shown.rstrip())

"""The way to an endpoint: resolve once, check every address, connect to the one that was checked.

No environment proxy is asked, and no name is resolved a second time, so nothing can change between
the check and the connection. TLS is verified against the name of the URL.
"""

import socket
import ssl
from collections.abc import Callable, Sequence
from queue import Empty, Queue
from threading import Thread

from app.domain.webhooks.endpoints import Endpoint, Reach, choose_address
from app.sender.watchdog import TimeOver, Watchdog

#: Returns all addresses of a host. Raises OSError.
Resolve = Callable[[str, int], Sequence[str]]
#: Connects to an address and a port within some seconds. Raises OSError.
Connect = Callable[[str, int, float], socket.socket]


class NotResolved(Exception):
    """The name has no address."""


def resolve(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), timeout=seconds)


class Connector:
    def __init__(
        self,
        reach: Reach,
        *,
        resolve: Resolve = resolve,
        connect: Connect = connect,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._reach = reach
        self._resolve = resolve
        self._connect = connect
        self._tls = tls or ssl.create_default_context()

    def open(self, url: str, watchdog: Watchdog) -> tuple[Endpoint, socket.socket]:
        """Return a connection to the URL's host, which the watchdog guards.

        Raises ForbiddenEndpoint, NotResolved, TimeOver or OSError.
        """
        endpoint = Endpoint.parse(url, self._reach)
        found = self._addresses(endpoint, watchdog.seconds_left())
        address = choose_address(found, self._reach)
        plain = self._connect(address, endpoint.port, watchdog.seconds_left())
        try:
            return endpoint, self._secured(plain, endpoint, watchdog)
        except BaseException:
            plain.close()
            raise

    def _secured(self, plain: socket.socket, endpoint: Endpoint, watchdog: Watchdog) -> socket.socket:
        watchdog.guard(plain)
        if endpoint.scheme != "https":
            return plain
        secured = self._tls.wrap_socket(plain, server_hostname=endpoint.host, do_handshake_on_connect=False)
        try:
            watchdog.guard(secured)
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured

    def _addresses(self, endpoint: Endpoint, seconds: float) -> Sequence[str]:
        """Return what the resolver says. It may hang, so it is left behind when the time is over."""
        answers: Queue[Sequence[str] | OSError] = Queue()

        def ask() -> None:
            try:
                answers.put(self._resolve(endpoint.host, endpoint.port))
            except (OSError, UnicodeError) as fault:
                answers.put(OSError(str(fault)))

        Thread(target=ask, daemon=True).start()
        try:
            answer = answers.get(timeout=seconds)
        except Empty:
            raise TimeOver from None
        if isinstance(answer, OSError) or not answer:
            raise NotResolved
        return answer

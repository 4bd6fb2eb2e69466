"""Connections to one host of AWS, each of which answers one request after another."""

import os
import ssl
from collections.abc import Mapping
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from select import POLLIN, poll
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket
from urllib.parse import SplitResult

import botocore
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

CONNECT_SECONDS, READ_SECONDS = 2, 10
#: DynamoDB answers with 16 MB at most, as its BatchGetItem does.
MOST_BYTES = 32 * 1024 * 1024


class Connections:
    """Keeps the connections that no request is using. Threads may share it."""

    def __init__(self, endpoint: SplitResult) -> None:
        self._endpoint = endpoint
        self._url = endpoint.geturl()
        self._idle: list[socket] = []

    def post(self, body: bytes, headers: Mapping[str, str]) -> tuple[HTTPResponse, bytes]:
        """Send a POST to `/`, and return the answer with its body.

        Raises botocore's errors: SSLError, ConnectTimeoutError and EndpointConnectionError when nothing was
        sent, ReadTimeoutError and ConnectionClosedError when nobody knows if the request was carried out.
        """
        lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode("ascii")
        connection = self._take() or self._open()
        try:
            # One packet, where http.client would send the head before the body.
            connection.sendall(head + body)
            answer = HTTPResponse(connection, method="POST")
            answer.begin()
            if (answer.length or 0) > MOST_BYTES:
                raise HTTPException(f"The answer would have {answer.length} bytes.")
            content = answer.read()
        except TimeoutError as fault:
            connection.close()
            raise ReadTimeoutError(endpoint_url=self._url, error=fault) from fault
        except (OSError, HTTPException) as fault:
            connection.close()
            raise ConnectionClosedError(endpoint_url=self._url, error=fault) from fault
        if answer.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return answer, content

    def close(self) -> None:
        """Close the connections that no request is using."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> socket | None:
        """Return a connection that is still open."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread took the last
                return None
            waiting = poll()
            waiting.register(connection, POLLIN)
            # Neither its end has come, nor an answer that nobody waits for.
            if not waiting.poll(0):
                return connection
            connection.close()
        return None

    def _open(self) -> socket:
        host, is_plain = self._endpoint.hostname or "", self._endpoint.scheme == "http"
        port = self._endpoint.port or (80 if is_plain else 443)
        try:
            connection = create_connection((host, port), timeout=CONNECT_SECONDS)
            connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            if not is_plain:
                connection = self._trust.wrap_socket(connection, server_hostname=host)
        except TimeoutError as fault:
            raise ConnectTimeoutError(endpoint_url=self._url, error=fault) from fault
        except ssl.SSLError as fault:
            raise SSLError(endpoint_url=self._url, error=fault) from fault
        except OSError as fault:
            raise EndpointConnectionError(endpoint_url=self._url, error=fault) from fault
        connection.settimeout(READ_SECONDS)
        return connection

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The authorities that botocore trusts."""
        given = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")
        return ssl.create_default_context(cafile=given or Path(botocore.__file__).with_name("cacert.pem"))

"""Listens on ports of this machine, on the loopback interface unless the user says otherwise."""

import socket

from app.local.errors import CannotStart

HOST = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104  # only on request, for containers


def reached_at(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on `host`."""
    return HOST if host == EVERYWHERE else host


def listen(port: int, host: str = HOST) -> socket.socket:
    """Return a listening socket; raise CannotStart if the port is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Two processes can bind a port, but only one can listen.
        listener.listen(128)
    except OSError as refused:
        listener.close()
        raise CannotStart(f"Port {port} cannot be used: {refused.strerror}.") from None
    return listener

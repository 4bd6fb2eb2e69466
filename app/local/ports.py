"""Ports of this machine, on the loopback interface unless the user says otherwise."""

import socket

from app.local.errors import CannotStart

HOST = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104  # only on request, for containers


def reached_at(host: str) -> str:
    """The address at which this machine itself finds what listens on `host`."""
    return HOST if host == EVERYWHERE else host


def listen(port: int, host: str = HOST) -> socket.socket:
    """Raises CannotStart when somebody else listens there."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Two may bind, one may listen: without this the port is not yet ours.
        listener.listen(128)
    except OSError as refused:
        listener.close()
        raise CannotStart(f"Port {port} cannot be used: {refused.strerror}.") from None
    return listener

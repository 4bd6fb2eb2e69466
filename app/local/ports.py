"""Ports of this machine, on the loopback interface only."""

import socket

from app.local.errors import CannotStart

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """Raises CannotStart when somebody else listens there."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        # Two may bind, one may listen: without this the port is not yet ours.
        listener.listen(128)
    except OSError as refused:
        listener.close()
        raise CannotStart(f"Port {port} cannot be used: {refused.strerror}.") from None
    return listener

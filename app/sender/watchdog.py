"""One deadline for a whole attempt: whatever it is at, its socket is shut when the time is over.

A socket's own time-out counts each read, and the resolver has none. So a timer shuts the socket,
which ends any call that waits for it, in whichever thread.
"""

import socket
import time
from contextlib import suppress
from threading import Lock, Timer
from types import TracebackType
from typing import Self


class TimeOver(Exception):
    """The attempt took longer than it may."""


class Watchdog:
    """Guards one socket at a time, from entry to exit."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._timer = Timer(seconds, self._bite)
        self._timer.daemon = True
        self._lock = Lock()
        self._socket: socket.socket | None = None
        self.has_bitten = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def seconds_left(self) -> float:
        """Return the time that is left. Raises TimeOver if none is."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeOver
        return left

    def guard(self, connection: socket.socket) -> None:
        """Shut this socket when the time is over. Raises TimeOver if it is."""
        with self._lock:
            self._socket = connection
        self.seconds_left()

    def _bite(self) -> None:
        with self._lock:
            self.has_bitten = True
            if self._socket is not None:
                with suppress(OSError):
                    # The socket's own method, because that of TLS would go on in plain text.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

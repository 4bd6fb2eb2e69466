"""Serves the API under uvicorn, in a thread of this process."""

import asyncio
import socket
import time
from dataclasses import dataclass
from threading import Thread
from typing import Any

import uvicorn
from anyio.to_thread import current_default_thread_limiter

from app.aws.sdk import THREADS
from app.local.errors import CannotStart

SERVER_STARTS_SECONDS = 20
REQUESTS_END_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Server:
    """The API under uvicorn, in a thread, because the main thread receives the signals."""

    uvicorn: uvicorn.Server
    thread: Thread

    def is_alive(self) -> bool:
        return self.thread.is_alive()

    def stop(self) -> None:
        """Accept no more requests, and let those in progress end."""
        self.uvicorn.should_exit = True
        self.thread.join(REQUESTS_END_SECONDS + 1)


def serve(app: Any, listener: socket.socket) -> Server:
    config = uvicorn.Config(
        app,
        # uvicorn's lines take the same way as all others.
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=REQUESTS_END_SECONDS,
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        # No more requests at once than each AWS client has connections.
        current_default_thread_limiter().total_tokens = THREADS
        await server.serve(sockets=[listener])

    thread = Thread(target=lambda: asyncio.run(run()), name="api", daemon=True)
    thread.start()
    return Server(server, thread)


def wait_for(server: Server) -> None:
    give_up = time.monotonic() + SERVER_STARTS_SECONDS
    while not server.uvicorn.started:
        if not server.is_alive() or time.monotonic() > give_up:
            raise CannotStart("The API did not start.")
        time.sleep(0.02)

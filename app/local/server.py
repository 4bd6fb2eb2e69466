"""The API under uvicorn, in a thread: signals stay with the main one."""

import asyncio
import socket
from dataclasses import dataclass
from threading import Thread
from typing import Any

import uvicorn
from anyio.to_thread import current_default_thread_limiter

from app.aws import THREADS

REQUESTS_END_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Server:
    uvicorn: uvicorn.Server
    thread: Thread

    def is_alive(self) -> bool:
        return self.thread.is_alive()

    def stop(self) -> None:
        """Let the requests under way end, and take no more."""
        self.uvicorn.should_exit = True
        self.thread.join(REQUESTS_END_SECONDS + 1)


def serve(app: Any, listener: socket.socket) -> Server:
    config = uvicorn.Config(
        app,
        # Its lines go the way of all others.
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=REQUESTS_END_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = Thread(target=lambda: asyncio.run(_serve(server, listener)), name="api", daemon=True)
    thread.start()
    return Server(server, thread)


async def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    # As many requests at once as each client has connections.
    current_default_thread_limiter().total_tokens = THREADS
    await server.serve(sockets=[listener])

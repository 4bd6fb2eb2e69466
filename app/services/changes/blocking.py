"""Call what blocks from a coroutine."""

import os
from collections.abc import Callable
from typing import TypeVar

from anyio.to_thread import run_sync

from app.observability import IN_LAMBDA

Answer = TypeVar("Answer")


async def blocking(call: Callable[[], Answer]) -> Answer:
    """Make the call in another thread; inside Lambda, which serves one request at a time, right here."""
    if os.environ.get(IN_LAMBDA):
        return call()
    return await run_sync(call)

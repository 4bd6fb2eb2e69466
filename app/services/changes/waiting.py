"""Let many clients wait for a change at the cost of one.

A client that waits is a future in the event loop, without a thread. One poller reads everything
that is waited for in one call, wakes those whose item has changed, and ends with the last of them.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextvars import Context
from dataclasses import dataclass

from app.domain.errors import Unavailable
from app.observability import described_fault, logger
from app.observability.context import waiting_time
from app.services.changes.blocking import blocking
from app.storage.watched import Watched, WatchedItems

#: The number of each item that a client has seen.
Seen = Mapping[Watched, int]


@dataclass(frozen=True, slots=True)
class Pace:
    """The pauses between two reads: each is twice as long as the one before, up to the longest."""

    first_seconds: float
    longest_seconds: float


ON_LAMBDA = Pace(0.25, 1.0)
ON_ONE_MACHINE = Pace(0.1, 0.1)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    seen: Seen
    #: Its result is whether something has changed.
    told: "asyncio.Future[bool]"

    def tell(self, *, has_changed: bool) -> None:
        if not self.told.done():
            self.told.set_result(has_changed)

    def tell_of(self, numbers: Mapping[Watched, int]) -> None:
        if any(numbers.get(one, number) != number for one, number in self.seen.items()):
            self.tell(has_changed=True)


class Waiting:
    """All clients of this process that wait, in one event loop. Only `stop` may be called from elsewhere."""

    def __init__(self, items: WatchedItems, *, max_seconds: int, pace: Pace) -> None:
        self._items = items
        self._max_seconds = max_seconds
        self._pace = pace
        self._waiters: set[_Waiter] = set()
        self._poller: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_stopped = False

    def granted(self, seconds: int) -> int:
        """Return how long a client that asks for some seconds may wait; 0 where nobody may."""
        return min(seconds, self._max_seconds)

    async def until_changed(self, seen: Seen, seconds: float) -> bool:
        """Return True once an item has changed since it was seen; False after the seconds, or at a stop."""
        if self._is_stopped or seconds <= 0:
            return False
        self._loop = asyncio.get_running_loop()
        waiter = _Waiter(seen, self._loop.create_future())
        self._waiters.add(waiter)
        if self._poller is None or self._poller.done():
            # The poller works for everybody, so nothing of it is logged as this client's.
            self._poller = self._loop.create_task(self._poll(), context=Context())
        try:
            with waiting_time():
                await asyncio.wait([waiter.told], timeout=seconds)
            return waiter.told.done() and waiter.told.result()
        finally:
            self._waiters.discard(waiter)
            if not self._waiters and self._poller is not None:
                poller, self._poller = self._poller, None
                poller.cancel()
                await asyncio.wait([poller])

    def stop(self) -> None:
        """Answer everybody who waits, and let nobody wait any more."""
        self._is_stopped = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_all)

    async def _poll(self) -> None:
        pause = self._pace.first_seconds
        try:
            while True:
                await asyncio.sleep(pause)
                numbers = await self._read({one for waiter in self._waiters for one in waiter.seen})
                for waiter in self._waiters:
                    waiter.tell_of(numbers)
                pause = min(2 * pause, self._pace.longest_seconds)
        finally:
            # Nobody waits for a poller that has failed.
            self._tell_all()

    async def _read(self, wanted: Collection[Watched]) -> Mapping[Watched, int]:
        """Return what can be read now; the next time may be better."""
        try:
            return await blocking(lambda: self._items.numbers(wanted))
        except Unavailable as fault:
            logger.warning("waiting.not_read", error=described_fault(fault))
            return {}

    def _tell_all(self) -> None:
        for waiter in self._waiters:
            waiter.tell(has_changed=False)

"""The asynchronous client with the methods of the one that blocks, so that one test tries both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

from wharf_client import AsyncWharf


@dataclass
class Blocking:
    """Runs each method to its end; what it yields is a list."""

    client: AsyncWharf
    portal: BlockingPortal

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self.run, getattr(self.client, name))

    def run(self, method: Callable[..., Any], *given: Any, **named: Any) -> Any:
        async def carried_out() -> Any:
            found = method(*given, **named)
            return [one async for one in found] if hasattr(found, "__aiter__") else await found

        return self.portal.call(carried_out)


@contextmanager
def blocking(client: AsyncWharf) -> Iterator[Any]:
    with start_blocking_portal() as portal:
        yield Blocking(client, portal)
        portal.call(client.close)

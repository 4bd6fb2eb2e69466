"""Each test runs with the client that blocks and with the one that does not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from tests.clients.blocking import blocking
from tests.clients.service import API, Service
from wharf_client import AsyncWharf, Wharf


@dataclass
class Clock:
    """Notes for how long a client would have slept."""

    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def sleep_later(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture(params=["blocking", "asynchronous"])
def client(request: pytest.FixtureRequest, service: Service, clock: Clock) -> Iterator[Any]:
    transport = httpx2.MockTransport(service)
    if request.param == "blocking":
        with Wharf(API, api_key="secret", transport=transport, sleep=clock.sleep) as found:
            yield found
    else:
        asynchronous = AsyncWharf(API, api_key="secret", transport=transport, sleep=clock.sleep_later)
        with blocking(asynchronous) as found:
            yield found

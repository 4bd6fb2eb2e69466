"""Processes that live until somebody kills them, and what they leave behind."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Event

from app.domain.webhooks.deliveries import Delivery, Outcome
from app.storage.webhooks.deliveries import DeliveryRepository
from tests.receiver import Receiver

#: The main function of such a process. It calls its argument once it is ready.
Main = Callable[[Callable[[], None]], None]

START_SECONDS = 60
EVENTS = int(os.environ.get("EVENTS", "200"))
#: A query of the emulator goes over all items of a table. With thousands of them a life would be too short.
EVENTS_OF_A_ROUND = 500
#: How many events each round has.
ROUNDS = [min(EVENTS_OF_A_ROUND, EVENTS - begun) for begun in range(0, EVENTS, EVENTS_OF_A_ROUND)]

#: Importing the service takes half a life, so it is done once, before the forks.
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.system.restless_relay", "tests.system.restless_sender"])


@contextmanager
def killed(mains: Sequence[Main], environment: Mapping[str, str]) -> Iterator[None]:
    """Run each in a process of its own, from when all are ready until the block ends; then kill them."""
    begun = [(main, FORKS.Event()) for main in mains]
    processes = [
        FORKS.Process(target=_live, args=(main, {**os.environ, **environment}, ready))
        for main, ready in begun
    ]
    try:
        for process in processes:
            process.start()
        for _, ready in begun:
            assert ready.wait(START_SECONDS)
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()


def _live(main: Main, environment: Mapping[str, str], ready: Event) -> None:
    os.environ.update(environment)
    # Nobody reads the log lines of a process that is killed.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    main(ready.set)


def are_delivered(
    events: int, receiver: Receiver, deliveries: DeliveryRepository, owner: str, webhook_id: str
) -> bool:
    """True if all were delivered and recorded. The log is long, so it is read only when all have arrived."""
    if len(set(receiver.ids)) < events:
        return False
    log = whole_log(deliveries, owner, webhook_id)
    return len(log) >= events and all(one.outcome is Outcome.DELIVERED for one in log)


def whole_log(deliveries: DeliveryRepository, owner: str, webhook_id: str) -> list[Delivery]:
    found: list[Delivery] = []
    before: str | None = None
    while True:
        page = deliveries.page(owner, webhook_id, outcome=None, before=before, limit=500)
        found += page.items
        before = page.position
        if before is None:
            return found

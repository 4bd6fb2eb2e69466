"""The backlog of the queues is told when somebody looks."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.local.doors.queues import Backlog
from app.local.prometheus import Prometheus, queues_of

OUTPUTS = {
    "QueueUrl": "http://127.0.0.1:4566/000000000000/wharf-WorkQueue",
    "ArrivalQueueUrl": "http://127.0.0.1:4566/000000000000/wharf-ArrivalQueue",
    "DeadLetterQueueUrl": "http://127.0.0.1:4566/000000000000/wharf-DeadLetterQueue",
    "TableName": "wharf-ObjectsTable",
}
OF_THE_SENDER = {
    "SenderQueueUrl": "http://127.0.0.1:4566/000000000000/wharf-SenderQueue",
    "SenderDeadLetterQueueUrl": "http://127.0.0.1:4566/000000000000/wharf-SenderDeadLetterQueue",
}


class Waiting(dict[str, Backlog]):
    """The backlog of each queue, by the queue's name."""

    def set(self, queue: str, messages: int, oldest_seconds: float = 0) -> None:
        self[f"wharf-{queue}"] = {"messages": messages, "oldest_seconds": oldest_seconds}


def gauges(waiting: Mapping[str, Backlog], outputs: Mapping[str, str]) -> dict[str, float]:
    async def app(*_: Any) -> None:
        pytest.fail("The metrics are in front of the app.")

    page = Prometheus(queues_of(outputs), lambda: waiting).beside(app)
    lines = TestClient(page).get("/metrics").text.splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if '{queue="' in line)
    return {name.removeprefix("wharf_"): float(value) for name, value in told.items()}


def test_each_queue_tells_what_waits_and_what_was_given_up() -> None:
    waiting = Waiting()
    waiting.set("WorkQueue", 3, 7.5)
    waiting.set("ArrivalQueue", 0)
    waiting.set("DeadLetterQueue", 2, 900)
    waiting.set("SenderQueue", 1, 0.25)
    waiting.set("SenderDeadLetterQueue", 4)

    assert gauges(waiting, OUTPUTS | OF_THE_SENDER) == {
        'queue_messages{queue="work"}': 3,
        'queue_messages{queue="arrivals"}': 0,
        'queue_messages{queue="sender"}': 1,
        'oldest_message_seconds{queue="work"}': 7.5,
        'oldest_message_seconds{queue="arrivals"}': 0,
        'oldest_message_seconds{queue="sender"}': 0.25,
        'dead_letters{queue="work"}': 2,
        'dead_letters{queue="sender"}': 4,
    }


def test_a_stack_without_webhooks_has_no_gauges_of_the_sender() -> None:
    assert not any("sender" in name for name in gauges(Waiting(), OUTPUTS))


def test_what_nobody_tells_is_not_a_number() -> None:
    told = gauges(Waiting(), OUTPUTS)

    assert len(told) == 5
    assert all(map(isnan, told.values()))

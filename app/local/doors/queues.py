"""Tells what waits in the emulator's queues, and since when, which SQS itself does not tell."""

import time
from collections.abc import Mapping

Backlog = Mapping[str, float]


def backlogs() -> Mapping[str, Backlog]:
    """Return for each queue, by its name, how many messages it has and how old the oldest is, in seconds.

    Messages that are being handled, or are delayed, are among them. Works in the emulator's process only.
    """
    from ministack.services import sqs  # noqa: PLC0415  # importing it takes a second

    now = time.time()
    found = {}
    for _, queue in sqs._queues.all_items():  # nothing else knows
        sent_at = [message["sent_at"] for message in list(queue["messages"])]
        seconds = max(0.0, now - min(sent_at, default=now))
        found[queue["name"]] = {"messages": len(sent_at), "oldest_seconds": seconds}
    return found

"""Pass S3's notices of new payloads on to the work queue, each in its owner's name.

S3 cannot name the owner of a message, and without owners the queue cannot be fair. What a
notice says is for the worker to judge, so one that nobody understands is passed on as well.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.messaging.messages import parse_message
from app.messaging.work_queue import WorkMessage, WorkQueue
from app.observability import begin_work, logger, sample_details


class Forwarding:
    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue

    def forward(self, records: Sequence[Mapping[str, Any]]) -> list[str]:
        """Forward SQS records; return the ids of the messages to try again.

        A message may be forwarded twice. The worker knows what it has processed.
        """
        sample_details()
        with begin_work() as work:
            unsent = self._queue.send_all([_work(record) for record in records])
            logger.info("arrivals.forwarded", records=len(records), unsent=len(unsent), **work.costs())
        return [records[position]["messageId"] for position in sorted(unsent)]


def _work(record: Mapping[str, Any]) -> WorkMessage:
    message = parse_message(record["body"], record["attributes"].get("AWSTraceHeader", ""))
    return WorkMessage(message.body, message.owner, message.trace)

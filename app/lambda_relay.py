"""The relay function. It takes batches of stream records, and batches of S3's notices from the arrival queue.

It returns the first stream record to try again, or the messages to try again.
"""

from typing import Any

from app import quick_start
from app.bootstrap.adapters import adapters
from app.bootstrap.relay import compose_forwarding, compose_relay
from app.config import RelaySettings
from app.observability import guarded

composed = adapters(RelaySettings.from_environment(), callers_repeat=True)
relaying = compose_relay(composed)
forwarding = compose_forwarding(composed)
quick_start.started()


@guarded
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    records = event["Records"]
    if records and records[0].get("eventSource") == "aws:sqs":
        failed = forwarding.forward(records)
    else:
        first = relaying.relay(records)
        failed = [] if first is None else [first]
    return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

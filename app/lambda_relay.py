"""The relay function. It takes batches of stream records and returns the first record to try again."""

from typing import Any

from app.bootstrap import adapters, compose_relay
from app.config import RelaySettings
from app.observability import guarded

relaying = compose_relay(adapters(RelaySettings.from_environment(), insists=True))


@guarded
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    failed = relaying.relay(event["Records"])
    return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}

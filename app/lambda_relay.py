"""The relay function: stream batches in, the place to go on from out."""

from typing import Any

from app.bootstrap import build_relay
from app.config import RelaySettings
from app.observability import guarded

relaying = build_relay(RelaySettings.from_environment())


@guarded
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    failed = relaying.relay(event["Records"])
    return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}

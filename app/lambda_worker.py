"""The worker function. It takes batches of the queue and returns the messages to try again, or it sweeps."""

from typing import Any

from app import quick_start
from app.bootstrap.adapters import adapters
from app.bootstrap.worker import compose_worker
from app.config import WorkerSettings
from app.domain.errors import Unavailable
from app.observability import guarded, logger
from app.services.background.workspaces import clear_leftovers
from app.worker.batch import Context

clear_leftovers()
settings = WorkerSettings.from_environment()
composed = adapters(settings, signs=True)
try:
    # While the rest of the worker starts, and its first payload is claimed and fetched.
    composed.sandbox.begin()
except Unavailable as fault:
    # The first payload tries again. Sweeps and purges need no sandbox.
    logger.warning("sandbox.not_started", reason=str(fault))
worker = compose_worker(composed, settings)


@guarded
def handler(event: dict[str, Any], context: Context) -> dict[str, Any] | None:
    if event.get("detail-type") == "sweep":
        worker.sweep(context)
        return None
    return worker.handle(event, context)


quick_start.started()

"""The worker function. It takes SQS batches and returns the messages to try again."""

from typing import Any

from app.bootstrap import adapters, compose_worker
from app.config import WorkerSettings
from app.observability import guarded
from app.services.workspaces import clear_leftovers
from app.worker.batch import Context

clear_leftovers()
settings = WorkerSettings.from_environment()
worker = compose_worker(adapters(settings), settings)


@guarded
def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    return worker.handle(event, context)

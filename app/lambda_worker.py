"""The worker function: SQS batches in, the messages to be repeated out."""

from typing import Any

from app.bootstrap import build_worker
from app.config import WorkerSettings
from app.observability import guarded
from app.worker.batch import Context

worker = build_worker(WorkerSettings.from_environment())


@guarded
def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    return worker.handle(event, context)

"""The sender function. It takes batches of its queue and returns the messages to try again, or it sweeps."""

from typing import Any

from app import quick_start
from app.bootstrap.adapters import adapters
from app.bootstrap.sender import compose_sender
from app.config import SenderSettings
from app.observability import guarded
from app.sender.batch import Context

settings = SenderSettings.from_environment()
sender = compose_sender(adapters(settings), settings)
quick_start.started()


@guarded
def handler(event: dict[str, Any], context: Context) -> dict[str, Any] | None:
    if event.get("detail-type") == "sweep":
        sender.sweep()
        return None
    return sender.handle(event, context)

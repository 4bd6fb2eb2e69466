"""Keeps the text of an exception from Lambda's runtime, which would log the whole of it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from app.observability.logs import described_fault, logger

Handler = Callable[[Any, Any], Any]


class FunctionFailed(Exception):
    """A handler raised; the text is what `described_fault` returns for its exception."""


def guarded(handler: Handler) -> Handler:
    """Log an exception once, discreetly, and raise another without its text for Lambda to see."""

    @wraps(handler, updated=())
    def handle(event: Any, context: Any) -> Any:
        try:
            return handler(event, context)
        except Exception as fault:  # noqa: BLE001  # raised again without its text
            logger.exception("function.failed")
            raise FunctionFailed(described_fault(fault)) from None

    return handle

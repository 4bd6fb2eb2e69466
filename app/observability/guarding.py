"""The last thing between a handler and Lambda's runtime, which logs whatever an exception says."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from app.observability.logs import described_fault, logger

Handler = Callable[[Any, Any], Any]


class FunctionFailed(Exception):
    """A handler raised; says what `described_fault` says of it."""


def guarded(handler: Handler) -> Handler:
    """Log a fault once, discreetly, and let Lambda know of it without its words."""

    @wraps(handler, updated=())
    def handle(event: Any, context: Any) -> Any:
        try:
            return handler(event, context)
        except Exception as fault:  # noqa: BLE001  # raised again, but for its words
            logger.exception("function.failed")
            raise FunctionFailed(described_fault(fault)) from None

    return handle

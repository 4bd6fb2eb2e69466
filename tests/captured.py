"""Lines of the log, captured as a handler writes them."""

import io
import json
import logging
from typing import Any

from app.observability.logs import discreet


class Captured:
    def __init__(self, formatter: logging.Formatter) -> None:
        self._stream = io.StringIO()
        self._formatter = formatter

    def handler(self, level: int = logging.DEBUG) -> logging.Handler:
        """Return one more handler that writes here."""
        handler = discreet(logging.StreamHandler(self._stream), self._formatter)
        handler.setLevel(level)
        return handler

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

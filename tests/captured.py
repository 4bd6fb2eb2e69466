"""What a handler of the log writes."""

import io
import json
import logging
from typing import Any

from app.observability.logs import WorkFields


class Captured:
    def __init__(self, formatter: logging.Formatter) -> None:
        self._stream = io.StringIO()
        self._formatter = formatter

    def handler(self, level: int = logging.DEBUG) -> logging.Handler:
        """One more that writes here."""
        handler = logging.StreamHandler(self._stream)
        handler.setLevel(level)
        handler.setFormatter(self._formatter)
        handler.addFilter(WorkFields())
        return handler

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

"""The one logger. An event is a dotted name with fields: `logger.info("object.ready", size=3)`.

JSON lines for CloudWatch; with LOG_FORMAT=text, lines for a person.
"""

import logging
import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class TextFormatter(LambdaPowertoolsFormatter):
    """`10:42:07 INFO  object.ready object_id=… rows=3`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = logging.Formatter().formatTime(record, "%H:%M:%S")
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{moment} {record.levelname:<7} {record.getMessage()}{fields}"
        if record.exc_info:
            line += "\n" + logging.Formatter().formatException(record.exc_info)
        return line


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in STANDARD_FIELDS}


def build_logger() -> Logger:
    if os.environ.get("LOG_FORMAT") == "text":
        return Logger(service="wharf", logger_formatter=TextFormatter())
    return Logger(service="wharf", utc=True)


logger = build_logger()

"""The one logger. An event is a dotted name with fields: `logger.info("object.ready", size=3)`.

JSON lines for CloudWatch; with LOG_FORMAT=text, lines for a person, and with
LOG_FILE the JSON lines in that file too.

What a client sent cannot forge a line: JSON is ASCII, and text is escaped. What a
fault says is kept only if this service or AWS says it: the messages of libraries
quote what they were given, a payload's values among them.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from app.observability.metrics import METRICS, Unit
from app.observability.work import current_work

SERVICE = "wharf"
COUNTS = frozenset(metric.name for metric in METRICS if metric.unit is Unit.COUNT)
NOT_SHOWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "_aws"} | COUNTS
LOG_FILE_BYTES = 20 * 1024 * 1024
IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"
DETAILED_SHARE = float(os.environ.get("POWERTOOLS_LOGGER_SAMPLE_RATE") or 0)


class WorkFields(logging.Filter):
    """Puts the fields of the current unit of work on each line; those of the line itself win."""

    def filter(self, record: logging.LogRecord) -> bool:
        work = current_work()
        if work is not None:
            for name, value in work.fields.items():
                record.__dict__.setdefault(name, value)
        return True


class JsonFormatter(LambdaPowertoolsFormatter):
    def __init__(self, **options: Any) -> None:
        options.setdefault("utc", True)
        options.setdefault("use_rfc3339", True)
        super().__init__(json_serializer=_as_json, serialize_stacktrace=False, **options)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's own name
        return described_trace(ei[1])


class TextFormatter(LambdaPowertoolsFormatter):
    """`10:42:07 INFO    object.ready object_id=… rows=3`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = logging.Formatter().formatTime(record, "%H:%M:%S")
        fields = "".join(f" {name}={_as_text(value)}" for name, value in _fields(record).items())
        line = f"{moment} {record.levelname:<7} {_as_text(record.getMessage(), spaces=True)}{fields}"
        if record.exc_info and record.exc_info[1]:
            line += "\n" + described_trace(record.exc_info[1])
        return line


def described_fault(fault: BaseException) -> str:
    """A fault in one line: its type, and what it says if this service or AWS says it."""
    name = type(fault).__name__
    code = getattr(fault, "response", {}).get("Error", {}).get("Code")
    if code:
        return f"{name}: {code} on {getattr(fault, 'operation_name', '?')}"
    is_ours = type(fault).__module__.partition(".")[0] == "app"
    return f"{name}: {fault}" if is_ours and str(fault) else name


def described_trace(fault: BaseException) -> str:
    """Where a fault came from, its causes first; of what it says, only what `described_fault` keeps."""
    return "\n".join(_trace_lines(fault))


def _trace_lines(fault: BaseException) -> Iterator[str]:
    cause = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    if cause is not None:
        yield from _trace_lines(cause)
    for frame in traceback.extract_tb(fault.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
    yield described_fault(fault)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in NOT_SHOWN}


def _as_json(line: Any) -> str:
    """ASCII, so neither a line separator nor a lone surrogate of a client's reaches a terminal or a file."""
    return json.dumps(line, default=str, separators=(",", ":"), ensure_ascii=True)


def _as_text(value: Any, *, spaces: bool = False) -> str:
    text = value if isinstance(value, str) else str(value)
    is_plain = text.isascii() and text.isprintable() and (spaces or " " not in text)
    return text if is_plain else json.dumps(text)


def build_logger() -> Logger:
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(WorkFields())
    formatter = TextFormatter() if os.environ.get("LOG_FORMAT") == "text" else JsonFormatter()
    built = Logger(service=SERVICE, logger_handler=handler, logger_formatter=formatter)
    path = os.environ.get("LOG_FILE")
    if path:
        built.addHandler(_file_handler(path))
    if path or IN_LAMBDA in os.environ:
        _speak_for_libraries(logging.getLogger(SERVICE).handlers)
    return built


def _file_handler(path: str) -> logging.Handler:
    handler = RotatingFileHandler(path, maxBytes=LOG_FILE_BYTES, backupCount=1)
    handler.addFilter(WorkFields())
    handler.setFormatter(JsonFormatter(service=SERVICE))
    return handler


def _speak_for_libraries(handlers: list[logging.Handler]) -> None:
    """What libraries log or warn of goes the same way; from WARNING on: botocore's DEBUG has secrets."""
    logging.basicConfig(handlers=handlers, level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    # It has these handlers already.
    logging.getLogger(SERVICE).propagate = False


def sample_details() -> None:
    """Decide for the work that begins whether its details are logged, too."""
    if DETAILED_SHARE > 0:
        logger.refresh_sample_rate_calculation()


logger = build_logger()

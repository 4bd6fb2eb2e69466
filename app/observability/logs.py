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
import warnings
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from app.observability.context import current_work
from app.observability.metrics import METRICS, Unit

SERVICE = "wharf"
SOURCE = "app"
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
        # Of asyncio, since Python 3.12; there is nothing to learn from it.
        record.__dict__.pop("taskName", None)
        return True


class LibraryWords(logging.Filter):
    """Of what a library logs the template is kept, not what was put into it: a URL, a value."""

    def filter(self, record: logging.LogRecord) -> bool:
        is_ours = record.name.partition(".")[0] == SERVICE
        # Each handler filters the same record.
        if not is_ours and not hasattr(record, "library"):
            template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
            record.library = record.name
            record.msg, record.args = f"{record.name}: {template}", ()
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
        fields = "".join(f" {name}={as_text(value)}" for name, value in _fields(record).items())
        line = f"{moment} {record.levelname:<7} {as_text(record.getMessage(), spaces=True)}{fields}"
        if record.exc_info and record.exc_info[1]:
            line += "\n" + described_trace(record.exc_info[1])
        return line


def described_fault(fault: BaseException) -> str:
    """A fault in one line: its type, and what it says if this service or AWS says it."""
    name = type(fault).__name__
    # HTTPClientError of botocore has a `response` too, which is None or no mapping.
    response = getattr(fault, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    if code:
        return f"{name}: {code} on {getattr(fault, 'operation_name', '?')}"
    return f"{name}: {fault}" if _is_discreet(fault) and str(fault) else name


def _is_discreet(fault: BaseException) -> bool:
    is_ours = type(fault).__module__.partition(".")[0] == SOURCE
    return is_ours and not getattr(fault, "quotes_input", False)


def described_trace(fault: BaseException) -> str:
    """Where a fault came from, its causes first; of what it says, only what `described_fault` keeps."""
    return "\n".join(_trace_lines(fault))


def _trace_lines(fault: BaseException) -> Iterator[str]:
    for one in reversed(_chain(fault)):
        for frame in traceback.extract_tb(one.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        yield described_fault(one)


def _chain(fault: BaseException) -> list[BaseException]:
    """A fault and its causes; one may be its own."""
    chain: list[BaseException] = []
    cause: BaseException | None = fault
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return chain


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    shown = record.__dict__.items()
    return {name: value for name, value in shown if name not in NOT_SHOWN and value is not None}


def _as_json(line: Any) -> str:
    """ASCII, so neither a line separator nor a lone surrogate of a client's reaches a terminal or a file."""
    line.pop("exception_notes", None)
    return json.dumps(line, default=str, separators=(",", ":"), ensure_ascii=True)


def as_text(value: Any, *, spaces: bool = False) -> str:
    text = value if isinstance(value, str) else str(value)
    is_plain = text.isascii() and text.isprintable() and (spaces or " " not in text)
    return text if is_plain else json.dumps(text)


def build_logger() -> Logger:
    formatter = TextFormatter() if os.environ.get("LOG_FORMAT") == "text" else JsonFormatter()
    handler = discreet(logging.StreamHandler(sys.stdout), formatter)
    built = Logger(service=SERVICE, logger_handler=handler, logger_formatter=formatter)
    path = os.environ.get("LOG_FILE")
    if path:
        file = RotatingFileHandler(path, maxBytes=LOG_FILE_BYTES, backupCount=1)
        built.addHandler(discreet(file, JsonFormatter(service=SERVICE)))
    if path or IN_LAMBDA in os.environ:
        _speak_for_libraries(logging.getLogger(SERVICE).handlers)
    return built


def discreet(handler: logging.Handler, formatter: logging.Formatter) -> logging.Handler:
    for what in (WorkFields(), LibraryWords()):
        handler.addFilter(what)
    handler.setFormatter(formatter)
    return handler


def _speak_for_libraries(handlers: list[logging.Handler]) -> None:
    """What libraries log or warn of goes the same way; from WARNING on: botocore's DEBUG has secrets."""
    logging.basicConfig(handlers=handlers, level=logging.WARNING, force=True)
    warnings.showwarning = _log_warning  # type: ignore[assignment]  # the rest it may give is not used
    # It has these handlers already.
    logging.getLogger(SERVICE).propagate = False


def _log_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any
) -> None:
    """Where, and of which kind: the text may quote a value."""
    logger.warning("library.warned", category=category.__name__, at=f"{filename}:{lineno}")


def sample_details() -> None:
    """Decide for the work that begins whether its details are logged, too."""
    if DETAILED_SHARE > 0:
        logger.refresh_sample_rate_calculation()


logger = build_logger()

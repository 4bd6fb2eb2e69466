"""The one logger. An event is a dotted name with fields: `logger.info("object.ready", size=3)`.

It writes JSON lines for CloudWatch, or lines for a person if LOG_FORMAT is "text".
If LOG_FILE is set, the JSON lines also go to that file.

A client's input cannot forge a line: JSON is ASCII, and text is escaped. The text of
an exception is kept only if it comes from this service or AWS: libraries quote what
they were given, and that may be a value from a payload.
"""

import json
import logging
import os
import re
import sys
import traceback
import warnings
from logging.handlers import RotatingFileHandler
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import RESERVED_LOG_ATTRS, LambdaPowertoolsFormatter

from app.observability.context import current_work
from app.observability.metrics import METRICS, Unit

SERVICE = "wharf"
#: The package whose exceptions are this service's own.
SOURCE = "app"
COUNTS = frozenset(metric.name for metric in METRICS if metric.unit is Unit.COUNT)
#: The fields that a line for a person leaves out: the machinery of logging, and counts.
NOT_SHOWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "_aws"} | COUNTS
RESERVED = frozenset(RESERVED_LOG_ATTRS)
#: A dotted name, which is not JSON.
EVENT = re.compile(r"[a-z_]+(\.[a-z_]+)+")
#: Other characters than ASCII are escaped.
TO_JSON = json.JSONEncoder(default=str, separators=(",", ":"), ensure_ascii=True).encode
LOG_FILE_BYTES = 20 * 1024 * 1024
#: The environment variable that Lambda sets, and nothing else does.
IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"
#: The share of units of work that log their DEBUG lines too.
DETAILED_SHARE = float(os.environ.get("POWERTOOLS_LOGGER_SAMPLE_RATE") or 0)


class WorkFields(logging.Filter):
    """Puts the fields of the current unit of work on each line; the line's own fields win."""

    def filter(self, record: logging.LogRecord) -> bool:
        work = current_work.get()
        if work is not None:
            for name, value in work.fields.items():
                record.__dict__.setdefault(name, value)
        # asyncio's name for the task says nothing about the work.
        record.__dict__.pop("taskName", None)
        return True


class LibraryWords(logging.Filter):
    """Keeps only the template of a library's message: its arguments may be URLs or values."""

    def filter(self, record: logging.LogRecord) -> bool:
        is_ours = record.name.partition(".")[0] == SERVICE
        # The record may have been through another handler's filter already.
        if not is_ours and not hasattr(record, "library"):
            template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
            record.library = record.name
            record.msg, record.args = f"{record.name}: {template}", ()
        return True


class JsonFormatter(LambdaPowertoolsFormatter):
    """One JSON object per line."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("utc", True)
        options.setdefault("use_rfc3339", True)
        super().__init__(serialize_stacktrace=False, json_deserializer=_parsed, **options)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line that Powertools makes of the record, in half of its time if nothing was raised."""
        if record.exc_info or self.thread_safe_get_current_keys():
            return super().format(record)
        line = self.log_format | {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}",
            "timestamp": self.formatTime(record),
        }
        line.update((name, value) for name, value in record.__dict__.items() if name not in RESERVED)
        line["message"] = self._extract_log_message(record)
        line["xray_trace_id"] = self._get_latest_trace_id()
        return self.serialize({name: value for name, value in line.items() if value is not None})

    def serialize(self, log: Any) -> str:
        """Return JSON in ASCII: a client's line separators and lone surrogates are escaped."""
        log.pop("exception_notes", None)
        return TO_JSON(log)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's own name
        return described_trace(ei[1])


def _parsed(message: Any) -> Any:
    """Return a message that is JSON as its value. Raises ValueError, at once for the name of an event."""
    if isinstance(message, str) and EVENT.fullmatch(message):
        raise ValueError
    return json.loads(message)


class TextFormatter(LambdaPowertoolsFormatter):
    """A line for a person, like `10:42:07 INFO    object.ready object_id=… rows=3`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = logging.Formatter().formatTime(record, "%H:%M:%S")
        line = f"{moment} {record.levelname:<7} {as_text(record.getMessage(), spaces=True)}"
        for name, value in record.__dict__.items():
            if name not in NOT_SHOWN and value is not None:
                line += f" {name}={as_text(value)}"
        if record.exc_info and record.exc_info[1]:
            line += "\n" + described_trace(record.exc_info[1])
        return line


def described_fault(fault: BaseException) -> str:
    """Return an exception in one line: its type, and its text if that comes from this service or AWS."""
    name = type(fault).__name__
    # botocore's HTTPClientError has a `response` too, but not a dictionary.
    response = getattr(fault, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    if code:
        return f"{name}: {code} on {getattr(fault, 'operation_name', '?')}"
    is_ours = type(fault).__module__.partition(".")[0] == SOURCE
    is_discreet = is_ours and not getattr(fault, "quotes_input", False)
    return f"{name}: {fault}" if is_discreet and str(fault) else name


def described_trace(fault: BaseException) -> str:
    """Return where an exception was raised, its causes first, each described by `described_fault`."""
    lines: list[str] = []
    for one in reversed(_with_causes(fault)):
        frames = traceback.extract_tb(one.__traceback__)
        lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        lines.append(described_fault(one))
    return "\n".join(lines)


def _with_causes(fault: BaseException) -> list[BaseException]:
    """Return an exception and its causes, each once: an exception may be its own cause."""
    chain: list[BaseException] = []
    cause: BaseException | None = fault
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return chain


def as_text(value: Any, *, spaces: bool = False) -> str:
    """Return a value for a terminal: plain text as it is, anything else as a JSON string.

    Plain text is printable ASCII. It may hold spaces only if `spaces` is true.
    """
    text = value if isinstance(value, str) else str(value)
    is_plain = text.isascii() and text.isprintable() and (spaces or " " not in text)
    return text if is_plain else json.dumps(text)


def build_logger() -> Logger:
    """Return the logger that the environment asks for."""
    formatter = TextFormatter() if os.environ.get("LOG_FORMAT") == "text" else JsonFormatter()
    handler = discreet(logging.StreamHandler(sys.stdout), formatter)
    built = Logger(service=SERVICE, logger_handler=handler, logger_formatter=formatter)
    path = os.environ.get("LOG_FILE")
    if path:
        file = RotatingFileHandler(path, maxBytes=LOG_FILE_BYTES, backupCount=1)
        built.addHandler(discreet(file, JsonFormatter(service=SERVICE)))
    if path or IN_LAMBDA in os.environ:
        # The lines and warnings of libraries take the same way, but only from WARNING on: botocore's
        # DEBUG lines hold secrets.
        own = logging.getLogger(SERVICE)
        logging.basicConfig(handlers=own.handlers, level=logging.WARNING, force=True)
        warnings.showwarning = _log_warning  # type: ignore[assignment]  # the further arguments are not used
        # The root logger has the same handlers now.
        own.propagate = False
    return built


def discreet(handler: logging.Handler, formatter: logging.Formatter) -> logging.Handler:
    """Return the handler, with the fields of the work and without the arguments of libraries."""
    handler.addFilter(WorkFields())
    handler.addFilter(LibraryWords())
    handler.setFormatter(formatter)
    return handler


def _log_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any
) -> None:
    """Log where a library warned and the kind of warning; its text may quote a value."""
    logger.warning("library.warned", category=category.__name__, at=f"{filename}:{lineno}")


def sample_details() -> None:
    """Decide by chance if the work that begins now logs its DEBUG lines too."""
    if DETAILED_SHARE > 0:
        logger.refresh_sample_rate_calculation()


logger = build_logger()

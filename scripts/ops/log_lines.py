"""The lines a stage has logged: on AWS in CloudWatch, on this machine in the file that `make run` writes."""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError

from app.aws.faults import error_code
from app.domain.times import timestamp
from app.local import running
from app.local.errors import CannotStart
from app.local.settings import LOG_FILE
from app.observability.logs import as_text
from scripts.ops import stages

FUNCTIONS = ("api", "worker", "relay", "sender")
TERMS_PER_PATTERN = 20
#: How far back an id is looked for on AWS. On this machine it is looked for in the whole log.
DAY = timedelta(days=1)
#: A time before that of every line.
BEGINNING = datetime.fromtimestamp(0, UTC)
SHOWN_FIRST = ("level", "message")
HIDDEN = {"timestamp", "service", "location", "sampling_rate", "_aws", *SHOWN_FIRST}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log, of a function or of API Gateway."""

    id: str
    moment: datetime
    source: str
    text: str
    #: Empty for a line that is not a JSON object; Lambda itself writes such lines.
    fields: dict[str, Any]

    def __str__(self) -> str:
        """Return the line to show, like `2026-03-01T09:30:00.000Z worker  INFO object.ready object_id=…`."""
        return f"{timestamp(self.moment)} {self.source:<7} {self._readable()}"

    def _readable(self) -> str:
        if not self.fields:
            return as_text(self.text, spaces=True)
        first = [as_text(self.fields[name], spaces=True) for name in SHOWN_FIRST if name in self.fields]
        rest = [f"{name}={as_text(value)}" for name, value in self.fields.items() if name not in HIDDEN]
        return " ".join([*first, *rest])


class Logs(Protocol):
    def lines(self, since: datetime, find: Sequence[str] = ()) -> Iterator[Line]:
        """Yield the lines with one of the texts `find`, or all lines if `find` is empty; the oldest first."""


@dataclass(frozen=True, slots=True)
class CloudWatchLogs:
    """The log groups of a stack's functions and of its API Gateway."""

    client: Any
    stack: str

    def lines(self, since: datetime, find: Sequence[str] = ()) -> Iterator[Line]:
        start = int(since.timestamp() * 1000)
        found = [
            _line_of(event, source)
            for source, group in self._groups().items()
            for pattern in _patterns(find)
            for event in self._events(group, startTime=start, **pattern)
        ]
        yield from sorted(found, key=lambda line: line.moment)

    def _events(self, group: str, **asked: Any) -> Iterator[Any]:
        """Yield the events of a group. A stack without webhooks has no group of the sender."""
        pages = self.client.get_paginator("filter_log_events").paginate(logGroupName=group, **asked)
        try:
            for page in pages:
                yield from page["events"]
        except ClientError as refused:
            if error_code(refused) != "ResourceNotFoundException" or not group.endswith("-sender"):
                raise

    def _groups(self) -> dict[str, str]:
        functions = {name: f"/aws/lambda/{self.stack}-{name}" for name in FUNCTIONS}
        return {"gateway": f"/aws/apigateway/{self.stack}", **functions}


@dataclass(frozen=True, slots=True)
class LocalLogs:
    """The file in which `make run` logs all functions, and the full file that it replaced."""

    path: Path

    def lines(self, since: datetime, find: Sequence[str] = ()) -> Iterator[Line]:
        if not self.path.exists():
            raise CannotStart(
                f"There is no {self.path}: start `make run` first, or give the DATA_DIR that it has."
            )
        for path in (self.path.with_name(f"{self.path.name}.1"), self.path):
            texts = _texts(path)
            # A full file is renamed, so its first line identifies it and its name does not.
            file_id = hash(texts[0]) if texts else 0
            found = ((number, text) for number, text in enumerate(texts) if not find or _holds(text, find))
            lines = (_local_line(f"{file_id}:{number}", text) for number, text in found)
            yield from (line for line in lines if line.moment >= since)


def add_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the argument that says which lines to read. `default` is the help's words for it."""
    parser.add_argument(
        "--since", type=float, metavar="MINUTES", help=f"how far back to read (default: {default})"
    )


def start(given: argparse.Namespace, *, recent: timedelta | None = None) -> datetime:
    """Return how far back to read: as given, else the `recent` time, else all that an id is looked for in."""
    if given.since is not None:
        recent = timedelta(minutes=given.since)
    elif recent is None and given.stage == stages.LOCAL:
        return BEGINNING
    return datetime.now(UTC) - (recent or DAY)


def looked(start: datetime) -> str:
    """Return how far back the lines were read, for a person who misses one."""
    if start == BEGINNING:
        return "The whole log of this machine was read."
    return f"Lines since {timestamp(start)} were read; --since MINUTES reads more."


def of_stage(stage: str, data_dir: Path) -> Logs:
    if stage == stages.LOCAL:
        run = running.last(data_dir)
        return LocalLogs(Path(run.log_file) if run else data_dir / LOG_FILE)
    return CloudWatchLogs(boto3.session.Session().client("logs"), stages.stack_name(stage))


def _texts(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").split("\n")
    except FileNotFoundError:
        return []


def _holds(text: str, find: Sequence[str]) -> bool:
    # Several texts are ids, each a whole JSON string. A search for one after another would take minutes.
    return find[0] in text if len(find) == 1 else not frozenset(text.split('"')).isdisjoint(find)


def _patterns(find: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield filters that together match all lines with one of the texts.

    A pattern takes at most 1,024 characters (CloudWatch Logs User Guide, "Filter pattern syntax").
    """
    if not find:
        yield {}
    for start in range(0, len(find), TERMS_PER_PATTERN):
        terms = [json.dumps(one, ensure_ascii=False) for one in find[start : start + TERMS_PER_PATTERN]]
        yield {"filterPattern": terms[0] if len(terms) == 1 else " ".join(f"?{term}" for term in terms)}


def _local_line(line_id: str, text: str) -> Line:
    fields = _fields(text)
    return Line(line_id, _moment(fields.get("timestamp")), "local", text, fields)


def _moment(given: Any) -> datetime:
    """Return the time a line gives, or one before all others if it gives none."""
    try:
        return datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


def _line_of(event: Any, source: str) -> Line:
    text = event["message"].rstrip()
    moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    # The emulator gives some events no id.
    line_id = event.get("eventId") or f"{source} {event['timestamp']} {text}"
    return Line(line_id, moment, source, text, _fields(text))


def _fields(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}

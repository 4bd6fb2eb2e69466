"""Shows what a stage's functions and its API Gateway log, oldest first.

scripts/logs.sh dev                     of the last 15 minutes
scripts/logs.sh dev --since 120         of the last two hours
scripts/logs.sh dev --find ID           only lines with a request's or an object's id
scripts/logs.sh dev --follow            and whatever comes
"""

import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from app.domain.times import timestamp
from scripts import stages

LOOK_SECONDS = 3
SHOWN_FIRST = ("level", "message")
HIDDEN = {"timestamp", "service", "location", *SHOWN_FIRST}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = stages.parser("logs", "Show what a stage logs. What `make run` logs is in its terminal.")
    parser.add_argument(
        "--since", type=float, default=15, metavar="MINUTES", help="how far back (default: 15)"
    )
    parser.add_argument("--find", metavar="TEXT", help="only lines with this text")
    parser.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    given = parser.parse_args(arguments)
    if given.stage == stages.LOCAL:
        stages.use_emulator(given.aws_port)
    client = boto3.session.Session().client("logs")
    name = stages.stack_name(given.stage)
    groups = [
        f"/aws/apigateway/{name}",
        *(f"/aws/lambda/{name}-{function}" for function in ("api", "worker", "relay")),
    ]
    start = datetime.now(UTC) - timedelta(minutes=given.since)
    shown: set[str] = set()
    while True:
        for event in events(client, groups, start, given.find):
            if event["eventId"] not in shown:
                shown.add(event["eventId"])
                print(line(event), flush=True)
        if not given.follow:
            return 0
        time.sleep(LOOK_SECONDS)


def events(client: Any, groups: Sequence[str], start: datetime, find: str | None) -> Iterator[Any]:
    pattern = {} if find is None else {"filterPattern": json.dumps(find, ensure_ascii=False)}
    found = [
        event | {"group": group}
        for group in groups
        for page in client.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=int(start.timestamp() * 1000), **pattern
        )
        for event in page["events"]
    ]
    yield from sorted(found, key=lambda event: int(event["timestamp"]))


def line(event: Any) -> str:
    """`2026-03-01T09:30:00.000Z worker  INFO object.ready object_id=…`; what is no JSON stays as it is."""
    moment = timestamp(datetime.fromtimestamp(event["timestamp"] / 1000, UTC))
    source = event["group"].rpartition("/")[2].rpartition("-")[2] if "lambda" in event["group"] else "gateway"
    return f"{moment} {source:<7} {_readable(event['message'].rstrip())}"


def _readable(message: str) -> str:
    try:
        fields = json.loads(message)
    except ValueError:
        return message
    if not isinstance(fields, dict):
        return message
    first = [str(fields[name]) for name in SHOWN_FIRST if name in fields]
    rest = [f"{name}={value}" for name, value in fields.items() if name not in HIDDEN]
    return " ".join([*first, *rest])


if __name__ == "__main__":
    stages.run(main)

"""Show from the logs what happened to one request, from its answer to the last event.

scripts/ops/trace.sh local ID       ID is that of a request (its Request-Id), a trace or an object; without it
                                    the command asks for one at a terminal
scripts/ops/trace.sh prod ID        the same on AWS, in the logs of the last day

All lines with one correlation id have one cause, whichever function wrote them.
"""

import argparse
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.observability.logs import COUNTS, as_text
from scripts.ops import log_lines, stages
from scripts.ops.log_lines import HIDDEN, Line, Logs

TOOK = ("request_seconds", "seconds")
SAID_ABOVE = ("correlation_id", "trace_id", "object_id", "owner", "kind", "xray_trace_id")


def main() -> int:
    """Return 0, or 1 if no line has the id."""
    parser = stages.parser("trace", "Show what happened to a request or an object.")
    log_lines.add_arguments(parser, "a day, and on this machine the whole log")
    parser.add_argument("id", nargs="?", default="", help="id of a request, a trace or an object")
    # Intermixed, because the id may come after options.
    given = parser.parse_intermixed_args()
    wanted = given.id.strip() or asked(parser)
    start = log_lines.start(given)
    found = related(log_lines.of_stage(given.stage, given.data_dir), wanted, start)
    if not found:
        print(f"No line has the id {wanted}. {log_lines.looked(start)}")
        return 1
    print("\n".join(report(found)))
    return 0


def asked(parser: argparse.ArgumentParser) -> str:
    """Return the id that a person types. Exit with a usage error if there is no answer."""
    answer = stages.answer("Id of a request (its Request-Id), a trace or an object: ")
    if answer:
        return answer
    parser.error("an id is missing, of a request (its Request-Id), a trace or an object: make trace ID=…")


def related(logs: Logs, wanted: str, since: datetime) -> list[Line]:
    """Return the lines with the wanted id, and all others with a correlation id that these lines have.

    A request that only read the object is left out, unless its own id is the wanted one.
    """
    lines = [line for line in logs.lines(since, [wanted]) if not is_read(line) or wanted in ids_of(line)]
    ids = {found for line in lines for found in ids_of(line)} - {wanted}
    more = list(logs.lines(since, sorted(ids))) if ids else []
    unique = {line.id: line for line in [*lines, *more]}
    return sorted(unique.values(), key=began)


def is_read(line: Line) -> bool:
    return line.fields.get("method") in {"GET", "HEAD"}


def ids_of(line: Line) -> set[Any]:
    """Return the ids of the line's request: `correlation_id`, or `request_id` in API Gateway's lines."""
    return {line.fields[name] for name in ("correlation_id", "request_id") if name in line.fields}


def began(line: Line) -> datetime:
    """Return when the work that the line reports began: a line with a duration is written at the end."""
    return line.moment - timedelta(seconds=took(line) or 0)


def took(line: Line) -> float | None:
    found = next((line.fields[name] for name in TOOK if name in line.fields), None)
    return None if found is None else float(found)


def report(lines: Sequence[Line]) -> Iterator[str]:
    for name in SAID_ABOVE:
        values = sorted({str(line.fields[name]) for line in lines if name in line.fields})
        if values:
            yield f"{name:<15} {', '.join(map(as_text, values))}"
    yield ""
    yield f"{'began':>9} {'took':>8}  {'in':<7} what"
    first = began(lines[0])
    for line in lines:
        seconds = took(line)
        duration = "" if seconds is None else f"{seconds:.3f}"
        offset = (began(line) - first).total_seconds()
        yield f"{offset:>+9.3f} {duration:>8}  {line.source:<7} {_what(line)}"


def _what(line: Line) -> str:
    if not line.fields:
        return as_text(line.text, spaces=True)
    hidden = {*HIDDEN, *SAID_ABOVE, *COUNTS, *TOOK, "exception", "message_id"}
    shown = [f"{name}={as_text(value)}" for name, value in line.fields.items() if name not in hidden]
    return " ".join([as_text(line.fields.get("message"), spaces=True), *shown])


if __name__ == "__main__":
    stages.run(main)

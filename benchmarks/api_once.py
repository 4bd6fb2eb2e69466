"""Start a function as Lambda does, and time it: `python -S -P benchmarks/api_once.py <task> <output>`.

The task is JSON. It has a `handler`, module and name, the time `began` on the system's monotonic clock, and
one of these:

* `event`                      an event that is answered once
* `create`, `read`, `calls`    events of the API, and how often each is answered when the function is warm
* `create`, `read`, `check`    the same events, for the answers in the cases that a client relies on

Writes JSON to the output. A module that this one imports costs the function nothing, so there are few.
"""

import importlib
import json
import sys
from collections.abc import Callable
from itertools import islice, repeat
from pathlib import Path
from time import monotonic, perf_counter, process_time
from typing import Any, NamedTuple

from benchmarks.peak import peak_bytes

Json = dict[str, Any]
#: The id in the event that reads.
UNKNOWN = "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"


class Context:
    """The context that Lambda gives with each event."""

    function_name = "measured"
    memory_limit_in_mb = 1769
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:measured"
    aws_request_id = "1f0d9c5e-5b0e-4a53-9b0c-7a3a6f0a2b11"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 300_000


class Calls:
    """Counts the calls of clients, and the processor's time in them."""

    def __init__(self) -> None:
        self.number, self.cpu_seconds = 0, 0.0
        # Neither method has a public name.
        for module, name, method in (
            ("botocore.client", "BaseClient", "_make_api_call"),
            ("app.aws.dynamodb", "DynamoDB", "_ask"),
        ):
            # A module that the function has not loaded makes no calls.
            if module in sys.modules:
                self._count(getattr(sys.modules[module], name), method)

    def _count(self, client: Any, method: str) -> None:
        call = getattr(client, method)

        def counted(*given: Any) -> Any:
            used = process_time()
            try:
                return call(*given)
            finally:
                self.number += 1
                self.cpu_seconds += process_time() - used

        setattr(client, method, counted)

    def apart(self, function: "Function", event: Json) -> float:
        """Return the processor's time that the function needs for an event besides its calls."""
        before = self.cpu_seconds
        return function.took(event).cpu_seconds - (self.cpu_seconds - before)


class Took(NamedTuple):
    seconds: float
    cpu_seconds: float


class Function:
    def __init__(self, handler: str) -> None:
        module, _, name = handler.rpartition(".")
        self._handle: Callable[[Json, object], Json] = getattr(importlib.import_module(module), name)

    def answer(self, event: Json) -> Json:
        return self._handle(event, Context)

    def took(self, event: Json) -> Took:
        began, used = perf_counter(), process_time()
        answer = self._handle(event, Context)
        took = Took(perf_counter() - began, process_time() - used)
        if answer["statusCode"] not in {200, 201}:
            raise SystemExit(f"A call was answered with {answer}.")
        return took


def creating(event: Json, key: str, **changes: Any) -> Json:
    headers = {**event["headers"], "Idempotency-Key": key}
    repeated = {name: [value] for name, value in headers.items()}
    return {**event, "headers": headers, "multiValueHeaders": repeated, **changes}


def reading(event: Json, record_id: str) -> Json:
    found: Json = json.loads(json.dumps(event).replace(UNKNOWN, record_id))
    return found


def measured(task: Json) -> Json:
    event = task.get("event") or creating(task["create"], "first")
    function = Function(task["handler"])
    first = function.answer(event)
    cold = {"cold_seconds": monotonic() - task["began"], "cold_cpu_seconds": process_time()}
    if "event" in task:
        return {**cold, "answer": first, "peak_bytes": peak_bytes()}
    if first["statusCode"] != 201:
        raise SystemExit(f"The first create was answered with {first}.")
    record_id = json.loads(first["body"])["id"]
    if "check" in task:
        return answers(function, task, record_id)
    return {**cold, **warm(function, task, record_id), "peak_bytes": peak_bytes()}


def warm(function: Function, task: Json, record_id: str) -> Json:
    """Return the medians of warm calls: their time, that of the processor, and that outside calls to AWS."""
    number = task["calls"]
    creates = (creating(task["create"], f"key-{one}") for one in range(2 * number))
    asked = {"create": creates, "read": repeat(reading(task["read"], record_id))}
    found: Json = {}
    for name, events in asked.items():
        took = [function.took(event) for event in islice(events, number)]
        found[f"{name}_seconds"] = median([one.seconds for one in took])
        found[f"{name}_cpu_seconds"] = median([one.cpu_seconds for one in took])
    calls = Calls()
    for name, events in asked.items():
        calls.number = 0
        found[f"{name}_own_cpu_seconds"] = median(
            [calls.apart(function, event) for event in islice(events, number)]
        )
        found[f"{name}_calls"] = calls.number / number
    return found


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def answers(function: Function, task: Json, record_id: str) -> Json:
    create, read = task["create"], task["read"]
    again = function.answer(creating(create, "first"))
    found = function.answer(reading(read, record_id))
    refused = function.answer(creating(create, "other", body='{"kind": "record"}', isBase64Encoded=False))
    return {
        "repeated": [again["statusCode"], json.loads(again["body"])["id"] == record_id],
        "read": [found["statusCode"], json.loads(found["body"])["name"]],
        "unknown": function.answer(read)["statusCode"],
        "without a name": refused["statusCode"],
    }


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(measured(json.loads(sys.argv[1]))))

"""Compute the tables of costs in deploying.md and events.md from prices.json: `python -m benchmarks.costs`.

What DynamoDB writes comes from the items themselves (lives.py). The other counts are those of the
calls that the code makes, and of the messages and invocations that they lead to.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from app.local.aws.template import TEMPLATE
from app.storage.webhooks.items import ENDPOINT_SHARDS
from benchmarks import deliveries, lives
from benchmarks.lives import HISTORY, ITEM, Life

PRICE_LIST = json.loads(Path(__file__).with_name("prices.json").read_text(encoding="utf-8"))
HEAD = ("what", "how many", "price", "$")

# Assumed, and not measured on AWS.
API_SECONDS, RELAY_SECONDS, WORKER_SECONDS = 0.02, 0.03, 0.6
#: A purge, which runs no processor.
PURGE_SECONDS = 0.1
#: A sweep that finds nothing.
SWEEP_SECONDS = 0.1
#: The time to write deliveries, and to look at an endpoint that answers in a tenth of a second.
FAN_OUT_SECONDS, LOOK_SECONDS = 0.03, 0.2
#: The share that X-Ray traces besides the first request of each second (X-Ray Developer Guide, "Configuring
#: sampling rules"). Each function counts its own invocations here, since nothing passes a decision on to it.
TRACED = 0.05

# Memory in GB in `prod`, and the disk that the worker has besides the 0.5 GB that are free.
API_GB, RELAY_GB, WORKER_GB, SENDER_GB = 1769 / 1024, 1.0, 3008 / 1024, 1.0
DISK_GB = 9.5

# Kilobytes that an invocation logs, Lambda's own lines among them.
API_LOG, RELAY_LOG, FORWARD_LOG, WORKER_LOG, SENDER_LOG = 1.8, 1.2, 0.8, 2.4, 1.2

#: Events in a page of the feed, the seconds between two polls of it, and those of a wait.
PAGE_EVENTS, POLLED_EVERY, WAITED_SECONDS = 100, 10, 20
#: Bytes that DynamoDB adds to the size of each item that it keeps.
ITEM_OVERHEAD = 100

#: A month of 30 days.
MONTH_SECONDS = 30 * 24 * 3600
#: The live version's snapshot, and those of the two versions that are kept for a rollback.
SNAPSHOTS = 3


@dataclass(frozen=True, slots=True)
class Line:
    what: str
    quantity: float
    #: The unit of the quantity, written behind the number and its power of ten.
    unit: str
    price: str

    @property
    def dollars(self) -> float:
        return float(round(self.shown * PRICE_LIST["prices"][self.price]["dollars"] + 1e-9, 2))

    @property
    def shown(self) -> float:
        """The quantity as it stands in the table, since its reader multiplies what is there."""
        return float(f"{self.quantity:.4g}") if self.quantity < 1000 else float(round(self.quantity))

    @property
    def cells(self) -> tuple[str, str, str, str]:
        price = PRICE_LIST["prices"][self.price]
        per, dollars = price["per"], price["dollars"]
        power = f" {per}" if per in {"million", "thousand"} else ""
        number = f"{self.shown:.10g}"
        written = f"{dollars:.2f}" if dollars == round(dollars, 2) else f"{dollars:.7g}"
        return (
            self.what,
            f"{number}{power}{' ' if self.unit else ''}{self.unit}",
            f"{written} per {per}",
            f"{self.dollars:.2f}",
        )


@dataclass(frozen=True, slots=True)
class Table:
    """The costs of a million of something, or of a month."""

    lines: tuple[Line, ...]
    #: Costs that another table has: what, how many million, and dollars per million.
    others: tuple[tuple[str, float, float], ...] = ()
    has_sum: bool = True

    @property
    def total(self) -> float:
        others = (round(quantity * dollars, 2) for _, quantity, dollars in self.others)
        return round(sum(line.dollars for line in self.lines) + sum(others), 2)

    @property
    def text(self) -> str:
        rows = [
            HEAD,
            ("---",) * len(HEAD),
            *(
                (what, f"{quantity:g} million", f"{dollars:.2f} per million", f"{quantity * dollars:.2f}")
                for what, quantity, dollars in self.others
            ),
            *(line.cells for line in self.lines),
        ]
        if self.has_sum:
            rows.append(("**sum**", "", "", f"**{self.total:.2f}**"))
        return "".join(f"|{'|'.join(_padded(row))}|\n" for row in rows)


def _padded(row: Sequence[str]) -> Iterator[str]:
    for cell in row:
        yield cell if cell == "---" else f" {cell} " if cell else " "


@dataclass(frozen=True, slots=True)
class Invocations:
    """How often each function runs for one object. Every message and every change is one of its own."""

    api: int = 0
    relay: int = 0
    forward: int = 0
    #: Invocations of the worker that process a payload, and those that purge.
    process: int = 0
    purge: int = 0
    #: Invocations of the sender that fan an event out, and those that look at an endpoint.
    fan_out: int = 0
    look: int = 0

    @property
    def requests(self) -> int:
        sent = self.fan_out + self.look
        return self.api + self.relay + self.forward + self.process + self.purge + sent

    @property
    def gb_seconds(self) -> float:
        pump = RELAY_GB * RELAY_SECONDS * (self.relay + self.forward)
        work = WORKER_GB * (WORKER_SECONDS * self.process + PURGE_SECONDS * self.purge)
        sent = SENDER_GB * (FAN_OUT_SECONDS * self.fan_out + LOOK_SECONDS * self.look)
        return API_GB * API_SECONDS * self.api + pump + work + sent

    @property
    def log_kilobytes(self) -> float:
        work = WORKER_LOG * (self.process + self.purge)
        sent = SENDER_LOG * (self.fan_out + self.look)
        return API_LOG * self.api + RELAY_LOG * self.relay + FORWARD_LOG * self.forward + work + sent

    @property
    def lines(self) -> tuple[Line, ...]:
        """Return the lines of the bill that grow with the invocations: requests, time, logs and traces."""
        return self.times(1)

    def times(self, million: float) -> tuple[Line, ...]:
        """Return the lines for so many million of them in a month."""
        each = (self.api, self.relay + self.forward, self.process + self.purge, self.fan_out + self.look)
        return (
            Line(f"Lambda requests: {self}", self.requests * million, "", "Lambda request"),
            Line("Lambda time", self.gb_seconds * million, "GB-s", "Lambda time"),
            Line("Logs", self.log_kilobytes * million, "GB", "log"),
            Line("X-Ray traces", sum(traced(count * million) for count in each), "", "X-Ray trace"),
        )

    def __str__(self) -> str:
        named = {
            "API": self.api,
            "worker": self.process + self.purge,
            "relay for the stream": self.relay,
            "for a notice": self.forward,
            "sender": self.fan_out + self.look,
        }
        return ", ".join(f"{name} {count}" for name, count in named.items() if count)


def traced(million: float) -> float:
    """Return how many of so many million invocations in a month are traced, in million.

    They come at random, all month. So in `first` of the seconds there is one, and it is traced.
    """
    a_second = million * 1e6 / MONTH_SECONDS
    first = 1 - exp(-a_second)
    return (first + TRACED * (a_second - first)) * MONTH_SECONDS / 1e6


def _not_sent(events: int) -> tuple[str, float, float]:
    """Return the costs of events that no webhook wants. A stack looks for webhooks unless they are off."""
    return ("its events, if the owner has no webhook, as below", events, event_without_webhook().total)


def _api_request() -> Line:
    return Line("API Gateway requests", 1, "", "API Gateway request")


def _writes(life: Life, *, deletion: bool) -> Line:
    """Return the writes of a life with the share of each index, or those of its deletion."""
    changes = life.changes_of_deletion if deletion else life.changes_made
    units = lives.units(changes)
    purged = lives.purge_units(life.changes_made) if deletion else 0
    parts = [f"item {units.pop(ITEM)}", f"{HISTORY} {units.pop(HISTORY)}"]
    parts += [f"`{name}` {count}" for name, count in sorted(units.items()) if count]
    parts += [f"emptied history {purged}"] if purged else []
    total = lives.units(changes).total() + purged
    return Line(f"DynamoDB writes: {', '.join(parts)}", total, "", "DynamoDB write")


def record() -> Table:
    return Table(
        (
            _api_request(),
            *Invocations(api=1, relay=1).lines,
            _writes(lives.record(), deletion=False),
            Line("DynamoDB reads: the relay's, of the counter", 1, "", "DynamoDB read"),
            Line("EventBridge events: created", 1, "", "EventBridge event"),
            Line("Event archive", 1, "GB", "EventBridge archive"),
        ),
        others=(_not_sent(1),),
    )


def dataset() -> Table:
    return Table(
        (
            _api_request(),
            *Invocations(api=1, relay=3, forward=1, process=1).lines,
            Line(
                f"Lambda's larger disk: {DISK_GB} GB for {WORKER_SECONDS} s",
                DISK_GB * WORKER_SECONDS,
                "GB-s",
                "Lambda disk",
            ),
            _writes(lives.dataset(), deletion=False),
            Line("DynamoDB reads: the worker's, the relay's of the counter", 4, "", "DynamoDB read"),
            Line("S3 PUT: payload, three artifacts", 4, "", "S3 PUT or LIST"),
            Line("S3 GET: the worker's", 1, "", "S3 GET"),
            Line("EventBridge events: created, processing, ready", 3, "", "EventBridge event"),
            Line("Event archive", 3.6, "GB", "EventBridge archive"),
            Line("SQS requests: send, receive, delete, for the notice and the work", 6, "", "SQS request"),
        ),
        others=(_not_sent(3),),
    )


def deletion(life: Life) -> Table:
    lists, reads = (
        [],
        Line("DynamoDB reads: the API's, the worker's, its history's, the relay's", 4, "", "DynamoDB read"),
    )
    if life.made[-1].newest:
        lists = [Line("S3 LIST: payloads, artifacts; DELETE is free", 2, "", "S3 PUT or LIST")]
        reads = Line(
            "DynamoDB reads: the API's, the worker's, its links' and history's, the relay's",
            5,
            "",
            "DynamoDB read",
        )
    return Table(
        (
            _api_request(),
            *Invocations(api=1, relay=2, purge=1).lines,
            _writes(life, deletion=True),
            reads,
            *lists,
            Line("EventBridge events: deleted", 1, "", "EventBridge event"),
            Line("Event archive", 1, "GB", "EventBridge archive"),
            Line("SQS requests: send, receive, delete", 3, "", "SQS request"),
        ),
        others=(_not_sent(1),),
    )


def read() -> Table:
    return Table(
        (
            _api_request(),
            *Invocations(api=1).lines,
            Line("DynamoDB reads, strongly consistent", 1, "", "DynamoDB read"),
        )
    )


def event_without_webhook() -> Table:
    return Table(
        (
            *Invocations(fan_out=1).lines,
            Line("DynamoDB reads: the owner's webhooks", 1, "", "DynamoDB read"),
            Line("SQS requests: send, receive, delete", 3, "", "SQS request"),
        )
    )


def event_delivered() -> Table:
    written = deliveries.units()
    parts = ", ".join(f"{name} {count}" for name, count in written.items())
    return Table(
        (
            *Invocations(fan_out=1, look=1).lines,
            Line(f"DynamoDB writes: {parts}", written.total(), "", "DynamoDB write"),
            Line("DynamoDB reads: webhooks, what is due, the delivery", 5, "", "DynamoDB read"),
            Line("SQS requests: send, receive, delete, for event and endpoint", 6, "", "SQS request"),
            Line("Data out to the internet", 2, "GB", "data out"),
        )
    )


def dataset_with_reads() -> Table:
    return Table(
        (
            Line("S3 GET: payload, profile", 2, "", "S3 GET"),
            Line("Data out to the internet", 1052, "GB", "data out"),
        ),
        others=(
            ("the data set, as above", 1, dataset().total),
            ("reads and links, as above", 7, read().total),
        ),
    )


def feed() -> Table:
    pages = 1 / PAGE_EVENTS
    entries = lives.READ_BYTES / lives.size(lives.entry())
    return Table(
        (
            Line("DynamoDB writes: entry 2, counter 2", 4, "", "DynamoDB write"),
            Line("DynamoDB reads: the relay's, of the counter", 1, "", "DynamoDB read"),
            Line(
                "DynamoDB storage, for 30 days",
                (lives.size(lives.entry()) + ITEM_OVERHEAD) / 1000,
                "GB",
                "DynamoDB storage",
            ),
            Line("API Gateway requests", pages, "", "API Gateway request"),
            *Invocations(api=1).times(pages),
            Line("DynamoDB reads: events, entries, counters", 1 + 1 / entries + pages, "", "DynamoDB read"),
        )
    )


def polling() -> Table:
    polls = MONTH_SECONDS / POLLED_EVERY / 1e6
    return Table(
        (
            Line("API Gateway requests", polls, "", "API Gateway request"),
            *Invocations(api=1).times(polls),
            Line("DynamoDB reads: counters", polls, "", "DynamoDB read"),
        )
    )


def waiting() -> Table:
    requests = MONTH_SECONDS / WAITED_SECONDS / 1e6
    # Pauses of 0.25 and 0.5 s, then of 1 s.
    polls = WAITED_SECONDS - 0.75 + 2
    return Table(
        (
            Line("API Gateway requests", requests, "", "API Gateway request"),
            Line("Lambda requests: API 1", requests, "", "Lambda request"),
            Line("Lambda time, all of the month", API_GB * MONTH_SECONDS / 1e6, "GB-s", "Lambda time"),
            Line("Logs", API_LOG * requests, "GB", "log"),
            Line("X-Ray traces", traced(requests), "", "X-Ray trace"),
            Line("DynamoDB reads: counters", requests * (1 + polls), "", "DynamoDB read"),
        )
    )


def kept() -> Table:
    return Table(
        (
            Line("records: DynamoDB storage, indexes included", 2.5, "GB", "DynamoDB storage"),
            Line("records: point-in-time recovery, of the table alone", 1.6, "GB", "DynamoDB recovery"),
            Line("data sets: DynamoDB storage", 6, "GB", "DynamoDB storage"),
            Line("data sets: point-in-time recovery", 4.6, "GB", "DynamoDB recovery"),
            Line("data sets: S3, payload and artifacts", 1184, "GB", "S3 storage"),
        ),
        has_sum=False,
    )


def monthly() -> Table:
    alarms = [one["Properties"] for one in _resources("AWS::CloudWatch::Alarm")]
    read_metrics = sum(_metrics_of(alarm) for alarm in alarms)
    cached = SNAPSHOTS * API_GB * MONTH_SECONDS / 1e6
    sweeps = MONTH_SECONDS / 60 / 1e6
    return Table(
        (
            Line(
                "alarms, by the metrics that they read",
                read_metrics,
                f"metrics in {len(alarms)} alarms",
                "alarm",
            ),
            Line(
                "metrics of our own: each operation, kind and outcome that occurs, by the hour",
                67,
                "metrics",
                "metric",
            ),
            Line("dashboard", 1, "dashboard", "dashboard"),
            Line(
                f"the API's snapshots: {API_GB:.2f} GB, of the live version and the two kept",
                cached,
                "GB-s",
                "SnapStart cache",
            ),
            Line("restores of a snapshot: 10,000 cold starts", 10_000 * API_GB, "GB", "SnapStart restore"),
            Line("polls of the three idle queues", 1.95, "", "SQS request"),
            Line("sweeps, one a minute by worker and sender: requests", 2 * sweeps, "", "Lambda request"),
            Line(
                f"sweeps of {SWEEP_SECONDS} s",
                sweeps * SWEEP_SECONDS * (WORKER_GB + SENDER_GB),
                "GB-s",
                "Lambda time",
            ),
            Line("sweeps: logs", sweeps * (WORKER_LOG + SENDER_LOG), "GB", "log"),
            Line("sweeps: X-Ray traces, of all", 2 * sweeps, "", "X-Ray trace"),
            Line(
                "sweeps: DynamoDB reads, half a unit for each shard",
                sweeps * (1 + ENDPOINT_SHARDS) / 2,
                "",
                "DynamoDB read",
            ),
        )
    )


def machine_tokens() -> Table:
    return Table(
        (
            Line("programs that get tokens, by the month", 1, "client", "Cognito client"),
            Line("tokens: one an hour for each of 10 programs", 7.2, "", "Cognito token"),
        ),
        has_sum=False,
    )


def _resources(resource_type: str) -> list[Any]:
    template = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    return [one for one in template["Resources"].values() if one["Type"] == resource_type]


def _metrics_of(alarm: dict[str, Any]) -> int:
    """Return how many metrics an alarm reads: one that computes is billed for each of them."""
    series = [one for one in alarm.get("Metrics", ()) if "MetricStat" in one]
    return len(series) or 1


@cache
def tables() -> dict[str, Table]:
    """Return every table by the sentence that stands above it in the page."""
    return {
        "A record, created once:": record(),
        "A data set of 1 MB, uploaded to the presigned URL and processed:": dataset(),
        "The deletion of a record:": deletion(lives.record()),
        "The deletion of a data set, once its upload URL has expired:": deletion(lives.dataset()),
        "A read of one object costs as follows. A list of twenty costs half a read unit more. "
        "A download link is a read too.": read(),
        "The same data set with reads, by a client that asks five times whether it is ready, "
        "and downloads it and its profile once:": dataset_with_reads(),
        "An event of an owner who has no webhook:": event_without_webhook(),
        "An event that is delivered to one webhook:": event_delivered(),
        "To keep a million of them for a month:": kept(),
        "Every month in `prod`, used or not:": monthly(),
        "With AuthMode `cognito`, each token of a program costs, so keep it until it ends:": machine_tokens(),
    }


@cache
def event_tables() -> dict[str, Table]:
    """Return every table of docs/events.md by the sentence that stands above it."""
    return {
        "A million events in the feed, recorded one by one, and read once in pages of a hundred:": feed(),
        "A client that asks for new events every ten seconds, for a month, and finds none:": polling(),
        "A client that waits for them all the time, for a month, and finds none:": waiting(),
    }


if __name__ == "__main__":
    both = tables() | event_tables()
    print("\n".join(f"{title}\n\n{table.text}" for title, table in both.items()))

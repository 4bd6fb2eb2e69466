"""`GET /metrics`: what the running stack measures, in the text format of Prometheus.

The names are those in app/observability/metrics.py with the prefix `wharf_`; counts
end in `_total`, and times are histograms. On AWS the same are CloudWatch metrics.
What waits in the queues is asked for whenever somebody looks. On AWS, SQS measures it.
"""

from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any

from anyio.to_thread import run_sync
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    make_asgi_app,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.middleware.security_headers import SecurityHeadersMiddleware
from app.local.doors.queues import Backlog
from app.observability.metrics import METRICS, Metric, Sample, Unit

PATH = "/metrics"
BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)

#: The queues by their label, and the stack's outputs that have their URLs. The relay empties `arrivals`.
QUEUES = {"work": "QueueUrl", "arrivals": "ArrivalQueueUrl", "sender": "SenderQueueUrl"}
#: The dead-letter queues likewise. That of `work` has the dead letters of `arrivals` too.
DEAD_LETTER_QUEUES = {"work": "DeadLetterQueueUrl", "sender": "SenderDeadLetterQueueUrl"}


def queues_of(outputs: Mapping[str, str]) -> Mapping[str, str]:
    """Return the names of a stack's queues by the outputs that have their URLs."""
    wanted = {*QUEUES.values(), *DEAD_LETTER_QUEUES.values()} & outputs.keys()
    return {output: outputs[output].rpartition("/")[2] for output in wanted}


class Prometheus:
    """A sink for samples, and the page that shows them."""

    def __init__(self, queues: Mapping[str, str], backlogs: Callable[[], Mapping[str, Backlog]]) -> None:
        """Take the names of the queues by their outputs, and a function that tells what waits, by name."""
        self._queues, self._backlogs = queues, backlogs
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the only untyped function of the package
        self._registry = CollectorRegistry()
        self._collectors = {metric.name: self._collector(metric) for metric in METRICS}
        self._messages = self._gauge("queue_messages", "Messages in a queue, with those that are handled.")
        self._oldest = self._gauge("oldest_message_seconds", "How long ago the oldest of them was sent.")
        self._dead = self._gauge("dead_letters", "Messages that were given up.")

    def record(self, samples: Sequence[Sample]) -> None:
        for sample in samples:
            collector = self._collectors[sample.metric.name]
            values = [sample.dimensions[name] for name in sample.metric.dimensions]
            child: Any = collector.labels(*values) if values else collector
            if sample.metric.unit is Unit.SECONDS:
                child.observe(sample.value)
            else:
                child.inc(sample.value)

    def beside(self, app: ASGIApp) -> ASGIApp:
        """Return the app with `/metrics` in front of it."""
        metrics: Any = SecurityHeadersMiddleware(make_asgi_app(self._registry))

        async def choose(scope: Scope, receive: Receive, send: Send) -> None:
            is_metrics = scope["type"] == "http" and scope["path"] == PATH
            if is_metrics:
                await run_sync(self._look)
            await (metrics if is_metrics else app)(scope, receive, send)

        return choose

    def _look(self) -> None:
        """Set the gauges, to NaN where nothing is known."""
        told = self._backlogs()
        for gauge, labels, field in (
            (self._messages, QUEUES, "messages"),
            (self._oldest, QUEUES, "oldest_seconds"),
            (self._dead, DEAD_LETTER_QUEUES, "messages"),
        ):
            for label, output in labels.items():
                if output in self._queues:
                    backlog = told.get(self._queues[output], {})
                    gauge.labels(label).set(backlog.get(field, nan))

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"wharf_{name}", meaning, ("queue",), registry=self._registry)

    def _collector(self, metric: Metric) -> Counter | Histogram:
        name, registry = f"wharf_{metric.name}", self._registry
        if metric.unit is Unit.SECONDS:
            buckets = BUCKETS_SECONDS
            return Histogram(name, metric.meaning, metric.dimensions, buckets=buckets, registry=registry)
        return Counter(name, metric.meaning, metric.dimensions, registry=registry)

"""`GET /metrics`: what the running stack measures, in the text format of Prometheus.

The names are those in app/observability/metrics.py with the prefix `wharf_`; counts
end in `_total`, and times are histograms. On AWS the same are CloudWatch metrics.
"""

from collections.abc import Sequence
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    make_asgi_app,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.middleware.security_headers import SecurityHeadersMiddleware
from app.observability.metrics import METRICS, Metric, Sample, Unit

PATH = "/metrics"
BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)


class Prometheus:
    """A sink for samples, and the page that shows them."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the only untyped function of the package
        self._registry = CollectorRegistry()
        self._collectors = {metric.name: self._collector(metric) for metric in METRICS}

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
            await (metrics if is_metrics else app)(scope, receive, send)

        return choose

    def _collector(self, metric: Metric) -> Counter | Histogram:
        name, registry = f"wharf_{metric.name}", self._registry
        if metric.unit is Unit.SECONDS:
            buckets = BUCKETS_SECONDS
            return Histogram(name, metric.meaning, metric.dimensions, buckets=buckets, registry=registry)
        return Counter(name, metric.meaning, metric.dimensions, registry=registry)

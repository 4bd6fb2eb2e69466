"""A log line that is also a measurement.

In Lambda the line is in the embedded metric format, from which CloudWatch makes
metrics without an API call ("Specification: Embedded metric format", CloudWatch
User Guide): dimensions and values are fields of the line. Elsewhere the samples
go to `sinks`, to which the local runtime adds Prometheus.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from app.observability.logs import SERVICE
from app.observability.metrics import Metric, Sample

#: The environment variable for the namespace of the metrics. Without it no metric is embedded.
NAMESPACE = "METRICS_NAMESPACE"

Sink = Callable[[Sequence[Sample]], None]
#: Functions that are called with the samples of every line.
sinks: list[Sink] = []


def measure(
    event: str,
    *samples: Sample,
    level: int = logging.INFO,
    fault: BaseException | None = None,
    **fields: Any,
) -> None:
    """Log an event with what it measures. Each metric may occur once."""
    namespace = os.environ.get(NAMESPACE)
    embedded = {"_aws": embedded_metrics(samples, namespace)} if namespace and samples else {}
    measured: dict[str, Any] = {}
    for sample in samples:
        value = round(sample.value, 4) if isinstance(sample.value, float) else sample.value
        measured |= {**sample.dimensions, sample.metric.name: value}
    extra = {**fields, **measured, **embedded}
    logging.getLogger(SERVICE).log(level, event, exc_info=fault, extra=extra, stacklevel=2)
    for record in sinks:
        record(samples)


def embedded_metrics(samples: Sequence[Sample], namespace: str) -> dict[str, Any]:
    """Return the field `_aws`, which names the fields of the line that CloudWatch makes metrics from."""
    directives = [_directive(sample.metric, namespace) for sample in samples]
    return {"Timestamp": round(time.time() * 1000), "CloudWatchMetrics": directives}


@cache
def _directive(metric: Metric, namespace: str) -> Mapping[str, Any]:
    return {
        "Namespace": namespace,
        "Dimensions": [list(metric.dimensions)],
        "Metrics": [{"Name": metric.name, "Unit": metric.unit.value}],
    }

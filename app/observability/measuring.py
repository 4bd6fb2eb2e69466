"""A log line that is also a measurement.

In Lambda the line is in the embedded metric format, from which CloudWatch makes
metrics without an API call ("Specification: Embedded metric format", CloudWatch
User Guide): dimensions and values are fields of the line. Elsewhere the samples
go to `sinks`, to which the local runtime adds Prometheus.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from app.observability.logs import SERVICE
from app.observability.metrics import Sample

NAMESPACE = "METRICS_NAMESPACE"

Sink = Callable[[Sequence[Sample]], None]
sinks: list[Sink] = []


def measure(
    event: str,
    *samples: Sample,
    level: int = logging.INFO,
    fault: BaseException | None = None,
    **fields: Any,
) -> None:
    """Log an event with what it measures; each metric may occur once."""
    namespace = os.environ.get(NAMESPACE)
    embedded = {"_aws": embedded_metrics(samples, namespace)} if namespace and samples else {}
    measured = {name: value for sample in samples for name, value in fields_of(sample).items()}
    extra = {**fields, **measured, **embedded}
    logging.getLogger(SERVICE).log(level, event, exc_info=fault, extra=extra, stacklevel=2)
    for record in sinks:
        record(samples)


def fields_of(sample: Sample) -> dict[str, Any]:
    """Return the fields of a log line that hold the sample's dimensions and value."""
    value = round(sample.value, 4) if isinstance(sample.value, float) else sample.value
    return {**sample.dimensions, sample.metric.name: value}


def embedded_metrics(samples: Sequence[Sample], namespace: str) -> dict[str, Any]:
    """Return the field `_aws` of a line that also holds the `fields_of` these samples."""
    directives = [
        {
            "Namespace": namespace,
            "Dimensions": [list(sample.metric.dimensions)],
            "Metrics": [{"Name": sample.metric.name, "Unit": sample.metric.unit.value}],
        }
        for sample in samples
    ]
    return {"Timestamp": round(time.time() * 1000), "CloudWatchMetrics": directives}

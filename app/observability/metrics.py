"""Every metric of the service: name, unit, dimensions, meaning.

A dimension has few values, all of them named in the code. Anything with many values
(an object, an owner, a request) is a field of the log line instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """Units by their names in CloudWatch (CloudWatch API Reference, "MetricDatum")."""

    COUNT = "Count"
    SECONDS = "Seconds"
    BYTES = "Bytes"


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    unit: Unit
    dimensions: tuple[str, ...]
    meaning: str

    def __call__(self, value: float, **dimensions: str) -> "Sample":
        """Return a sample; raise TypeError if the dimensions are not the metric's own."""
        if set(dimensions) != set(self.dimensions):
            raise TypeError(f"{self.name} has the dimensions {self.dimensions}")
        return Sample(self, value, dimensions)


@dataclass(frozen=True, slots=True)
class Sample:
    metric: Metric
    value: float
    dimensions: Mapping[str, str]


REQUESTS = Metric(
    "requests", Unit.COUNT, ("operation", "outcome"), "Requests answered: ok, refused (4xx), failed (5xx)."
)
REQUEST_SECONDS = Metric(
    "request_seconds",
    Unit.SECONDS,
    ("operation",),
    "How long a request took, inside the function, without the time that it waited for a change.",
)
ANSWER_SECONDS = Metric("answer_seconds", Unit.SECONDS, (), "The same for all operations together.")
FAILED_REQUESTS = Metric(
    "failed_requests",
    Unit.COUNT,
    ("function_version",),
    "In Lambda: 1 for each request answered with 5xx, 0 for each other.",
)
PROBLEMS = Metric("problems", Unit.COUNT, ("code",), "Requests answered with a problem, by its code.")
REPLAYS = Metric("replays", Unit.COUNT, (), "Creates that met their own object again (Idempotency-Replayed).")
OBJECTS = Metric(
    "objects",
    Unit.COUNT,
    ("kind", "outcome"),
    "Objects that were settled: ready, rejected, failed or expired.",
)
REJECTIONS = Metric(
    "rejections", Unit.COUNT, ("code",), "Payloads that were rejected, by the code of the problem."
)
PAYLOAD_BYTES = Metric("payload_bytes", Unit.BYTES, ("kind",), "Bytes of the payloads that were settled.")
QUEUE_SECONDS = Metric(
    "queue_seconds", Unit.SECONDS, ("kind",), "From upload (or the request to process again) to claim."
)
PROCESSING_SECONDS = Metric("processing_seconds", Unit.SECONDS, ("kind",), "From claim to ready or rejected.")
MESSAGES = Metric(
    "messages",
    Unit.COUNT,
    ("type", "outcome"),
    "Queue messages handled, by what they say and what came of it.",
)
RETRIES = Metric("retries", Unit.COUNT, (), "Messages that go back to the queue, to be tried again.")
SWEPT = Metric("swept", Unit.COUNT, ("action",), "Overdue objects that the sweep acted on.")
OVERDUE_SECONDS = Metric(
    "overdue_seconds", Unit.SECONDS, (), "Once a sweep: by how much the longest overdue object was late."
)
EVENTS = Metric("events", Unit.COUNT, ("type",), "Events that the relay published.")
RELAY_SECONDS = Metric(
    "relay_seconds", Unit.SECONDS, (), "From a change to its event on the bus: the relay's lag."
)
SET_ASIDE = Metric("set_aside", Unit.COUNT, (), "Stream records that the relay could not turn into an event.")
WEAKER_SANDBOXES = Metric(
    "weaker_sandboxes",
    Unit.COUNT,
    (),
    "Sandboxes that started with a weaker lock, since a processor's own sample failed under the full ones.",
)

DELIVERIES = Metric(
    "deliveries", Unit.COUNT, ("outcome",), "Deliveries to webhooks that were settled: delivered or failed."
)
DELIVERY_SECONDS = Metric(
    "delivery_seconds", Unit.SECONDS, (), "From an event to its acceptance by the endpoint of a webhook."
)
FAILED_ATTEMPTS = Metric(
    "failed_attempts",
    Unit.COUNT,
    (),
    "1 for each attempt to deliver that was not accepted, 0 for each other.",
)
DISABLED_WEBHOOKS = Metric(
    "disabled_webhooks",
    Unit.COUNT,
    (),
    "Webhooks disabled because their endpoint is gone, or failed for days.",
)
ENDPOINT_OVERDUE_SECONDS = Metric(
    "endpoint_overdue_seconds",
    Unit.SECONDS,
    (),
    "Once a sweep of the sender: by how much the longest due endpoint was late.",
)

METRICS = tuple(value for value in globals().values() if isinstance(value, Metric))

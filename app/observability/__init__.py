"""The logs and metrics by which the service tells about its work.

context.py    the unit of work that log lines belong to: one request, one message, one batch
logs.py       the one logger: JSON lines for machines, text for a person
metrics.py    the table of metrics
measuring.py  a log line that is also a measurement
guarding.py   what Lambda's runtime is told about an exception

    logger.info("relay.done", records=3)
    with begin_work(correlation_id=request_id) as work: ...
    bind(object_id=stored.id)
    measure("object.ready", OBJECTS(1, kind="image", outcome="ready"), size=12)
"""

from app.observability.context import Work, begin_work, bind, current_work
from app.observability.guarding import guarded
from app.observability.logs import IN_LAMBDA, described_fault, logger, sample_details
from app.observability.measuring import measure, sinks

__all__ = [
    "IN_LAMBDA",
    "Work",
    "begin_work",
    "bind",
    "current_work",
    "described_fault",
    "guarded",
    "logger",
    "measure",
    "sample_details",
    "sinks",
]

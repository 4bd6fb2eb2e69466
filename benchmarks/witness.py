"""A processor that calls the real one and adds its peak memory to the report."""

from dataclasses import replace

from app.processors import dataset, document, image
from app.processors.report import Report, Task
from benchmarks.peak import peak_bytes


def process(task: Task) -> Report:
    family = task.media_type.partition("/")[0]
    processor = image if family == "image" else document if task.media_type == "application/pdf" else dataset
    report: Report = processor.process(task)
    return replace(report, summary=report.summary | {"peak_bytes": peak_bytes()})

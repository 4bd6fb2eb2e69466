"""The real processors, made to tell their peak of memory; the sandbox runs it like any other."""

from dataclasses import replace

from app.processors import dataset, document, image
from app.processors.report import Report, Task
from benchmarks.measuring import peak_bytes


def process(task: Task) -> Report:
    family = task.media_type.partition("/")[0]
    processor = image if family == "image" else document if task.media_type == "application/pdf" else dataset
    report: Report = processor.process(task)
    return replace(report, summary=report.summary | {"peak_bytes": peak_bytes()})

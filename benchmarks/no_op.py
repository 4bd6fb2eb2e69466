"""A processor that does nothing, to measure the sandbox alone."""

from app.processors.report import Report, Task


def process(task: Task) -> Report:
    return Report({"media_type": task.media_type})

"""Process a PDF as the service does, outside of its sandbox."""

from pathlib import Path

from app.processors import document
from benchmarks.samples import PDF
from benchmarks.tasks import generous_task


def run(source: Path, output: Path) -> None:
    document.process(generous_task("document", source, output, PDF))

"""Process a picture as the service does, outside of its sandbox."""

from pathlib import Path

from app.processors import image
from app.processors.recognition import recognise
from benchmarks.tasks import generous_task


def run(source: Path, output: Path) -> None:
    image.process(generous_task("image", source, output, str(recognise(source))))

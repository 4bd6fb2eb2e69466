"""Process a picture as the service does, but with Pillow alone: the same code, quality and effort."""

from pathlib import Path
from unittest.mock import patch

from app.processors.image import streamed
from benchmarks import pictures_ours


def run(source: Path, output: Path) -> None:
    with patch.object(streamed, "is_streamed", lambda *_: False):
        pictures_ours.run(source, output)

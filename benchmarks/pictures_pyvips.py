"""Make the same two copies as pyvips' documentation does, and nothing else."""

from pathlib import Path

import pyvips


def run(source: Path, output: Path) -> None:
    preview = pyvips.Image.thumbnail(str(source), 1600, height=1600, size="down").copy_memory()
    for name, picture in (("preview", preview), ("thumbnail", preview.thumbnail_image(320, height=320))):
        picture.webpsave(str(output / f"{name}.webp"), Q=80, effort=2, keep="none")

"""Make two WebP copies of a picture, with Pillow alone and its defaults."""

from pathlib import Path

from PIL import Image


def run(source: Path, output: Path) -> None:
    with Image.open(source) as image:
        for edge in (1600, 320):
            image.thumbnail((edge, edge))
            image.save(output / f"{edge}.webp")

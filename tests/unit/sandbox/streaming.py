"""A processor that reads a picture by libvips only, where the one of images would turn to Pillow."""

from app.processors.image import streamed
from app.processors.image.decode import opened
from app.processors.image.render import PREVIEW_EDGE
from app.processors.report import Report, Task


def process(task: Task) -> Report:
    with opened(task) as picture:
        pixels = streamed.shrunk(picture, task.source, PREVIEW_EDGE)
    return Report({"size": pixels and pixels.size})

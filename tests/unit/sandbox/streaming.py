"""A processor that leaves no picture to Pillow, as the one of images does with what cannot be read."""

from app.processors.image import streamed
from app.processors.image.decode import opened
from app.processors.image.render import PREVIEW_EDGE
from app.processors.report import Report, Task


def process(task: Task) -> Report:
    with opened(task) as picture:
        pixels = streamed.shrunk(picture, task.source, PREVIEW_EDGE)
    return Report({"size": pixels and pixels.size})

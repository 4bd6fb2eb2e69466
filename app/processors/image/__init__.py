"""The `image` kind: a picture in, what it is and two small WebP copies of it out.

Its parts, in the order in which a payload passes through them:

* decode   limits, and Pillow's errors as problems
* formats  what TIFF, JPEG, PNG, HEIF and BMP need beyond what Pillow does
* streamed, libvips, libwebp   pictures that are shrunk while they are read, without Pillow
* measured samples that are missing
* frames   how many frames or pages there are
* exif     the allow-listed part of the EXIF data
* render   smaller, upright, in sRGB, as WebP

Summary: `{"format": "png" | "jpeg" | "gif" | "webp" | "tiff" | "bmp" | "avif" | "heif",
"width": int, "height": int, "frames": int, "mode": str, "exif": {…}}`. Width and
height are pixels as shown, that is upright; `exif.orientation` tells how they
are stored. `mode` is Pillow's name for the stored pixels ("RGB", "CMYK", "I;16" …).
Artifacts: `thumbnail.webp` and `preview.webp`, of the first frame.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from app.domain.media_types import UNDECLARED
from app.processors.image import streamed
from app.processors.image.decode import FORMATS, opened
from app.processors.image.exif import described, orientation_of
from app.processors.image.formats.jpeg import refuse_missing_data
from app.processors.image.formats.png import gamma_of, refuse_missing_rows, with_alpha
from app.processors.image.formats.tiff import meaning_of_numbers
from app.processors.image.frames import count_frames, first_frame
from app.processors.image.measured import without_gaps
from app.processors.image.render import (
    PREVIEW_EDGE,
    SIXTEEN_BITS,
    THUMBNAIL_EDGE,
    Numbers,
    rendered,
    shrunk,
    write_webp,
)
from app.processors.image.samples import SAMPLES
from app.processors.recognition import check_content, type_among
from app.processors.report import ArtifactFile, Report, Task

WEBP = "image/webp"
THUMBNAIL = ArtifactFile("thumbnail.webp", WEBP)
PREVIEW = ArtifactFile("preview.webp", WEBP)
#: The orientations that exchange width and height.
SIDEWAYS = (5, 6, 7, 8)


__all__ = ["SAMPLES", "process"]


def process(task: Task) -> Report:
    """Raises InvalidPayload when the payload is not the image it was declared to be."""
    if task.media_type == UNDECLARED:
        task = replace(task, media_type=type_among(task.source, FORMATS))
    check_content(task.source, task.media_type)
    with opened(task) as image:
        summary, preview = _look_at(image, task.source)
    write_webp(preview, task.output / PREVIEW.name)
    write_webp(shrunk(preview, THUMBNAIL_EDGE), task.output / THUMBNAIL.name)
    return Report(summary, (THUMBNAIL, PREVIEW), task.media_type)


def _look_at(image: ImageFile, source: Path) -> tuple[dict[str, Any], Image.Image]:
    """Return the summary and the preview. The order matters, since Pillow forgets while it works."""
    pixels = streamed.shrunk(image, source, PREVIEW_EDGE)
    if pixels is None and image.format == "PNG":
        image.load()  # EXIF data may follow the pixels
    mode, frames = image.mode, count_frames(image, source)
    width, height = image.size
    exif = described(image)
    numbers = meaning_of_numbers(image) if isinstance(image, TiffImageFile) else SIXTEEN_BITS
    if pixels is None:
        pixels = shrunk(_with_transparency(image, source, numbers), PREVIEW_EDGE)
        _refuse_missing(image, source)
    orientation = orientation_of(image)  # only now: TIFF is upright once it is loaded
    if orientation in SIDEWAYS:
        width, height = height, width
    profile = image.info.get("icc_profile")
    preview = rendered(pixels, orientation, profile, numbers=numbers, gamma=gamma_of(image))
    summary = {
        "format": format_name(image),
        "width": width,
        "height": height,
        "frames": frames,
        "mode": mode,
        "exif": exif,
    }
    return summary, preview


def _refuse_missing(image: ImageFile, source: Path) -> None:
    """Raise EOFError if Pillow would fill in parts of the picture that are missing."""
    match image.format:
        case "PNG":
            refuse_missing_rows(image, source)
        case "JPEG" | "MPO":
            refuse_missing_data(source)


def _with_transparency(image: ImageFile, source: Path, numbers: Numbers) -> Image.Image:
    match image.format:
        case "PNG":
            return with_alpha(image, source)
        case "GIF":
            return first_frame(image)
        case "TIFF":
            return without_gaps(image, numbers)
        case _:
            return image


def format_name(image: ImageFile) -> str:
    """Return the format. A JPEG with more pictures behind the first is a JPEG, whatever Pillow calls it."""
    name = (image.format or "").lower()
    return "jpeg" if name == "mpo" else name

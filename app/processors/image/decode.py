"""Opening a picture: its real type, its limits, and Pillow's errors as problems that a client can read."""

import errno
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import AvifImagePlugin, Image
from PIL.ImageFile import ImageFile

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.report import Task

Image.init()  # once, before the fork server forks
AvifImagePlugin.DEFAULT_MAX_THREADS = 2  # each thread's stack counts as memory

BYTES_PER_PIXEL = {"JPEG": 4, "WEBP": 20, "AVIF": 20}
"""What decoding takes at its worst: a JPEG is decoded at a fraction of its size, the others as copies."""
USUAL_BYTES_PER_PIXEL = 8
PROGRESSIVE_BYTES_PER_PIXEL = 8
"""All coefficients of a progressive JPEG are held, however small it is to be."""
FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/avif": "AVIF",
}
"""What Pillow calls them; it looks for no other format."""
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged files; RuntimeError comes from AVIF."""
OF_THE_MACHINE = {errno.ENOMEM, errno.EMFILE, errno.EFBIG, errno.ENOSPC, errno.EDQUOT, errno.EIO}
"""Errors that are no fault of the file's; the sandbox knows what they mean."""
TOO_LARGE = ("too large", "too much memory", "out of memory")
"""Found in what Pillow says about text chunks, profiles and codecs that need too much memory."""


@contextmanager
def opened(task: Task) -> Iterator[ImageFile]:
    """The image, not yet loaded; whatever fails before it is closed is translated.

    Raises InvalidPayload: too many pixels or too much memory is `limit_exceeded`,
    everything else `invalid_content`.
    """
    name = FORMATS[task.media_type]
    most = task.memory_limit // BYTES_PER_PIXEL.get(name, USUAL_BYTES_PER_PIXEL)
    # Pillow warns above this number and refuses above twice as much: its refusal becomes ours.
    Image.MAX_IMAGE_PIXELS = most // 2
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(task.source, formats=(name,)) as image:
            if "progressive" in image.info:
                _refuse_pixels(image, task.memory_limit // PROGRESSIVE_BYTES_PER_PIXEL)
            yield image
    except Image.DecompressionBombError:
        raise _too_large(f"The image has more than {most} pixels.") from None
    except MemoryError:
        raise _too_large("The image needs more memory than is allowed.") from None
    except UNREADABLE as error:
        raise _translated(error) from None


def _refuse_pixels(image: ImageFile, most: int) -> None:
    if image.width * image.height > most:
        raise _too_large(f"The image, a progressive JPEG, has more than {most} pixels.")


def _translated(error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
        return error
    if any(phrase in str(error).lower() for phrase in TOO_LARGE):
        return _too_large("The image, or data hidden in it, needs more memory than is allowed.")
    return InvalidPayload(ProblemCode.INVALID_CONTENT, "The image is damaged, cut off or of an unknown sort.")


def _too_large(detail: str) -> InvalidPayload:
    return InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)

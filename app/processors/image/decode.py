"""Opening a picture: its real type, its limits, and Pillow's errors as problems that a client can read."""

import errno
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import AvifImagePlugin, Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.image.formats import bmp, heif, jpeg, png, tiff
from app.processors.report import Task

Image.init()  # once, before the fork server forks
Image.register_decoder("bmp_rle", bmp.RunLengths)
AvifImagePlugin.DEFAULT_MAX_THREADS = 2  # each thread's stack counts as memory

#: The most memory that decoding takes. A JPEG is decoded at a fraction of its size, the others as copies.
BYTES_PER_PIXEL = {"JPEG": 4, "WEBP": 20, "AVIF": 20, "HEIF": 12}
USUAL_BYTES_PER_PIXEL = 8
#: All coefficients of a progressive JPEG are held, however small it is to be.
PROGRESSIVE_BYTES_PER_PIXEL = 8
#: About four seconds. Cameras and encoders write up to a dozen scans.
MOST_SCANNED_PIXELS = 4_000_000_000
#: Pillow's name for the format of each media type. It looks for no other format.
FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/avif": "AVIF",
    "image/heic": "HEIF",
    "image/heif": "HEIF",
}
#: The exceptions that Pillow raises on damaged files. RuntimeError comes from AVIF, AssertionError from
#: missing palettes.
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
    struct.error,
    zlib.error,
)
#: Errors that are not the file's fault; the sandbox knows what they mean.
OF_THE_MACHINE = {errno.ENOMEM, errno.EMFILE, errno.EFBIG, errno.ENOSPC, errno.EDQUOT, errno.EIO}
#: Words in Pillow's messages about text chunks, profiles and codecs that need too much memory.
TOO_LARGE = ("too large", "too much memory", "out of memory", "memory allocation", "security limit")


@contextmanager
def opened(task: Task) -> Iterator[ImageFile]:
    """Open the image without loading it. Whatever fails before it is closed is translated.

    Raises InvalidPayload: too many pixels or too much memory is `limit_exceeded`,
    everything else `invalid_content`.
    """
    name = FORMATS[task.media_type]
    most = task.memory_limit // BYTES_PER_PIXEL.get(name, USUAL_BYTES_PER_PIXEL)
    # Pillow warns above this number and refuses above twice as much: its refusal becomes ours.
    Image.MAX_IMAGE_PIXELS = most // 2
    was_opened = False
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(task.source, formats=(name,)) as image:
            was_opened = True
            if image.format in ("JPEG", "MPO"):
                _refuse_scans(image, jpeg.count_scans(task.source))
            if "progressive" in image.info:
                most_coefficients = task.memory_limit // PROGRESSIVE_BYTES_PER_PIXEL
                _refuse_pixels(
                    image.width * image.height, most_coefficients, "The image, a progressive JPEG,"
                )
            if isinstance(image, TiffImageFile):
                tiff.seek_picture(image)
                _refuse_pixels(image.width * image.height, most)  # Pillow looks at the first page only.
            if image.format == "HEIF":
                _refuse_pixels(heif.stored_pixels(task.source), most)  # Pillow sees what is left of cropping.
            yield image
    except Image.DecompressionBombError:
        raise _too_large(f"The image has more than {most} pixels.") from None
    except MemoryError:
        raise _too_large("The image needs more memory than is allowed.") from None
    except UNREADABLE as error:
        raise _translated(error, task, was_opened) from None


def _refuse_pixels(pixels: int, most: int, named: str = "The image") -> None:
    if pixels > most:
        raise _too_large(f"{named} has more than {most} pixels.")


def _refuse_scans(image: ImageFile, scans: int) -> None:
    """Refuse too many scans: one of a few bytes costs a pass over all pixels, about a nanosecond for each."""
    if image.width * image.height * scans > MOST_SCANNED_PIXELS:
        raise _too_large(f"The image, a JPEG, goes over its pixels in {scans} scans, which is too much work.")


def _translated(error: Exception, task: Task, was_opened: bool) -> Exception:
    if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
        return error
    if any(phrase in str(error).lower() for phrase in TOO_LARGE):
        return _too_large("The image, or data hidden in it, needs more memory than is allowed.")
    return _variant(error, task, was_opened) or InvalidPayload(ProblemCode.INVALID_CONTENT, _damage(task))


def _variant(error: Exception, task: Task, was_opened: bool) -> InvalidPayload | None:
    """Return the reason if the file is sound but of a variant that is not read."""
    match FORMATS[task.media_type]:
        case "TIFF":
            return tiff.explain_failure(task.source, was_opened=was_opened)
        case "JPEG":
            return jpeg.explain_failure(task.source)
        case "HEIF":
            return heif.explain_failure(task.source)
        case "BMP" if "unsupported" in str(error).lower():
            detail = "The image is a BMP of a variant that is not supported."
            return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
        case _:
            return None


def _damage(task: Task) -> str:
    if FORMATS[task.media_type] == "PNG" and png.has_wrong_checksum(task.source):
        return "The image is damaged: the checksum (CRC) of a chunk is wrong."
    return "The image is damaged or cut off."


def _too_large(detail: str) -> InvalidPayload:
    return InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)

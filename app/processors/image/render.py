"""Smaller, upright, in sRGB, as WebP: what every picture becomes before anybody sees it.

Shrinking comes first, so that all else works on few pixels; only what cannot
be averaged (palettes, single bits, a colour that stands for transparency) is
converted before.
"""

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import cast

from PIL import Image, ImageCms, ImageMath
from PIL.Image import Resampling, Transpose

PREVIEW_EDGE = 1600
#: The longest edge, in pixels.
THUMBNAIL_EDGE = 320
REDUCING_GAP = 2.0
QUALITY = 80
#: Half the time of WebP's default, and files at most a twentieth larger.
METHOD = 2
#: Pillow gives the numbers of libwebp's errors: 1 and 2 are a lack of memory (encode.h, WebPEncodingError).
WITHOUT_MEMORY = re.compile(r"encoding error [12]\b")
#: The transposition that makes a picture upright, by its EXIF orientation (CIPA DC-008, tag 274).
TRANSPOSES = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
#: Below it, each whole number is one of the 32-bit floating-point numbers.
EXACT = 2**24
WITHOUT_ALPHA = {"1": "L", "P": "RGB"}
#: The mode that keeps the transparent colour as an alpha channel, by the mode of the picture.
WITH_ALPHA = {"1": "LA", "L": "LA", "P": "RGBA", "PA": "RGBA", "RGB": "RGBA"}
#: The mode in which colours are not multiplied by alpha, by the mode in which they are.
NOT_MULTIPLIED = {"La": "LA", "RGBa": "RGBA"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The meaning of samples of more than 8 bits."""

    #: Full brightness. None if the samples have no range of their own.
    highest: int | None = 0xFFFF
    #: True if the lowest number is white.
    is_negative: bool = False
    #: The number that stands for no sample.
    no_data: float | None = None

    def black_and_white(self, mode: str, darkest: float, brightest: float) -> tuple[float, float]:
        """Return the ends of the range: the known ones, 0 and 1 for fractions, else the extremes."""
        if self.highest is not None:
            darkest, brightest = 0, self.highest
        elif mode == "F" and darkest >= 0 and brightest <= 1:
            darkest, brightest = 0, 1
        return (brightest, darkest) if self.is_negative else (darkest, brightest)


SIXTEEN_BITS = Numbers()


def fitted(size: tuple[float, float], edge: int) -> tuple[int, int]:
    """Return the size in whole pixels that keeps the shape, and whose longer edge is at most `edge`."""
    shrink = min(1.0, edge / max(size))
    width, height = (max(1, round(length * shrink)) for length in size)
    return width, height


def shrunk(image: Image.Image, edge: int) -> Image.Image:
    """Load the image and shrink it, but never enlarge it. A JPEG is read at a fraction of its size."""
    target = fitted(image.size, edge)
    drafted = image.draft(None, target)
    box = None if drafted is None else drafted[1]
    resizable = _resizable(image)
    gap = None if resizable.mode.startswith("I;16") else REDUCING_GAP  # Pillow cannot reduce 16 bits
    return resizable.resize(target, Resampling.LANCZOS, box=box, reducing_gap=gap)


def rendered(
    image: Image.Image,
    orientation: int,
    profile: bytes | None = None,
    *,
    numbers: Numbers = SIXTEEN_BITS,
    gamma: float | None = None,
) -> Image.Image:
    """Return the picture upright, as RGB or RGBA in sRGB. `gamma` is the samples' gamma, to be undone."""
    if orientation in TRANSPOSES:
        image = image.transpose(TRANSPOSES[orientation])
    image = _eight_bits(image, numbers)
    while image.mode in NOT_MULTIPLIED:
        image = image.convert(NOT_MULTIPLIED[image.mode])
    if image.mode not in ("LA", "RGBA"):
        return _in_srgb(image, profile, gamma)
    colours = _in_srgb(image.convert(image.mode.removesuffix("A")), profile, gamma)
    colours.putalpha(image.getchannel("A"))
    return colours


def write_webp(image: Image.Image, path: Path) -> None:
    """Write only the pixels: no EXIF, no XMP, no profile. Raises MemoryError if it gets no memory."""
    try:
        image.save(path, "WEBP", quality=QUALITY, method=METHOD, exif=b"", xmp=b"", icc_profile=b"")
    except ValueError as error:
        if WITHOUT_MEMORY.match(str(error)):
            raise MemoryError(str(error)) from error
        raise


def _resizable(image: Image.Image) -> Image.Image:
    image.load()
    if image.mode in WITH_ALPHA and image.has_transparency_data:
        return image.convert(WITH_ALPHA[image.mode])
    return image.convert(WITHOUT_ALPHA[image.mode]) if image.mode in WITHOUT_ALPHA else image


def _eight_bits(image: Image.Image, numbers: Numbers) -> Image.Image:
    if image.mode.startswith("I;16"):
        image = image.convert("I")
    if image.mode not in ("I", "F"):
        return image
    black, white = numbers.black_and_white(image.mode, *cast("tuple[float, float]", image.getextrema()))
    if image.mode == "I" and abs(white - black) < EXACT:
        image = ImageMath.lambda_eval(lambda of: of["samples"] - of["black"], samples=image, black=int(black))
        black, white = 0, white - black
    image = image.convert("F")
    if not math.isfinite(white - black) or black == white:
        return image.convert("L")
    scale = 255 / (white - black)
    return image.point(lambda value: value * scale + (0.5 - black * scale)).convert("L")


def _in_srgb(image: Image.Image, profile: bytes | None, gamma: float | None) -> Image.Image:
    """Convert by the profile, unless it does not fit the pixels or is damaged."""
    if profile:
        with suppress(ImageCms.PyCMSError, OSError):
            converted = ImageCms.profileToProfile(
                image, BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if converted is not None:
                return converted
    if image.mode != "RGB":  # Pillow would copy it
        image = image.convert("RGB")
    return (
        image
        if gamma is None
        else image.point([_srgb((value / 255) ** (1 / gamma)) for value in range(256)] * 3)
    )


def _srgb(light: float) -> int:
    """Return the sample of sRGB (IEC 61966-2-1) for an amount of light from 0 to 1."""
    return round(255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))

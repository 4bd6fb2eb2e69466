"""Smaller, upright, in sRGB, as WebP: what every picture becomes before anybody sees it.

Shrinking comes first, so that all else works on few pixels; only what cannot
be averaged (palettes, single bits, a colour that stands for transparency) is
converted before.
"""

import math
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import cast

from PIL import Image, ImageCms
from PIL.Image import Resampling, Transpose

PREVIEW_EDGE = 1600
THUMBNAIL_EDGE = 320
"""The longest edge, in pixels."""
REDUCING_GAP = 2.0
QUALITY = 80
METHOD = 2
"""Half the time of WebP's default, and files at most a twentieth larger."""
TRANSPOSES = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""What each EXIF orientation needs to be upright (CIPA DC-008, tag 274)."""
WITHOUT_ALPHA = {"1": "L", "P": "RGB"}
WITH_ALPHA = {"La": "LA", "LA": "RGBA", "RGBa": "RGBA", "PA": "RGBA"}


def fitted(size: tuple[float, float], edge: int) -> tuple[int, int]:
    """The size, in whole pixels, that keeps the shape and whose longer edge is at most `edge`."""
    shrink = min(1.0, edge / max(size))
    width, height = (max(1, round(length * shrink)) for length in size)
    return width, height


def shrunk(image: Image.Image, edge: int) -> Image.Image:
    """Never enlarged. Loads the image, a JPEG at the fraction of its size that is enough."""
    target = fitted(image.size, edge)
    drafted = image.draft(None, target)
    box = None if drafted is None else drafted[1]
    resizable = _resizable(image)
    gap = None if resizable.mode.startswith("I;16") else REDUCING_GAP  # Pillow cannot reduce 16 bits
    return resizable.resize(target, Resampling.LANCZOS, box=box, reducing_gap=gap)


def rendered(image: Image.Image, orientation: int, profile: bytes | None) -> Image.Image:
    """RGB or RGBA in sRGB, upright."""
    if orientation in TRANSPOSES:
        image = image.transpose(TRANSPOSES[orientation])
    return _in_srgb(_eight_bits(image), profile)


def write_webp(image: Image.Image, path: Path) -> None:
    """Nothing but the pixels is written: no EXIF, no XMP, no profile."""
    image.save(path, "WEBP", quality=QUALITY, method=METHOD, exif=b"", xmp=b"", icc_profile=b"")


def _resizable(image: Image.Image) -> Image.Image:
    image.load()
    if image.mode in ("1", "L", "P", "PA", "RGB") and image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert(WITHOUT_ALPHA[image.mode]) if image.mode in WITHOUT_ALPHA else image


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if image.mode in ("I", "F"):
        return _stretched(image.convert("F"))
    return image


def _stretched(image: Image.Image) -> Image.Image:
    """From darkest to brightest: such numbers have no range of their own."""
    darkest, brightest = cast("tuple[float, float]", image.getextrema())
    spread = brightest - darkest
    if not (math.isfinite(spread) and spread > 0):
        return image.convert("L")
    scale = 255 / spread
    return image.point(lambda value: value * scale - darkest * scale).convert("L")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A profile that does not fit the pixels, or is damaged, is left out of account."""
    while image.mode in WITH_ALPHA:
        image = image.convert(WITH_ALPHA[image.mode])
    wanted = "RGBA" if image.mode == "RGBA" else "RGB"
    if profile:
        with suppress(ImageCms.PyCMSError, OSError):
            converted = ImageCms.profileToProfile(
                image, BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode=wanted
            )
            if converted is not None:
                return converted
    return image.convert(wanted)

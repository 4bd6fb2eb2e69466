"""PNG: the colour that stands for transparency, in pictures of less or more than 8 bits; gamma; checksums.

Pillow compares that colour with pixels that it has made 8 bits wide before. What
the chunk tRNS holds is meant for the pixels as they are stored (PNG, 11.3.1.1).
"""

import mmap
import struct
import zlib
from pathlib import Path

from PIL import Image, ImageChops
from PIL.ImageFile import ImageFile

SIGNATURE_BYTES = 8
GREY, RGB, GREY_WITH_ALPHA = 0, 2, 4
#: In the file: one byte of depth and one of colour type follow the size.
DEPTH_AT = 24
SIXTEEN_BITS = 1 << 16
#: Read with the wrong byte order, what remains of each sample is its low byte.
LOW_BYTES = "RGB;16L"
SRGB_GAMMA = 1 / 2.2
#: How far, in relation, gamma may differ from that of sRGB before it is applied; libpng's threshold.
GAMMA_TOLERANCE = 0.05


def with_alpha(image: ImageFile, source: Path) -> Image.Image:
    """Return the loaded picture with an alpha channel where one colour stands for transparency."""
    with source.open("rb") as file:
        file.seek(DEPTH_AT)
        depth, colour_type = file.read(2)
    if colour_type == GREY_WITH_ALPHA and image.mode != "LA":
        return image.convert("LA")  # Pillow holds 16 bits of it as colours, which its profile would not fit.
    key = image.info.get("transparency")
    if key is None or colour_type not in (GREY, RGB):
        return image
    if depth == 16:
        return (
            _grey_with_alpha(image, key) if colour_type == GREY else _colours_with_alpha(image, key, source)
        )
    highest = 2**depth - 1
    if depth in (2, 4):
        image.info["transparency"] = (key & highest) * 255 // highest
    return image


def gamma_of(image: ImageFile) -> float | None:
    """Return the gamma to undo, or None if the samples are like those of sRGB or described in another way."""
    gamma = image.info.get("gamma")
    if not gamma or "srgb" in image.info or "icc_profile" in image.info:
        return None
    return None if abs(gamma / SRGB_GAMMA - 1) < GAMMA_TOLERANCE else float(gamma)


def has_wrong_checksum(source: Path) -> bool:
    """True if a chunk, up to where the file ends or is cut off, does not fit its checksum."""
    with (
        source.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        memoryview(data) as view,
    ):
        at = SIGNATURE_BYTES
        while at + 12 <= len(view):
            (length,) = struct.unpack_from(">L", view, at)
            end = at + 8 + length
            if end + 4 > len(view):
                return False
            if zlib.crc32(view[at + 4 : end]) != struct.unpack_from(">L", view, end)[0]:
                return True
            at = end + 4
    return False


def _grey_with_alpha(image: Image.Image, key: int) -> Image.Image:
    wide = image.convert("I")
    alpha = wide.point([0 if value == key else 255 for value in range(SIXTEEN_BITS)], "L")
    grey = wide.point([value >> 8 for value in range(SIXTEEN_BITS)], "L")
    return Image.merge("LA", (grey, alpha))


def _colours_with_alpha(image: Image.Image, key: tuple[int, int, int], source: Path) -> Image.Image:
    del image.info["transparency"]
    with Image.open(source, formats=("PNG",)) as low:
        low.tile = [tile._replace(args=LOW_BYTES) for tile in low.tile]
        low.load()
        differs = Image.new("L", image.size, 0)
        for band, value in zip("RGB", key, strict=True):
            for bytes_of, wanted in ((image, value >> 8), (low, value & 0xFF)):
                table = [255] * 256
                table[wanted] = 0
                differs = ImageChops.lighter(differs, bytes_of.getchannel(band).point(table))
    image = image.copy() if image.readonly else image
    image.putalpha(differs)
    return image

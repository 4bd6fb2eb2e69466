"""Previews against libvips, an independent reader, pixel by pixel.

Both pictures are compared in CIE Lab: ΔE (CIE 2000) of 1 is a difference that an eye
can just see. The preview went through lossy WebP, which costs up to about 2 of it on
these smooth pictures. Where transparent, both stand on white.

libvips and the service differ for good reasons in three places, where the test
takes libvips' samples and does the last step itself:

* grey of 32 bits and floating-point numbers: libvips gives them as they are, and
  leaves it to its caller which number is white (see docs/kinds.md for what is here);
* grey of 12 bits: libvips does not read it, so the same picture in 16 bits is taken;
* CMYK without a profile: libvips assumes a printer's profile, the service none.
"""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import pyvips
from PIL import Image, ImageCms

from .test_image import ProcessImage, encoded, process
from .test_image_colour import chunk, linear_grey
from .tiff_files import DEFLATE, FLOATING, packed, tiff

__all__ = ["process"]

WIDTH, HEIGHT = 96, 64
SIZE = (WIDTH, HEIGHT)
LARGEST_DIFFERENCE, MEAN_DIFFERENCE = 4.0, 1.0
LARGEST_ALPHA_DIFFERENCE = 2
RAMP = [x / (WIDTH - 1) for x in range(WIDTH)]
TIFF, PNG = "image/tiff", "image/png"
GREY, RGB, GREY_WITH_ALPHA = 0, 2, 4
#: The last step from what libvips reads to the picture as it is shown; for most, `as_it_is`.
LastStep = Callable[[pyvips.Image], pyvips.Image]


def png(depth: int, colour: int, row: bytes, *chunks: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress((b"\0" + row) * HEIGHT))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + data + chunk(b"IEND", b"")


def grey_tiff(bits: int, *, photometric: int = 1, order: str = "<") -> bytes:
    row = packed([round(value * (2**bits - 1)) for value in RAMP], order, bits)
    return tiff([row * HEIGHT], SIZE, order=order, bits=(bits,), photometric=photometric, compression=DEFLATE)


def floats(lowest: float, highest: float) -> bytes:
    row = packed([lowest + (highest - lowest) * value for value in RAMP], "<", 32, FLOATING)
    return tiff([row * HEIGHT], SIZE, bits=(32,), sample_format=FLOATING)


def palette() -> bytes:
    steps = list(range(256))
    colours = [257 * step for step in (*steps, *[96] * 256, *reversed(steps))]
    row = bytes(round(255 * value) for value in RAMP)
    return tiff([row * HEIGHT], SIZE, photometric=3, tags={320: colours})


def cmyk() -> bytes:
    row = b"".join(bytes((round(200 * value), 40, round(200 * (1 - value)), 30)) for value in RAMP)
    return tiff([row * HEIGHT], SIZE, bits=(8,) * 4, photometric=5)


def wide_colours() -> bytes:
    """Colours of 16 bits. The left third is transparent, and unlike its neighbour in the last bit alone."""
    pixels = [(round(65535 * value), 20_000, round(65535 * (1 - value))) for value in RAMP]
    red, green, blue = pixels[WIDTH // 3]
    key = (red, green + 1, blue)
    pixels[: WIDTH // 3] = [key] * (WIDTH // 3)
    row = b"".join(struct.pack(">3H", *pixel) for pixel in pixels)
    return png(16, RGB, row, chunk(b"tRNS", struct.pack(">3H", *key)))


def grey_with_alpha_and_profile(depth: int) -> bytes:
    highest = 2**depth - 1
    code = ">2B" if depth == 8 else ">2H"
    row = b"".join(
        struct.pack(code, round(highest * value), round(highest * (1 - value / 2))) for value in RAMP
    )
    return png(depth, GREY_WITH_ALPHA, row, chunk(b"iCCP", b"grey\0\0" + zlib.compress(linear_grey())))


def with_srgb_profile() -> bytes:
    picture = Image.new("RGB", SIZE)
    for x, value in enumerate(RAMP):
        picture.paste((round(255 * value), 90, round(255 * (1 - value))), (x, 0, x + 1, HEIGHT))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return encoded(picture, "PNG", icc_profile=profile)


def as_it_is(image: pyvips.Image) -> pyvips.Image:
    return image.icc_transform("srgb") if image.get_typeof("icc-profile-data") else image.colourspace("srgb")


def stretched(black: float, white: float) -> LastStep:
    """Return what shows these numbers as black and white."""
    return lambda image: ((image - black) * (255 / (white - black))).rint().cast("uchar").colourspace("srgb")


def inks(image: pyvips.Image) -> pyvips.Image:
    """Show inks as filters of light, without a profile."""
    light = (255 - image[0:3]) * (255 - image[3]) / 255
    return light.rint().cast("uchar").copy(interpretation="srgb")


SAME = {
    "min-is-white, 8 bits": (grey_tiff(8, photometric=0), TIFF, None, as_it_is),
    "min-is-white, 16 bits": (grey_tiff(16, photometric=0, order=">"), TIFF, None, as_it_is),
    "grey, 12 bits": (grey_tiff(12), TIFF, grey_tiff(16), as_it_is),
    "min-is-white, 12 bits": (grey_tiff(12, photometric=0), TIFF, grey_tiff(16, photometric=0), as_it_is),
    "grey, 16 bits": (grey_tiff(16), TIFF, None, as_it_is),
    "unsigned, 32 bits": (grey_tiff(32), TIFF, None, stretched(0, 2**32 - 1)),
    "fractions": (floats(0.25, 0.75), TIFF, None, stretched(0, 1)),
    "floating-point numbers": (floats(-40, 600), TIFF, None, stretched(-40, 600)),
    "palette": (palette(), TIFF, None, as_it_is),
    "CMYK": (cmyk(), TIFF, None, inks),
    "16 bits with a transparent colour": (wide_colours(), PNG, None, as_it_is),
    "grey with alpha and a profile": (grey_with_alpha_and_profile(8), PNG, None, as_it_is),
    "the same with 16 bits": (grey_with_alpha_and_profile(16), PNG, None, as_it_is),
    "colours with a profile": (with_srgb_profile(), PNG, None, as_it_is),
}


@pytest.mark.parametrize("name", SAME)
def test_the_preview_looks_like_what_libvips_reads(process: ProcessImage, name: str) -> None:
    payload, media_type, other, last_step = SAME[name]
    preview = preview_of(process(payload, media_type).output)

    reference = last_step(pyvips.Image.new_from_buffer(other or payload, ""))

    assert preview.hasalpha() == reference.hasalpha()
    if preview.hasalpha():
        alphas = [image[image.bands - 1].cast("float") for image in (preview, in_eight_bits(reference))]
        assert (alphas[0] - alphas[1]).abs().max() <= LARGEST_ALPHA_DIFFERENCE
    difference = on_white(preview).dE00(on_white(in_eight_bits(reference)))
    assert (difference.max() <= LARGEST_DIFFERENCE, difference.avg() <= MEAN_DIFFERENCE) == (True, True)


def preview_of(output: Path) -> pyvips.Image:
    """Return the preview as Pillow reads it, since libvips' loader of WebP is off."""
    with Image.open(output / "preview.webp") as preview:
        pixels = pyvips.Image.new_from_memory(
            preview.tobytes(), *preview.size, len(preview.getbands()), "uchar"
        )
    return pixels.copy(interpretation="srgb")


def in_eight_bits(image: pyvips.Image) -> pyvips.Image:
    return image if image.format == "uchar" else image.cast("ushort", shift=False).colourspace("srgb")


def on_white(image: pyvips.Image) -> pyvips.Image:
    return (image.flatten(background=255) if image.hasalpha() else image).colourspace("lab")


def test_another_picture_would_be_noticed(process: ProcessImage) -> None:
    preview = preview_of(process(grey_tiff(8), TIFF).output)
    reference = pyvips.Image.new_from_buffer(grey_tiff(8, photometric=0), "").colourspace("srgb")

    assert on_white(preview).dE00(on_white(reference)).avg() > 10 * MEAN_DIFFERENCE

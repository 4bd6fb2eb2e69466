"""Pictures that libvips or libwebp shrinks: which they are, and that they look as if Pillow had read them."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import pyvips
from PIL import Image, ImageDraw
from PIL.ImageFile import ImageFile

from app.domain.errors import ProblemCode
from app.processors.image import libvips, libwebp, streamed
from app.processors.image.decode import opened
from app.processors.image.exif import described
from app.processors.image.formats import png
from app.processors.image.frames import count_frames
from app.processors.image.render import PREVIEW_EDGE, rendered, shrunk

from .conftest import MakeTask
from .test_image import ProcessImage, encoded, process, refusal
from .test_image_colour import chunk

__all__ = ["process"]

#: An eye can just see a difference of 1 (CIE 2000).
MEAN_DIFFERENCE = 2.0
MEAN_ALPHA_DIFFERENCE = 1.0
SIZE = (3300, 90)
ONE_THREAD = "import os, app.processors.image; print(len(os.listdir('/proc/self/task')))"


def drawing(mode: str, size: tuple[int, int] = SIZE) -> Image.Image:
    """A ramp with lines of every slope, half transparent where the mode allows it."""
    picture = Image.linear_gradient("L").rotate(90).resize(size).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for left in range(0, size[0], 60):
        pen.line((left, 0, size[0] - left, size[1]), fill=(left * 7 % 256, left % 256, 90), width=8)
    if mode == "I;16":
        return picture.convert("L").convert("I").point(lambda value: value * 257).convert("I;16")
    if mode in ("LA", "RGBA"):
        picture = picture.convert("L") if mode == "LA" else picture
        picture.putalpha(Image.radial_gradient("L").resize(size))
    return picture.convert(mode)


def png_of_sixteen_bits(colour_type: int, samples: int) -> bytes:
    width, height = SIZE
    row = b"".join(
        struct.pack(">H", x * 19 * (sample + 1) % 65536) for x in range(width) for sample in range(samples)
    )
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 16, colour_type, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + row) * height))
    return b"\x89PNG\r\n\x1a\n" + head + pixels + chunk(b"IEND", b"")


STREAMED = {
    **{
        f"PNG, {mode}": (encoded(drawing(mode), "PNG"), "image/png")
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
    },
    "PNG, transparent palette": (encoded(drawing("P"), "PNG", transparency=3), "image/png"),
    "PNG, 16 bits in colour": (png_of_sixteen_bits(2, 3), "image/png"),
    "PNG, 16 bits in colour with alpha": (png_of_sixteen_bits(6, 4), "image/png"),
    "PNG, 16 bits with alpha": (png_of_sixteen_bits(4, 2), "image/png"),
    "PNG, small": (encoded(drawing("RGB", (70, 40)), "PNG"), "image/png"),
    **{
        f"WebP, {mode}": (encoded(drawing(mode), "WEBP", quality=95), "image/webp")
        for mode in ("RGB", "RGBA")
    },
    "WebP, lossless": (encoded(drawing("RGBA"), "WEBP", lossless=True), "image/webp"),
    "WebP, little to shrink": (encoded(drawing("RGB", (1700, 90)), "WEBP", quality=95), "image/webp"),
    **{
        f"TIFF, {mode}": (encoded(drawing(mode), "TIFF", compression="tiff_lzw"), "image/tiff")
        for mode in ("L", "RGB", "I;16")
    },
    "TIFF, packed bits": (encoded(drawing("RGB"), "TIFF", compression="packbits"), "image/tiff"),
    "TIFF, bare": (encoded(drawing("RGB"), "TIFF"), "image/tiff"),
}

EXIF = Image.Exif()
EXIF[0x0112] = 6
SMALL = drawing("RGB", (70, 40))
WITH_ORIENTATION = encoded(SMALL, "PNG", exif=EXIF)
AT_EXIF = WITH_ORIENTATION.index(b"eXIf") - 4
EXIF_CHUNK = WITH_ORIENTATION[AT_EXIF : WITH_ORIENTATION.index(b"IDAT") - 4]
PLAIN = encoded(SMALL, "PNG")
END = PLAIN[-12:]
PILLOWS = {
    "JPEG": (encoded(SMALL, "JPEG"), "image/jpeg"),
    "GIF": (encoded(SMALL, "GIF"), "image/gif"),
    "BMP": (encoded(SMALL, "BMP"), "image/bmp"),
    "AVIF": (encoded(SMALL, "AVIF"), "image/avif"),
    "animated PNG": (encoded(SMALL, "PNG", save_all=True, append_images=[SMALL.rotate(9)]), "image/png"),
    "animated WebP": (encoded(SMALL, "WEBP", save_all=True, append_images=[SMALL.rotate(9)]), "image/webp"),
    "PNG with a transparent colour": (encoded(SMALL, "PNG", transparency=(0, 0, 0)), "image/png"),
    "PNG with EXIF data behind its pixels": (PLAIN[:-12] + EXIF_CHUNK + END, "image/png"),
    "PNG with text in need of unpacking": (
        PLAIN[:-12] + chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a")) + END,
        "image/png",
    ),
    "PNG that is cut off": (PLAIN[:-12], "image/png"),
    "TIFF of inks": (encoded(SMALL.convert("CMYK"), "TIFF"), "image/tiff"),
    "TIFF of numbers": (encoded(SMALL.convert("F"), "TIFF"), "image/tiff"),
    "TIFF with alpha": (encoded(SMALL.convert("RGBA"), "TIFF"), "image/tiff"),
    "TIFF, negative": (encoded(SMALL.convert("L"), "TIFF", tiffinfo={262: 0}), "image/tiff"),
    "TIFF on its side": (encoded(SMALL, "TIFF", exif=EXIF), "image/tiff"),
    "TIFF within JPEG": (encoded(SMALL, "TIFF", compression="jpeg"), "image/tiff"),
    "PNG wider than libvips is given": (encoded(Image.new("1", (70_000, 1)), "PNG"), "image/png"),
}


def lab(picture: Image.Image) -> tuple[pyvips.Image, pyvips.Image]:
    """The picture on white in CIE Lab, and its alpha."""
    whole = rendered(picture, 1).convert("RGBA")
    pixels = pyvips.Image.new_from_memory(whole.tobytes(), *whole.size, 4, "uchar").copy(
        interpretation="srgb"
    )
    return pixels.flatten(background=255).colourspace("lab"), pixels[3].cast("float")


@pytest.mark.parametrize("name", STREAMED)
def test_a_streamed_picture_looks_as_pillow_reads_it(make_task: MakeTask, name: str) -> None:
    task = make_task(*STREAMED[name])
    with opened(task) as image:
        assert streamed.is_streamed(image, task.source)
        found = streamed.shrunk(image, task.source, PREVIEW_EDGE)
        expected = with_alpha(image, task.source)

    assert found is not None
    assert (found.size, found.mode) == (expected.size, expected.mode)
    (colours, alpha), (other_colours, other_alpha) = lab(found), lab(expected)
    assert colours.dE00(other_colours).avg() <= MEAN_DIFFERENCE
    assert (alpha - other_alpha).abs().avg() <= MEAN_ALPHA_DIFFERENCE


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_that_is_not_shrunk_has_the_pixels_that_pillow_reads(make_task: MakeTask, mode: str) -> None:
    task = make_task(encoded(drawing(mode), "WEBP"), "image/webp")
    with opened(task) as image:
        found = libwebp.decoded(task.source, mode, SIZE, to=SIZE)

        assert found is not None
        assert found.tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("mode", "size"), [("RGBA", SIZE), ("RGB", (SIZE[0], SIZE[1] - 1)), ("RGB", (SIZE[0], SIZE[1] + 1))]
)
@pytest.mark.parametrize("is_shrunk", [False, True])
def test_a_webp_of_another_mode_or_size_than_pillow_found_is_left_to_pillow(
    make_task: MakeTask, mode: str, size: tuple[int, int], *, is_shrunk: bool
) -> None:
    task = make_task(encoded(drawing("RGB"), "WEBP"), "image/webp")

    assert libwebp.decoded(task.source, mode, size, to=(SIZE[0] // 4, 20) if is_shrunk else size) is None


def test_a_pillow_that_hides_libwebp_reads_itself(
    make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make_task(encoded(drawing("RGB"), "WEBP"), "image/webp")
    assert libwebp.IS_THERE
    monkeypatch.setattr(libwebp, "IS_THERE", False)

    assert libwebp.decoded(task.source, "RGB", SIZE, to=SIZE) is None


@pytest.mark.parametrize("name", [name for name in STREAMED if not name.startswith("WebP")])
def test_pillow_reads_the_head_of_a_streamed_picture_alone(make_task: MakeTask, name: str) -> None:
    task = make_task(*STREAMED[name])
    with opened(task) as image:
        unread = list(image.tile)
        described(image)
        count_frames(image, task.source)
        assert image.tile == unread != []


def with_alpha(image: ImageFile, source: Path) -> Image.Image:
    image.load()
    return shrunk(png.with_alpha(image, source) if image.format == "PNG" else image, PREVIEW_EDGE)


@pytest.mark.parametrize("name", PILLOWS)
def test_what_the_two_read_differently_is_left_to_pillow(make_task: MakeTask, name: str) -> None:
    task = make_task(*PILLOWS[name])
    with opened(task) as image:
        assert not streamed.is_streamed(image, task.source)


def test_exif_data_behind_the_pixels_turns_the_picture(process: ProcessImage) -> None:
    summary = process(PLAIN[:-12] + EXIF_CHUNK + END, "image/png").summary

    assert (summary["width"], summary["height"], summary["exif"]) == (40, 70, {"orientation": 6})


def test_a_remark_behind_the_pixels_changes_nothing(make_task: MakeTask) -> None:
    task = make_task(PLAIN[:-12] + chunk(b"tEXt", b"date:create\0today") + END, "image/png")
    with opened(task) as image:
        assert streamed.is_streamed(image, task.source)


@pytest.mark.parametrize("name", [name for name in STREAMED if "PNG" in name])
def test_pixels_that_do_not_fit_their_checksum_are_refused(process: ProcessImage, name: str) -> None:
    payload = bytearray(STREAMED[name][0])
    payload[payload.index(b"IDAT") + 30] ^= 1

    refused = refusal(process, bytes(payload), "image/png")
    assert (refused.code, refused.detail) == (
        ProblemCode.INVALID_CONTENT,
        "The image is damaged: the checksum (CRC) of a chunk is wrong.",
    )


@pytest.mark.parametrize("name", [name for name in STREAMED if "16 bits with" not in name])
def test_half_a_streamed_picture_is_refused(process: ProcessImage, name: str) -> None:
    payload, media_type = STREAMED[name]

    refused = refusal(process, payload[: len(payload) // 2], media_type)
    assert (refused.code, refused.detail) == (ProblemCode.INVALID_CONTENT, "The image is damaged or cut off.")


@pytest.mark.parametrize("name", ["gif", "avif", "webp"])
def test_no_other_loader_can_be_reached(make_task: MakeTask, name: str) -> None:
    task = make_task(encoded(SMALL, name), f"image/{name}")
    loader = "heifload" if name == "avif" else f"{name}load"

    with pytest.raises(libvips.Unreadable, match="operation is blocked"):
        libvips.load(loader, task.source)


@pytest.mark.parametrize("loader", ["svgload", "csvload", "matrixload", "vipsload", "rawload"])
def test_nor_can_a_loader_of_no_format_that_is_taken(make_task: MakeTask, loader: str) -> None:
    task = make_task(b"1 2\n3 4\n", "text/csv")

    with pytest.raises(libvips.Unreadable, match="operation is blocked"):
        libvips.load(loader, task.source)


def test_libvips_starts_no_thread_before_its_first_work() -> None:
    said = subprocess.run([sys.executable, "-c", ONE_THREAD], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "1"

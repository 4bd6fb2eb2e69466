"""The colours of pixels: transparency by one colour, profiles, gamma, and areas that no frame covers."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageCms

from .test_image import ProcessImage, encoded, pixel, process, refusal

__all__ = ["process"]

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
SIZE = 32
TOLERANCE = 6


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(name + content))


def png(depth: int, colour: int, row: bytes, *chunks: bytes) -> bytes:
    """A square, all of whose rows are the same; the chunks stand before the pixels."""
    header = chunk(b"IHDR", struct.pack(">LLBBBBB", SIZE, SIZE, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + row) * SIZE))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + chunk(b"IEND", b"")


def halves(process: ProcessImage, payload: bytes, media_type: str = "image/png") -> list[tuple[int, ...]]:
    """A pixel of the left half and one of the right half, with alpha."""
    shown = process(payload, media_type).artifact().convert("RGBA")
    return [pixel(shown, (x, SIZE // 2)) for x in (SIZE // 4, SIZE * 3 // 4)]


def is_like(found: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = TOLERANCE) -> bool:
    return all(abs(one - other) <= tolerance for one, other in zip(found, wanted, strict=False))


def two(left: tuple[int, ...], right: tuple[int, ...]) -> bytes:
    """A row of samples of 16 bits: half of it of one pixel, half of another."""
    return b"".join(struct.pack(f">{len(one)}H", *one) * (SIZE // 2) for one in (left, right))


KEYED = {
    "grey, 1 bit": (1, GREY, b"\0\0\xff\xff", (0,)),
    "grey, 2 bits": (2, GREY, b"\x55" * 4 + b"\xaa" * 4, (1,)),
    "grey, 4 bits": (4, GREY, b"\x33" * 8 + b"\xaa" * 8, (3,)),
    "grey, 1 bit, and more of the colour set": (1, GREY, b"\0\0\xff\xff", (0x0100,)),
    "grey, 1 bit, white": (1, GREY, b"\xff\xff\0\0", (0xFF01,)),
    "grey, 4 bits, and more of the colour set": (4, GREY, b"\x33" * 8 + b"\xaa" * 8, (0x0F13,)),
    "grey, 8 bits, and more of the colour set": (8, GREY, b"\x33" * 16 + b"\xaa" * 16, (0x0133,)),
    "colours, 8 bits, and more of the colour set": (
        8,
        RGB,
        bytes((9, 8, 7)) * 16 + bytes((200, 100, 50)) * 16,
        (0x0109, 0x0208, 0xFF07),
    ),
    "grey, 8 bits": (8, GREY, b"\x33" * 16 + b"\xaa" * 16, (0x33,)),
    "grey, 16 bits": (16, GREY, two((0x3344,), (0xAAAA,)), (0x3344,)),
    "colours, 8 bits": (8, RGB, bytes((9, 8, 7)) * 16 + bytes((200, 100, 50)) * 16, (9, 8, 7)),
    "colours, 16 bits": (
        16,
        RGB,
        two((0x910, 0x820, 0x730), (0xC800, 0x6400, 0x3200)),
        (0x910, 0x820, 0x730),
    ),
}


@pytest.mark.parametrize("name", KEYED)
def test_the_transparent_colour_of_every_depth_is_transparent(process: ProcessImage, name: str) -> None:
    depth, colour, row, key = KEYED[name]
    payload = png(depth, colour, row, chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)))

    left, right = halves(process, payload)
    assert (left[3], right[3]) == (0, 255)
    assert is_like(right, halves(process, png(depth, colour, row))[1])


@pytest.mark.parametrize(
    ("colour", "nearly", "key"),
    [
        (GREY, (0x3345,), (0x3344,)),
        (GREY, (0x4433,), (0x0033,)),
        (RGB, (0x910, 0x820, 0x731), (0x910, 0x820, 0x730)),
        (RGB, (9 << 8, 8 << 8, 7 << 8), (9, 8, 7)),
    ],
)
def test_a_colour_that_differs_in_one_of_sixteen_bits_is_not_transparent(
    process: ProcessImage, colour: int, nearly: tuple[int, ...], key: tuple[int, ...]
) -> None:
    payload = png(16, colour, two(nearly, key), chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)))

    assert [found[3] for found in halves(process, payload)] == [255, 0]


def linear_grey() -> bytes:
    """An ICC profile of grey whose samples are amounts of light (ICC.1, 8.3)."""
    curve = b"curv" + bytes(4) + struct.pack(">L", 0)
    white = b"XYZ " + bytes(4) + struct.pack(">3l", 0xF6D6, 0x10000, 0xD32D)
    text = b"desc" + bytes(4) + struct.pack(">L", 2) + b"g\0" + bytes(78)
    tags, data = b"", b""
    at = 128 + 4 + 12 * 3
    for name, content in ((b"kTRC", curve), (b"wtpt", white), (b"desc", text)):
        padded = content + bytes(-len(content) % 4)
        tags += name + struct.pack(">LL", at + len(data), len(content))
        data += padded
    header = struct.pack(">L4sL4s4s4s", at + len(data), bytes(4), 0x02100000, b"mntr", b"GRAY", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3l", 0xF6D6, 0x10000, 0xD32D) + bytes(48)
    return header + struct.pack(">L", 3) + tags + data


PROFILE = chunk(b"iCCP", b"g\0\0" + zlib.compress(linear_grey()))
DARK = 87
#: An amount of light of 87/255, in sRGB.
LIGHTENED = 157


@pytest.mark.parametrize("suffix", ["", "alpha", "key", "16 bits", "16 bits, alpha", "16 bits, key"])
def test_a_profile_of_grey_counts_with_and_without_transparency(process: ProcessImage, suffix: str) -> None:
    rows = {
        "": (8, GREY, bytes((DARK,)) * SIZE),
        "alpha": (8, GREY_ALPHA, bytes((DARK, 200)) * SIZE),
        "key": (8, GREY, bytes((DARK,)) * SIZE),
        "16 bits": (16, GREY, two((DARK * 257,), (DARK * 257,))),
        "16 bits, alpha": (16, GREY_ALPHA, two((DARK * 257, 200 * 257), (DARK * 257, 200 * 257))),
        "16 bits, key": (16, GREY, two((DARK * 257,), (DARK * 257,))),
    }
    key = [chunk(b"tRNS", b"\0\1")] if "key" in suffix else []

    left, _ = halves(process, png(*rows[suffix], PROFILE, *key))
    assert is_like(left, (LIGHTENED,) * 3 + ((200 if "alpha" in suffix else 255),))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_profile_of_colours_counts_with_and_without_transparency(process: ProcessImage, mode: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    red = Image.new("RGBA", (SIZE, SIZE), (255, 0, 0, 128 if mode == "RGBA" else 255)).convert(mode)

    left, _ = halves(process, encoded(red, "PNG", icc_profile=exchanged))
    assert is_like(left, (0, 0, 255, 128 if mode == "RGBA" else 255), 20)


def test_a_profile_that_does_not_fit_is_left_out_of_account(process: ProcessImage) -> None:
    left, _ = halves(process, png(8, RGB, bytes((DARK,) * 3) * SIZE, PROFILE))

    assert is_like(left, (DARK,) * 3)


GAMMA_1 = chunk(b"gAMA", struct.pack(">L", 100_000))


@pytest.mark.parametrize(
    ("chunks", "brightness"),
    [
        ([GAMMA_1], 188),
        ([chunk(b"gAMA", struct.pack(">L", 45_455))], 128),
        ([chunk(b"gAMA", struct.pack(">L", 0))], 128),
        ([GAMMA_1, chunk(b"sRGB", b"\0")], 128),
    ],
    ids=["linear", "as sRGB", "zero", "sRGB says more"],
)
def test_gamma_is_applied_where_nothing_says_more(
    process: ProcessImage, chunks: list[bytes], brightness: int
) -> None:
    for payload in (
        png(8, RGB, bytes((128,) * 3) * SIZE, *chunks),
        png(8, GREY_ALPHA, bytes((128, 255)) * SIZE, *chunks),
    ):
        assert is_like(halves(process, payload)[0], (brightness,) * 3)


def test_a_wrong_checksum_is_named(process: ProcessImage) -> None:
    for name in (b"tEXt", b"tRNS"):
        wrong = chunk(name, b"\0\0")[:-1] + b"\0"
        refused = refusal(process, png(8, GREY, bytes(SIZE), wrong), "image/png")
        assert refused.detail == "The image is damaged: the checksum (CRC) of a chunk is wrong."

    cut = png(8, GREY, bytes(SIZE))[:-30]
    assert refusal(process, cut, "image/png").detail == "The image is damaged or cut off."


@pytest.mark.parametrize(("has_default", "frames"), [(True, 2), (False, 3)])
def test_the_default_image_of_an_animation_is_no_frame_of_it(
    process: ProcessImage, has_default: bool, frames: int
) -> None:
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    file = BytesIO()
    pictures[0].save(file, "PNG", save_all=True, append_images=pictures[1:], default_image=has_default)

    assert process(file.getvalue(), "image/png").summary["frames"] == frames


def gif(left: int) -> bytes:
    """All of one red frame, from `left` to the right edge; the background is red too."""
    width = SIZE - left
    frame = Image.new("P", (width, SIZE), 0)
    frame.putpalette([220, 30, 30] * 256)
    whole = encoded(frame, "GIF")
    at = whole.index(b",\0\0\0\0")
    descriptor = struct.pack("<BHHHH", 0x2C, left, 0, width, SIZE)
    return whole[:6] + struct.pack("<HH", SIZE, SIZE) + whole[10:at] + descriptor + whole[at + 9 :]


def test_what_no_frame_of_a_gif_covers_is_transparent(process: ProcessImage) -> None:
    left, right = halves(process, gif(SIZE // 2), "image/gif")
    assert left[3] == 0
    assert is_like(right, (220, 30, 30, 255))

    left, right = halves(process, gif(0), "image/gif")
    assert is_like(left, (220, 30, 30, 255))


@pytest.mark.parametrize(
    ("marker", "bits", "components", "variant"),
    [
        (0xC1, 12, 3, "12 bits per sample"),
        (0xC3, 16, 1, "lossless"),
        (0xC5, 8, 3, "hierarchical"),
        (0xC0, 8, 2, "2 components"),
    ],
)
def test_a_jpeg_of_a_variant_that_is_not_read_is_not_called_damaged(
    process: ProcessImage, marker: int, bits: int, components: int, variant: str
) -> None:
    whole = encoded(Image.new("RGB", (8, 8)), "JPEG")
    at = whole.index(b"\xff\xc0")
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 8 + 3 * components, bits, 8, 8, components)
    frame += b"".join(bytes((number, 0x11, 0)) for number in range(components))
    refused = refusal(process, whole[:at] + frame + whole[at + 19 :], "image/jpeg")

    assert refused.detail == f"The image is a JPEG of a variant that is not supported: {variant}."
    assert refusal(process, whole[: at + 30], "image/jpeg").detail == "The image is damaged or cut off."


def test_a_picture_of_palette_numbers_without_a_palette_is_damaged(process: ProcessImage) -> None:
    payload = png(8, 3, bytes(SIZE))

    assert refusal(process, payload, "image/png").detail == "The image is damaged or cut off."


def test_a_bitmap_of_a_variant_that_is_not_read_is_not_called_damaged(process: ProcessImage) -> None:
    whole = bytearray(encoded(Image.new("RGB", (8, 8)), "BMP"))
    whole[30] = 4  # a JPEG inside
    refused = refusal(process, bytes(whole), "image/bmp")

    assert refused.detail == "The image is a BMP of a variant that is not supported."

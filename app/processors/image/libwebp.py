"""The call of libwebp that shrinks a picture while it decodes, in the copy of libwebp that Pillow brings.

Pillow itself has no such call. libvips has, but its wheel compiles libwebp for size, which takes 1.4 times
as long, and decodes with a second thread. The structures are those of libwebp's decode.h. Each keeps room
for later versions.
"""

from ctypes import CDLL, Structure, addressof, byref, c_char, c_int, c_size_t, c_uint32, c_void_p
from pathlib import Path

from PIL import Image, _webp

#: WEBP_DECODER_ABI_VERSION. libwebp refuses a program whose high byte is another.
VERSION = 0x0209
#: WEBP_CSP_MODE, by Pillow's mode.
COLOURS = {"RGB": 0, "RGBA": 1}

#: A library that Pillow's module is linked with, so its names are found through that module.
_library = CDLL(_webp.__file__)
#: False where the names are not found, as in a Pillow that has libwebp compiled in.
IS_THERE = hasattr(_library, "WebPInitDecoderConfigInternal") and hasattr(_library, "WebPDecode")


class _Features(Structure):
    _fields_ = (
        ("width", c_int),
        ("height", c_int),
        ("has_alpha", c_int),
        ("has_animation", c_int),
        ("format", c_int),
        ("reserved", c_uint32 * 5),
    )


class _Pixels(Structure):
    """A WebPDecBuffer of colours in a memory of our own. The union is as large as its other part, of YUVA."""

    _fields_ = (
        ("colours", c_int),
        ("width", c_int),
        ("height", c_int),
        ("is_external", c_int),
        ("start", c_void_p),
        ("row_bytes", c_int),
        ("bytes", c_size_t),
        ("rest_of_union", c_size_t * 7),
        ("reserved", c_uint32 * 4),
        ("private_memory", c_void_p),
    )


class _Options(Structure):
    _fields_ = (
        ("bypass_filtering", c_int),
        ("no_fancy_upsampling", c_int),
        ("use_cropping", c_int),
        ("crop", c_int * 4),
        ("use_scaling", c_int),
        ("width", c_int),
        ("height", c_int),
        ("use_threads", c_int),
        ("dithering", c_int),
        ("flip", c_int),
        ("alpha_dithering", c_int),
        ("reserved", c_uint32 * 5),
    )


class _Config(Structure):
    _fields_ = (
        ("features", _Features),
        ("pixels", _Pixels),
        ("options", _Options),
    )


def decoded(source: Path, mode: str, size: tuple[int, int], *, to: tuple[int, int]) -> Image.Image | None:
    """Return a still picture of this mode and size, shrunk to another, or None if it cannot be read so."""
    if not IS_THERE:
        return None
    content = source.read_bytes()
    width, height = to
    pixels = bytearray(width * height * len(mode))
    config = _Config()
    if not _library.WebPInitDecoderConfigInternal(byref(config), VERSION):
        return None
    config.pixels.colours, config.pixels.is_external = COLOURS[mode], True
    config.pixels.start = addressof(c_char.from_buffer(pixels))
    config.pixels.row_bytes, config.pixels.bytes = width * len(mode), len(pixels)
    if size != to:
        config.options.use_scaling, config.options.width, config.options.height = True, width, height
    failed = _library.WebPDecode(content, c_size_t(len(content)), byref(config))
    found = config.features
    if failed or (found.width, found.height, bool(found.has_alpha)) != (*size, mode == "RGBA"):
        return None
    return Image.frombytes(mode, to, pixels)

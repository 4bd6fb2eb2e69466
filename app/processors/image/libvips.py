"""The few calls of libvips that shrink a picture, by the C interface in the wheel `pyvips-binary`.

pyvips itself has no wheel: it would be built on each machine, by tools that no lock
names. `_libvips` is the compiled interface that pyvips calls, so its names are known.

libvips works through a picture row by row, and holds no more of it than it needs. It
is started here, before the fork server forks, and has no thread until its first work.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

os.environ.setdefault("VIPS_WARNING", "0")  # its warnings would go to standard error
from _libvips import ffi, lib  # it reads the variable when it starts

#: The loaders that may be used. All other loaders and all savers are off.
LOADERS = ("VipsForeignLoadPng", "VipsForeignLoadTiff", "VipsForeignLoadJpegFile")
#: Pillow's mode by the format of a sample and the number of bands.
MODES = {
    ("uchar", 1): "L",
    ("uchar", 2): "LA",
    ("uchar", 3): "RGB",
    ("uchar", 4): "RGBA",
    ("ushort", 1): "I;16",
}
BANDS_WITH_ALPHA = (2, 4)
#: A picture is first averaged over whole pixels, down to this many times its size, as in render.py.
GAP = 2.0
#: A pointer to a VipsImage, which is freed with its last reference.
Picture = Any


class Unreadable(Exception):
    """libvips cannot read the file, or not without a warning."""


def load(loader: str, source: Path, **options: Any) -> Picture:
    """Open the file to be read once from top to bottom. Raises Unreadable."""
    settings = {"access": "sequential", "fail_on": "warning"} | options
    return _called(loader, {"filename": str(source)}, settings)


def size_of(picture: Picture) -> tuple[int, int]:
    return _number(picture, "width"), _number(picture, "height")


def in_eight_bits(picture: Picture) -> Picture:
    """Return a picture of several bands with the high byte of each sample, as Pillow reads them."""
    if _format(picture) != "ushort" or _number(picture, "bands") == 1:
        return picture
    return _called("msb", {"in": picture})


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return the picture in another size. What is transparent takes no part in the colours."""
    width, height = size_of(picture)
    if (width, height) == size:
        return picture
    scales = {"scale": size[0] / width, "vscale": size[1] / height, "gap": GAP}
    if _number(picture, "bands") not in BANDS_WITH_ALPHA:
        return _called("resize", {"in": picture}, scales)
    cast = {"format": _format(picture)}
    multiplied = _called("cast", {"in": _called("premultiply", {"in": picture})}, cast)
    smaller = _called("resize", {"in": multiplied}, scales)
    return _called("cast", {"in": _called("unpremultiply", {"in": smaller})}, cast)


def pixels_of(picture: Picture) -> Image.Image:
    """Read the file, which was only opened until now, and return its pixels. Raises Unreadable."""
    mode = MODES.get((_format(picture), _number(picture, "bands")))
    if mode is None:
        raise Unreadable("the samples are of another form")
    length = ffi.new("size_t *")
    memory = lib.vips_image_write_to_memory(picture, length)
    if memory == ffi.NULL:
        raise _failure()
    try:
        return Image.frombytes(mode, size_of(picture), ffi.buffer(memory, length[0]))
    finally:
        lib.g_free(memory)


def complaints(loader: str, source: Path, **options: Any) -> str:
    """Read the file to its end, and return what its decoder says of damages that it can read over."""
    lib.vips_error_clear()
    try:
        pixels_of(load(loader, source, fail_on="none", **options))
    except Unreadable as error:
        return str(error)
    return str(_failure())


def _start() -> None:
    if lib.vips_init(b"wharf") != 0:
        raise _failure()
    lib.vips_block_untrusted_set(1)
    for family in (b"VipsForeignLoad", b"VipsForeignSave"):
        lib.vips_operation_block_set(family, 1)
    for loader in LOADERS:
        lib.vips_operation_block_set(loader.encode(), 0)
    lib.vips_concurrency_set(1)
    lib.vips_cache_set_max(0)


def _called(name: str, inputs: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> Picture:
    """Carry out the operation and return its picture. Inputs are pictures or texts."""
    operation = _owned(lib.vips_operation_new(name.encode()))
    for key, value in inputs.items():
        _give(operation, key, value)
    settings = ",".join(f"{key}={value}" for key, value in (options or {}).items())
    if lib.vips_object_set_from_string(ffi.cast("VipsObject *", operation), settings.encode()) != 0:
        raise _failure()
    built = lib.vips_cache_operation_build(operation)
    done = operation if built == ffi.NULL else _owned(built)
    try:
        if built == ffi.NULL:
            raise _failure()
        return _output(done)
    finally:
        lib.vips_object_unref_outputs(ffi.cast("VipsObject *", done))


def _give(operation: Any, key: str, value: Any) -> None:
    is_text = isinstance(value, str)
    with _value(b"gchararray" if is_text else b"VipsImage") as held:
        if is_text:
            lib.g_value_set_string(held, os.fsencode(value))
        else:
            lib.g_value_set_object(held, value)
        lib.g_object_set_property(ffi.cast("GObject *", operation), key.encode(), held)


def _output(operation: Any) -> Picture:
    with _value(b"VipsImage") as held:
        lib.g_object_get_property(ffi.cast("GObject *", operation), b"out", held)
        picture = ffi.cast("VipsImage *", lib.g_value_get_object(held))
        lib.g_object_ref(picture)
    return _owned(picture)


def _number(picture: Picture, name: str) -> int:
    with _value(b"gint") as held:
        lib.g_object_get_property(ffi.cast("GObject *", picture), name.encode(), held)
        return int(lib.g_value_get_int(held))


def _format(picture: Picture) -> str:
    """Return the name of the format of a sample, such as "uchar"."""
    with _value(b"VipsBandFormat") as held:
        lib.g_object_get_property(ffi.cast("GObject *", picture), b"format", held)
        nick = lib.vips_enum_nick(lib.vips_band_format_get_type(), lib.g_value_get_enum(held))
    return str(ffi.string(nick).decode())


@contextmanager
def _value(type_name: bytes) -> Iterator[Any]:
    """Lend a GValue, in which GLib passes what has a type."""
    held = ffi.new("GValue *")
    lib.g_value_init(held, lib.g_type_from_name(type_name))
    try:
        yield held
    finally:
        lib.g_value_unset(held)


def _owned(pointer: Any) -> Any:
    if pointer == ffi.NULL:
        raise _failure()
    return ffi.gc(pointer, lib.g_object_unref)


def _failure() -> Unreadable:
    reason = ffi.string(lib.vips_error_buffer()).decode(errors="replace")
    lib.vips_error_clear()
    return Unreadable(reason)


_start()

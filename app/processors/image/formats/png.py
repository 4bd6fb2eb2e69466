"""PNG: the colour that stands for transparency, at less or more than 8 bits; gamma; checksums; rows.

Pillow compares that colour with pixels that it has made 8 bits wide before. What
the chunk tRNS holds is meant for the pixels as they are stored (PNG, 11.3.1.1).
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageChops
from PIL.ImageFile import ImageFile

SIGNATURE_BYTES = 8
PIECE_BYTES = 1 << 18
#: At most, this unpacks to four megabytes.
PACKED_PIECE_BYTES = 4096
GREY, RGB, GREY_WITH_ALPHA = 0, 2, 4
#: The samples of a pixel by the colour type.
SAMPLES = {GREY: 1, RGB: 3, 3: 1, GREY_WITH_ALPHA: 2, 6: 4}
#: The place in the file where depth, colour type, two methods and interlacing, a byte each, follow the size.
DEPTH_AT = 24
#: The points at which the passes of an interlaced picture begin, and their steps, across and down (PNG, 8.2).
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
WHOLE = ((0, 0, 1, 1),)
#: The bytes of its sequence number, with which a chunk of a frame's pixels begins.
SEQUENCE_BYTES = 4
SIXTEEN_BITS = 1 << 16
#: A format with the wrong byte order, in which only the low byte of each sample remains.
LOW_BYTES = "RGB;16L"
SRGB_GAMMA = 1 / 2.2
#: The share by which gamma may differ from that of sRGB before it is applied; libpng's threshold.
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
    # Only the lowest bits of the colour count (PNG, 11.3.1.1), also where Pillow looks at more.
    highest = 2**depth - 1
    stored = _transparent_colour(source)
    if colour_type == GREY:
        image.info["transparency"] = (stored[0] & highest) * 255 // highest
    else:
        image.info["transparency"] = tuple(value & highest for value in stored)
    return image


def is_plain(image: ImageFile, source: Path) -> bool:
    """True if libvips reads the picture as Pillow does.

    Its rows are in their order, no colour outside of a palette is transparent, all
    is said before the pixels, and all checksums are right, which libvips does not see.
    """
    if "interlace" in image.info or ("transparency" in image.info and image.mode != "P"):
        return False
    names = _sound_chunks(source)
    pixels = names.index(b"IDAT") if b"IDAT" in names else len(names)
    return b"acTL" not in names and {*names[pixels:]} == {b"IDAT", b"IEND"}


def _sound_chunks(source: Path) -> list[bytes]:
    """Return the names of all chunks but remarks, up to one that does not fit its checksum.

    The file is read in pieces: mapped into memory, all of it would count as used.
    """
    names = []
    with source.open("rb") as file:
        file.seek(SIGNATURE_BYTES)
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">L4s", head)
            start = piece = file.read(min(length, PIECE_BYTES))
            checksum = zlib.crc32(piece, zlib.crc32(name))
            while (length := length - len(piece)) and (piece := file.read(min(length, PIECE_BYTES))):
                checksum = zlib.crc32(piece, checksum)
            if length or file.read(4) != struct.pack(">L", checksum):
                break
            if not _is_remark(name, start):
                names.append(name)
    return names


def _is_remark(name: bytes, content: bytes) -> bool:
    """True for the time of the last change, and for text that holds no EXIF data, as it may."""
    return name == b"tIME" or (name == b"tEXt" and not content.startswith(b"Raw profile type"))


def refuse_missing_rows(image: ImageFile, source: Path) -> None:
    """Raise EOFError if rows of the picture are missing, which Pillow shows in black.

    It is raised as well if frames of an animation are missing, or rows of its last one: it is cut off.
    """
    pixels: list[tuple[int, int]] = []
    frames, last, size_of_last = 0, pixels, image.size
    with source.open("rb") as file:
        file.seek(at := SIGNATURE_BYTES)
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">L4s", head)
            at += 8
            match name:
                case b"IDAT":
                    pixels.append((at, length))
                case b"fcTL" if len(control := file.read(12)) == 12:
                    frames += 1
                    size_of_last = struct.unpack_from(">LL", control, 4)
                    last = [] if pixels else pixels
                case b"fdAT" if last is not pixels and length > SEQUENCE_BYTES:
                    last.append((at + SEQUENCE_BYTES, length - SEQUENCE_BYTES))
            at += length + 4
            file.seek(at)
    is_animated = getattr(image, "is_animated", False)
    if is_animated and frames < getattr(image, "n_frames", 1) - bool(image.info.get("default_image")):
        raise EOFError("frames are missing")
    _refuse_too_short(source, pixels, image.size)
    if is_animated and last is not pixels:
        _refuse_too_short(source, last, size_of_last)


def _refuse_too_short(source: Path, places: list[tuple[int, int]], size: tuple[int, int]) -> None:
    """Raise EOFError if the pieces, which lie at these places, unpack to less than the rows of this size."""
    with source.open("rb") as file:
        file.seek(DEPTH_AT)
        depth, colour_type, _, _, is_interlaced = file.read(5)
        missing = 0
        for left, top, across, down in PASSES if is_interlaced else WHOLE:
            columns, rows = -(-(size[0] - left) // across), -(-(size[1] - top) // down)
            if columns > 0:
                missing += max(0, rows) * (1 + -(-columns * depth * SAMPLES[colour_type] // 8))
        unpacked = zlib.decompressobj()
        for start, length in places:
            at = file.seek(start)
            end = start + length
            while missing > 0 and (piece := file.read(min(end - at, PACKED_PIECE_BYTES))):
                at += len(piece)
                missing -= len(unpacked.decompress(piece))
    if missing > 0:
        raise EOFError("rows are missing")


def gamma_of(image: ImageFile) -> float | None:
    """Return the gamma to undo, or None if the samples are like those of sRGB or described in another way."""
    gamma = image.info.get("gamma")
    if not gamma or "srgb" in image.info or "icc_profile" in image.info:
        return None
    return None if abs(gamma / SRGB_GAMMA - 1) < GAMMA_TOLERANCE else float(gamma)


def has_wrong_checksum(source: Path) -> bool:
    """True if a chunk, up to where the file ends or is cut off, does not fit its checksum."""
    return any(
        zlib.crc32(content, zlib.crc32(name)) != checksum for name, content, checksum in _chunks(source)
    )


def _transparent_colour(source: Path) -> tuple[int, ...]:
    """Return the samples of the chunk tRNS, which is there."""
    found = next(bytes(content) for name, content, _ in _chunks(source) if name == b"tRNS")
    return struct.unpack(f">{len(found) // 2}H", found)


def _chunks(source: Path) -> Iterator[tuple[bytes, memoryview, int]]:
    """Yield the name, the content and the checksum of each chunk that is whole."""
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
                return
            with view[at + 8 : end] as content:
                yield bytes(view[at + 4 : at + 8]), content, struct.unpack_from(">L", view, end)[0]
            at = end + 4


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

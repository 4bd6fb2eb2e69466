"""How many frames (GIF, PNG, WebP, AVIF) or pages (TIFF) there are, and what the first one leaves uncovered.

They are counted without decoding them. Pillow decodes, or reads the tags of,
every frame that it counts; a file may hold millions. Here GIF and TIFF are walked
from frame to frame, up to a bound.
"""

import mmap
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from PIL import Image
from PIL.ImageFile import ImageFile

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.image.formats.tiff import OFFSETS_AND_LENGTHS

MOST_FRAMES = 10_000
#: Strips and tiles of pages behind the first. If there are more of them, the rest is not looked for.
MOST_STRIPS = 1_000_000
PLACES = {tag for pair in OFFSETS_AND_LENGTHS for tag in pair}
#: The codes of whole numbers in `struct`, by the number of their type.
WHOLE_NUMBERS = {3: "H", 4: "L", 16: "Q"}
GIF_HEADER_BYTES = 13
GIF_DESCRIPTOR_BYTES = 9
DESCRIPTOR, TRAILER = b",", b";"
#: How a block begins: an image, the end, an extension.
GIF_BLOCK = re.compile(rb"[,;!]")


def count_frames(image: ImageFile, source: Path) -> int:
    """Raises InvalidPayload above MOST_FRAMES.

    A JPEG is one picture: what may follow it are previews and depth maps. A PNG's
    default image is not one of its frames unless the animation says so.
    """
    match image.format:
        case "JPEG" | "MPO":
            return 1
        case "GIF":
            frames = _walked(source, gif_frames)
        case "TIFF":
            frames = _walked(source, tiff_pages)
        case _:
            frames = getattr(image, "n_frames", 1) - bool(image.info.get("default_image"))
    if frames > MOST_FRAMES:
        detail = f"The image has more than {MOST_FRAMES} frames."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)
    return frames


def first_frame(image: ImageFile) -> Image.Image:
    """Return the first frame of a GIF; what it leaves uncovered is transparent, as in browsers."""
    whole = (0, 0, *image.size)
    box = image.tile[0].extents if image.tile else None
    if box is None or box == whole:
        return image
    canvas = Image.new("RGBA", image.size)
    canvas.paste(image.convert("RGBA").crop(box), box)
    return canvas


def gif_frames(data: mmap.mmap) -> Iterator[int]:
    """Yield the offset of each image descriptor. What is not a block is skipped, as decoders do.

    A first image without an end is all that there is: Pillow decides whether it is whole.
    """
    frames = 0
    at = GIF_HEADER_BYTES + _color_table_bytes(data[10])
    while (block := GIF_BLOCK.search(data, at)) and block[0] != TRAILER:
        at = block.end()
        if block[0] == DESCRIPTOR:
            yield at
            frames += 1
            # one byte, the size of the first codes, stands before the data
            at += GIF_DESCRIPTOR_BYTES + _color_table_bytes(data[at + 8]) + 1
        else:
            at += 1
        try:
            while size := data[at]:
                at += size + 1
        except IndexError:
            if frames == 1 and block[0] == DESCRIPTOR:
                return
            raise
        at += 1


def tiff_pages(data: mmap.mmap) -> Iterator[int]:
    """Yield the offset of each directory of the chain, which may not run in a circle.

    Raise EOFError if pixels of a page behind the first, which alone is decoded, lie outside of the file.
    """
    order = "<" if data[:2] == b"II" else ">"
    is_big = 43 in data[2:4]
    count, entry_bytes, offset = ("Q", 20, "Q") if is_big else ("H", 12, "L")
    seen: set[int] = set()
    strips = 0
    (at,) = struct.unpack_from(order + offset, data, 8 if is_big else 4)
    while at and at not in seen:
        yield at
        (entries,) = struct.unpack_from(order + count, data, at)
        first = at + struct.calcsize(count)
        if seen and strips < MOST_STRIPS:
            places = (first + entry_bytes * number for number in range(entries))
            strips += _refuse_pixels_outside(data, order, offset, places, MOST_STRIPS - strips)
        seen.add(at)
        (at,) = struct.unpack_from(order + offset, data, first + entries * entry_bytes)


def _refuse_pixels_outside(
    data: mmap.mmap, order: str, offset: str, entries: Iterable[int], most: int
) -> int:
    """Raise EOFError if a strip or tile does not lie in the file. Return how many of them were looked at."""
    found: dict[int, Sequence[int]] = {}
    for entry in entries:
        tag, kind, count = struct.unpack_from(f"{order}HH{offset}", data, entry)
        if tag in PLACES and kind in WHOLE_NUMBERS and count <= most:
            numbers = f"{order}{count}{WHOLE_NUMBERS[kind]}"
            at = entry + 4 + struct.calcsize(order + offset)
            if struct.calcsize(numbers) > struct.calcsize(order + offset):
                (at,) = struct.unpack_from(order + offset, data, at)
            found[tag] = struct.unpack_from(numbers, data, at)
    for offsets, lengths in OFFSETS_AND_LENGTHS:
        for start, length in zip(found.get(offsets, ()), found.get(lengths, ()), strict=False):
            if start + length > len(data):
                raise EOFError("the pixels of a page are missing")
    return sum(map(len, found.values()))


def _walked(source: Path, walk: Callable[[mmap.mmap], Iterator[int]]) -> int:
    """Count the frames. Raise EOFError if the file ends, or leads nowhere, behind the first of them."""
    found = 0
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            for _ in islice(walk(data), MOST_FRAMES + 1):
                found += 1
        except (IndexError, struct.error, OverflowError) as error:
            raise EOFError("frames are missing") from error
    return max(found, 1)


def _color_table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0

"""HEIF, as phones write it: pictures in HEVC, which pi-heif reads for Pillow by libheif and libde265.

pi-heif holds no encoder. pillow-heif, which has the same authors, holds one under the
GPL (x265), so it may not stand in for it.

libheif turns a picture upright while it decodes it. How it was stored is in Pillow's
`info`, as `original_orientation`.
"""

import re
import struct
from contextlib import suppress
from pathlib import Path

import pi_heif

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.texts import read_head

#: The property "image spatial extents" (ISO/IEC 23008-12, 6.5.3): version, flags, width and height.
STORED_SIZE = re.compile(rb"ispe\0{4}(.{8})", re.DOTALL)

pi_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)


def stored_pixels(source: Path) -> int:
    """Return the pixels of the largest picture, uncropped: decoding takes memory for all of them."""
    sizes = [struct.unpack(">LL", found) for found in STORED_SIZE.findall(read_head(source))]
    return max((width * height for width, height in sizes), default=0)


def explain_failure(source: Path) -> InvalidPayload | None:
    """Return the reason if none of a sound file's pictures is in a codec that is read, else None."""
    with suppress(ValueError, EOFError, SyntaxError, RuntimeError, OSError):
        if not len(pi_heif.open_heif(source)):
            detail = (
                "The image is a HEIF of a variant that is not supported: none of its pictures is in HEVC."
            )
            return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    return None

"""JPEG: which variants of it are not read, how often its scans go over the picture, if they end early."""

import mmap
import re
from pathlib import Path

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.image import libvips
from app.processors.texts import read_head

MARKER = 0xFF
START_OF_SCAN = 0xDA
#: Markers that start a frame, less the tables that use numbers from the same range (ITU T.81, table B.1).
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
HIERARCHICAL = {0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF}
COMPONENTS = (1, 3, 4)
#: In the data of a scan, FF stands before 00, another FF or the number of a restart; here it is a marker.
#: 01 (TEM) stands alone, as a restart does: no length follows (ITU T.81, B.1.1.3).
NEXT_MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd7]")
END_OF_IMAGE = 0xD9
#: The words of libjpeg for a marker where samples should follow, and for the end where they should go on.
ENDS_TOO_EARLY = ("premature end of data segment", "found marker 0xd9 instead of RST")
#: The words of libjpeg, libvips and GLib for a lack of memory.
WITHOUT_MEMORY = ("Insufficient memory", "out of memory", "unable to create thread")
#: The smallest size at which libjpeg decodes. The time goes into the data, all of which is read.
SMALLEST = 8


def count_scans(source: Path) -> int:
    """Return how many scans the first picture has. Each is a pass over all its pixels, however few its bytes.

    A segment is skipped as a whole, since it may hold a picture of its own (ITU T.81, B.1.1.4).
    """
    scans, at = 0, 2
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        while (marker := NEXT_MARKER.search(data, at)) and (kind := marker[0][1]) != END_OF_IMAGE:
            scans += kind == START_OF_SCAN
            at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return scans


def refuse_missing_data(source: Path) -> None:
    """Raise EOFError if a marker cuts a scan off, which Pillow does not tell: it shows the rest in grey.

    Raise MemoryError if there is not enough memory to find out.
    """
    complaints = libvips.complaints("jpegload", source, shrink=SMALLEST)
    if any(words in complaints for words in ENDS_TOO_EARLY):
        raise EOFError(complaints)
    if any(words in complaints for words in WITHOUT_MEMORY):
        raise MemoryError(complaints)


def explain_failure(source: Path) -> InvalidPayload | None:
    """Return the reason if the file is of a variant that is not read, else None."""
    frame = _frame(read_head(source))
    if frame is None:
        return None
    kind, bits, components = frame
    if kind in HIERARCHICAL:
        variant = "hierarchical"
    elif kind in LOSSLESS:
        variant = "lossless"
    elif bits != 8:
        variant = f"{bits} bits per sample"
    elif components not in COMPONENTS:
        variant = f"{components} components"
    else:
        return None
    detail = f"The image is a JPEG of a variant that is not supported: {variant}."
    return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)


def _frame(head: bytes) -> tuple[int, int, int] | None:
    """Return the kind of frame, its bits per sample and its number of components."""
    at = 2
    while at + 10 <= len(head) and head[at] == MARKER and head[at + 1] != START_OF_SCAN:
        kind = head[at + 1]
        if kind in FRAMES:
            return kind, head[at + 4], head[at + 9]
        at += 1 if kind == MARKER else 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None

"""JPEG: which variants of it are not read, so that sound files are not called damaged."""

from pathlib import Path

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.texts import read_head

MARKER = 0xFF
START_OF_SCAN = 0xDA
#: Start of frame, less the tables that use numbers from the same range (ITU T.81, table B.1).
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
LOSSLESS = {0xC3, 0xC7, 0xCB, 0xCF}
HIERARCHICAL = {0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF}
COMPONENTS = (1, 3, 4)


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

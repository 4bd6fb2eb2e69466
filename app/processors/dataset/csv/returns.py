"""Decides if a carriage return that stands alone ends a row.

It does in texts of old Macs, which have no line feeds. In others it is a character of
its cell, unless all rows are equally long only where it ends them.
"""

from pathlib import Path

from app.domain.errors import InvalidPayload
from app.processors.dataset.csv.rows import Dialect, rows_of

CHUNK_BYTES = 1024 * 1024


def keeps_returns(path: Path, dialect: Dialect) -> bool:
    """True if carriage returns that stand alone are part of their cells."""
    if not _has_bare_return(path):
        return False
    bare, feeds = _ends_outside_quotes(path, dialect)
    return 0 < bare < feeds and not _all_rows_are_alike(path, dialect)


def _has_bare_return(path: Path) -> bool:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if chunk.endswith(b"\r"):
                chunk += file.read(1)
            if b"\r" in chunk and chunk.count(b"\r") > chunk.count(b"\r\n"):
                return True
    return False


def _ends_outside_quotes(path: Path, dialect: Dialect) -> tuple[int, int]:
    """Return how many bare carriage returns and how many line feeds stand outside quotes."""
    bare = feeds = 0
    inside = False
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if chunk.endswith(b"\r"):
                chunk += file.read(1)
            parts = chunk.split(dialect.quote.encode()) if dialect.quote else [chunk]
            outside = b'"'.join(parts[inside::2])
            feeds += outside.count(b"\n")
            bare += outside.count(b"\r") - outside.count(b"\r\n")
            inside ^= len(parts) % 2 == 0
    return bare, feeds


def _all_rows_are_alike(path: Path, dialect: Dialect) -> bool:
    try:
        widths = {len(row) for row in rows_of(path, dialect)}
    except InvalidPayload:
        return False
    return len(widths) == 1 and widths != {1}

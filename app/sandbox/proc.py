"""Reads the files of /proc, several for each child, by fewer steps than Path's own readers take."""

import os

PART_BYTES = 65_536


def read(path: str) -> bytes:
    """Return what the file holds now. Raises OSError if its process is gone, or there is no /proc."""
    file = os.open(path, os.O_RDONLY)
    try:
        told = b""
        while part := os.read(file, PART_BYTES):
            told += part
        return told
    finally:
        os.close(file)

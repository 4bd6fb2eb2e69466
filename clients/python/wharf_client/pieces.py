"""Bytes to upload: a file or a value, and a piece of it that one request carries."""

import hashlib
import io
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from wharf_client.errors import SourceChanged

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes that can be read more than once, because a request may be repeated."""

    open: Callable[[], BinaryIO]
    size: int

    @classmethod
    def of(cls, given: Path | str | bytes) -> "Source":
        """Return the source of a file, or of the bytes themselves."""
        if isinstance(given, bytes):
            return cls(partial(io.BytesIO, given), len(given))
        path = Path(given)
        return cls(partial(_open, path), path.stat().st_size)

    def sha256(self) -> str:
        with self.open() as file:
            return digest(file)


@dataclass(frozen=True, slots=True)
class Piece:
    source: Source
    offset: int
    size: int
    #: Called with the number of bytes of this piece that were sent so far.
    report: Callable[[int], None]

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield the bytes. Raises SourceChanged if they end too early."""
        sent = 0
        with self.source.open() as file:
            file.seek(self.offset)
            while sent < self.size:
                chunk = file.read(min(CHUNK_BYTES, self.size - sent))
                if not chunk:
                    raise SourceChanged("The file became shorter while it was uploaded.")
                yield chunk
                sent += len(chunk)
                self.report(sent)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def digest(file: BinaryIO) -> str:
    """Return the SHA-256 of what follows in a file."""
    found = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        found.update(chunk)
    return found.hexdigest()

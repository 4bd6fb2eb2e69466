"""Tells if the disk has room for what a request brings.

The emulator answers an upload before it is sure to have stored it, and writes the table only
when it stops. So its door refuses in time what would not fit, and keeps room for both.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.local.doors.signatures import Refused

MEBIBYTE = 1024 * 1024
#: The room kept free for the emulator's own files and logs, and for the artifacts of uploaded payloads.
KEPT_BYTES = 4 * MEBIBYTE
#: A disk with this much room is not full, though a larger upload may be refused.
ENOUGH_BYTES = 64 * MEBIBYTE
#: The room that a file takes beyond its bytes: the rest of its last block, and a file that describes it.
BESIDE_A_FILE_BYTES = 8 * 1024
#: The emulator writes its state beside the old one, before it removes that.
COPIES_OF_THE_STATE = 2


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """The space on a disk, in bytes."""

    free: int
    #: The space that must stay free for uploads and records that are not written yet.
    promised: int

    @property
    def for_uploads(self) -> int:
        return self.free - self.promised - 2 * KEPT_BYTES

    @property
    def for_artifacts(self) -> int:
        return self.free - self.promised - KEPT_BYTES

    @property
    def for_records(self) -> int:
        return self.free - self.promised - KEPT_BYTES // 4


@dataclass(slots=True)
class Disk:
    """The disk that holds the emulator's state. It knows what is promised, and not yet written."""

    folder: Path
    #: Bytes of the table and the like when it was last written, and of what was added since.
    state: int = 0
    coming: int = 0
    #: Bytes by upload in parts. The emulator writes them when the upload is complete.
    parts: dict[str, int] = field(default_factory=dict)
    #: How many requests found no room, and how much the last one needed.
    refusals: int = 0
    refused: int = 0

    @classmethod
    def of(cls, folder: Path) -> "Disk":
        files = folder.glob("*.json") if folder.exists() else ()
        return cls(folder, state=sum(file.stat().st_size for file in files))

    def space(self) -> DiskSpace:
        existing = next(one for one in (self.folder, *self.folder.parents) if one.exists())
        promised = self.coming + sum(self.parts.values()) + COPIES_OF_THE_STATE * self.state
        return DiskSpace(shutil.disk_usage(existing).free, promised)

    def is_full(self) -> bool:
        """True if there is no room for an upload like the last one that was refused."""
        return self.space().for_uploads < max(1, min(self.refused, ENOUGH_BYTES))

    def told(self) -> Mapping[str, int]:
        """Return what the terminal and `/readyz` tell."""
        return {"is_full": self.is_full(), "refusals": self.refusals, "refused": self.refused}

    @contextmanager
    def expecting(self, size: int, *, is_upload: bool) -> Iterator[None]:
        """Keep room for a file while it arrives. Raises Refused if there is none."""
        needed = size + BESIDE_A_FILE_BYTES
        space = self.space()
        if needed > (space.for_uploads if is_upload else space.for_artifacts):
            raise self._refusal(needed)
        self.coming += needed
        try:
            yield
        finally:
            self.coming -= needed

    @contextmanager
    def expecting_part(self, upload: str, size: int) -> Iterator[None]:
        """Keep room for a part until `end_parts`. Raises Refused if there is none."""
        with self.expecting(size, is_upload=True):
            yield
        self.parts[upload] = self.parts.get(upload, 0) + size

    @contextmanager
    def end_parts(self, upload: str) -> Iterator[None]:
        yield
        self.parts.pop(upload, None)

    def add_record(self, size: int) -> None:
        """Count what a request adds to the table. Raises Refused if there would be no room to write it."""
        if COPIES_OF_THE_STATE * size > self.space().for_records:
            raise self._refusal(size)
        self.state += size

    def _refusal(self, size: int) -> Refused:
        self.refusals += 1
        self.refused = size
        return Refused(507, "InsufficientStorage", f"The disk has no room for {size} bytes more.")

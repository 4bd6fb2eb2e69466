"""Tells people and `/readyz` that the disk is full, which only the door of the emulator finds out."""

import time
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import Unavailable
from app.local.aws.emulator import Emulator

LOOK_SECONDS = 2.0
#: The name of the check in `/readyz`.
CHECK = "disk (it has no room)"


@dataclass(slots=True)
class DiskWatch:
    emulator: Emulator
    folder: Path
    _refusals: int = 0
    _is_full: bool = False
    _look_next: float = 0.0

    def check(self) -> None:
        """Raise Unavailable if uploads are refused."""
        if self.emulator.disk().get("is_full"):
            raise Unavailable("The disk has no room for uploads.")

    def look(self) -> None:
        """Tell on the terminal when something is refused for lack of room, and when there is room again."""
        if time.monotonic() < self._look_next:
            return
        self._look_next = time.monotonic() + LOOK_SECONDS
        told = self.emulator.disk()
        if told.get("refusals", 0) > self._refusals:
            self._refusals, self._is_full = told["refusals"], True
            print(f"The disk of {self.folder} is full: {told['refused']} bytes were refused.", flush=True)
        elif self._is_full and told and not told["is_full"]:
            self._is_full = False
            print(f"There is room in {self.folder} again.", flush=True)

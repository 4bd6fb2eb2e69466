"""A row of the table of controls."""

from dataclasses import dataclass
from pathlib import Path


class Misplaced(Exception):
    """The text of a control does not stand in its file exactly once."""


@dataclass(frozen=True, slots=True)
class Row:
    #: A description of the control, in a few words.
    control: str
    #: The file in which it stands, below the root of the repository.
    file: str
    #: Its exact text; it stands there once.
    text: str
    #: The text in its place when the control is gone.
    without: str
    #: The tests that must fail then, each of them: files in which one fails, or names in files.
    tests: tuple[str, ...]
    #: True if the tests need rights that only root has.
    needs_root: bool = False

    @property
    def is_quick(self) -> bool:
        """True if its tests start no emulator."""
        return not any(test.startswith(("tests/system", "tests/contracts")) for test in self.tests)

    def removed_from(self, root: Path) -> str:
        """Return the file's text without the control. Raises Misplaced."""
        written = (root / self.file).read_text(encoding="utf-8")
        if written.count(self.text) != 1:
            raise Misplaced(
                f"{self.file}: the text of “{self.control}” stands there {written.count(self.text)} times"
            )
        return written.replace(self.text, self.without)

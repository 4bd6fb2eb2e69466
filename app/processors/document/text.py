"""A document's text as it is stored: UTF-8 without a byte order mark, and counted.

PDF and plain text are both written to it.
"""

from pathlib import Path
from typing import Any

from app.processors.texts import recognise_text


class TextFile:
    """A UTF-8 file being written, and its number of characters and words.

    A word is a run of characters other than white space.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self.characters = 0
        self._words = 0
        self._is_in_word = False

    def close(self) -> None:
        self._file.close()

    def write(self, text: str) -> None:
        """Add a piece of the text; pieces may be cut anywhere, also within a word."""
        if not text:
            return
        self._file.write(text)
        self.characters += len(text)
        self._words += len(text.split()) - (self._is_in_word and not text[0].isspace())
        self._is_in_word = not text[-1].isspace()

    def end_page(self) -> None:
        """Write a form feed on a line of its own, which is not counted."""
        self._file.write("\n\f\n")
        self._is_in_word = False

    def counts(self) -> dict[str, int]:
        return {"characters": self.characters, "words": self._words}


def rewrite_text(source: Path, charset: str | None, target: TextFile) -> dict[str, Any]:
    """Copy a text in any encoding, and return what the summary says of one that is in doubt.

    `charset` is the declared one. Raises InvalidPayload if the encoding is not that
    one or cannot be told, or if the text holds NUL characters.
    """
    text = recognise_text(source, charset)
    for piece in text.pieces():
        target.write(piece)
    if not (text.is_guessed or text.replaced):
        return {}
    return {
        "encoding": text.encoding,
        "encoding_guessed": text.is_guessed,
        "replaced_characters": text.replaced,
    }

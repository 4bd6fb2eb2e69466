"""From the client's bytes to plain text on disk: UTF-8, unpacked, without a byte order mark.

The limits that must hold before any parser sees the text are checked on the way.
Neither CSV nor JSON is known here.
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.errors import InvalidPayload, ProblemCode
from app.domain.media_types import GZIP
from app.processors.dataset.engine import scratch, superseded
from app.processors.recognition import check_text, recognise
from app.processors.report import Task
from app.processors.texts import CHUNK_BYTES, recognise_text

#: Encodings whose bytes are UTF-8 as they are.
PLAIN = {"utf-8", "ascii"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """UTF-8 text without a byte order mark, and what it was when it came."""

    path: Path
    encoding: str
    #: True if neither the client nor a byte order mark said the encoding, and it was not valid UTF-8.
    encoding_guessed: bool
    #: How many characters were not valid, and are now U+FFFD.
    replaced_characters: int
    compression: str | None

    def how(self) -> dict[str, Any]:
        """Return the entries of the profile that say how the text was read."""
        return {name: getattr(self, name) for name in HOW}


HOW = ("encoding", "encoding_guessed", "replaced_characters", "compression")


def plain_text(task: Task, *, must_be_unicode: bool = False) -> Text:
    """Unpack and decode the task's source. If no charset is declared, it can be required to be Unicode.

    Raises InvalidPayload if the source is empty, of another media type, too large,
    damaged, in an encoding that cannot be told, or holds a NUL character.
    """
    charset = task.parameters.get("charset")
    packed = recognise(task.source) == GZIP
    path = _unpack(task) if packed else task.source
    check_text(path, task.media_type, charset)
    text = recognise_text(path, charset, must_be_unicode=must_be_unicode)
    if text.encoding not in PLAIN or text.mark_bytes or text.replaced:
        path = scratch(task) / "text"
        with path.open("wb") as file:
            file.writelines(piece.encode() for piece in text.pieces())
        superseded(text.path, scratch(task))
    return Text(
        path=path,
        encoding=text.encoding,
        encoding_guessed=text.is_guessed,
        replaced_characters=text.replaced,
        compression="gzip" if packed else None,
    )


def _unpack(task: Task) -> Path:
    target = scratch(task) / "unpacked"
    try:
        with gzip.open(task.source) as packed, target.open("wb") as file:
            written = 0
            while chunk := packed.read(CHUNK_BYTES):
                written += len(chunk)
                if written > task.unpacked_limit:
                    detail = f"Unpacked, the file is larger than {task.unpacked_limit} bytes."
                    raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)
                file.write(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The gzip data is damaged or cut off.") from None
    return target

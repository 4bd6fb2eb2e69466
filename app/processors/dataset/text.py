"""From the client's bytes to plain text on disk: UTF-8, unpacked, without a byte order mark.

The limits that must hold before any parser sees the text are checked on the way.
Neither CSV nor JSON is known here.
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.engine import scratch
from app.processors.media_types import GZIP, check_content, detect_media_type
from app.processors.report import Task
from app.processors.texts import CHUNK_BYTES, SINGLE_BYTE_ENCODINGS, recognise_text

LONGEST_FIRST_LINE_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Text:
    """UTF-8 text without a byte order mark; `encoding` and `compression` are the client's."""

    path: Path
    encoding: str
    compression: str | None


def plain_text(task: Task, *, encodings: tuple[str, ...] = SINGLE_BYTE_ENCODINGS) -> Text:
    """Unpack and decode the task's source; `encodings` are tried in turn if it is not Unicode.

    Raises InvalidPayload if the source is empty, of another media type, too large,
    damaged, in none of the encodings, or holds a NUL character or an endless first line.
    """
    packed = detect_media_type(task.source) == GZIP
    path = _unpack(task) if packed else task.source
    check_content(path, task.media_type, is_text=True)
    _refuse_endless_first_line(path)
    text = recognise_text(path, encodings)
    if text.mark or text.encoding != "utf-8":
        path = scratch(task) / "text"
        with path.open("wb") as file:
            file.writelines(piece.encode() for piece in text.pieces())
    return Text(path, text.encoding, "gzip" if packed else None)


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


def _refuse_endless_first_line(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(LONGEST_FIRST_LINE_BYTES)
    if len(head) == LONGEST_FIRST_LINE_BYTES and b"\n" not in head and b"\r" not in head:
        detail = "The first line is longer than 2 MiB."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)

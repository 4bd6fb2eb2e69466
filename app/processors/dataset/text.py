"""From the client's bytes to plain text on disk: UTF-8, unpacked, without a byte order mark.

Here: the real type, gzip, encodings, and the caps that must hold before any
parser sees the text. Nothing here knows CSV or JSON.
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.engine import scratch
from app.processors.media_types import GZIP, HEAD_BYTES, PLAIN_TEXT, detect_media_type, unmarked_utf_16
from app.processors.report import Task

CHUNK_BYTES = 1024 * 1024
LONGEST_FIRST_LINE_BYTES = 2 * 1024 * 1024
UTF_16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
# Windows-1252 leaves five bytes undefined; Latin-1 takes every byte.
SINGLE_BYTE_ENCODINGS = ("cp1252", "latin-1")


@dataclass(frozen=True, slots=True)
class Text:
    """UTF-8 text without a byte order mark; `encoding` and `compression` are the client's."""

    path: Path
    encoding: str
    compression: str | None


def plain_text(task: Task, *, encodings: tuple[str, ...] = SINGLE_BYTE_ENCODINGS) -> Text:
    """Unpack and decode the task's source; `encodings` are tried in turn when it is not Unicode.

    Raises InvalidPayload: empty, another media type, too large, damaged, a first
    line without end, NUL characters, or an encoding that none of these is.
    """
    packed = detect_media_type(task.source) == GZIP
    path = _unpack(task) if packed else task.source
    _check_content(path, task.media_type)
    encoding, mark = _encoding(path, encodings)
    if mark or encoding != "utf-8":
        path = _transcode(path, encoding, mark, scratch(task) / "text")
    _refuse_nul(path)
    return Text(path, encoding, "gzip" if packed else None)


def refuse_empty(path: Path) -> None:
    if path.stat().st_size == 0:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file is empty.")


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


def _check_content(path: Path, declared: str) -> None:
    refuse_empty(path)
    detected = detect_media_type(path)
    if detected != PLAIN_TEXT:
        found = detected or "not text"
        detail = f"Declared as {declared}, but the content is {found}."
        raise InvalidPayload(ProblemCode.MEDIA_TYPE_MISMATCH, detail)
    with path.open("rb") as file:
        head = file.read(LONGEST_FIRST_LINE_BYTES)
    if len(head) == LONGEST_FIRST_LINE_BYTES and b"\n" not in head and b"\r" not in head:
        detail = "The first line is longer than 2 MiB."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)


def _encoding(path: Path, others: tuple[str, ...]) -> tuple[str, int]:
    """The encoding and the length of the byte order mark."""
    with path.open("rb") as file:
        start = file.read(HEAD_BYTES)
    if start[:2] in UTF_16_MARKS:
        return UTF_16_MARKS[start[:2]], 2
    if start.startswith(codecs.BOM_UTF8):
        return _first_that_decodes(path, ("utf-8",)), 3
    if unmarked := unmarked_utf_16(start):
        return unmarked, 0
    return _first_that_decodes(path, ("utf-8", *others)), 0


def _first_that_decodes(path: Path, encodings: tuple[str, ...]) -> str:
    for encoding in encodings:
        try:
            for _ in _decoded(path, encoding, 0):
                pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise InvalidPayload(ProblemCode.INVALID_CONTENT, f"The text is not valid {encodings[0].upper()}.")


def _transcode(path: Path, encoding: str, mark: int, target: Path) -> Path:
    try:
        with target.open("wb") as file:
            for text in _decoded(path, encoding, mark):
                file.write(text.encode())
    except UnicodeError:
        detail = f"The text is not valid {encoding.upper()}."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail) from None
    refuse_empty(target)
    return target


def _decoded(path: Path, encoding: str, skip: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        file.seek(skip)
        while chunk := file.read(CHUNK_BYTES):
            yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _refuse_nul(path: Path) -> None:
    line = 1
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            before, found, _ = chunk.partition(b"\0")
            line += before.count(b"\n") if found else chunk.count(b"\n")
            if found:
                raise InvalidPayload(ProblemCode.INVALID_CONTENT, f"Line {line} holds a NUL character.")

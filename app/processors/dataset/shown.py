"""Finds the type of a table, where the declared type leaves that to the content."""

import codecs
import zlib
from functools import partial
from pathlib import Path

from app.domain.media_types import CSV, GZIP, JSON, NDJSON, PARQUET, PLAIN_TEXT, TSV, UNDECLARED, XLS
from app.processors.guesses import HEAD_BYTES, unmarked_utf_16
from app.processors.recognition import recognise, refuse_other_than
from app.processors.recognition.markup import are_lines, text_format
from app.processors.report import Task
from app.processors.texts import (
    CHUNK_BYTES,
    byte_order_mark,
    looks_like_text,
    looks_like_text_with_nuls,
    read_head,
)

#: Types under which a table of any type comes. Windows names a CSV after the program that opens it.
OPEN = {UNDECLARED, GZIP, XLS}
ACCEPTED = (CSV, TSV, NDJSON, JSON, PARQUET)


def shown_type(task: Task) -> str:
    """Return the type of the task's payload. Text that is not JSON is CSV, whatever separates its cells.

    Raises InvalidPayload if no type was declared, and the content is none that a table has.
    """
    if task.media_type == JSON:
        return NDJSON if are_lines(_text_in(task.source)) else JSON
    if task.media_type not in OPEN:
        return task.media_type
    found = recognise(task.source)
    if found == PARQUET:
        return PARQUET
    text = _text_in(task.source)
    is_text = looks_like_text(text) or "charset" in task.parameters or looks_like_text_with_nuls(text)
    form = text_format(text, is_whole=len(text) < HEAD_BYTES) if is_text else found
    if text and form not in (PLAIN_TEXT, JSON, NDJSON):
        refuse_other_than(ACCEPTED, form)
    if form == JSON and text.startswith(b"{") and b"\n" not in text.strip():
        return NDJSON  # a single line
    return form if form in (JSON, NDJSON) else CSV


def is_tsv(text: Path) -> bool:
    """True if the first lines all hold tabs, and nothing is quoted anywhere: TSV has no quotes."""
    lines = [line for line in read_head(text).splitlines()[:-1] if line.strip()]
    if not lines or not all(b"\t" in line for line in lines):
        return False
    with text.open("rb") as file:
        return all(b'"' not in chunk for chunk in iter(partial(file.read, CHUNK_BYTES), b""))


def _text_in(path: Path) -> bytes:
    """Return the first bytes, unpacked and as UTF-8 if they are gzipped or in UTF-16."""
    head = read_head(path)
    if head.startswith(b"\x1f\x8b\x08"):
        try:
            head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
        except zlib.error:  # the step that unpacks it says so
            return b""
    marked, mark_bytes = byte_order_mark(head)
    encoding = marked or (unmarked_utf_16(head) if b"\0" in head else None)
    if encoding in (None, "utf-8"):
        return head.removeprefix(codecs.BOM_UTF8)
    return head[mark_bytes:].decode(encoding, errors="ignore").encode(errors="ignore")

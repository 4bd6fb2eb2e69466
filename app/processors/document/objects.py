"""The objects of a PDF that PDFium has written: well formed, numbered in order, none packed in another.

Dictionaries are dicts by the names of their keys, arrays are lists, references are
References. Strings, numbers and the rest stay bytes, as they are written.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

STREAM, END = b"stream\r\n", b"endobj"
TOKEN = re.compile(
    rb"\s*(<<|>>|[\[\]]|<[0-9A-Fa-f\s]*>|/[^\s/<>\[\](){}%]*|(?P<reference>(\d+) \d+ R)|\("
    rb"|[^\s/<>\[\](){}%]+)"
)
STRING_PART = re.compile(rb"[()]|\\.", re.DOTALL)
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
MOST_DEPTH = 50


class Reference(NamedTuple):
    """A reference to another object."""

    number: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A dictionary, and the packed bytes that follow it; None if they are cut off."""

    described: dict[bytes, Any]
    packed: bytes | None


class Objects:
    """The objects of a file, each parsed when it is asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = cache(self._at)

    def follow(self, value: Any) -> Any:
        """Return the value, or what it refers to; None for an object that is not there."""
        return self.at(value.number) if isinstance(value, Reference) else value

    def _at(self, number: int) -> Any:
        opening = b"\n%d 0 obj\r\n" % number
        at = self._content.find(opening)
        if at < 0:
            return None
        try:
            value, end = _parsed(self._content, at + len(opening))
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or not self._content.startswith(STREAM, end):
            return value
        length = value.get(b"Length", b"")
        start = end + len(STREAM)
        stop = start + int(length) if isinstance(length, bytes) and length.isdigit() else None
        is_whole = stop is not None and stop <= len(self._content)
        return Stream(value, self._content[start:stop] if is_whole else None)


def name_of(written: bytes) -> bytes:
    """Return a name as it is meant, without its slash: `#20` stands for a byte."""
    return ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), written.removeprefix(b"/"))


def _parsed(content: bytes, at: int, depth: int = 0) -> tuple[Any, int]:
    """Return the value that begins there, and where it ends."""
    found = TOKEN.match(content, at)
    if found is None or depth > MOST_DEPTH:
        raise ValueError
    token, at = found[1], found.end()
    if found["reference"]:
        return Reference(int(found[3])), at
    match token:
        case b"<<":
            items, at = _until(content, at, b">>", depth)
            return {name_of(key): value for key, value in zip(items[::2], items[1::2], strict=False)}, at
        case b"[":
            return _until(content, at, b"]", depth)
        case b"(":
            return _string(content, at)
        case b">>" | b"]":
            raise ValueError
        case _:
            return token, at


def _until(content: bytes, at: int, end: bytes, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    while True:
        found = TOKEN.match(content, at)
        if found is not None and found[1] == end:
            return items, found.end()
        item, at = _parsed(content, at, depth + 1)
        items.append(item)


def _string(content: bytes, at: int) -> tuple[bytes, int]:
    start, depth = at, 1
    for part in STRING_PART.finditer(content, at):
        depth += {b"(": 1, b")": -1}.get(part[0], 0)
        if not depth:
            return content[start : part.start()], part.end()
    raise ValueError

"""The objects of JSON text, one by one, by Python's reader, which knows where each one is.

It counts them, says which line is not an object, takes an array apart, and
rewrites objects so that every value is text, with its numbers as they are written.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, TextIO

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.columns import refuse_too_wide

BLOCK_BYTES = 1024 * 1024
LONGEST_KEY_TOLD = 100
#: The depth of lists and objects in each other. This many are read for certain; Python's reader fails beyond.
MOST_LEVELS = 400
#: The longest object, in a line or an array, that DuckDB reads.
LONGEST_OBJECT_BYTES = 16 * 1024 * 1024
BLANKS = re.compile(r"[ \t\n\r]*")
LINE_ENDS = str.maketrans("\r\n", "  ")


class RawNumber(str):
    """A number as it is written."""


class Members(list[tuple[str, Any]]):
    """An object as it is written: its keys, which may repeat, and their values."""


KINDS = {RawNumber: "number", str: "string", bool: "boolean", Members: "json", list: "json"}


@dataclass(slots=True)
class JsonColumn:
    """A key, and the kinds of its values: string, number, boolean, json. Nulls have none."""

    key: str
    #: Its name in the rewritten text.
    place: str
    kinds: set[str] = field(default_factory=set)

    @property
    def kind(self) -> str:
        """Return the kind of all the values: json where they differ, string where there are none."""
        if not self.kinds:
            return "string"
        return next(iter(self.kinds)) if len(self.kinds) == 1 else "json"


def count_objects(text: Path, unit: str) -> int:
    """Return the number of lines that are not blank; look at those that do not begin an object.

    Raises InvalidPayload with the first line that is not one object, if it finds any.
    """
    rows = number = 0
    for block in _blocks(text):
        for line in block:
            number += 1
            if len(line) > LONGEST_OBJECT_BYTES:
                raise _too_long(unit, number)
            try:
                rows += line.startswith(b"{") or _parse(line, number, unit) is not None
            except InvalidPayload:
                # A line before it may be wrong already, such as an object that goes on here.
                _refuse_first(text, unit, number)
    if not rows:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file holds no rows.")
    return rows


def _refuse_first(text: Path, unit: str, last: int) -> None:
    """Raise InvalidPayload for the first line up to `last`, from 1, that is not one object."""
    lines = (line for block in _blocks(text) for line in block)
    for number, line in enumerate(islice(lines, last), 1):
        _parse(line, number, unit)


def rewrite_as_texts(text: Path, target: Path, unit: str) -> list[JsonColumn]:
    """Write each object anew with a text for each value, under the place of its key; return the keys.

    A value that is not a string is given as JSON, and so is a string where other
    values of its key are not strings. Objects that have no key at all are given whole.
    """
    columns = _rewrite(text, target, unit, as_json=frozenset())
    mixed = frozenset(key for key, column in columns.items() if column.kinds > {"string"})
    if mixed:
        columns = _rewrite(text, target, unit, as_json=mixed)
    if not columns:
        target.write_text('{"0":"{}"}\n' * count_objects(text, unit))
        return [JsonColumn("json", "0", {"json"})]
    return list(columns.values())


def write_items_as_lines(text: Path, target: Path) -> None:
    """Write each object of a JSON array on a line of its own, as it is written.

    Raises InvalidPayload if the text is not an array of objects.
    """
    with text.open(encoding="utf-8") as source, target.open("w", encoding="utf-8", newline="") as lines:
        items = _Items(source)
        mark = items.take("[")
        if items.next_character() == "]":
            mark = items.take("]")
        while mark != "]":
            # Within JSON, a line end can only stand between tokens.
            lines.write(items.take_object().translate(LINE_ENDS) + "\n")
            mark = items.take(",]")
        if items.next_character():
            raise _not_an_array("something follows its end")


class _Items:
    """A JSON array, read piece by piece."""

    def __init__(self, source: TextIO) -> None:
        self._source = source
        self._text = ""
        self._place = 0
        self._items = 0

    def next_character(self) -> str:
        """Return the next character that is not blank, or nothing at the end."""
        while True:
            self._place += len(blanks[0]) if (blanks := BLANKS.match(self._text, self._place)) else 0
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._read_on():
                return ""

    def take(self, allowed: str) -> str:
        character = self.next_character()
        if not character or character not in allowed:
            where = f"after item {self._items}" if self._items else "at its beginning"
            raise _not_an_array(f"{where} there is no {' or '.join(allowed)}")
        self._place += 1
        return character

    def take_object(self) -> str:
        """Return the next object as it is written."""
        if self.next_character() != "{":
            raise _not_an_array(f"item {self._items + 1} is not an object")
        self._items += 1
        while True:
            start = self._place
            try:
                _, end = PLAIN.raw_decode(self._text, self._place)
            except (ValueError, RecursionError) as error:
                is_long = len(self._text) - self._place > LONGEST_OBJECT_BYTES
                if not is_long and self._read_on():
                    continue
                if not isinstance(error, json.JSONDecodeError):
                    raise _not_valid("Item", self._items, error) from None
                if is_long and _is_cut_off(error, self._place + LONGEST_OBJECT_BYTES):
                    raise _too_long("Item", self._items) from None
                reason = f"{_without_place(error)} at its character {error.pos - start + 1}"
                detail = f"Item {self._items} is not valid JSON: {reason}."
                raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail) from None
            self._place = end
            return self._text[start:end]

    def _read_on(self) -> bool:
        """Read at least as much as is still unread, so that a long item is not parsed too often.

        True if there was more to read.
        """
        rest = self._text[self._place :]
        more = self._source.read(max(BLOCK_BYTES, len(rest)))
        self._text, self._place = rest + more, 0
        return bool(more)


def _is_cut_off(error: json.JSONDecodeError, end: int) -> bool:
    """True if the object goes on behind `end`, as far as Python's reader says."""
    return error.pos >= end or error.msg.startswith("Unterminated string")


def _not_an_array(why: str) -> InvalidPayload:
    return InvalidPayload(ProblemCode.INVALID_CONTENT, f"The file is not a JSON array of objects: {why}.")


def _rewrite(text: Path, target: Path, unit: str, *, as_json: frozenset[str]) -> dict[str, JsonColumn]:
    columns: dict[str, JsonColumn] = {}
    with target.open("w", encoding="utf-8") as texts:
        for number, line in enumerate((line for block in _blocks(text) for line in block), 1):
            row = _parse(line, number, unit)
            if row is None:
                continue
            written: dict[str, str] = {}
            try:
                for key, value in row.items():
                    column = columns.get(key) or columns.setdefault(key, JsonColumn(key, str(len(columns))))
                    if value is None:
                        continue
                    kind = KINDS[type(value)]
                    column.kinds.add(kind)
                    is_text = kind == "string" and key not in as_json
                    written[column.place] = value if is_text else _json(value)
            except RecursionError as error:
                raise _not_valid(unit, number, error) from None
            refuse_too_wide(len(columns))
            texts.write(TO_JSON(written) + "\n")
    return columns


def _json(value: Any) -> str:
    """Return JSON without blanks, with the numbers as they are written."""
    kind = type(value)
    if kind is RawNumber:
        return str(value)
    if kind is Members:
        return "{" + ",".join([f"{TO_JSON(key)}:{_json(item)}" for key, item in value]) + "}"
    if kind is list:
        return "[" + ",".join([_json(item) for item in value]) + "]"
    return TO_JSON(value)


def _blocks(text: Path) -> Iterator[list[bytes]]:
    with text.open("rb") as file:
        while lines := file.readlines(BLOCK_BYTES):
            yield lines


def _parse(line: bytes, number: int, unit: str) -> dict[str, Any] | None:
    """Return the object, or None for a blank line. Raise InvalidPayload for anything else."""
    if not line.strip():
        return None
    try:
        value = EXACT.decode(line.decode().rstrip("\r\n"))
        if b"\\u" in line:
            json.dumps(value, ensure_ascii=False).encode()
        if isinstance(value, Members):
            return _distinct(value)
    except (ValueError, RecursionError) as error:
        raise _not_valid(unit, number, error) from None
    raise InvalidPayload(ProblemCode.INVALID_CONTENT, f"{unit} {number} is not a JSON object.")


def _too_long(unit: str, number: int) -> InvalidPayload:
    detail = f"{unit} {number} is longer than {LONGEST_OBJECT_BYTES // 1024**2} MiB."
    return InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)


def _not_valid(unit: str, number: int, error: Exception) -> InvalidPayload:
    if isinstance(error, RecursionError):
        detail = f"{unit} {number} is nested too deeply: {MOST_LEVELS} levels are allowed."
        return InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)
    detail = f"{unit} {number} is not valid JSON: {_reason(error)}."
    return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)


def _reason(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"{_without_place(error)} at column {error.colno}"
        case UnicodeEncodeError():
            return "half of a surrogate pair"
        case UnicodeDecodeError():
            return "not UTF-8"
        case _:
            return str(error)


def _without_place(error: json.JSONDecodeError) -> str:
    """Return json's words; some of them end in an `at` before the place."""
    return error.msg.removesuffix(" at")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _distinct(members: Members) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        keys = [key for key, _ in members]
        twice = next(key for place, key in enumerate(keys) if key in keys[:place])
        raise ValueError(f"the key {json.dumps(twice[:LONGEST_KEY_TOLD], ensure_ascii=False)} stands twice")
    return found


EXACT = json.JSONDecoder(
    parse_float=RawNumber, parse_int=RawNumber, parse_constant=_refuse_constant, object_pairs_hook=Members
)
#: Finds where a value ends. Numbers are not read: Python reads no integer of more than 4,300 digits.
PLAIN = json.JSONDecoder(parse_int=str, parse_float=str)
TO_JSON = json.JSONEncoder(ensure_ascii=False).encode

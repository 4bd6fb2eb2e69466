"""Thrift's compact protocol, in which Parquet writes its footer and the headers of its pages.

Here: bytes into values and back, without knowing what the fields mean. What is
read is written again byte by byte, so a footer can be changed in a few places.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = range(14)
DEEPEST = 32


class BadThriftError(Exception):
    """The bytes are not Thrift's compact protocol."""


class Struct(dict[int, tuple[int, Any]]):
    """The type and value of each field, by the field's number."""

    def value(self, field: int, default: Any = None) -> Any:
        """Return a field's value, or `default` if it is absent."""
        return self[field][1] if field in self else default


@dataclass(frozen=True, slots=True)
class Items:
    """A list or set whose values are all of one type."""

    kind: int
    values: list[Any]


class Reader:
    """Reads structs from a position on; `position` is then behind the last one."""

    def __init__(self, data: bytes | memoryview, position: int = 0) -> None:
        self._data = data
        self.position = position
        self._readers: dict[int, Callable[[int], Any]] = {
            BYTE: lambda _: self._bytes(1),
            DOUBLE: lambda _: self._bytes(8),
            UUID: lambda _: self._bytes(16),
            I16: lambda _: self._zigzag(),
            I32: lambda _: self._zigzag(),
            I64: lambda _: self._zigzag(),
            BINARY: lambda _: self._bytes(self._number()),
            LIST: self._items,
            SET: self._items,
            STRUCT: self.struct,
        }

    def struct(self, depth: int = 0, *, last_field: int | None = None) -> Struct:
        """Return the struct that begins here, or its fields up to `last_field`. Raises BadThriftError."""
        if depth > DEEPEST:
            raise BadThriftError
        fields, field = Struct(), 0
        while head := self._byte():
            delta, kind = head >> 4, head & 15
            field = field + delta if delta else self._zigzag()
            fields[field] = kind, self._field(kind, depth)
            if field == last_field:
                break
        return fields

    def _field(self, kind: int, depth: int) -> Any:
        if kind in (TRUE, FALSE):
            return None
        return self._value(kind, depth)

    def _value(self, kind: int, depth: int) -> Any:
        if kind not in self._readers:
            raise BadThriftError
        return self._readers[kind](depth + 1)

    def _items(self, depth: int) -> Items:
        head = self._byte()
        size, kind = head >> 4, head & 15
        if size == 15:
            size = self._number()
        if kind in (TRUE, FALSE):
            return Items(kind, [self._byte() for _ in range(size)])
        return Items(kind, [self._value(kind, depth) for _ in range(size)])

    def _byte(self) -> int:
        if self.position >= len(self._data):
            raise BadThriftError
        self.position += 1
        return self._data[self.position - 1]

    def _bytes(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self._data):
            raise BadThriftError
        found = bytes(self._data[self.position : end])
        self.position = end
        return found

    def _number(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 0x80:
            number |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise BadThriftError
        return number | byte << shift

    def _zigzag(self) -> int:
        number = self._number()
        return number >> 1 ^ -(number & 1)


def written(fields: Struct) -> bytes:
    """Return a struct in the compact protocol."""
    out = bytearray()
    _write_struct(out, fields)
    return bytes(out)


def _write_struct(out: bytearray, fields: Struct) -> None:
    before = 0
    for field, (kind, value) in sorted(fields.items()):
        if 0 < field - before < 16:
            out.append((field - before) << 4 | kind)
        else:
            out.append(kind)
            _write_number(out, _zigzagged(field))
        before = field
        if kind not in (TRUE, FALSE):
            _write_value(out, kind, value)
    out.append(STOP)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    match kind:
        case 4 | 5 | 6:  # I16, I32, I64
            _write_number(out, _zigzagged(value))
        case 8:  # BINARY
            _write_number(out, len(value))
            out += value
        case 9 | 10:  # LIST, SET
            _write_items(out, value)
        case 12:  # STRUCT
            _write_struct(out, value)
        case _:
            out += value


def _write_items(out: bytearray, items: Items) -> None:
    size = len(items.values)
    out.append(min(size, 15) << 4 | items.kind)
    if size >= 15:
        _write_number(out, size)
    if items.kind in (TRUE, FALSE):
        out += bytes(items.values)
        return
    for value in items.values:
        _write_value(out, items.kind, value)


def _write_number(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _zigzagged(number: int) -> int:
    return number << 1 ^ number >> 63

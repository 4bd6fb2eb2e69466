"""A copy of a Parquet file whose footer lets DuckDB read what it would alter or refuse.

Only the footer differs, which says what the bytes of each column mean:

| column                           | DuckDB                   | in the copy it is              |
|----------------------------------|--------------------------|--------------------------------|
| INT96, a time in nanoseconds     | drops the nanoseconds    | INTERVAL: the same twelve bytes|
| DECIMAL of more than 38 digits   | makes it a DOUBLE        | plain bytes                    |
| string that is not UTF-8         | refuses the file         | plain bytes                    |
| JSON that is none                | refuses the file         | string                         |
| MAP that has keys and no values  | refuses the file         | LIST of the keys               |
| struct, two members of one name  | renames one of them      | names with a mark before them  |
| struct, a member without a name  | gives it a name          | the same                       |

No copy has statistics. They and the key `geo`, which describes geometries, can be
left out alone: DuckDB refuses a file where it does not understand them, though
Parquet asks no reader to look at them.
"""

import shutil
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from secrets import token_hex

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.parquet.schema import (
    SCHEMA,
    Converted,
    Element,
    ElementField,
    Logical,
    elements_of,
)
from app.processors.dataset.parquet.thrift import (
    BINARY,
    I32,
    LIST,
    STRUCT,
    BadThriftError,
    Items,
    Reader,
    Struct,
    written,
)

MAGIC = b"PAR1"
TAIL_BYTES = 8
LONGEST_DECIMAL_DIGITS = 38
LONGEST_TEXT_DIGITS = 76
#: DuckDB takes twice as long for each further list.
MOST_LISTS = 16
INT96, BYTE_ARRAY, FIXED_LENGTH = 3, 6, 7
INT96_BYTES = 12


class FileField:
    """Fields of the file's metadata besides its schema, by their numbers in parquet.thrift."""

    ROW_GROUPS, PAIRS = 4, 5


class ChunkField:
    """Fields of a column chunk and of its metadata."""

    COLUMNS, METADATA, TYPE = 1, 3, 1
    #: Statistics and the place of a Bloom filter, in the metadata.
    OF_VALUES = (12, 14, 15)
    INDEXES = (4, 5, 6, 7)


@dataclass(slots=True)
class Patched:
    """A copy, and the top-level columns (from 0) whose values have to be read otherwise."""

    path: Path
    times: set[int] = field(default_factory=set)
    #: The number of digits after the point, by column.
    decimals: dict[int, int] = field(default_factory=dict)
    strings: set[int] = field(default_factory=set)
    #: The columns that the file calls JSON. JSON inside other types stays text.
    json: set[int] = field(default_factory=set)
    #: Columns whose members have `mark`, a number and `mark` before their names.
    marked: set[int] = field(default_factory=set)
    mark: str = field(default_factory=token_hex)

    def without_marks(self, sql: str) -> str:
        """Return SQL for the text without the marks of names."""
        return f"regexp_replace({sql}, '{self.mark}[0-9]+{self.mark}', '', 'g')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The changes of the footer that a caller may ask for, because DuckDB refused the file."""

    #: True if the footer must have neither statistics nor `geo`.
    bare: bool = False
    #: True if strings become plain bytes, except inside other types.
    strings_as_bytes: bool = False
    json_as_strings: bool = False


def patched(source: Path, target: Path, changes: Changes) -> Patched | None:
    """Write a copy of `source` if its footer asks for another reading, or the caller does.

    Raises InvalidPayload when the footer cannot be read, or a long decimal is inside
    another type.
    """
    try:
        return _patched(source, target, changes)
    except (BadThriftError, AttributeError, KeyError, TypeError, ValueError):
        # Thrift names the type of each field; one that is not the format's may be anything.
        raise _unreadable() from None


def column_names(source: Path) -> list[str]:
    """Return the names of the top-level columns as they are in the file."""
    try:
        schema = elements_of(footer_of(source, last_field=SCHEMA))
        return [element.name for element in schema if element.depth == 1]
    except (BadThriftError, AttributeError, KeyError, TypeError, ValueError):
        raise _unreadable() from None


def columns_in_milliseconds(source: Path) -> set[int]:
    """Return the top-level columns (from 0) that are, or hold, timestamps in milliseconds."""
    schema = elements_of(footer_of(source, last_field=SCHEMA))
    return {element.column for element in schema if element.is_in_milliseconds}


def _patched(source: Path, target: Path, changes: Changes) -> Patched | None:
    schema = footer_of(source, last_field=SCHEMA)
    if not (_change_schema(schema, Patched(target), changes) or changes.bare):
        return None
    footer, copy = footer_of(source), Patched(target)
    _change_schema(footer, copy, changes)
    _name_types(footer)
    if changes.bare:
        _forget_geo(footer)
    shutil.copyfile(source, target)
    _replace_footer(target, written(footer))
    return copy


def _change_schema(footer: Struct, copy: Patched, asked: Changes) -> bool:
    elements = list(elements_of(footer))
    _refuse_deep(elements)
    changes = [_change(element, copy, asked) for element in elements]
    changes += [_maps_to_lists(elements), _mark_alike_members(elements, copy)]
    return any(changes)


def _refuse_deep(elements: list[Element]) -> None:
    for element in elements:
        if element.lists > MOST_LISTS:
            detail = (
                f"Column {element.column + 1} is nested too deeply: {MOST_LISTS} lists in lists are allowed."
            )
            raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)


def _forget_geo(footer: Struct) -> None:
    pairs = footer.value(FileField.PAIRS, Items(STRUCT, [])).values
    others = [pair for pair in pairs if pair.value(1) != b"geo"]
    footer[FileField.PAIRS] = LIST, Items(STRUCT, others)


def _change(element: Element, copy: Patched, asked: Changes) -> bool:
    """Give a leaf its other meaning, and note its column; False if it needs none."""
    fields = element.fields
    if fields.value(ElementField.TYPE) == INT96:
        fields[ElementField.TYPE] = I32, FIXED_LENGTH
        fields[ElementField.LENGTH] = I32, INT96_BYTES
        fields[ElementField.CONVERTED] = I32, Converted.INTERVAL
        copy.times.add(element.column)
    elif _is_long_decimal(fields):
        if element.depth > 1:
            detail = "Decimals of more than 38 digits inside another type are not supported."
            raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
        if fields.value(ElementField.PRECISION) > LONGEST_TEXT_DIGITS:
            detail = f"Decimals of more than {LONGEST_TEXT_DIGITS} digits are not supported."
            raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
        copy.decimals[element.column] = _scale(fields)
        _forget_meaning(fields)
    elif asked.strings_as_bytes and element.depth == 1 and element.is_string:
        copy.strings.add(element.column)
        _forget_meaning(fields)
    elif asked.json_as_strings and element.is_json:
        if element.depth == 1:
            copy.json.add(element.column)
        _forget_meaning(fields)
        fields[ElementField.CONVERTED] = I32, Converted.UTF8
    else:
        return False
    return True


def footer_of(source: Path, last_field: int | None = None) -> Struct:
    """Return the footer, or its fields up to `last_field`: the row groups of a large file take long."""
    start, length = _place(source)
    with source.open("rb") as file:
        file.seek(start)
        data = file.read(length)
    return Reader(data).struct(last_field=last_field)


def _place(path: Path) -> tuple[int, int]:
    """Return where the footer begins and how long it is."""
    end = path.stat().st_size - TAIL_BYTES
    with path.open("rb") as file:
        file.seek(end)
        length = int.from_bytes(file.read(4), "little")
    if end - length < len(MAGIC):
        raise BadThriftError
    return end - length, length


def _unreadable() -> InvalidPayload:
    return InvalidPayload(ProblemCode.INVALID_CONTENT, "The file cannot be read: its metadata is damaged.")


def _replace_footer(path: Path, footer: bytes) -> None:
    start, _ = _place(path)
    with path.open("r+b") as file:
        file.truncate(start)
        file.seek(start)
        file.write(footer + len(footer).to_bytes(4, "little") + MAGIC)


def _maps_to_lists(elements: list[Element]) -> bool:
    """Turn maps that have only keys into lists."""
    found = False
    for element, group in pairwise(elements):
        only_keys = group.depth == element.depth + 1 and group.fields.value(ElementField.CHILDREN) == 1
        if only_keys and element.is_map:
            element.fields[ElementField.CONVERTED] = I32, Converted.LIST
            element.fields[ElementField.LOGICAL] = STRUCT, Struct({Logical.LIST: (STRUCT, Struct())})
            group.fields.pop(ElementField.CONVERTED, None)
            found = True
    return found


def _mark_alike_members(elements: list[Element], copy: Patched) -> bool:
    """Mark the members of groups that differ only in case or have no name; refuse two of the same name."""
    members = [element for element in elements if element.group]
    alike = Counter((element.group, element.name.casefold()) for element in members)
    same = Counter((element.group, element.name) for element in members)
    for number, element in enumerate(members):
        name = element.name
        if same[element.group, name] > 1:
            detail = f"In column {element.column + 1}, a struct has two members of the same name."
            raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
        if not name or alike[element.group, name.casefold()] > 1:
            element.fields[ElementField.NAME] = BINARY, f"{copy.mark}{number}{copy.mark}{name}".encode()
            copy.marked.add(element.column)
    return bool(copy.marked)


def _is_long_decimal(fields: Struct) -> bool:
    logical = fields.value(ElementField.LOGICAL, Struct())
    is_decimal = fields.value(ElementField.CONVERTED) == Converted.DECIMAL or Logical.DECIMAL in logical
    is_bytes = fields.value(ElementField.TYPE) in (BYTE_ARRAY, FIXED_LENGTH)
    return is_decimal and is_bytes and fields.value(ElementField.PRECISION, 0) > LONGEST_DECIMAL_DIGITS


def _scale(fields: Struct) -> int:
    scale = int(fields.value(ElementField.SCALE, 0))
    if not 0 <= scale <= fields.value(ElementField.PRECISION):
        raise BadThriftError
    return scale


def _forget_meaning(fields: Struct) -> None:
    for known in ElementField.MEANING:
        fields.pop(known, None)


def _name_types(footer: Struct) -> None:
    """Give the row groups the types of the schema, without what they said of the values."""
    types = [e.fields.value(ElementField.TYPE) for e in elements_of(footer) if e.is_leaf]
    for group in footer.value(FileField.ROW_GROUPS, Items(STRUCT, [])).values:
        for kind, chunk in zip(types, group.value(ChunkField.COLUMNS).values, strict=False):
            metadata = chunk.value(ChunkField.METADATA)
            metadata[ChunkField.TYPE] = I32, kind
            for known in ChunkField.OF_VALUES:
                metadata.pop(known, None)
            for known in ChunkField.INDEXES:
                chunk.pop(known, None)

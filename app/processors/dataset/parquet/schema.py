"""The schema in a Parquet footer: a list of elements, each group before its members.

The numbers of the fields are those of parquet.thrift.
"""

from collections.abc import Iterator
from typing import NamedTuple

from app.processors.dataset.parquet.thrift import Struct

#: The field of the file's metadata.
SCHEMA = 2
#: The repetition of an element that may stand several times in a row.
REPEATED = 2


class ElementField:
    """Fields of a schema element."""

    TYPE, LENGTH, REPETITION, NAME, CHILDREN, CONVERTED, SCALE, PRECISION = 1, 2, 3, 4, 5, 6, 7, 8
    LOGICAL = 10
    MEANING = (CONVERTED, SCALE, PRECISION, LOGICAL)


class Converted:
    """Converted types, the older of Parquet's two ways to say what bytes mean."""

    UTF8, MAP, MAP_KEY_VALUE, LIST, DECIMAL, TIMESTAMP_MILLIS, JSON, INTERVAL = 0, 1, 2, 3, 5, 9, 19, 21


class Logical:
    """The field that is set in a logical type."""

    STRING, MAP, LIST, DECIMAL, TIMESTAMP, JSON = 1, 2, 3, 5, 8, 12
    #: Fields of a timestamp, and of its unit.
    UNIT, MILLIS = 2, 1


class Element(NamedTuple):
    """A schema element, and the top-level column (from 0) that it is in."""

    fields: Struct
    #: The place in the schema of the group that it is a member of; 0 is the root.
    group: int
    column: int
    depth: int
    #: How many lists and maps it is in.
    lists: int
    is_leaf: bool

    @property
    def name(self) -> str:
        """Raises UnicodeDecodeError."""
        return bytes(self.fields.value(ElementField.NAME)).decode()

    @property
    def is_map(self) -> bool:
        return self._converted in (Converted.MAP, Converted.MAP_KEY_VALUE) or Logical.MAP in self._logical

    @property
    def is_string(self) -> bool:
        return self._converted == Converted.UTF8 or Logical.STRING in self._logical

    @property
    def is_json(self) -> bool:
        return self._converted == Converted.JSON or Logical.JSON in self._logical

    @property
    def is_in_milliseconds(self) -> bool:
        unit = self._logical.value(Logical.TIMESTAMP, Struct()).value(Logical.UNIT, Struct())
        return self._converted == Converted.TIMESTAMP_MILLIS or Logical.MILLIS in unit

    @property
    def _converted(self) -> int | None:
        found: int | None = self.fields.value(ElementField.CONVERTED)
        return found

    @property
    def _logical(self) -> Struct:
        found: Struct = self.fields.value(ElementField.LOGICAL, Struct())
        return found


def elements_of(footer: Struct) -> Iterator[Element]:
    """Yield what is below the schema's root, in its order: each group before its children."""
    schema: list[Struct] = footer.value(SCHEMA).values
    # For each open group: its place, the lists that it is in, and the children still to come.
    groups: list[tuple[int, int, int]] = []
    column = -1
    for place, fields in enumerate(schema[1:], 1):
        while groups and not groups[-1][2]:
            groups.pop()
        group, lists = 0, 0
        if groups:
            group, lists, missing = groups[-1]
            groups[-1] = group, lists, missing - 1
        else:
            column += 1
        lists += fields.value(ElementField.REPETITION, 0) == REPEATED
        children = fields.value(ElementField.CHILDREN, 0)
        yield Element(fields, group, column, len(groups) + 1, lists, is_leaf=not children)
        if children:
            groups.append((place, lists, children))

"""The schema in a Parquet footer: a list of elements, each group before its members.

The numbers of the fields are those of parquet.thrift.
"""

from collections.abc import Iterator
from typing import NamedTuple

from app.processors.dataset.parquet.thrift import Struct

#: The field of the file's metadata.
SCHEMA = 2


class ElementField:
    """Fields of a schema element."""

    TYPE, LENGTH, NAME, CHILDREN, CONVERTED, SCALE, PRECISION, LOGICAL = 1, 2, 4, 5, 6, 7, 8, 10
    MEANING = (CONVERTED, SCALE, PRECISION, LOGICAL)


class Converted:
    """Converted types, the older of Parquet's two ways to say what bytes mean."""

    UTF8, MAP, MAP_KEY_VALUE, LIST, DECIMAL, INTERVAL = 0, 1, 2, 3, 5, 21


class Logical:
    """The field that is set in a logical type."""

    STRING, MAP, LIST, DECIMAL = 1, 2, 3, 5


class Element(NamedTuple):
    """A schema element, and the top-level column (from 0) that it is in."""

    fields: Struct
    #: The place in the schema of the group that it is a member of; 0 is the root.
    group: int
    column: int
    depth: int
    is_leaf: bool

    @property
    def name(self) -> str:
        """Raises UnicodeDecodeError."""
        return bytes(self.fields.value(ElementField.NAME)).decode()


def elements_of(footer: Struct) -> Iterator[Element]:
    """Yield what is below the schema's root, in its order: each group before its children."""
    schema: list[Struct] = footer.value(SCHEMA).values
    groups: list[tuple[int, int]] = []  # of each that is open, its place, and the children still to come
    column = -1
    for place, fields in enumerate(schema[1:], 1):
        while groups and not groups[-1][1]:
            groups.pop()
        if groups:
            groups[-1] = groups[-1][0], groups[-1][1] - 1
        else:
            column += 1
        children = fields.value(ElementField.CHILDREN, 0)
        group = groups[-1][0] if groups else 0
        yield Element(fields, group, column, len(groups) + 1, is_leaf=not children)
        if children:
            groups.append((place, children))

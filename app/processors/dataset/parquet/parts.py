"""Wide tables: written a group of columns at a time, as memory grows with the columns of a query.

Each group is written to a file of its own. The files are then joined side by side: their
bytes are copied, and one footer names the columns of all. The row groups of
all files must hold the same rows, or they are not joined. The parts stay in the scratch
folder: a query takes the longer the more columns its file has, so the table is
described part by part.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.parquet.footer import MAGIC, ChunkField, FileField, footer_of
from app.processors.dataset.parquet.schema import SCHEMA, ElementField
from app.processors.dataset.parquet.thrift import I32, I64, LIST, STRUCT, Items, Struct, written

COLUMNS_AT_ONCE = 250
CHUNK_BYTES = 1024 * 1024


class GroupField:
    """Fields of a row group."""

    COLUMNS, BYTES, ROWS, START, PACKED_BYTES = 1, 2, 3, 5, 6


class PageField:
    """Fields of a column chunk's metadata: its size, where its pages begin, and its Bloom filter."""

    PACKED_BYTES, DATA, DICTIONARY, BLOOM = 7, 9, 11, (14, 15)


#: The field of the file's metadata that tells how the values of each column are ordered.
ORDERS = 7


@dataclass(frozen=True, slots=True)
class Part:
    """A file with some of the columns."""

    path: Path
    footer: Struct

    @property
    def groups(self) -> list[Struct]:
        found: list[Struct] = self.footer.value(FileField.ROW_GROUPS).values
        return found

    @property
    def rows(self) -> list[int]:
        """The rows of each row group."""
        return [group.value(GroupField.ROWS) for group in self.groups]


def write_in_parts(columns: int, target: Path, write: Callable[[range, Path], int]) -> int:
    """Let `write` make a file of each group of columns, join the files in `target`; return the rows.

    `write` takes the places of the columns and the path, and returns the number of rows.
    Raises InvalidPayload where the files do not fit each other.
    """
    groups = groups_of(columns)
    for path in _parts(target):
        path.unlink()
    if len(groups) == 1:
        return write(groups[0], target)
    folder = target.parent / "scratch"
    folder.mkdir(exist_ok=True)
    paths = [folder / f"part-{number:03d}.parquet" for number in range(len(groups))]
    rows = [write(places, path) for places, path in zip(groups, paths, strict=True)]
    join(paths, target)
    return rows[0]


def groups_of(columns: int) -> list[range]:
    """Return the places of this many columns in the groups that are written together."""
    return [range(columns)[start : start + COLUMNS_AT_ONCE] for start in range(0, columns, COLUMNS_AT_ONCE)]


def parts_of(target: Path) -> list[Path]:
    """Return the files with the columns of a table, in their order: its parts, or itself if it has none."""
    return _parts(target) or [target]


def _parts(target: Path) -> list[Path]:
    return sorted((target.parent / "scratch").glob("part-*.parquet"))


def join(paths: Sequence[Path], target: Path) -> None:
    """Write one file with the columns of all."""
    parts = [Part(path, footer_of(path)) for path in paths]
    if len({tuple(part.rows) for part in parts}) > 1:
        detail = "The table has too many columns to be written."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)
    footer = parts[0].footer
    with target.open("wb") as file:
        file.write(MAGIC)
        for number, group in enumerate(parts[0].groups):
            start = file.tell()
            groups = [part.groups[number] for part in parts]
            chunks = [chunk for part in parts for chunk in _copied(part, number, file)]
            group[GroupField.COLUMNS] = LIST, Items(STRUCT, chunks)
            group[GroupField.START] = I64, start
            for field in (GroupField.BYTES, GroupField.PACKED_BYTES):
                group[field] = I64, sum(one.value(field, 0) for one in groups)
        _join_schemas(footer, [part.footer for part in parts])
        data = written(footer)
        file.write(data + len(data).to_bytes(4, "little") + MAGIC)


def _copied(part: Part, number: int, file: BinaryIO) -> list[Struct]:
    """Copy a row group to the end of the file; return its column chunks, which now begin there."""
    chunks: list[Struct] = part.groups[number].value(GroupField.COLUMNS).values
    pages = [chunk.value(ChunkField.METADATA) for chunk in chunks]
    starts = [page.value(PageField.DICTIONARY) or page.value(PageField.DATA) for page in pages]
    first = min(starts)
    end = max(start + page.value(PageField.PACKED_BYTES) for start, page in zip(starts, pages, strict=True))
    moved = file.tell() - first
    with part.path.open("rb") as source:
        source.seek(first)
        left = end - first
        while data := source.read(min(left, CHUNK_BYTES)):
            left -= file.write(data)
    for chunk, page in zip(chunks, pages, strict=True):
        for field in (PageField.DATA, PageField.DICTIONARY):
            if page.value(field):
                page[field] = I64, page.value(field) + moved
        for field in PageField.BLOOM:
            page.pop(field, None)
        for field in ChunkField.INDEXES:
            chunk.pop(field, None)
    return chunks


def _join_schemas(footer: Struct, footers: Sequence[Struct]) -> None:
    root = footer.value(SCHEMA).values[0]
    members = [element for one in footers for element in one.value(SCHEMA).values[1:]]
    columns = sum(one.value(SCHEMA).values[0].value(ElementField.CHILDREN) for one in footers)
    root[ElementField.CHILDREN] = I32, columns
    footer[SCHEMA] = LIST, Items(STRUCT, [root, *members])
    if all(ORDERS in one for one in footers):
        orders = [order for one in footers for order in one.value(ORDERS).values]
        footer[ORDERS] = LIST, Items(STRUCT, orders)

"""Parquet into Parquet: read whole, so that what is stored is sound and evenly grouped.

Nothing that the footer says about values is believed, only what their bytes mean.
Where DuckDB would alter or refuse values, a copy with another footer is read
instead (see `footer`). A column of strings that are not UTF-8 becomes binary, one
of decimals with more than 38 digits becomes text.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.columns import Column, refuse_too_wide, unique_names
from app.processors.dataset.engine import (
    describe,
    described_table,
    identifier,
    literal,
    write_parquet,
)
from app.processors.dataset.parquet import int96
from app.processors.dataset.parquet.checksums import check_pages
from app.processors.dataset.parquet.far_timestamps import refuse_far_timestamps
from app.processors.dataset.parquet.footer import (
    MAGIC,
    Changes,
    Patched,
    column_names,
    columns_in_milliseconds,
    patched,
)
from app.processors.dataset.parquet.json_columns import is_json, texts_for_json
from app.processors.dataset.parquet.long_decimals import decimal_text
from app.processors.dataset.parquet.parts import write_in_parts
from app.processors.dataset.values import json_text
from app.processors.recognition import PARQUET_SHORTEST_BYTES

ENCRYPTED_MAGIC = b"PARE"
#: A part of DuckDB's message about a column of JSON that holds something else.
NOT_JSON = "Invalid JSON found"
SCALE = re.compile(r"DECIMAL\(\d+,([1-9]\d*)\)")
#: Some writers left this in the footer as the number of rows.
UNKNOWN_ROWS = 0


@dataclass(frozen=True, slots=True)
class ParquetRead:
    """How the file was understood."""

    rows: int
    #: The names in the file, where they had to be changed.
    original_names: Sequence[str | None]
    #: The digits behind the point in columns of decimals.
    decimals: Sequence[int | None]


def parquet_to_parquet(
    connection: DuckDBPyConnection, source: Path, target: Path, unpacked_limit: int
) -> ParquetRead:
    """Copy every row into `target`.

    Raises InvalidPayload when its values, unpacked, exceed `unpacked_limit` bytes
    (each counts as one byte at least), it holds other rows than its footer says or
    pages whose checksum is wrong, or no columns, and duckdb.Error when it is damaged.
    """
    if not column_names(source):
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file has no columns.")
    changes = Changes()
    copy = target.parent / "scratch" / "patched.parquet"
    copy.parent.mkdir(exist_ok=True)
    while True:
        try:
            found = patched(source, copy, changes)
            if found is None and _promises_nulls_only(connection, source):
                found = patched(source, copy, Changes(bare=True))
            return _write(connection, source, target, found, unpacked_limit)
        except duckdb.Error as error:
            changes = _further(error, changes)


def _further(error: duckdb.Error, changes: Changes) -> Changes:
    """Return changes of the footer that may help, or raise what the client is told."""
    if "encrypt" in str(error):
        raise _encrypted() from None
    is_text = "not valid UTF8" in str(error)
    needed = "strings_as_bytes" if is_text else "json_as_strings" if NOT_JSON in str(error) else "bare"
    if not getattr(changes, needed) and not isinstance(error, duckdb.OutOfMemoryException):
        return replace(changes, **{needed: True})
    if is_text:
        detail = "The file holds text that is not UTF-8 inside another type."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail) from None
    raise error


def refuse_encrypted(source: Path) -> None:
    """Raise InvalidPayload for a file whose magic bytes say that it is encrypted Parquet."""
    with source.open("rb") as file:
        if file.read(len(ENCRYPTED_MAGIC)) == ENCRYPTED_MAGIC:
            raise _encrypted()


def refuse_cut_off(source: Path) -> None:
    """Raise InvalidPayload for a file that begins like Parquet, but does not end so."""
    with source.open("rb") as file:
        begins = file.read(len(MAGIC)) == MAGIC
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(MAGIC)))
        ends = file.read() == MAGIC
    if begins and not (ends and size >= PARQUET_SHORTEST_BYTES):
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The Parquet file is cut off.")


def _encrypted() -> InvalidPayload:
    detail = "The Parquet file is encrypted. Only files that need no key can be read."
    return InvalidPayload(ProblemCode.INVALID_CONTENT, detail)


def _write(
    connection: DuckDBPyConnection, source: Path, target: Path, copy: Patched | None, unpacked_limit: int
) -> ParquetRead:
    path = copy.path if copy else source
    _refuse_large(connection, path, unpacked_limit)
    check_pages(connection, path)
    columns, table = described_table(connection, path)
    refuse_too_wide(len(columns))
    originals = column_names(source)
    names = unique_names(originals, len(columns))
    values = {place: f"c{place}" for place in range(len(columns))}
    values |= texts_for_json(connection, table, columns)
    if copy:
        values |= _values(connection, table, columns, copy, values)

    def write(places: Sequence[int], path: Path) -> int:
        named = ", ".join(f"{values[place]} AS {identifier(names[place])}" for place in places)
        return write_parquet(connection, f"SELECT {named} FROM {table}", path, len(columns))

    rows = write_in_parts(len(columns), target, write)
    _refuse_other_rows(connection, path, rows)
    _refuse_far(connection, source, target, copy)
    changed = [
        original if original != name else None for original, name in zip(originals, names, strict=True)
    ]
    return ParquetRead(rows, changed, _decimals(connection, target))


def _decimals(connection: DuckDBPyConnection, target: Path) -> list[int | None]:
    columns, _ = described_table(connection, target)
    scales = (SCALE.fullmatch(column.type) for column in columns)
    return [int(scale[1]) if scale else None for scale in scales]


def _values(
    connection: DuckDBPyConnection, table: str, columns: list[Column], copy: Patched, given: dict[int, str]
) -> dict[int, str]:
    """Return SQL for the values of the columns whose bytes mean something else in the copy.

    `given` is SQL for what is in the copy.
    """
    values: dict[int, str] = {}
    for place in copy.times:
        kind = columns[place].type
        reading = int96.reading_of(connection, table, f"c{place}", kind)
        values[place] = int96.times(given[place], kind, reading)
    for place, scale in copy.decimals.items():
        values[place] = decimal_text(f"c{place}", scale)
    for place in copy.strings:
        text = f"TRY(decode(c{place}))"
        broken = f"SELECT count(*) FROM {table} WHERE c{place} IS NOT NULL AND {text} IS NULL"
        is_text = connection.execute(broken).fetchone() == (0,)
        values[place] = f"decode(c{place})" if is_text else f"c{place}"
    for place in copy.json:
        if is_json(connection, table, f"c{place}"):
            values[place] = f"CAST(c{place} AS JSON)"
    for place in copy.marked:
        sql = values.get(place, given[place])
        (column,) = describe(connection, f"(SELECT {sql} FROM {table})")
        json = copy.without_marks(json_text(duckdb.sqltype(column.type), sql))
        values[place] = f"CASE WHEN {sql} IS NOT NULL THEN CAST({json} AS JSON) END"
    return values


def _promises_nulls_only(connection: DuckDBPyConnection, source: Path) -> bool:
    """True if the statistics of some column call all its values null; DuckDB would not look at them."""
    query = f"SELECT bool_or(stats_null_count >= num_values) FROM parquet_metadata({literal(source)})"
    return connection.execute(query).fetchone() == (True,)


def _refuse_large(connection: DuckDBPyConnection, source: Path, limit: int) -> None:
    sizes = "sum(greatest(total_uncompressed_size, num_values))"
    found = connection.execute(f"SELECT {sizes} FROM parquet_metadata({literal(source)})").fetchone()
    if found and (found[0] or 0) > limit:
        detail = f"Unpacked, the file is larger than {limit} bytes."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)


def _refuse_other_rows(connection: DuckDBPyConnection, source: Path, rows: int) -> None:
    query = f"SELECT num_rows FROM parquet_file_metadata({literal(source)})"
    found = connection.execute(query).fetchone()
    if found and found[0] not in (rows, UNKNOWN_ROWS):
        detail = f"The footer says {found[0]} rows; {rows} can be read."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)


def _refuse_far(connection: DuckDBPyConnection, source: Path, target: Path, copy: Patched | None) -> None:
    """Look for far timestamps in the target; those of marked columns are in the copy alone."""
    in_milliseconds = columns_in_milliseconds(source)
    columns, table = described_table(connection, target)
    refuse_far_timestamps(connection, table, dict(enumerate(columns)), in_milliseconds)
    if copy and copy.marked:
        columns, table = described_table(connection, copy.path)
        marked = {place: columns[place] for place in copy.marked}
        refuse_far_timestamps(connection, table, marked, in_milliseconds)

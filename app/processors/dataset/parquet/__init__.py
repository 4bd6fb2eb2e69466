"""Parquet into Parquet: read whole, so that what is stored is sound and evenly grouped.

Nothing that the footer says about values is believed, only what their bytes mean.
Where DuckDB would alter or refuse values, a copy with another footer is read
instead (see `footer`). A column of strings that are not UTF-8 becomes binary, one
of decimals with more than 38 digits becomes text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
from app.processors.dataset.parquet.footer import Patched, column_names, patched
from app.processors.dataset.parquet.long_decimals import decimal_text
from app.processors.dataset.values import json_text

ENCRYPTED_MAGIC = b"PARE"
#: What some writers left in the footer.
UNKNOWN_ROWS = 0
#: DuckDB cannot print timestamps that are earlier.
FIRST_TIMESTAMP = "TIMESTAMP '290307-01-01 (BC)'"


@dataclass(frozen=True, slots=True)
class ParquetRead:
    """How the file was understood."""

    rows: int
    #: The names in the file, where they had to be changed.
    original_names: Sequence[str | None]


def parquet_to_parquet(
    connection: DuckDBPyConnection, source: Path, target: Path, unpacked_limit: int
) -> ParquetRead:
    """Copy every row into `target`.

    Raises InvalidPayload when its values, unpacked, exceed `unpacked_limit` bytes
    (each counts as one byte at least), it holds other rows than its footer says or
    pages whose checksum is wrong, and duckdb.Error when it is damaged.
    """
    changes = {"bare": False, "strings_as_bytes": False}
    copy = target.parent / "scratch" / "patched.parquet"
    copy.parent.mkdir(exist_ok=True)
    while True:
        try:
            found = patched(source, copy, **changes)
            if found is None and _promises_nulls_only(connection, source):
                found = patched(source, copy, bare=True)
            return _write(connection, source, target, found, unpacked_limit)
        except duckdb.Error as error:
            changes[_needed(error, changes)] = True


def _needed(error: duckdb.Error, changes: dict[str, bool]) -> str:
    """Return the change of the footer that may help, or raise what the client is told."""
    if "encrypt" in str(error):
        raise _encrypted() from None
    is_text = "not valid UTF8" in str(error)
    needed = "strings_as_bytes" if is_text else "bare"
    if not changes[needed] and not isinstance(error, duckdb.OutOfMemoryException):
        return needed
    if is_text:
        detail = "The file holds text that is not UTF-8 inside another type."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail) from None
    raise error


def refuse_encrypted(source: Path) -> None:
    """Raise InvalidPayload for a file whose magic bytes say that it is encrypted Parquet."""
    with source.open("rb") as file:
        if file.read(len(ENCRYPTED_MAGIC)) == ENCRYPTED_MAGIC:
            raise _encrypted()


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
    if copy:
        values |= _values(connection, table, columns, copy)
    named = ", ".join(f"{sql} AS {identifier(names[place])}" for place, sql in values.items())
    rows = write_parquet(connection, f"SELECT {named} FROM {table}", target, len(columns))
    _refuse_other_rows(connection, path, rows)
    _refuse_far_timestamps(connection, target)
    changed = [
        original if original != name else None for original, name in zip(originals, names, strict=True)
    ]
    return ParquetRead(rows, changed)


def _values(
    connection: DuckDBPyConnection, table: str, columns: list[Column], copy: Patched
) -> dict[int, str]:
    """Return SQL for the values of the columns whose bytes mean something else in the copy."""
    values: dict[int, str] = {}
    for place in copy.times:
        kind = columns[place].type
        reading = int96.reading_of(connection, table, f"c{place}", kind)
        values[place] = int96.times(f"c{place}", kind, reading)
    for place, scale in copy.decimals.items():
        values[place] = decimal_text(f"c{place}", scale)
    for place in copy.strings:
        text = f"TRY(decode(c{place}))"
        broken = f"SELECT count(*) FROM {table} WHERE c{place} IS NOT NULL AND {text} IS NULL"
        is_text = connection.execute(broken).fetchone() == (0,)
        values[place] = f"decode(c{place})" if is_text else f"c{place}"
    for place in copy.marked:
        sql = values.get(place, f"c{place}")
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


def _refuse_far_timestamps(connection: DuckDBPyConnection, table: Path) -> None:
    columns, source = described_table(connection, table)
    for place, column in enumerate(columns):
        if column.type not in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
            continue
        first = f"min(c{place}) FILTER (isfinite(c{place}))"
        query = f"SELECT {first} < CAST({FIRST_TIMESTAMP} AS {column.type}) FROM {source}"
        found = connection.execute(query).fetchone()
        if found == (True,):
            detail = f"Column {place + 1} holds a timestamp before the year -290306, which is not supported."
            raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)

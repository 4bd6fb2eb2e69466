"""Parquet into Parquet: read whole, so that what is stored is sound and evenly grouped."""

from pathlib import Path

from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.engine import describe, literal, write_parquet
from app.processors.dataset.rectangle import refuse_too_wide


def parquet_to_parquet(
    connection: DuckDBPyConnection, source: Path, target: Path, unpacked_limit: int
) -> int:
    """Copy every row into `target`; returns their number.

    Raises InvalidPayload when its values, unpacked, exceed `unpacked_limit` bytes
    (each counts as one byte at least) or it holds other rows than its footer says,
    and duckdb.Error when it is damaged.
    """
    _refuse_large(connection, source, unpacked_limit)
    table = f"read_parquet({literal(source)})"
    columns = len(describe(connection, table))
    refuse_too_wide(columns)
    rows = write_parquet(connection, f"SELECT * FROM {table}", target, columns)
    _refuse_other_rows(connection, source, rows)
    return rows


def _refuse_large(connection: DuckDBPyConnection, source: Path, limit: int) -> None:
    sizes = "sum(greatest(total_uncompressed_size, num_values))"
    found = connection.execute(f"SELECT {sizes} FROM parquet_metadata({literal(source)})").fetchone()
    if found and (found[0] or 0) > limit:
        detail = f"Unpacked, the file is larger than {limit} bytes."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail)


def _refuse_other_rows(connection: DuckDBPyConnection, source: Path, rows: int) -> None:
    query = f"SELECT num_rows FROM parquet_file_metadata({literal(source)})"
    found = connection.execute(query).fetchone()
    if found and found[0] != rows:
        detail = f"The footer says {found[0]} rows; {rows} can be read."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)

"""The checksums that a Parquet file may hold of its pages. DuckDB does not look at them."""

import zlib
from pathlib import Path
from typing import BinaryIO

from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.engine import literal
from app.processors.dataset.parquet.thrift import BadThriftError, Reader

LARGEST_HEADER_BYTES = 64 * 1024
BLOCK_BYTES = 1024 * 1024
COMPRESSED_SIZE, CHECKSUM = 3, 4


def check_pages(connection: DuckDBPyConnection, source: Path) -> None:
    """Raise InvalidPayload if a page is not what its checksum says.

    Writers give all pages a checksum or none, so a first page without one ends the
    search. Headers that make no sense are left to DuckDB to refuse.
    """
    query = f"""
        SELECT
            column_id,
            least(coalesce(nullif(dictionary_page_offset, 0), data_page_offset), data_page_offset),
            total_compressed_size
        FROM parquet_metadata({literal(source)})
    """
    with source.open("rb") as file:
        for column, start, size in connection.execute(query).fetchall():
            if not _check_chunk(file, column, start, start + size):
                return


def _check_chunk(file: BinaryIO, column: int, start: int, end: int) -> bool:
    """Check the pages between two places; False if they have no checksums."""
    while 0 < start < end:
        file.seek(start)
        reader = Reader(file.read(LARGEST_HEADER_BYTES))
        try:
            header = reader.struct()
        except BadThriftError:
            return False
        size, checksum = header.value(COMPRESSED_SIZE), header.value(CHECKSUM)
        if not isinstance(checksum, int) or not isinstance(size, int) or size < 0:
            return False
        file.seek(start + reader.position)
        if _checksum(file, size) != checksum & 0xFFFFFFFF:
            detail = f"The checksum of a page in column {column + 1} is wrong; the file is damaged."
            raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
        start += reader.position + size
    return True


def _checksum(file: BinaryIO, size: int) -> int:
    checksum = 0
    while size > 0 and (block := file.read(min(size, BLOCK_BYTES))):
        checksum = zlib.crc32(block, checksum)
        size -= len(block)
    return checksum

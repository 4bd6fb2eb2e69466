"""The locked DuckDB that every data set passes through.

Here: opening it, quoting what goes into its SQL, and turning its errors into
problems that a client can read. No module but the `dataset` ones imports it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.columns import Column
from app.processors.report import Task

THREADS = 2
SMALLEST_MEMORY_BYTES = 128 * 1024 * 1024
ROW_GROUP_ROWS = 20_000
ROW_GROUP_CELLS = 4_000_000
#: DuckDB adds up to 2,048 rows to a group or leaves as many out. With a smaller setting than this, a group
#: may hold any number.
FEWEST_ROW_GROUP_ROWS = 4_096
#: Reasons in our words, by a part of DuckDB's message, which itself may quote the payload.
REASONS = {
    "Invalid TIME value": "a time lies outside of its day",
    "Could not convert Timestamp": "a timestamp lies outside of the years -290306 to 294247",
    "Unable to convert TIMESTAMPTZ": "a timestamp lies outside of the years -290306 to 294247",
    "BYTE_STREAM_SPLIT": "the encoding BYTE_STREAM_SPLIT is not supported for a type in it",
    "ecompress": "a compressed part of it is damaged",
    "not valid UTF8": "a text in it is not UTF-8",
    "a decimal takes more than": "a decimal takes more than 32 bytes",
}


def _opened() -> DuckDBPyConnection:
    """Open an in-memory DuckDB of one thread, so that a process that has it may fork."""
    return duckdb.connect(
        ":memory:",
        config={
            "async_threads": 0,
            "threads": 1,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        },
    )


#: To open DuckDB takes longer than to read a small table. The sandbox forks after this module is loaded,
#: so each of its children has this connection to take.
_READY = [_opened()]


def connect(task: Task) -> DuckDBPyConnection:
    """Return a connection to a DuckDB that can reach the task's source and output, and nothing else.

    The order of the statements matters: after the last one no setting moves.
    """
    connection = _READY.pop() if _READY else _opened()
    connection.execute(f"SET threads = {THREADS}")
    connection.execute(f"SET memory_limit = '{_memory_for_queries(task.memory_limit)}B'")
    connection.execute(f"SET temp_directory = {literal(scratch(task) / 'duckdb')}")
    connection.execute(f"SET max_temp_directory_size = '{task.unpacked_limit}B'")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute(f"SET allowed_paths = [{literal(task.source)}]")
    connection.execute(f"SET allowed_directories = [{literal(task.output)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def scratch(task: Task) -> Path:
    folder = task.output / "scratch"
    folder.mkdir(exist_ok=True)
    return folder


def superseded(text: Path, folder: Path) -> None:
    """Remove our own text that was written anew, so that no more than two are on disk; keep the payload."""
    if text.parent == folder:
        text.unlink()


def literal(text: str | Path) -> str:
    """Return a SQL string."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a quoted SQL name, whatever characters a client chose for it."""
    return '"' + name.replace('"', '""') + '"'


def describe(connection: DuckDBPyConnection, table: str) -> list[Column]:
    """Return the columns of a SQL table expression."""
    found = connection.execute(f"DESCRIBE FROM {table}").fetchall()
    return [Column.of(name, duckdb_type) for name, duckdb_type, *_ in found]


def described_table(connection: DuckDBPyConnection, path: Path) -> tuple[list[Column], str]:
    """Return a Parquet file's columns, and SQL that calls them c0, c1, … whatever their names are."""
    columns = describe(connection, f"read_parquet({literal(path)})")
    aliases = ", ".join(f"c{position}" for position in range(len(columns)))
    return columns, f"read_parquet({literal(path)}) AS t({aliases})"


def write_parquet(connection: DuckDBPyConnection, query: str, target: Path, columns: int) -> int:
    """Write the query's result; returns the number of rows.

    Groups shrink as tables widen, so that the cells held in memory stay bounded.
    """
    rows = max(FEWEST_ROW_GROUP_ROWS, min(ROW_GROUP_ROWS, ROW_GROUP_CELLS // max(columns, 1)))
    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {rows}"
    found = connection.execute(f"COPY ({query}) TO {literal(target)} ({options})").fetchone()
    return int(found[0]) if found else 0


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Translate DuckDB's errors: too large is `limit_exceeded`, everything else `invalid_content`."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise InvalidPayload(
            ProblemCode.LIMIT_EXCEEDED, f"The {what} needs more memory than is allowed."
        ) from None
    except (duckdb.InternalException, duckdb.FatalException):
        raise InvalidPayload(
            ProblemCode.INVALID_CONTENT, f"The {what} holds values that cannot be read."
        ) from None
    except duckdb.Error as error:
        reason = explain(error)
        detail = f"The {what} cannot be read{': ' if reason else ''}{reason}."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail) from None


def explain(error: duckdb.Error) -> str:
    """Return the reason for an error, or nothing if it is not a known one."""
    message = str(error)
    return next((reason for part, reason in REASONS.items() if part in message), "")


def _memory_for_queries(limit: int) -> int:
    """Return what is left of `limit` bytes for DuckDB once Python and its own buffers have theirs."""
    return max(SMALLEST_MEMORY_BYTES, limit * 5 // 8)

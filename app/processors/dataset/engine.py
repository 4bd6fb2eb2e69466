"""The locked DuckDB that every data set passes through.

Here: opening it, quoting what goes into its SQL, and turning its errors into
problems that a client can read. No module but the `dataset` ones imports it.
"""

import re
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
LARGEST_DETAIL = 300
ROW_GROUP_ROWS = 20_000
ROW_GROUP_CELLS = 4_000_000
ERROR_PREFIX = re.compile(r"^[\w /]+ Error: ")
QUOTED = re.compile(r"""(["'`]).*\1""")
FILE_MENTION = re.compile(
    r"""(?: (?:in|of|from))?(?: file)?\s(?:"/[^"]*"|'/[^']*'|/(?:[^\s/]+/)+[^\s,;:]*),?"""
)


def connect(task: Task) -> DuckDBPyConnection:
    """Open an in-memory DuckDB that can reach the task's source and output, and nothing else.

    The order of the statements matters: after the last one no setting moves.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "async_threads": 0,
            "threads": THREADS,
            "memory_limit": f"{_memory_for_queries(task.memory_limit)}B",
            "temp_directory": str(scratch(task) / "duckdb"),
            "max_temp_directory_size": f"{task.unpacked_limit}B",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        },
    )
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
    rows = max(2_048, min(ROW_GROUP_ROWS, ROW_GROUP_CELLS // max(columns, 1)))
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
        detail = f"The {what} cannot be read{': ' if reason else '.'}{reason}"
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail) from None


def explain(error: duckdb.Error) -> str:
    """Return the first line of DuckDB's message, without its class and without paths of this machine.

    Nothing is left of a message that may hold a part of the payload.
    """
    first = str(error).strip().partition("\n")[0]
    sentence = FILE_MENTION.sub("", ERROR_PREFIX.sub("", first)).strip()
    may_quote = not sentence.isprintable() or QUOTED.search(sentence)
    return "" if may_quote else sentence[:LARGEST_DETAIL]


def _memory_for_queries(limit: int) -> int:
    """Return what is left of `limit` bytes for DuckDB once Python and its own buffers have theirs."""
    return max(SMALLEST_MEMORY_BYTES, limit * 5 // 8)

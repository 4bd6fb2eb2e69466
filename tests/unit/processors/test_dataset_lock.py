"""The statements that DuckDB refuses inside the connection that every data set passes through.

No SQL of a client is ever run. These refusals would hold if a file could make DuckDB run some.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from app.processors.dataset.engine import connect
from app.processors.report import Task

from .conftest import MakeTask, parquet_bytes


@pytest.fixture
def task(make_task: MakeTask) -> Task:
    return make_task("a,b\n1,2\n")


@pytest.fixture
def folder(tmp_path: Path, task: Task) -> Path:
    """Return a folder with files of every sort that DuckDB reads, beside those of the task."""
    (tmp_path / "other.csv").write_text("secret\n")
    (tmp_path / "other.json").write_text('{"a": "secret"}\n')
    (tmp_path / "other.parquet").write_bytes(parquet_bytes(tmp_path, "SELECT 'secret' AS a"))
    with duckdb.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE secret AS SELECT 1")
    (task.output / "link.csv").symlink_to(tmp_path / "other.csv")
    return tmp_path


@pytest.fixture
def locked(task: Task) -> Iterator[DuckDBPyConnection]:
    with connect(task) as connection:
        yield connection


@pytest.mark.parametrize(
    "statement",
    [
        "FROM '{folder}/other.csv'",
        "FROM read_csv('{folder}/other.csv')",
        "FROM sniff_csv('{folder}/other.csv')",
        "FROM read_text('{folder}/other.csv')",
        "FROM read_blob('{folder}/other.csv')",
        "FROM read_json('{folder}/other.json')",
        "FROM read_parquet('{folder}/other.parquet')",
        "FROM parquet_metadata('{folder}/other.parquet')",
        "FROM read_text('{folder}/*')",
        "FROM glob('{folder}/*')",
        "FROM read_csv('{output}/../../other.csv')",
        "FROM read_csv('{source}/../../other.csv')",
        "FROM read_csv('{output}/link.csv')",
        "FROM read_text('/proc/self/environ')",
        "FROM read_csv('http://127.0.0.1:9/a.csv')",
        "FROM read_csv('s3://bucket/a.csv')",
        "ATTACH '{folder}/other.db'",
        "ATTACH '{folder}/new.db'",
        "IMPORT DATABASE '{folder}'",
        "COPY (SELECT 1) TO '{folder}/written.csv'",
        "EXPORT DATABASE '{folder}/exported'",
        "CREATE PERSISTENT SECRET s (TYPE http)",
        "INSTALL httpfs",
        "INSTALL '{folder}/own.duckdb_extension'",
        "LOAD httpfs",
        "LOAD '{folder}/own.duckdb_extension'",
    ],
)
def test_other_files_the_network_and_extensions_are_refused(
    locked: DuckDBPyConnection, task: Task, folder: Path, statement: str
) -> None:
    before = sorted(folder.iterdir())

    with pytest.raises(duckdb.PermissionException):
        locked.execute(statement.format(folder=folder, source=task.source, output=task.output)).fetchall()

    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "statement",
    [
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "RESET allowed_paths",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
        "SET threads = 64",
        "SET temp_directory = '/'",
        "SET max_temp_directory_size = '1TB'",
        "SET autoload_known_extensions = true",
        "SET python_enable_replacements = true",
        "SET custom_extension_repository = '/'",
        "CALL enable_logging(storage = 'file', storage_path = '/')",
    ],
)
def test_no_setting_moves_any_more(locked: DuckDBPyConnection, statement: str) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="locked"):
        locked.execute(statement)


def test_variables_of_the_program_are_no_tables(locked: DuckDBPyConnection) -> None:
    known = duckdb.values([1])

    with pytest.raises(duckdb.CatalogException):
        locked.execute("FROM known")

    assert known.fetchall() == [(1,)]

"""The `dataset` kind: a table in, the same table as Parquet, a profile and a preview out.

Its parts, in the order in which a payload passes through them:

* text       gzip and encodings: plain UTF-8 on disk
* engine     DuckDB, locked
* csv        the ladder of CSV reads; rectangle is its last rung
* ndjson     newline-delimited JSON
* parquet    Parquet
* profile    one description per column, from the Parquet
* values     what DuckDB's types and values are called in JSON
* preview    the first rows

Summary: `{"format": "csv" | "tsv" | "ndjson" | "parquet", "rows": int, "columns": int}`.
Artifacts: `profile.json`, `preview.json`, `data.parquet`.
"""

import json
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.csv import csv_to_parquet
from app.processors.dataset.engine import connect, reading, scratch
from app.processors.dataset.ndjson import ndjson_to_parquet
from app.processors.dataset.parquet import parquet_to_parquet
from app.processors.dataset.preview import preview
from app.processors.dataset.profile import profile_columns
from app.processors.dataset.rectangle import TAB
from app.processors.dataset.text import plain_text
from app.processors.media_types import PARQUET, check_content
from app.processors.report import ArtifactFile, Report, Task

FORMATS = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/x-ndjson": "ndjson",
    PARQUET: "parquet",
}
DATA = ArtifactFile("data.parquet", PARQUET)
PROFILE = ArtifactFile("profile.json", "application/json")
PREVIEW = ArtifactFile("preview.json", "application/json")
Loaded = tuple[int, dict[str, Any]]
"""The number of rows, and the entries of HOW that apply."""
HOW = (
    *("delimiter", "quote", "encoding", "encoding_guessed", "replaced_characters"),
    *("header", "compression", "date_format", "ragged_rows"),
)


def process(task: Task) -> Report:
    """Raises InvalidPayload when the payload is not the table it was declared to be."""
    try:
        with connect(task) as connection, reading("file"):
            return _process(connection, task)
    except MemoryError:
        detail = "The file needs more memory than is allowed."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail) from None


def _process(connection: DuckDBPyConnection, task: Task) -> Report:
    table = task.output / DATA.name
    rows, how = _load(connection, task, table)
    columns = profile_columns(connection, table, rows)
    described = {"format": FORMATS[task.media_type], **dict.fromkeys(HOW), **how}
    _write_json(task.output / PROFILE.name, {"rows": rows, "columns": columns, **described})
    _write_json(task.output / PREVIEW.name, preview(connection, table))
    summary = {"format": described["format"], "rows": rows, "columns": len(columns)}
    return Report(summary, (PROFILE, PREVIEW, DATA))


def _load(connection: DuckDBPyConnection, task: Task, table: Path) -> Loaded:
    """Write the payload to `table`."""
    match FORMATS[task.media_type]:
        case "parquet":
            return _load_parquet(connection, task, table)
        case "ndjson":
            return _load_ndjson(connection, task, table)
        case _:
            return _load_csv(connection, task, table)


def _load_parquet(connection: DuckDBPyConnection, task: Task, table: Path) -> Loaded:
    check_content(task.source, task.media_type)
    return parquet_to_parquet(connection, task.source, table, task.unpacked_limit), {}


def _load_ndjson(connection: DuckDBPyConnection, task: Task, table: Path) -> Loaded:
    text = plain_text(task, must_be_unicode=True)
    rows = ndjson_to_parquet(connection, text.path, table)
    return rows, text.how()


def _load_csv(connection: DuckDBPyConnection, task: Task, table: Path) -> Loaded:
    text = plain_text(task)
    given = TAB if FORMATS[task.media_type] == "tsv" else None
    read = csv_to_parquet(connection, text.path, table, scratch(task), given)
    return read.rows, {
        "delimiter": read.dialect.delimiter,
        "quote": read.dialect.quote,
        "header": read.header,
        "date_format": read.date_format,
        "ragged_rows": read.ragged_rows,
        **text.how(),
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False), encoding="utf-8")

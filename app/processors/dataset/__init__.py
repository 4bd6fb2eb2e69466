"""The `dataset` kind: a table in, the same table as Parquet, a profile and a preview out.

Its parts, in the order in which a payload passes through them:

* shown      which type it is, where the declared one leaves that open
* text       gzip and encodings: plain UTF-8 on disk
* engine     DuckDB, locked
* csv        rows (Python's reader), dialect and quotes, returns (line ends within cells),
             layout (header, titles), around (the table in its text), table (the SQL that reads it),
             rectangle (ragged rows, many columns)
* ndjson     newline-delimited JSON; json_rows reads it by Python, and takes arrays apart
* forms      how cells may be written: numbers, moments; what the value gives back
* cells      columns of text before their types are known
* proof      columns of text into typed Parquet, every cell proved
* parquet    Parquet; what DuckDB alone would alter in it: footer, int96,
             long_decimals, json_columns, far_timestamps, thrift, checksums
* columns    their number and names
* part       columns that are described together, and SQL for their cells
* profile    one description per column, from the values that were written; its parts: statistics,
             precise (the finest figures), counts, histograms
* values     what DuckDB's types and values are called in JSON
* preview    the first rows

Summary: `{"format": "csv" | "tsv" | "ndjson" | "json" | "parquet", "rows": int, "columns": int}`.
Artifacts: `profile.json`, `preview.json`, `data.parquet`.
"""

import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.domain.media_types import CSV, JSON, NDJSON, PARQUET, TSV
from app.processors.dataset.cells import written
from app.processors.dataset.csv import csv_to_parquet
from app.processors.dataset.csv.dialect import NO_DELIMITERS
from app.processors.dataset.csv.rows import TAB
from app.processors.dataset.engine import connect, reading, scratch, superseded
from app.processors.dataset.json_rows import write_items_as_lines
from app.processors.dataset.ndjson import ndjson_to_parquet
from app.processors.dataset.parquet import parquet_to_parquet, refuse_cut_off, refuse_encrypted
from app.processors.dataset.parquet.parts import parts_of
from app.processors.dataset.part import Part, described
from app.processors.dataset.preview import Shown, first_cells, longest_cell, preview
from app.processors.dataset.profile import profile_columns
from app.processors.dataset.samples import SAMPLES
from app.processors.dataset.shown import OPEN, is_tsv, shown_type
from app.processors.dataset.text import plain_text
from app.processors.recognition import check_content
from app.processors.report import ArtifactFile, Report, Task

FORMATS = {
    CSV: "csv",
    TSV: "tsv",
    NDJSON: "ndjson",
    JSON: "json",
    PARQUET: "parquet",
}
#: The values of the media type's parameter (RFC 4180, section 3).
HEADERS = {"present": True, "absent": False}
DATA = ArtifactFile("data.parquet", PARQUET)
PROFILE = ArtifactFile("profile.json", "application/json")
PREVIEW = ArtifactFile("preview.json", "application/json")
#: The entries of the profile about the whole file, null where they do not apply.
HOW = (
    "delimiter",
    "quote",
    "escape",
    "encoding",
    "encoding_guessed",
    "replaced_characters",
    "header",
    "header_guessed",
    "compression",
    "ragged_rows",
    "blank_lines",
    "lines_above",
    "total_rows",
)
#: Its entries about how a column was written, null where they do not apply.
WRITTEN = ("original_name", "decimals", "format", "offset", "decimal_mark", "thousands_mark")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of writing a payload to Parquet."""

    rows: int
    #: The entries of HOW that apply.
    how: Mapping[str, Any]
    #: For each column the entries of WRITTEN that apply, and its flags.
    written: Sequence[Mapping[str, Any]]
    #: The type that it was read as, one of FORMATS.
    media_type: str
    #: The columns, where their cells are in lists in memory.
    parts: Sequence[Part] = ()


__all__ = ["SAMPLES", "process"]


def process(task: Task) -> Report:
    """Raises InvalidPayload when the payload is not the table it was declared to be."""
    try:
        with connect(task) as connection, reading("file"), _no_collector():
            return _process(connection, task)
    except MemoryError:
        detail = "The file needs more memory than is allowed."
        raise InvalidPayload(ProblemCode.LIMIT_EXCEEDED, detail) from None


@contextmanager
def _no_collector() -> Iterator[None]:
    """Switch the garbage collector off: it would look at all rows anew, and they form no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _process(connection: DuckDBPyConnection, task: Task) -> Report:
    table = task.output / DATA.name
    loaded = _load(
        connection, replace(task, media_type=shown_type(task)), table, is_open=task.media_type in OPEN
    )
    longest = longest_cell(len(loaded.written))
    columns, first = list[dict[str, Any]](), list[Shown]()
    for part in loaded.parts or described(connection, parts_of(table), loaded.rows):
        columns += profile_columns(connection, part, loaded.rows)
        first += first_cells(connection, part, longest)
    for column, told in zip(columns, loaded.written, strict=True):
        column |= {**dict.fromkeys(WRITTEN), "flags": [], **told}
    profile = {
        "format": FORMATS[loaded.media_type],
        "rows": loaded.rows,
        **dict.fromkeys(HOW),
        **loaded.how,
    }
    _write_json(task.output / PROFILE.name, {**profile, "columns": columns})
    _write_json(task.output / PREVIEW.name, preview(first))
    summary = {"format": profile["format"], "rows": loaded.rows, "columns": len(columns)}
    return Report(summary, (PROFILE, PREVIEW, DATA), loaded.media_type)


def _load(connection: DuckDBPyConnection, task: Task, table: Path, *, is_open: bool) -> Loaded:
    """Write the payload to `table`. `is_open` says that its declared type left its type to the content."""
    match FORMATS[task.media_type]:
        case "parquet":
            return _load_parquet(connection, task, table)
        case "ndjson" | "json":
            return _load_json(connection, task, table)
        case _:
            return _load_csv(connection, task, table, is_open=is_open)


def _load_parquet(connection: DuckDBPyConnection, task: Task, table: Path) -> Loaded:
    refuse_encrypted(task.source)
    refuse_cut_off(task.source)
    check_content(task.source, task.media_type)
    read = parquet_to_parquet(connection, task.source, table, task.unpacked_limit)
    told = zip(read.original_names, read.decimals, strict=True)
    columns = [{"original_name": name, "decimals": places} for name, places in told]
    return Loaded(read.rows, {}, columns, PARQUET)


def _load_json(connection: DuckDBPyConnection, task: Task, table: Path) -> Loaded:
    text = plain_text(task, must_be_unicode=True)
    lines, unit = text.path, "Line"
    if FORMATS[task.media_type] == "json":
        lines, unit = scratch(task) / "items.ndjson", "Item"
        write_items_as_lines(text.path, lines)
        superseded(text.path, scratch(task))
    read = ndjson_to_parquet(connection, lines, table, scratch(task), unit=unit)
    return Loaded(read.rows, text.how(), written(read.columns, read.original_names), task.media_type)


def _load_csv(connection: DuckDBPyConnection, task: Task, table: Path, *, is_open: bool) -> Loaded:
    text = plain_text(task)
    media_type = TSV if is_open and is_tsv(text.path) else task.media_type
    read = csv_to_parquet(
        connection,
        text.path,
        table,
        scratch(task),
        dialect=TAB if media_type == TSV else None,
        header=declared_header(task.parameters),
    )
    is_split = len(read.columns) > 1 or read.dialect.delimiter not in NO_DELIMITERS
    how = {
        "delimiter": read.dialect.delimiter if is_split else None,
        "quote": read.dialect.quote or None,
        "escape": read.dialect.escape if read.dialect.escape != read.dialect.quote else None,
        "header": read.header,
        "header_guessed": declared_header(task.parameters) is None,
        "ragged_rows": read.ragged_rows,
        "blank_lines": read.blank_lines,
        "lines_above": read.lines_above,
        "total_rows": read.total_rows,
        **text.how(),
    }
    return Loaded(read.rows, how, written(read.columns, read.original_names), media_type, read.parts)


def declared_header(parameters: Mapping[str, str]) -> bool | None:
    """Return what the media type says of a header (RFC 4180, section 3); None if it says nothing.

    Raises InvalidPayload if it says something else.
    """
    header = parameters.get("header")
    if header is None:
        return None
    if header.lower() not in HEADERS:
        detail = "The parameter header of the media type must be present or absent."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    return HEADERS[header.lower()]


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False), encoding="utf-8")

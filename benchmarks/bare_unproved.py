"""Process a table as the dataset processor does, but believe the first rows: no cell is proved.

A column may then hold values that are not the file's.
"""

from pathlib import Path
from unittest.mock import patch

from duckdb import DuckDBPyConnection

from app.processors import dataset
from app.processors.dataset import ndjson
from app.processors.dataset.columns import Column
from app.processors.dataset.forms.form import Form
from benchmarks.measuring import task_of
from benchmarks.samples import CSV, NDJSON, Sample

MEDIA_TYPES = {".csv": CSV, ".json": NDJSON}


def run(source: Path, output: Path) -> None:
    task = task_of(Sample(source.name, source, MEDIA_TYPES[source.suffix]), output)
    with (
        patch.object(Form, "proof_sql", lambda *_: "true"),
        patch.object(ndjson, "_doubtful_numbers", lambda *_: ndjson.Doubtful(False, False, False)),
        patch.object(ndjson, "_shaped_like_first_rows", _inferred_from_first_rows),
    ):
        dataset.process(task)


def _inferred_from_first_rows(connection: DuckDBPyConnection, text: Path) -> list[Column]:
    return ndjson._inferred(connection, text, ndjson.FIRST_ROWS)

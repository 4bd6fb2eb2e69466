"""A payload on disk, and the task that processes it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from app.domain.media_types import meant_media_type, media_type_parameters
from app.processors import dataset
from app.processors.report import Report, Task

MEBIBYTE = 1024 * 1024
MakeTask = Callable[..., Task]


@dataclass(frozen=True)
class Result:
    """The report of a data set's processor, and the files that it left."""

    report: Report
    profile: dict[str, Any]
    #: The preview without its field `cut`, which stands below.
    preview: dict[str, Any]
    cut: list[list[int]]
    data: Path

    def column(self, name: str) -> dict[str, Any]:
        return next(column for column in self.profile["columns"] if column["name"] == name)

    def cells(self, name: str) -> list[Any]:
        place = self.preview["columns"].index(name)
        return [row[place] for row in self.preview["rows"]]


ProcessDataset = Callable[..., Result]


def new_task(folder: Path, payload: bytes | str, media_type: str, **limits: int) -> Task:
    """Write the payload to a new folder; the media type may have parameters."""
    folder.mkdir()
    source, output = folder / "payload", folder / "output"
    source.write_bytes(payload.encode() if isinstance(payload, str) else payload)
    output.mkdir()
    sizes = {
        "unpacked_limit": 64 * MEBIBYTE,
        "memory_limit": 1024 * MEBIBYTE,
        "disk_limit": 4096 * MEBIBYTE,
    } | limits
    return Task(
        processor="dataset",
        source=source,
        output=output,
        media_type=meant_media_type(media_type),
        parameters=media_type_parameters(media_type),
        unpacked_limit=sizes["unpacked_limit"],
        memory_limit=sizes["memory_limit"],
        disk_limit=sizes["disk_limit"],
    )


def processed(task: Task) -> Result:
    report = dataset.process(task)
    profile = json.loads((task.output / "profile.json").read_text())
    preview = json.loads((task.output / "preview.json").read_text())
    return Result(report, profile, preview, preview.pop("cut"), task.output / "data.parquet")


def parquet_bytes(folder: Path, query: str) -> bytes:
    path = folder / "made.parquet"
    duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


@pytest.fixture
def make_task(tmp_path: Path) -> MakeTask:
    def make(payload: bytes | str, media_type: str = "text/csv", **limits: int) -> Task:
        return new_task(tmp_path / f"task-{len(list(tmp_path.iterdir()))}", payload, media_type, **limits)

    return make


@pytest.fixture
def process(make_task: MakeTask) -> ProcessDataset:
    def process(payload: bytes | str, media_type: str = "text/csv", **limits: int) -> Result:
        return processed(make_task(payload, media_type, **limits))

    return process

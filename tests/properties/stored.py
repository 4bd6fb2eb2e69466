"""The files that the processor wrote: profile.json, preview.json, and data.parquet as pyarrow reads it."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from app.processors import dataset
from app.processors.report import Task

NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
MEBIBYTE = 1024 * 1024
LIMITS = {"unpacked_limit": 256 * MEBIBYTE, "memory_limit": 1024 * MEBIBYTE, "disk_limit": 4096 * MEBIBYTE}


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """`type` is the profile's word for the type that Parquet has."""

    name: str
    type: str
    values: list[Any]


@dataclass(frozen=True, slots=True)
class StoredTable:
    columns: list[StoredColumn]
    profile: Mapping[str, Any]
    preview: Mapping[str, Any]


def process(payload: bytes, media_type: str, parameters: Mapping[str, str], folder: Path) -> StoredTable:
    """Run the processor in an existing, empty folder and read what it left there."""
    source, output = folder / "payload", folder / "output"
    source.write_bytes(payload)
    output.mkdir()
    task = Task(
        processor="dataset",
        source=source,
        output=output,
        media_type=media_type,
        parameters=parameters,
        **LIMITS,
    )
    dataset.process(task)
    return StoredTable(
        columns=columns_of(pq.ParquetFile(output / "data.parquet").read()),
        profile=json.loads((output / "profile.json").read_text()),
        preview=json.loads((output / "preview.json").read_text()),
    )


def columns_of(table: pa.Table) -> list[StoredColumn]:
    return [StoredColumn(name, *_read(table.column(place))) for place, name in enumerate(table.column_names)]


def _read(column: Any) -> tuple[str, list[Any]]:
    """Return the kind of a column and its values: days for dates, nanoseconds for moments and times."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _read_extension(column)
    if pa.types.is_dictionary(kind):
        return _read(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return _read_moments(column)
    if pa.types.is_date(kind):
        return "date", column.cast(pa.date32()).cast(pa.int32()).to_pylist()
    return _name(kind), column.to_pylist()


def _read_extension(column: Any) -> tuple[str, list[Any]]:
    name = column.type.extension_name
    values = column.cast(column.type.storage_type).to_pylist()
    if name == "arrow.uuid":
        return "text", [value and str(uuid.UUID(bytes=value)) for value in values]
    return "json" if name == "arrow.json" else _name(column.type.storage_type), values


def _read_moments(column: Any) -> tuple[str, list[Any]]:
    factor = NANOSECONDS[column.type.unit]
    width = pa.int32() if column.type.bit_width == 32 else pa.int64()
    values = [value if value is None else value * factor for value in column.cast(width).to_pylist()]
    return "timestamp" if pa.types.is_timestamp(column.type) else "time", values


def _name(kind: Any) -> str:
    types = pa.types
    if types.is_integer(kind) or (types.is_decimal(kind) and kind.scale == 0):
        return "integer"
    if types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_boolean(kind):
        return "boolean"
    if types.is_nested(kind):
        return "json"
    return "binary" if types.is_binary(kind) or types.is_fixed_size_binary(kind) else "text"

"""Newline-delimited JSON into Parquet: every line that is not blank holds one object.

Python looks at the lines (it knows where they are), DuckDB reads the values.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import duckdb
from duckdb import DuckDBPyConnection

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.engine import Column, describe, identifier, literal, write_parquet
from app.processors.dataset.rectangle import refuse_too_wide

BLOCK_BYTES = 1024 * 1024
DEEPEST_STRUCT = 10
LONGEST_STRUCT_TYPE = 10_000
# Parquet has no integer of 128 bits, and few readers know a column without a type.
STORED_AS = {"HUGEINT": "DECIMAL(38,0)", '"NULL"': "VARCHAR"}
INFERRED = f"map_inference_threshold = -1, sample_size = -1, maximum_depth = {DEEPEST_STRUCT}"
NUMBERED = re.compile(r"(.*)_\d+", re.DOTALL)


def ndjson_to_parquet(connection: DuckDBPyConnection, text: Path, target: Path) -> int:
    """Read UTF-8 text into `target`; returns the number of rows.

    Objects within objects become structs, and JSON text where rows disagree.
    Raises InvalidPayload with the first line that is not one JSON object, else
    duckdb.Error.
    """
    expected = _count_objects(text)
    try:
        columns = describe(connection, _read_json(text, INFERRED))
        refuse_too_wide(len(columns))
        rows = write_parquet(connection, _query(text, columns), target, len(columns))
    except duckdb.Error:
        _check_every_line(text)
        raise
    if rows != expected:
        detail = f"Only {rows} of {expected} rows can be read."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)
    return rows


def _query(text: Path, columns: list[Column]) -> str:
    """Read with the types already found, which is twice as fast as finding them again.

    Where DuckDB may have renamed a key (two that differ only in case) or made one
    column of whole objects, only it can find the values again.
    """
    stored = [Column(column.name, _stored_type(column)) for column in columns]
    if _may_be_renamed(columns):
        casts = ", ".join(
            f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in stored
        )
        return f"SELECT {casts} FROM {_read_json(text, INFERRED)}"
    types = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in stored)
    return f"SELECT * FROM {_read_json(text, f'columns = {{{types}}}')}"


def _stored_type(column: Column) -> str:
    if len(column.type) > LONGEST_STRUCT_TYPE:
        return "JSON"
    return STORED_AS.get(column.type, column.type)


def _may_be_renamed(columns: list[Column]) -> bool:
    names = {column.name.casefold() for column in columns}
    if columns == [Column("json", "JSON")]:
        return True
    matches = (NUMBERED.fullmatch(name) for name in names)
    return any(match and match[1] in names for match in matches)


def _read_json(text: Path, options: str) -> str:
    return f"read_json({literal(text)}, format = 'newline_delimited', {options})"


def _count_objects(text: Path) -> int:
    """The lines that are not blank; a look at each whole line only where it may not be an object."""
    rows = number = 0
    for block in _blocks(text):
        suspicious = _may_hold_nan(block)
        for line in block:
            number += 1
            if suspicious or not line.startswith(b"{"):
                rows += _check(line, number)
            else:
                rows += 1
    if not rows:
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, "The file holds no rows.")
    return rows


def _check_every_line(text: Path) -> None:
    number = 0
    for block in _blocks(text):
        for line in block:
            number += 1
            _check(line, number)


def _blocks(text: Path) -> Iterator[list[bytes]]:
    with text.open("rb") as file:
        while lines := file.readlines(BLOCK_BYTES):
            yield lines


def _may_hold_nan(block: list[bytes]) -> bool:
    lowered = b"".join(block).lower()
    return b"nan" in lowered or b"inf" in lowered


def _check(line: bytes, number: int) -> bool:
    """Whether the line is a row. Raises InvalidPayload when it is neither blank nor an object."""
    if not line.strip():
        return False
    try:
        value = json.loads(line, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        detail = f"Line {number} is not valid JSON: {_reason(error)}."
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail) from None
    if not isinstance(value, dict):
        raise InvalidPayload(ProblemCode.INVALID_CONTENT, f"Line {number} is not a JSON object.")
    return True


def _reason(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"{error.msg} at column {error.colno}"
        case UnicodeEncodeError():
            return "half of a surrogate pair"
        case RecursionError():
            return "nested too deeply"
        case _:
            return str(error)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")

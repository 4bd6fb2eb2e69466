"""DuckDB's types and values, said in JSON.

| type        | of                                          | written as                         |
|-------------|---------------------------------------------|------------------------------------|
| `integer`   | every integer, DECIMAL without decimals     | number; text beyond ±(2^53 - 1)    |
| `number`    | FLOAT, DOUBLE, DECIMAL                      | number; text where it would round  |
| `boolean`   | BOOLEAN                                     | true, false                        |
| `date`      | DATE                                        | `2024-01-31`                       |
| `timestamp` | TIMESTAMP; with a zone it ends in `Z`       | `2024-01-31T10:00:00`              |
| `time`      | TIME                                        | `10:00:00`                         |
| `text`      | VARCHAR, UUID, INTERVAL and all others      | text                               |
| `json`      | STRUCT, LIST, MAP, JSON                     | JSON text                          |
| `binary`    | BLOB                                        | text with `\\xNN` for other bytes  |

NaN and the infinities, which JSON lacks, are the texts "NaN", "Infinity" and
"-Infinity".
"""

import math
import re
from decimal import Decimal
from typing import Any

from app.processors.dataset.engine import Column

LARGEST_EXACT_INTEGER = 2**53 - 1
INTEGER = re.compile(r"U?(?:TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|DECIMAL\(\d+,0\)")
NUMBER = re.compile(r"FLOAT|DOUBLE|DECIMAL\(.*")
NESTED = re.compile(r"(?:STRUCT|MAP|UNION)\(.*|.*\[\d*\]|JSON|VARIANT", re.DOTALL)
STARTS = {"DATE": "date", "TIMESTAMP": "timestamp", "TIME": "time", "BOOLEAN": "boolean", "BLOB": "binary"}
ELLIPSIS = "…"


def type_name(duckdb_type: str) -> str:
    """One of the words of the table above."""
    if NESTED.fullmatch(duckdb_type):
        return "json"
    if INTEGER.fullmatch(duckdb_type):
        return "integer"
    if NUMBER.fullmatch(duckdb_type):
        return "number"
    return next((name for start, name in STARTS.items() if duckdb_type.startswith(start)), "text")


def readable(column: Column, sql: str) -> str:
    """SQL for the value as Python should fetch it: numbers and booleans as they are, else text."""
    match type_name(column.type):
        case "integer" | "number" | "boolean":
            return sql
        case "timestamp" if "WITH TIME ZONE" in column.type:
            zone = f"CASE WHEN isfinite({sql}) THEN 'Z' ELSE '' END"
            return f"replace(CAST({sql} AT TIME ZONE 'UTC' AS VARCHAR), ' ', 'T') || {zone}"
        case "timestamp":
            return f"replace(CAST({sql} AS VARCHAR), ' ', 'T')"
        case "json" if column.type not in ("JSON", "VARIANT"):
            return f"CAST(to_json({sql}) AS VARCHAR)"
        case _:
            return f"CAST({sql} AS VARCHAR)"


def json_value(value: Any, *, characters: int) -> Any:
    """A fetched value as JSON has it; text longer than `characters` ends in an ellipsis."""
    match value:
        case bool() | None:
            return value
        case int():
            return value if abs(value) <= LARGEST_EXACT_INTEGER else str(value)
        case float():
            return _json_float(value)
        case Decimal():
            return _json_decimal(value)
        case _:
            return value if len(value) <= characters else value[:characters] + ELLIPSIS


def _json_float(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else f"{'-' if value < 0 else ''}Infinity"


def _json_decimal(value: Decimal) -> int | float | str:
    if value == value.to_integral_value():
        return int(value) if abs(value) <= LARGEST_EXACT_INTEGER else str(int(value))
    rounded = float(value)
    return rounded if Decimal(repr(rounded)) == value else str(value)

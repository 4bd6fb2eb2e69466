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
"-Infinity", inside `json` too. Years are those of ISO 8601: the year before 0001
is 0000, the one before it -0001; years after 9999 have more digits. Values inside
`json` are written as they are outside of it.
"""

import json
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import duckdb
from duckdb.sqltypes import DuckDBPyType

from app.processors.dataset.columns import Column
from app.processors.dataset.engine import literal

LARGEST_EXACT_INTEGER = 2**53 - 1
ELLIPSIS = "…"
NUMBERS_UNKNOWN_TO_JSON = re.compile(r'"(?:[^"\\]|\\.)*"?|-?(?:NaN|Infinity)')
NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
MOMENTS = ("date", "timestamp")
BEFORE_CHRIST, INFINITY = " (BC)", "infinity"
#: DuckDB's texts of dates and timestamps with these need more than a T.
UNUSUAL = (BEFORE_CHRIST, INFINITY)
#: Types that DuckDB's to_json alters inside others: it writes years as `0028 (BC)`, numbers anew, and
#: the NaN of a key as `nan`.
ALTERED_IN_JSON = re.compile(r"DATE|TIMESTAMP|JSON|DECIMAL|MAP\((?:FLOAT|DOUBLE)")


def readable(column: Column, sql: str) -> str:
    """Return SQL for the value as Python should fetch it: numbers and booleans as they are, else text.

    `json_value` makes ISO 8601 of the text of a date or timestamp.
    """
    match column.kind:
        case "integer" | "number" | "boolean":
            return sql
        case "date" | "timestamp":
            return f"CAST({in_utc(column.type, sql)} AS VARCHAR)"
        case "json" if column.type != "VARIANT" and ALTERED_IN_JSON.search(column.type):
            return f"CASE WHEN {sql} IS NOT NULL THEN {json_text(duckdb.sqltype(column.type), sql)} END"
        case _:
            return comparable(column, sql)


def comparable(column: Column, sql: str) -> str:
    """Return SQL for a text that is the same for the same values; cheaper than `readable`."""
    if column.kind == "json" and column.type != "JSON":
        return f"CAST(to_json({sql}) AS VARCHAR)"
    if column.type in ("FLOAT", "DOUBLE"):
        # 0 and -0 are one number, and NaN has no sign.
        return f"CASE WHEN isnan({sql}) THEN 'nan' ELSE CAST({sql} + 0 AS VARCHAR) END"
    if column.type == "VARCHAR":
        return sql
    return f"CAST({sql} AS VARCHAR)"


def in_utc(duckdb_type: str, sql: str) -> str:
    """Return SQL for a timestamp in UTC without its zone: DuckDB has few functions for those with one."""
    return f"({sql} AT TIME ZONE 'UTC')" if has_zone(duckdb_type) else sql


def has_zone(duckdb_type: str) -> bool:
    """True if values of this timestamp type are moments in UTC."""
    return "WITH TIME ZONE" in duckdb_type or duckdb_type.startswith("TIMESTAMPTZ")


class Edge(NamedTuple):
    """The last and the first value of a type, which DuckDB takes for infinities and Parquet does not."""

    last: str
    first: str
    #: The distance from 1970, in both directions.
    seconds: float


def edge(duckdb_type: str) -> Edge:
    """Return the edge of a type of dates or timestamps."""
    if duckdb_type == "DATE":
        return Edge("5881580-07-11", "-5877641-06-24", (2**31 - 1) * 86_400)
    if duckdb_type.endswith("_NS"):
        return Edge("2262-04-11T23:47:16.854775807", "1677-09-21T00:12:43.145224193", (2**63 - 1) / 10**9)
    return Edge("294247-01-10T04:00:54.775807", "-290308-12-21T19:59:05.224193", (2**63 - 1) / 10**6)


def iso_8601(duckdb_type: str, sql: str) -> str:
    """Return SQL for a date or timestamp as text."""
    moment = in_utc(duckdb_type, sql)
    last, first, _ = edge(duckdb_type)
    text = f"CAST({moment} AS VARCHAR)"
    year = f"CASE WHEN year({moment}) = 0 THEN '0000' ELSE format('{{:05d}}', year({moment})) END"
    before_christ = rf"{year} || regexp_replace({text}, '^\d+(.*) \(BC\)', '\1')"
    years = f"CASE WHEN year({moment}) <= 0 THEN {before_christ} ELSE {text} END"
    at_the_edge = (
        f"CASE {moment} WHEN 'infinity' THEN {literal(last)} WHEN '-infinity' THEN {literal(first)} END"
    )
    zone = " || 'Z'" if has_zone(duckdb_type) else ""
    return f"CASE WHEN isfinite({moment}) THEN replace({years}, ' ', 'T') ELSE {at_the_edge} END{zone}"


def json_text(kind: DuckDBPyType, sql: str, depth: int = 0) -> str:
    """Return SQL for a value as valid JSON text, null included."""
    inner = f"v{depth}"
    match kind.id:
        case "struct":
            members = [
                literal(json.dumps(name, ensure_ascii=False) + ":")
                + f" || {json_text(member, f'struct_extract({sql}, {literal(name)})', depth + 1)}"
                for name, member in children(kind)
            ]
            joined = " || ',' || ".join(members)
            text = f"CASE WHEN {sql} IS NOT NULL THEN '{{' || {joined} || '}}' END"
        case "list" | "array":
            item = children(kind)[0][1]
            items = f"list_transform({sql}, lambda {inner}: {json_text(item, inner, depth + 1)})"
            text = f"'[' || array_to_string({items}, ',') || ']'"
        case "map":
            (_, key), (_, value) = children(kind)
            named = Column.of("", str(key))
            value_of_key = f"{inner}.key"
            if named.kind in MOMENTS:
                name = iso_8601(named.type, value_of_key)
            else:
                name = readable(named, value_of_key)
            name = f"CAST(to_json({name}) AS VARCHAR)"
            name = f"CASE WHEN {name}[1] = '\"' THEN {name} ELSE '\"' || {name} || '\"' END"
            pair = f"{name} || ':' || {json_text(value, f'{inner}.value', depth + 1)}"
            pairs = f"list_transform(map_entries({sql}), lambda {inner}: {pair})"
            text = f"'{{' || array_to_string({pairs}, ',') || '}}'"
        case "date" | "timestamp" | "timestamp with time zone" | "timestamp_ns" | "timestamptz_ns":
            text = f"'\"' || {iso_8601(str(kind), sql)} || '\"'"
        case "float" | "double":
            number = f"CAST(to_json({sql}) AS VARCHAR)"
            text = f"CASE WHEN isfinite({sql}) THEN {number} ELSE '\"' || {number} || '\"' END"
        case _ if str(kind) == "JSON" or kind.id == "decimal":
            text = f"CAST({sql} AS VARCHAR)"
        case _:
            text = f"CAST(to_json({sql}) AS VARCHAR)"
    return f"coalesce({text}, 'null')"


def children(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """Return the names and types of what a nested type is made of."""
    return [(name, child) for name, child in kind.children if isinstance(child, DuckDBPyType)]


def valid_json(text: str) -> str:
    """Write NaN and the infinities in DuckDB's JSON as texts."""
    return NUMBERS_UNKNOWN_TO_JSON.sub(
        lambda found: found[0] if found[0].startswith('"') else f'"{found[0]}"', text
    )


def json_value(column: Column, value: Any, *, characters: int) -> Any:
    """Return a column's fetched value as JSON has it. Text longer than `characters` ends in an ellipsis."""
    match value:
        case bool() | None:
            return value
        case int():
            return value if abs(value) <= LARGEST_EXACT_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else NOT_FINITE[str(value)]
        case Decimal():
            return json_decimal(value)
        case _ if column.kind in MOMENTS:
            return _in_iso_8601(column.type, value)
        case _:
            return shortened(value, characters)


def json_values(column: Column, values: Sequence[Any], *, characters: int) -> Sequence[Any]:
    """Return `json_value` of each value. Most columns hold only values that are in JSON what they are."""
    filled = [value for value in values if value is not None]
    types = set(map(type, filled))
    if types == {str} and column.kind in MOMENTS and all(mark not in "".join(filled) for mark in UNUSUAL):
        zone = _zone(column.type)
        return [value and value.replace(" ", "T") + zone for value in values]
    if (
        (types <= {bool})
        or (types == {int} and max(filled) <= LARGEST_EXACT_INTEGER and min(filled) >= -LARGEST_EXACT_INTEGER)
        or (types == {float} and all(map(math.isfinite, filled)))
        or (types == {str} and column.kind not in MOMENTS and max(map(len, filled)) <= characters)
    ):
        return values
    return [json_value(column, value, characters=characters) for value in values]


def shortened(text: str, characters: int) -> str:
    """Return the text, or its first characters and an ellipsis if it is longer."""
    return text if len(text) <= characters else text[:characters] + ELLIPSIS


def _in_iso_8601(duckdb_type: str, text: str) -> str:
    """Return DuckDB's text of a date or timestamp as `iso_8601` makes it; SQL for it takes long to plan."""
    if text.endswith(INFINITY):
        moment = edge(duckdb_type).first if text.startswith("-") else edge(duckdb_type).last
    elif BEFORE_CHRIST in text:
        year, mark, rest = text.replace(BEFORE_CHRIST, "").partition("-")
        moment = (f"{1 - int(year):05d}" if int(year) > 1 else "0000") + mark + rest
    else:
        moment = text
    return moment.replace(" ", "T") + _zone(duckdb_type)


def _zone(duckdb_type: str) -> str:
    return "Z" if has_zone(duckdb_type) else ""


def json_decimal(value: Decimal) -> int | float | str:
    if value == value.to_integral_value():
        return int(value) if abs(value) <= LARGEST_EXACT_INTEGER else str(int(value))
    rounded = float(value)
    return rounded if Decimal(repr(rounded)) == value else str(value)

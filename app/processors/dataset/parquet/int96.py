"""Times that a Parquet file holds as INT96: eight bytes of nanoseconds, four of a Julian day.

DuckDB alone drops the nanoseconds and loses count in far years. A patched footer
(see `footer`) makes it read the same twelve bytes as an INTERVAL: the nanoseconds
are in its months (the lower half) and days (the upper half), the Julian day is in
its milliseconds.

A column becomes TIMESTAMP where all its values are whole microseconds, TIMESTAMP_NS
where all are between 1677 and 2262, else text in ISO 8601.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import duckdb
from duckdb import DuckDBPyConnection
from duckdb.sqltypes import DuckDBPyType

from app.processors.dataset.engine import identifier, literal
from app.processors.dataset.values import children, iso_8601

JULIAN_DAY_OF_1970 = 2_440_588
DAY_MICROSECONDS = 86_400_000_000
#: From 1970, as many as 64 bits hold; the first microsecond of them is left out.
LAST_NANOSECOND, FIRST_NANOSECOND = 2**63 - 1, -(2**63) + 1_000
#: Days that 64 bits of microseconds hold, with room for nanoseconds that are more than a day.
LAST_MICROSECOND_DAY = 106_751_000


class Form(Enum):
    """What the times of a column become."""

    MICROSECONDS = "TIMESTAMP"
    NANOSECONDS = "TIMESTAMP_NS"
    TEXT = "VARCHAR"


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a column: `is_far` asks for arithmetic beyond 64 bits, which takes longer."""

    form: Form
    is_far: bool


def reading_of(connection: DuckDBPyConnection, source: str, sql: str, duckdb_type: str) -> Reading:
    """Return what suits every time in a column of intervals, or of nested types with some."""
    leaves = _leaves(duckdb.sqltype(duckdb_type), sql)
    exact = f"({_day('t')}::HUGEINT * {DAY_MICROSECONDS} * 1000 + {_nanoseconds('t')})"
    query = f"""
        SELECT count(*) FILTER ({_nanoseconds("t")} % 1000 <> 0), max(abs({_day("t")})),
               bool_and({exact} BETWEEN {FIRST_NANOSECOND} AND {LAST_NANOSECOND})
        FROM (SELECT unnest({leaves}) AS t FROM {source})
    """
    finer, farthest, fits = connection.execute(query).fetchone() or (0, 0, True)
    is_far = (farthest or 0) > LAST_MICROSECOND_DAY
    if not finer:
        return Reading(Form.MICROSECONDS, is_far)
    return Reading(Form.NANOSECONDS if fits else Form.TEXT, is_far)


def times(sql: str, duckdb_type: str, reading: Reading) -> str:
    """Return SQL for a column with its intervals turned into times."""
    return _mapped(duckdb.sqltype(duckdb_type), sql, lambda leaf: _time(leaf, reading))


def _time(sql: str, reading: Reading) -> str:
    microseconds = _turned_microseconds(sql) if reading.is_far else _microseconds(sql, "BIGINT")
    match reading.form:
        case Form.MICROSECONDS:
            return f"make_timestamp({microseconds})"
        case Form.NANOSECONDS:
            nanoseconds = f"({microseconds} * 1000 + {_fraction(sql)})"
            # To DuckDB, the last of them is infinity, which this function refuses to make.
            last = f"{nanoseconds} = {LAST_NANOSECOND}"
            return f"CASE WHEN {last} THEN 'infinity' ELSE make_timestamp_ns({nanoseconds}) END"
        case Form.TEXT:
            whole = f"time_bucket(INTERVAL 1 SECOND, make_timestamp({microseconds}))"
            nanoseconds = f"((({microseconds} % 1000000) + 1000000) % 1000000) * 1000 + {_fraction(sql)}"
            return f"{iso_8601('TIMESTAMP', whole)} || '.' || format('{{:09d}}', {nanoseconds})"


def _nanoseconds(sql: str) -> str:
    months = f"(datepart('year', {sql}) * 12 + datepart('month', {sql}))"
    return f"(datepart('day', {sql}) * 4294967296 + ({months} & 4294967295))"


def _fraction(sql: str) -> str:
    """Return SQL for the nanoseconds of a microsecond."""
    return f"((({_nanoseconds(sql)} % 1000) + 1000) % 1000)"


def _day(sql: str) -> str:
    """Return SQL for the days since 1970; the Julian day is a signed number that DuckDB takes as unsigned."""
    milliseconds = (
        f"(datepart('hour', {sql}) * 3600000 + datepart('minute', {sql}) * 60000"
        f" + datepart('millisecond', {sql}))"
    )
    signed = f"{milliseconds} - CASE WHEN {milliseconds} >= 2147483648 THEN 4294967296 ELSE 0 END"
    return f"({signed} - {JULIAN_DAY_OF_1970})"


def _microseconds(sql: str, integer: str) -> str:
    """Return SQL for microseconds since 1970, counted in this type."""
    of_day = f"(({_nanoseconds(sql)} - {_fraction(sql)}) // 1000)"
    return f"(CAST({_day(sql)} AS {integer}) * {DAY_MICROSECONDS} + {of_day})"


def _turned_microseconds(sql: str) -> str:
    """Return SQL for microseconds of 64 bits: beyond them Spark counts on from the other end."""
    turn = "18446744073709551616::HUGEINT"
    half = "9223372036854775808::HUGEINT"
    exact = _microseconds(sql, "HUGEINT")
    return f"CAST((({exact} + {half}) % {turn} + {turn}) % {turn} - {half} AS BIGINT)"


def _leaves(kind: DuckDBPyType, sql: str, depth: int = 0) -> str:
    """Return SQL for a list of all intervals in a value."""
    inner = f"v{depth}"
    match kind.id:
        case "interval":
            return f"[{sql}]"
        case "list" | "array":
            item = _leaves(children(kind)[0][1], inner, depth + 1)
            return f"flatten(list_transform({sql}, lambda {inner}: {item}))"
        case "map":
            parts = [
                _leaves(part, f"map_{side}({sql})", depth)
                for side, (_, child) in zip(("keys", "values"), children(kind), strict=True)
                for part in [duckdb.sqltype(f"{child}[]")]
            ]
            return f"list_concat({', '.join(parts)})"
        case "struct":
            parts = [
                _leaves(child, f"struct_extract({sql}, {literal(name)})", depth)
                for name, child in children(kind)
            ]
            return f"list_concat({', '.join(parts)})" if len(parts) > 1 else parts[0]
        case _:
            return "[]::INTERVAL[]"


def _mapped(kind: DuckDBPyType, sql: str, change: Callable[[str], str], depth: int = 0) -> str:
    """Return SQL for a value with each interval in it changed."""
    inner = f"v{depth}"
    match kind.id:
        case "interval":
            return change(sql)
        case "list" | "array":
            item = _mapped(children(kind)[0][1], inner, change, depth + 1)
            return f"list_transform({sql}, lambda {inner}: {item})"
        case "map":
            (_, key), (_, value) = children(kind)
            keys = _mapped(duckdb.sqltype(f"{key}[]"), f"map_keys({sql})", change, depth)
            values = _mapped(duckdb.sqltype(f"{value}[]"), f"map_values({sql})", change, depth)
            return f"CASE WHEN {sql} IS NOT NULL THEN map({keys}, {values}) END"
        case "struct":
            members = [
                f"{identifier(name)} := "
                + _mapped(child, f"struct_extract({sql}, {literal(name)})", change, depth)
                for name, child in children(kind)
            ]
            return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(members)}) END"
        case _:
            return sql

"""Times that a Parquet file holds as INT96: eight bytes of nanoseconds, four of a Julian day.

DuckDB alone drops the nanoseconds and loses count in far years. A patched footer
(see `footer`) makes it read the same twelve bytes as an INTERVAL: the nanoseconds
are in its months (the lower half) and days (the upper half), the Julian day is in
its milliseconds.

A column becomes TIMESTAMP where all its values are whole microseconds, TIMESTAMP_NS
where all are between 1677 and 2262, else text in ISO 8601.
"""

from dataclasses import dataclass
from enum import Enum

import duckdb
from duckdb import DuckDBPyConnection
from duckdb.sqltypes import DuckDBPyType

from app.processors.dataset.parquet.nested import changed, leaves
from app.processors.dataset.values import iso_8601

JULIAN_DAY_OF_1970 = 2_440_588
DAY_MICROSECONDS = 86_400_000_000
#: The nanoseconds from 1970 that 64 bits hold, without their first microsecond.
LAST_NANOSECOND, FIRST_NANOSECOND = 2**63 - 1, -(2**63) + 1_000
#: Days that 64 bits of microseconds hold, with room for nanoseconds that are more than a day.
LAST_MICROSECOND_DAY = 106_751_000


class Form(Enum):
    """The type that the times of a column get."""

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
    intervals = leaves(duckdb.sqltype(duckdb_type), sql, _interval, "INTERVAL")
    exact = f"({_day('t')}::HUGEINT * {DAY_MICROSECONDS} * 1000 + {_nanoseconds('t')})"
    query = f"""
        SELECT count(*) FILTER ({_nanoseconds("t")} % 1000 <> 0), max(abs({_day("t")})),
               bool_and({exact} BETWEEN {FIRST_NANOSECOND} AND {LAST_NANOSECOND})
        FROM (SELECT unnest({intervals}) AS t FROM {source})
    """
    finer, farthest, fits = connection.execute(query).fetchone() or (0, 0, True)
    is_far = (farthest or 0) > LAST_MICROSECOND_DAY
    if not finer:
        return Reading(Form.MICROSECONDS, is_far)
    return Reading(Form.NANOSECONDS if fits else Form.TEXT, is_far)


def times(sql: str, duckdb_type: str, reading: Reading) -> str:
    """Return SQL for a column with its intervals turned into times."""
    return changed(
        duckdb.sqltype(duckdb_type), sql, lambda kind, leaf: _interval(kind, leaf) and _time(leaf, reading)
    )


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


def _interval(kind: DuckDBPyType, sql: str) -> str | None:
    return sql if kind.id == "interval" else None

"""Timestamps that 64 bits of microseconds do not hold, or that DuckDB cannot print, are refused.

DuckDB reads the first and the last number of 64 bits as infinities in any unit.
Of microseconds they are the moments that they are; of milliseconds they are not.
"""

from collections.abc import Collection, Sequence

from duckdb import DuckDBPyConnection, sqltype
from duckdb.sqltypes import DuckDBPyType

from app.domain.errors import InvalidPayload, ProblemCode
from app.processors.dataset.columns import Column
from app.processors.dataset.parquet.nested import has_leaf, leaves
from app.processors.dataset.values import in_utc

COLUMNS_AT_ONCE = 100
#: DuckDB cannot print timestamps that are earlier.
FIRST_TIMESTAMP = "TIMESTAMP '290307-01-01 (BC)'"


def refuse_far_timestamps(
    connection: DuckDBPyConnection, source: str, columns: dict[int, Column], in_milliseconds: Collection[int]
) -> None:
    """Raise InvalidPayload by the column that holds such a timestamp; columns are c0, c1, … of the source."""
    kinds = {place: sqltype(column.type) for place, column in columns.items()}
    places = [place for place, kind in kinds.items() if has_leaf(kind, _moment)]
    for infinite, is_milliseconds in (("NOT isfinite(t)", True), ("false", False)):
        in_unit = [place for place in places if (place in in_milliseconds) is is_milliseconds]
        moments = {place: leaves(kinds[place], f"c{place}", _moment, "TIMESTAMP") for place in in_unit}
        for start in range(0, len(in_unit), COLUMNS_AT_ONCE):
            some = in_unit[start : start + COLUMNS_AT_ONCE]
            if not _has_far(connection, source, [moments[place] for place in some], infinite):
                continue
            place = next(one for one in some if _has_far(connection, source, [moments[one]], infinite))
            detail = (
                f"Column {place + 1} holds a timestamp outside of the years -290306 to 294247,"
                " which is not supported."
            )
            raise InvalidPayload(ProblemCode.INVALID_CONTENT, detail)


def _has_far(connection: DuckDBPyConnection, source: str, moments: Sequence[str], infinite: str) -> bool:
    query = f"""
        SELECT bool_or(CASE WHEN isfinite(t) THEN t < {FIRST_TIMESTAMP} ELSE {infinite} END)
        FROM (SELECT unnest(flatten([{", ".join(moments)}])) AS t FROM {source})
    """
    return connection.execute(query).fetchone() == (True,)


def _moment(kind: DuckDBPyType, sql: str) -> str | None:
    return in_utc(str(kind), sql) if kind.id in ("timestamp", "timestamp with time zone") else None

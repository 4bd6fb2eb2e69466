"""Columns that a Parquet file calls JSON, and that hold something else: they are text.

DuckDB takes what is nearly JSON (a comma too many, nan) for JSON, and refuses a file
with anything else (see `footer`). Inside another type, such a text becomes a string of the JSON around it.
"""

from collections.abc import Sequence

from duckdb import DuckDBPyConnection, sqltype
from duckdb.sqltypes import DuckDBPyType

from app.processors.dataset.columns import Column
from app.processors.dataset.engine import literal
from app.processors.dataset.parquet.nested import changed, has_leaf, leaves

#: Strings, and the numbers that `valid_json` makes strings of.
SOUND = r'"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity)'
#: Other texts that DuckDB's reader allows but JSON does not (RFC 8259).
NEARLY_JSON = r"(?i),\s*[}\]]|nan|inf"


def texts_for_json(connection: DuckDBPyConnection, source: str, columns: Sequence[Column]) -> dict[int, str]:
    """Return SQL for the columns of the table c0, c1, … in which some JSON is not valid."""
    kinds = {place: sqltype(column.type) for place, column in enumerate(columns)}
    return {
        place: changed(kind, f"c{place}", _as_text)
        for place, kind in kinds.items()
        if has_leaf(kind, _as_text) and not _is_valid(connection, source, kind, f"c{place}")
    }


def _as_text(kind: DuckDBPyType, sql: str) -> str | None:
    return f"CAST({sql} AS VARCHAR)" if str(kind) == "JSON" else None


def _is_valid(connection: DuckDBPyConnection, source: str, kind: DuckDBPyType, sql: str) -> bool:
    texts = leaves(kind, sql, _as_text, "VARCHAR")
    return is_json(connection, f"(SELECT unnest({texts}) AS t FROM {source})", "t")


def is_json(connection: DuckDBPyConnection, source: str, text: str) -> bool:
    """True if all texts of the table, but nulls, are valid JSON."""
    rest = f"regexp_replace({text}, {literal(SOUND)}, '0', 'g')"
    valid = f"json_valid({text}) AND NOT regexp_matches({rest}, {literal(NEARLY_JSON)})"
    found = connection.execute(f"SELECT bool_and({valid}) FROM {source} WHERE {text} IS NOT NULL").fetchone()
    return found != (False,)

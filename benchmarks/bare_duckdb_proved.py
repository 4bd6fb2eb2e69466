"""Process a table with DuckDB alone, and promise by hand what the dataset processor promises of its cells.

A cell of a CSV is read as text and cast, and the value must print as the text; a column in which some value
does not stays text. JSON with a number that a double would change is refused. The rows are counted by another
reader. Written are Parquet, the same figures of each column in `profile.json`, and the first rows in
`preview.json`. Encodings, other ways to write numbers and days, and damaged files are left to DuckDB.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

THREADS = 2
EXACT_ROWS, EXACT_DISTINCT, EXACT_TOP_DISTINCT = 20_000, 500_000, 20_000
EXACT_QUARTILE_ROWS = 4_000_000
BINS, TOP, CANDIDATES, FIRST_ROWS = 20, 10, 50, 100
CHUNK_BYTES = 1 << 20
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # what the file holds has no zone
NUMBERS, MOMENTS, RANKED = ("BIGINT", "DOUBLE"), ("DATE", "TIMESTAMP"), ("VARCHAR", "BOOLEAN")
PROVED = (*NUMBERS, *MOMENTS, "BOOLEAN")
NOT_PROVED = "a value does not print as its text"
#: Numbers of 16 digits or more, with a last zero behind other decimals, with an exponent, or -0; what is
#: not JSON, but DuckDB reads it.
CHANGED = (
    r"[:,\[]\s*-?(?:[0-9.]{17,}|[0-9]{16,}|[0-9]+[.][0-9]+0\b|[0-9.]+[eE]|(?i:nan|inf))"
    r"|[:,\[]\s*-0[,}\]\s]|,\s*[}\]]"
)
#: The first characters of formulas, and those that begin numbers, too.
FORMULA_STARTS, SIGNS = tuple(map(ord, "=@\t\r")), tuple(map(ord, "+-"))
#: A lone sign, an amount of money, a percentage and a phone number begin like formulas, but are none.
AMOUNT = r"\p{Sc}?[\s\p{Z}]*[.,]?[0-9][0-9.,''’\s\p{Z}]*([eE][+-]?[0-9]+)?[\s\p{Z}]*[\p{Sc}%]?"
NO_FORMULA = rf"[+-][\s\p{{Z}}]*({AMOUNT})?[\s\p{{Z}}]*|\+[0-9]{{1,3}}([ ().-]*[0-9]{{2,}})+"

#: The types of columns by their names.
Types = Mapping[str, str]


class NotProvedError(Exception):
    """DuckDB would change or lose something in the file."""


def run(source: Path, output: Path) -> None:
    table = output / "data.parquet"
    write = WRITERS[source.suffix]
    with duckdb.connect(config={"threads": THREADS}) as connection:
        rows = write(connection, str(source), table)
        _write(output / "profile.json", {"rows": rows, "columns": _profile(connection, f"'{table}'", rows)})
        _write(output / "preview.json", connection.execute(f"FROM '{table}' LIMIT {FIRST_ROWS}").fetchall())


def _write_csv(connection: DuckDBPyConnection, source: str, table: Path) -> int:
    types = _types(connection, f"read_csv('{source}')")
    rows = _write_proved(connection, f"read_csv('{source}', all_varchar = true)", types, table)
    # Line ends within quotes are none between rows; the header is a row.
    return _as_expected(rows, _count_unquoted_line_ends(source) - 1)


def _write_json(connection: DuckDBPyConnection, source: str, table: Path) -> int:
    changed = f"FROM read_ndjson_objects('{source}') WHERE regexp_matches(json, '{CHANGED}') LIMIT 1"
    if connection.execute(changed).fetchone():
        raise NotProvedError("A number would be changed.")
    types = _types(connection, f"read_ndjson('{source}', sample_size = -1)")
    read_as = {name: "VARCHAR" if kind in MOMENTS else kind for name, kind in types.items()}
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in read_as.items())
    texts = {name: kind for name, kind in types.items() if kind != read_as[name]}
    rows = _write_proved(connection, f"read_ndjson('{source}', columns = {{{columns}}})", texts, table)
    with Path(source).open("rb") as lines:
        return _as_expected(rows, sum(not line.isspace() for line in lines))


def _write_parquet(connection: DuckDBPyConnection, source: str, table: Path) -> int:
    footer = connection.execute(f"SELECT num_rows FROM parquet_file_metadata('{source}')").fetchone()
    return _as_expected(_copy(connection, f"FROM '{source}'", table), footer[0] if footer else 0)


WRITERS: Mapping[str, Callable[[DuckDBPyConnection, str, Path], int]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".parquet": _write_parquet,
}


def _write_proved(connection: DuckDBPyConnection, read: str, types: Types, table: Path) -> int:
    """Write the rows, with the columns of text in these types where each value prints as its text."""
    types = {name: kind for name, kind in types.items() if kind in PROVED}
    try:
        return _copy(connection, _proved(read, types), table)
    except duckdb.InvalidInputException as error:
        if NOT_PROVED not in str(error):
            raise
    proofs = ", ".join(f"bool_and({_prints_as_text(name, kind)})" for name, kind in types.items())
    held = connection.execute(f"SELECT {proofs} FROM {read}").fetchone() or ()
    kept = {name: kind for (name, kind), is_proved in zip(types.items(), held, strict=True) if is_proved}
    return _copy(connection, _proved(read, kept), table)


def _proved(read: str, types: Types) -> str:
    if not types:
        return f"FROM {read}"
    values = ", ".join(f'TRY_CAST("{name}" AS {kind}) AS "{name}"' for name, kind in types.items())
    proofs = " AND ".join(_prints_as_text(name, kind) for name, kind in types.items())
    proved = f"CASE WHEN {proofs} THEN true ELSE error('{NOT_PROVED}') END"
    return f"SELECT * REPLACE ({values}) FROM {read} WHERE {proved}"


def _prints_as_text(name: str, kind: str) -> str:
    return f'CAST(TRY_CAST("{name}" AS {kind}) AS VARCHAR) IS NOT DISTINCT FROM "{name}"'


def _copy(connection: DuckDBPyConnection, query: str, table: Path) -> int:
    found = connection.execute(f"COPY ({query}) TO '{table}' (FORMAT parquet, COMPRESSION zstd)").fetchone()
    return int(found[0]) if found else 0


def _as_expected(rows: int, expected: int) -> int:
    if rows != expected:
        raise NotProvedError(f"{rows} of {expected} rows were read.")
    return rows


def _count_unquoted_line_ends(source: str) -> int:
    count, is_quoted = 0, False
    with Path(source).open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            for number, piece in enumerate(chunk.split(b'"')):
                is_quoted ^= number > 0
                count += 0 if is_quoted else piece.count(b"\n")
    return count


def _profile(connection: DuckDBPyConnection, table: str, rows: int) -> list[dict[str, Any]]:
    types = _types(connection, table)
    figures = {name: _figures(name, kind, rows) for name, kind in types.items()}
    selected = ", ".join(sql for each in figures.values() for sql in each.values())
    values = iter(connection.execute(f"SELECT {selected} FROM {table}").fetchone() or ())
    columns = [
        {"name": name, "type": types[name], **{figure: next(values) for figure in each}}
        for name, each in figures.items()
    ]
    for column in columns:
        if column["type"] in RANKED:
            _count_top(connection, table, column)
    _count_distinct(connection, table, columns, rows)
    _count_bins(connection, table, columns)
    return columns


def _figures(name: str, kind: str, rows: int) -> dict[str, str]:
    """Return the SQL of the figures that one query finds for all columns."""
    cell = f'"{name}"'
    value = f"CASE WHEN isfinite({cell}) THEN {cell} END" if kind == "DOUBLE" else cell
    figures = {"nulls": f"count(*) - count({cell})", "distinct": f"approx_count_distinct({cell})"}
    if kind != "BOOLEAN":
        figures |= {"min": f"min({value})", "max": f"max({value})"}
    if kind in NUMBERS:
        figures |= {"mean": f"avg({value})", "std": f"stddev_samp({value})"}
    if kind in NUMBERS + MOMENTS:
        quantile = "quantile_cont" if rows <= EXACT_QUARTILE_ROWS else "approx_quantile"
        figures["quartiles"] = f"{quantile}({value}, [0.25, 0.5, 0.75])"
        figures["non_finite"] = f"count({cell}) - count({value})"
    if kind == "VARCHAR":
        is_formula = (
            f"CASE WHEN ascii({cell}) IN {SIGNS} THEN NOT regexp_full_match({cell}, '{NO_FORMULA}')"
            f" ELSE ascii({cell}) IN {FORMULA_STARTS} END"
        )
        figures["formula_like"] = f"count(*) FILTER ({is_formula})"
    return figures


def _count_top(connection: DuckDBPyConnection, table: str, column: dict[str, Any]) -> None:
    """Find the most frequent values; of very many, the likely ones."""
    cell = f'"{column["name"]}"'
    order = f"ORDER BY times DESC, {cell} LIMIT {TOP}"
    if column["distinct"] <= EXACT_TOP_DISTINCT:
        groups = f"SELECT {cell}, count(*) AS times FROM {table} WHERE {cell} IS NOT NULL GROUP BY ALL"
        found = connection.execute(f"SELECT *, count(*) OVER () FROM ({groups}) {order}").fetchall()
        column["distinct"] = found[0][2] if found else 0
    else:
        likely = f"SELECT unnest(approx_top_k({cell}, {CANDIDATES})) FROM {table}"
        groups = f"SELECT {cell}, count(*) AS times FROM {table} WHERE {cell} IN ({likely}) GROUP BY ALL"
        found = connection.execute(f"{groups} {order}").fetchall()
    column["top"] = [{"value": value, "count": times} for value, times, *_ in found]


def _count_distinct(
    connection: DuckDBPyConnection, table: str, columns: Sequence[dict[str, Any]], rows: int
) -> None:
    """Count the different values of columns that do not have very many."""
    few = [
        column
        for column in columns
        if column["type"] not in RANKED or column["distinct"] > EXACT_TOP_DISTINCT
        if rows <= EXACT_ROWS or column["distinct"] <= EXACT_DISTINCT
    ]
    if few:
        counts = ", ".join(f'count(DISTINCT "{column["name"]}")' for column in few)
        found = connection.execute(f"SELECT {counts} FROM {table}").fetchone() or ()
        for column, distinct in zip(few, found, strict=True):
            column["distinct"] = distinct


def _count_bins(connection: DuckDBPyConnection, table: str, columns: Sequence[dict[str, Any]]) -> None:
    """Count the values of each column of numbers and dates in bins of equal width."""
    ranges = {
        place: (_number(column["min"]), _number(column["max"]))
        for place, column in enumerate(columns)
        if column.get("quartiles") and column["max"] > column["min"]
    }
    if not ranges:
        return
    queries = (_bins(table, columns[place], place, *ends) for place, ends in ranges.items())
    found = connection.execute(" UNION ALL ".join(queries)).fetchall()
    for place, (low, high) in ranges.items():
        counts = {number: count for of, number, count in found if of == place}
        columns[place]["histogram"] = {
            "edges": [low + (high - low) / BINS * number for number in range(BINS + 1)],
            "counts": [counts.get(number, 0) for number in range(BINS)],
        }


def _bins(table: str, column: Mapping[str, Any], place: int, low: float, high: float) -> str:
    cell = f'"{column["name"]}"'
    number = f"epoch({cell})" if column["type"] in MOMENTS else cell
    width = (high - low) / BINS
    bin_number = f"CAST(greatest(0, least({BINS - 1}, floor(({number} - {low}) / {width}))) AS UTINYINT)"
    finite = f"isfinite({cell})" if column["type"] == "DOUBLE" else f"{cell} IS NOT NULL"
    return f"SELECT {place}, {bin_number} AS bin, count(*) FROM {table} WHERE {finite} GROUP BY ALL"


def _number(value: Any) -> float:
    """Return a number, or the seconds since 1970 of a date or timestamp."""
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime.combine(value, time())
        return (moment - EPOCH).total_seconds()
    return float(value)


def _types(connection: DuckDBPyConnection, table: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE FROM {table}").fetchall()}


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, default=str), encoding="utf-8")
